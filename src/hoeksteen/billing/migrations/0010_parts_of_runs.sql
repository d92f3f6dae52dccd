-- A run is worked on in parts, side by side, a process each. How far a part is moves in the same transaction as the bills of a batch.
-- A billing account belongs to part `last byte of its identifier mod number of parts`, so that a part reads its own buckets of the lake.
CREATE TABLE billing.bill_run_part (
    bill_run_id uuid NOT NULL REFERENCES billing.bill_run ON DELETE CASCADE,
    part smallint NOT NULL CHECK (part >= 0),
    last_billing_account_id uuid,
    PRIMARY KEY (bill_run_id, part)
);
INSERT INTO billing.bill_run_part (bill_run_id, part, last_billing_account_id) SELECT bill_run_id, 0, last_billing_account_id FROM billing.bill_run;
ALTER TABLE billing.bill_run DROP COLUMN last_billing_account_id;
GRANT SELECT, INSERT, UPDATE ON billing.bill_run_part TO hoeksteen_app;
