-- Notes that were written in another system: `actor` is then the role of who wrote it there, and this the system, by its name for people.
-- `source_key` is the pseudonym of the legacy record that brought it.
ALTER TABLE care.note ADD COLUMN origin text, ADD COLUMN source_key uuid;
CREATE INDEX note_id_of ON care.note (note_id) WHERE origin IS NOT NULL;
-- whose it is changes only when customers are merged or taken apart, which seals it anew
GRANT UPDATE (customer_id, subject_id, blob) ON care.note TO hoeksteen_app;
-- what was contested in another system goes where its item does
GRANT UPDATE (customer_id), DELETE ON care.dispute TO hoeksteen_app;
