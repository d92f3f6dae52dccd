-- The day in the books where it may be another than the one beside it; without it, it is that one.
ALTER TABLE receivables.bank_booking ADD COLUMN stated_on date;     -- when a statement booked what a notification had announced
ALTER TABLE receivables.fee ADD COLUMN charged_on date;
GRANT UPDATE (stated_on) ON receivables.bank_booking TO hoeksteen_app;
