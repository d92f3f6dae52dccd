-- The bank's own booking day, where the books of that day were closed when the statement came: `booked_on` is then the first day that was open.
ALTER TABLE receivables.bank_entry ADD COLUMN bank_day date CHECK (bank_day < booked_on);
