-- What customers owed, or had to their credit, in a system before this one. It is posted once, against the conversion account, and settled by
-- allocations as a bill or a credit note is; `source_key` is the pseudonym of the legacy record that brought it.
CREATE TABLE receivables.carried_item (
    customer_id uuid NOT NULL,
    carried_item_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    source text NOT NULL,
    source_key uuid NOT NULL,
    origin text NOT NULL,                           -- the former system, by its name for people
    kind text NOT NULL CHECK (kind IN ('invoice', 'balance')),
    reference text NOT NULL CHECK (reference ~ '^[A-Za-z0-9 ./-]{1,35}$'),  -- an invoice's number there
    reference_key text NOT NULL,                    -- its letters and digits, by which a payer's words are compared; empty of a balance
    bill_date date NOT NULL,
    due_date date NOT NULL CHECK (due_date >= bill_date),
    total numeric(14, 2) NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount <> 0),     -- euros that were open; less than nothing where the customer had them to their credit
    booked_on date NOT NULL,
    carried_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, carried_item_id)
);
CREATE INDEX carried_item_key ON receivables.carried_item (reference_key) WHERE reference_key <> '';
CREATE INDEX carried_item_id_of ON receivables.carried_item (carried_item_id);
CREATE INDEX carried_item_source ON receivables.carried_item (source);
GRANT SELECT, INSERT ON receivables.carried_item TO hoeksteen_app;
-- whose it is changes only when customers are merged or taken apart; what it is never does. It goes only where its customer is taken back.
GRANT UPDATE (customer_id, billing_account_id), DELETE ON receivables.carried_item TO hoeksteen_app;
GRANT DELETE ON receivables.mandate TO hoeksteen_app;
