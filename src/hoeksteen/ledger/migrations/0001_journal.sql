CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO hoeksteen_app;

CREATE TABLE ledger.ledger_account (
    ledger_account_code text PRIMARY KEY,
    name_nl text NOT NULL,
    name_en text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'revenue', 'expense'))
);
INSERT INTO ledger.ledger_account (ledger_account_code, name_nl, name_en, kind) VALUES
    ('1100', 'Bank', 'Bank', 'asset'),
    ('1300', 'Debiteuren', 'Trade debtors', 'asset'),
    ('1600', 'Af te dragen btw', 'VAT payable', 'liability'),
    ('4700', 'Afrondingsverschillen', 'Rounding differences', 'expense'),
    ('8010', 'Omzet mobiel', 'Revenue mobile', 'revenue'),
    ('8020', 'Omzet vaste telefonie', 'Revenue fixed telephony', 'revenue'),
    ('8030', 'Omzet internet en televisie', 'Revenue internet and television', 'revenue'),
    ('8090', 'Overige omzet', 'Other revenue', 'revenue');

CREATE TABLE ledger.journal_entry (
    journal_entry_id uuid PRIMARY KEY,
    booked_on date NOT NULL,
    source text NOT NULL,
    reference text NOT NULL,
    posted_at timestamptz NOT NULL,
    UNIQUE (source, reference)
);

-- A debit is positive, a credit negative.
CREATE TABLE ledger.posting (
    journal_entry_id uuid NOT NULL REFERENCES ledger.journal_entry,
    line smallint NOT NULL,
    ledger_account_code text NOT NULL REFERENCES ledger.ledger_account,
    customer_id uuid,
    billing_account_id uuid,
    amount numeric(14, 2) NOT NULL,
    currency text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    PRIMARY KEY (journal_entry_id, line)
);
CREATE INDEX posting_customer ON ledger.posting (customer_id, ledger_account_code) WHERE customer_id IS NOT NULL;

-- What is added to an entry in one statement sums to zero, so that no statement can ever unbalance an entry that stood.
-- Set-based on purpose: a trigger per row costs more than the insert itself.
CREATE FUNCTION ledger.refuse_unbalanced_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of a journal entry do not sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_sums_to_zero';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entry_sums_to_zero AFTER INSERT ON ledger.posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_unbalanced_postings();

-- At commit each new entry has at least two postings, and sums to zero per currency.
CREATE FUNCTION ledger.refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    count_of_postings bigint;
    worst numeric;
BEGIN
    SELECT coalesce(sum(part.postings), 0), coalesce(max(abs(part.total)), 0) INTO count_of_postings, worst
    FROM (SELECT count(*) AS postings, sum(amount) AS total FROM ledger.posting WHERE journal_entry_id = NEW.journal_entry_id GROUP BY currency) part;
    IF count_of_postings < 2 OR worst <> 0 THEN
        RAISE EXCEPTION 'a journal entry has no balanced postings' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_sums_to_zero';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_entry_sums_to_zero AFTER INSERT ON ledger.journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced_entry();

-- Append-only by privilege: the application may add, never change or remove.
GRANT SELECT, INSERT ON ledger.journal_entry, ledger.posting TO hoeksteen_app;
GRANT SELECT ON ledger.ledger_account TO hoeksteen_app;
