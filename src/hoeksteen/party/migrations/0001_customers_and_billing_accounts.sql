CREATE SCHEMA party;
GRANT USAGE ON SCHEMA party TO hoeksteen_app;

CREATE TABLE party.party (
    party_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('individual', 'organization')),
    created_at timestamptz NOT NULL
);

CREATE TABLE party.customer (
    customer_id uuid PRIMARY KEY,
    party_id uuid NOT NULL REFERENCES party.party,
    customer_number text NOT NULL UNIQUE,
    segment text NOT NULL CHECK (segment IN ('consumer', 'business')),
    status text NOT NULL CHECK (status IN ('active', 'closed')),
    language text NOT NULL CHECK (language IN ('nl', 'en')),
    customer_since date NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX customer_party ON party.customer (party_id);

CREATE TABLE party.billing_account (
    customer_id uuid NOT NULL REFERENCES party.customer,
    billing_account_id uuid NOT NULL,
    billing_account_number text NOT NULL UNIQUE,
    cycle_day smallint NOT NULL CHECK (cycle_day BETWEEN 1 AND 28),
    payment_method text NOT NULL CHECK (payment_method IN ('direct_debit', 'transfer')),
    tax_included boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'closed')),
    PRIMARY KEY (customer_id, billing_account_id)
);
CREATE UNIQUE INDEX billing_account_id_unique ON party.billing_account (billing_account_id);

-- What binds a customer for a time (TM Forum TMF651): month by month, or for one or two years.
CREATE TABLE party.agreement (
    customer_id uuid NOT NULL REFERENCES party.customer,
    agreement_id uuid NOT NULL,
    commitment_months smallint NOT NULL CHECK (commitment_months > 0),
    valid_from date NOT NULL,
    PRIMARY KEY (customer_id, agreement_id)
);

-- Numbers that people quote say nothing about the person; gaps mean nothing. Nine digits: those of the systems before have eight or fewer, and
-- customers go on quoting them, so that one must never be another's.
CREATE SEQUENCE party.customer_number START 200000001;
CREATE SEQUENCE party.billing_account_number START 500000001;
CREATE INDEX billing_account_cycle ON party.billing_account (cycle_day, billing_account_id) WHERE status = 'active';

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA party TO hoeksteen_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA party TO hoeksteen_app;
