CREATE SCHEMA receivables;
GRANT USAGE ON SCHEMA receivables TO hoeksteen_app;

CREATE TABLE receivables.payment (
    customer_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    received_on date NOT NULL,
    reference text NOT NULL,                        -- what the payer wrote to say what it is for; empty when nothing
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id)
);

-- Which bill a payment has settled, and for how much. What is left of it stays to the customer's credit.
CREATE TABLE receivables.allocation (
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (customer_id, customer_bill_id, payment_id),
    FOREIGN KEY (customer_id, payment_id) REFERENCES receivables.payment
);
CREATE INDEX allocation_payment ON receivables.allocation (customer_id, payment_id);
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA receivables TO hoeksteen_app;
