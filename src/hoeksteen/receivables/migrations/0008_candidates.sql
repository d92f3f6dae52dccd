-- Whose an unmatched payment may be, where there are several; whoever decides looks at each.
ALTER TABLE receivables.bank_entry ADD COLUMN candidates uuid[];
