-- What comes back is looked up by mandate and by bill, also among a million of them, while everybody else waits.
CREATE INDEX mandate_id_of ON receivables.mandate (mandate_id);
CREATE INDEX collection_bill ON receivables.collection (customer_bill_id);

-- That a whole file or batch was refused stands in status_report_refusal.level, and no longer before the reason.
UPDATE receivables.collection SET reason = substr(reason, 6) WHERE reason LIKE 'file %';
