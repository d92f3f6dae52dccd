-- Bills that do not wait for the cycle, for accounts whose last product has ended. What usage they charge is subtracted from what the period's
-- own run finds, so that late usage is billed and nothing is billed twice.
ALTER TABLE billing.bill_run DROP CONSTRAINT bill_run_kind_check;
ALTER TABLE billing.bill_run ADD CONSTRAINT bill_run_kind_check CHECK (kind IN ('trial', 'final', 'off_cycle', 'leaving'));

CREATE TABLE billing.leaving_bill (
    customer_id uuid NOT NULL,
    customer_bill_id uuid PRIMARY KEY,
    billing_account_id uuid NOT NULL,
    bill_run_id uuid NOT NULL REFERENCES billing.bill_run,
    period_from date NOT NULL,                      -- of the usage period, whose own run was still to come
    settled_by uuid REFERENCES billing.bill_run,    -- that run, or the later one that made up for it: it subtracted this bill's usage
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill
);
CREATE INDEX leaving_bill_open ON billing.leaving_bill (billing_account_id) WHERE settled_by IS NULL;
CREATE INDEX leaving_bill_account ON billing.leaving_bill (billing_account_id);
CREATE INDEX leaving_bill_settled ON billing.leaving_bill (settled_by);
GRANT SELECT, INSERT, UPDATE ON billing.leaving_bill TO hoeksteen_app;
