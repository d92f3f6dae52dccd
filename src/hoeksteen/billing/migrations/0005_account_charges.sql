-- What somebody charges a billing account once, or credits it (below zero), beside what its products cost.
CREATE TABLE billing.account_charge (
    customer_id uuid NOT NULL,
    account_charge_id uuid PRIMARY KEY,
    billing_account_id uuid NOT NULL,
    charge_kind_id text,                            -- of the catalogue; none for what was written freely
    text_nl text NOT NULL CHECK (text_nl <> ''),
    text_en text NOT NULL CHECK (text_en <> ''),
    amount numeric(14, 2) NOT NULL CHECK (amount <> 0),
    tax_included boolean NOT NULL,
    tax_category text NOT NULL,
    tax_rate numeric(5, 2) NOT NULL,
    from_day date,                                  -- on the bill whose usage period this day lies in, or a later one; none: on the next
    why text NOT NULL CHECK (why <> ''),
    state text NOT NULL CHECK (state IN ('asked', 'granted', 'declined', 'withdrawn')),
    asked_by text NOT NULL CHECK (asked_by <> ''),
    asked_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> asked_by), -- the second person, where one was needed
    decided_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    customer_bill_id uuid,                          -- the final bill on which it stands, and what it comes to there
    billed numeric(14, 2),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL) AND (withdrawn_at IS NULL) = (withdrawn_by IS NULL)),
    CHECK (state <> 'declined' OR decided_by IS NOT NULL),
    CHECK ((customer_bill_id IS NULL) = (billed IS NULL) AND (state = 'granted' OR customer_bill_id IS NULL)),
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill
);
CREATE INDEX account_charge_of ON billing.account_charge (billing_account_id);
CREATE INDEX account_charge_to_come ON billing.account_charge (billing_account_id) WHERE state = 'granted' AND customer_bill_id IS NULL;
CREATE INDEX account_charge_to_decide ON billing.account_charge (asked_at) WHERE state = 'asked';
CREATE INDEX account_charge_billed ON billing.account_charge (customer_bill_id) WHERE customer_bill_id IS NOT NULL;
GRANT SELECT, INSERT ON billing.account_charge TO hoeksteen_app;
-- what was granted is never another amount; withdrawn and granted anew, both stand there
GRANT UPDATE (state, decided_by, decided_at, withdrawn_by, withdrawn_at, customer_bill_id, billed) ON billing.account_charge TO hoeksteen_app;

ALTER TABLE billing.applied_customer_billing_rate DROP CONSTRAINT applied_customer_billing_rate_kind_check;
ALTER TABLE billing.applied_customer_billing_rate ADD CONSTRAINT applied_customer_billing_rate_kind_check
    CHECK (kind IN ('recurring', 'one_time', 'usage', 'discount', 'credit', 'minimum', 'instalment'));
