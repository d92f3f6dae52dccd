-- Mandates for direct debit. The IBAN is sealed with the customer's party, category payment; it is not here.
CREATE TABLE receivables.mandate (
    customer_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    reference text UNIQUE,                          -- ours; one that was taken over from another system stays sealed beside the IBAN
    scheme text NOT NULL CHECK (scheme IN ('core', 'b2b')),
    kind text NOT NULL CHECK (kind IN ('recurring', 'one_off')),
    signed_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'revoked', 'lapsed', 'used')),
    is_first boolean NOT NULL DEFAULT true,         -- whether its next collection is the first
    last_used_on date,
    ended_on date,
    ended_why text,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, mandate_id)
);
CREATE UNIQUE INDEX mandate_active ON receivables.mandate (billing_account_id) WHERE state = 'active';
CREATE INDEX mandate_next ON receivables.mandate (customer_id) WHERE state = 'active';

CREATE TABLE receivables.collection_run (
    collection_run_id uuid PRIMARY KEY,
    collection_day date NOT NULL,
    state text NOT NULL CHECK (state IN ('prepared', 'filed')),
    prepared_by text NOT NULL,
    prepared_at timestamptz NOT NULL,
    filed_at timestamptz,
    sha256 bytea,                                   -- of the pain.008 that the bank gets
    CHECK ((state = 'filed') = (filed_at IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE TABLE receivables.collection (
    collection_id uuid PRIMARY KEY,
    collection_run_id uuid NOT NULL REFERENCES receivables.collection_run,
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    bill_number text NOT NULL,
    announced numeric(14, 2) NOT NULL CHECK (announced > 0),
    amount numeric(14, 2) NOT NULL CHECK (amount > 0 AND amount <= announced),
    end_to_end_id text NOT NULL UNIQUE,
    batch text,                                     -- the payment information that it was sent in
    sequence_type text CHECK (sequence_type IN ('FRST', 'RCUR', 'FNAL', 'OOFF')),
    attempt smallint NOT NULL CHECK (attempt IN (1, 2)),
    state text NOT NULL CHECK (state IN ('due', 'sent', 'settled', 'rejected', 'returned', 'refunded', 'withdrawn')),
    reason text,
    FOREIGN KEY (customer_id, mandate_id) REFERENCES receivables.mandate
);
CREATE UNIQUE INDEX collection_under_way ON receivables.collection (customer_bill_id) WHERE state IN ('due', 'sent', 'settled');
CREATE INDEX collection_run_of ON receivables.collection (collection_run_id);
CREATE INDEX collection_batch ON receivables.collection (batch);
CREATE INDEX collection_customer ON receivables.collection (customer_id);

-- Money that goes back: a customer's credit, or what was never theirs. A second person approves before anything is posted.
CREATE TABLE receivables.refund (
    refund_id uuid PRIMARY KEY,
    customer_id uuid,
    billing_account_id uuid,
    bank_entry_id uuid REFERENCES receivables.bank_entry,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    end_to_end_id text NOT NULL UNIQUE,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'approved', 'declined', 'sent', 'executed')),
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> asked_by),
    decided_at timestamptz,
    refund_file_id uuid,
    CHECK ((customer_id IS NULL) <> (bank_entry_id IS NULL)),
    CHECK ((state = 'asked') = (decided_by IS NULL))
);
CREATE UNIQUE INDEX refund_of_entry ON receivables.refund (bank_entry_id) WHERE state <> 'declined';
CREATE INDEX refund_customer ON receivables.refund (customer_id);
CREATE INDEX refund_state ON receivables.refund (state, asked_at);
CREATE TABLE receivables.refund_file (
    refund_file_id uuid PRIMARY KEY,
    execution_day date NOT NULL,
    filed_by text NOT NULL,
    filed_at timestamptz NOT NULL,
    sha256 bytea NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON receivables.mandate, receivables.collection_run, receivables.collection, receivables.refund TO hoeksteen_app;
GRANT SELECT, INSERT ON receivables.refund_file TO hoeksteen_app;
