-- What will not be paid any more, and money held as security.
CREATE TABLE receivables.write_off (
    customer_id uuid NOT NULL,
    write_off_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    vat numeric(14, 2) NOT NULL CHECK (vat BETWEEN 0 AND amount),     -- of the amount, to be asked back from the tax authority
    why text NOT NULL,
    written_off_by text NOT NULL,
    written_off_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, write_off_id)
);
CREATE TABLE receivables.deposit (
    customer_id uuid NOT NULL,
    deposit_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    why text NOT NULL,
    held_by text NOT NULL,
    held_at timestamptz NOT NULL,
    released_by text,
    released_at timestamptz,
    PRIMARY KEY (customer_id, deposit_id),
    CHECK ((released_by IS NULL) = (released_at IS NULL))
);
GRANT SELECT, INSERT ON receivables.write_off, receivables.deposit TO hoeksteen_app;
GRANT UPDATE (released_by, released_at) ON receivables.deposit TO hoeksteen_app;
