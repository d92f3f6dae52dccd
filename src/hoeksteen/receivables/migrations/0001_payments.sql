CREATE SCHEMA receivables;
GRANT USAGE ON SCHEMA receivables TO hoeksteen_app;

CREATE TABLE receivables.payment (
    customer_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    received_on date NOT NULL,
    reference text NOT NULL,                        -- the number of the bill that the payer named; empty when none of ours
    bank_reference text,                            -- by which the bank names this booking; none where it was not told
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id)
);
CREATE UNIQUE INDEX payment_bank_reference ON receivables.payment (bank_reference);

-- What settled a bill, and for how much: a payment, or a credit note (`source_id` is its customer_bill_id).
-- What is left of either stays to the customer's credit, and settles later bills.
CREATE TABLE receivables.allocation (
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    source_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (customer_id, customer_bill_id, source_id)
);
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA receivables TO hoeksteen_app;
