CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO hoeksteen_app;

CREATE TABLE ledger.ledger_account (
    ledger_account_code text PRIMARY KEY,
    name_nl text NOT NULL,
    name_en text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'revenue', 'expense'))
);

CREATE TABLE ledger.journal_entry (
    journal_entry_id uuid PRIMARY KEY,
    booked_on date NOT NULL,
    source text NOT NULL,
    reference text NOT NULL,
    posted_at timestamptz NOT NULL,
    UNIQUE (source, reference)
);

CREATE TABLE ledger.posting (
    journal_entry_id uuid NOT NULL REFERENCES ledger.journal_entry,
    line smallint NOT NULL,
    ledger_account_code text NOT NULL REFERENCES ledger.ledger_account,
    customer_id uuid,
    billing_account_id uuid,
    amount numeric(14, 2) NOT NULL,
    currency text NOT NULL DEFAULT 'EUR',
    PRIMARY KEY (journal_entry_id, line)
);
CREATE INDEX posting_customer ON ledger.posting (customer_id, ledger_account_code);

-- Append-only by privilege: the application may add, never change or remove.
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ledger TO hoeksteen_app;
