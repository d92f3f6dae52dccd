-- Files of the bank, each taken once, whole or not at all.
CREATE TABLE receivables.bank_file (
    sha256 bytea PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('statement', 'notification')),
    taken_at timestamptz NOT NULL
);
CREATE TABLE receivables.bank_statement (
    bank_statement_id uuid PRIMARY KEY,
    sha256 bytea NOT NULL REFERENCES receivables.bank_file DEFERRABLE INITIALLY DEFERRED,
    kind text NOT NULL CHECK (kind IN ('statement', 'notification')),
    iban text NOT NULL,                             -- the operator's own account
    identification text NOT NULL,                   -- by which the bank names the statement
    sequence bigint,
    opening numeric(14, 2),
    closing numeric(14, 2),
    booked numeric(14, 2) NOT NULL,                 -- the sum of its entries in euros
    entries integer NOT NULL,
    ordinal bigint GENERATED ALWAYS AS IDENTITY,    -- the order in which they were taken
    taken_at timestamptz NOT NULL,
    UNIQUE (kind, iban, identification),
    CHECK (kind = 'notification' OR opening + booked = closing)
);
CREATE INDEX bank_statement_last ON receivables.bank_statement (iban, ordinal DESC) WHERE kind = 'statement';

-- One booking on the account, whoever told of it first: a statement books it, a notification only announces it.
CREATE TABLE receivables.bank_booking (
    booking_key text PRIMARY KEY,                   -- own IBAN and the bank's reference, or the statement and the entry's place in it
    amount numeric(14, 2) NOT NULL,                 -- a credit of our account is positive
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    notified_in uuid REFERENCES receivables.bank_statement DEFERRABLE INITIALLY DEFERRED,
    stated_in uuid REFERENCES receivables.bank_statement DEFERRABLE INITIALLY DEFERRED,
    CHECK (notified_in IS NOT NULL OR stated_in IS NOT NULL)
);

-- One payment of a booking, and what it was taken for. The payer's name and IBAN are not here: `bank_entry_id` is their data subject
-- with the keeper while the payment is unmatched.
CREATE TABLE receivables.bank_entry (
    bank_entry_id uuid PRIMARY KEY,                 -- also the payment's identifier, where it became one
    booking_key text NOT NULL REFERENCES receivables.bank_booking DEFERRABLE INITIALLY DEFERRED,
    part integer NOT NULL,
    booked_on date NOT NULL,
    amount numeric(14, 2) NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    outcome text NOT NULL CHECK (outcome IN ('payment', 'collection', 'return', 'reversal', 'refund', 'bank_costs', 'unmatched')),
    way text NOT NULL,                              -- how it was found, or why it was not
    reason text,                                    -- the bank's code, of a return
    customer_id uuid,                               -- whose it is; of an unmatched one whose it may be
    payment_id uuid,
    UNIQUE (booking_key, part)
);
CREATE INDEX bank_entry_unmatched ON receivables.bank_entry (booked_on, bank_entry_id) WHERE outcome = 'unmatched';

-- What somebody decided about an unmatched payment; without it the payment waits.
CREATE TABLE receivables.bank_decision (
    bank_entry_id uuid PRIMARY KEY REFERENCES receivables.bank_entry,
    decision text NOT NULL CHECK (decision IN ('assigned', 'returned', 'reversed')),
    customer_id uuid,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL
);

-- A payment that the bank took back, as after a return or a booking by mistake: it settles nothing any more, from that day on.
CREATE TABLE receivables.payment_reversal (
    customer_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    reversed_on date NOT NULL,
    reason text NOT NULL,
    bank_entry_id uuid,
    reversed_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id),
    FOREIGN KEY (customer_id, payment_id) REFERENCES receivables.payment
);
GRANT SELECT, INSERT ON receivables.bank_file, receivables.bank_statement, receivables.bank_booking, receivables.bank_entry,
    receivables.bank_decision, receivables.payment_reversal TO hoeksteen_app;
GRANT UPDATE (stated_in) ON receivables.bank_booking TO hoeksteen_app;
CREATE INDEX payment_by_id ON receivables.payment (payment_id);

-- After a payment was taken back, the credit that stood beside it may settle more of the same bill.
ALTER TABLE receivables.allocation DROP CONSTRAINT allocation_pkey;
CREATE INDEX allocation_customer ON receivables.allocation (customer_id);
