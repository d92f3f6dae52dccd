-- What each record of a cluster, or of a doubtful pair, said itself: what was merged can be taken apart without the exports. Sealed under the party of
-- the customer that the record belongs to, so that erasing the customer takes it along; in the clear stands what names nobody.
CREATE TABLE consolidation.sealed_record (
    customer_id uuid NOT NULL,
    source text NOT NULL,
    source_key uuid NOT NULL,
    place integer NOT NULL,                         -- among the records of its run: who comes first where sources are trusted alike
    kind text NOT NULL CHECK (kind IN ('individual', 'organization')),
    language text,
    payment_method text NOT NULL,
    customer_since date NOT NULL,
    contract_months smallint,
    suffix text,                                    -- Jr or Sr
    tax_included boolean NOT NULL,                  -- whether the amounts of its source's individuals hold VAT
    products jsonb NOT NULL,                        -- offering, days, monthly amount and kind of number; never the number
    identity bytea NOT NULL,
    contact bytea NOT NULL,
    payment bytea,
    PRIMARY KEY (customer_id, source_key)
);
CREATE UNIQUE INDEX sealed_record_key ON consolidation.sealed_record (source_key);

-- Customers that were merged into another one: closed, and what they were when they were.
CREATE TABLE consolidation.former_customer (
    customer_id uuid PRIMARY KEY,
    party_id uuid NOT NULL,
    merged_into uuid NOT NULL,
    source_keys uuid[] NOT NULL,
    product_ids uuid[] NOT NULL,                    -- those that it bought here, which no record tells of
    state text NOT NULL,                            -- of the record that founded it
    merged_by text NOT NULL CHECK (merged_by <> ''),
    merged_at timestamptz NOT NULL
);
CREATE INDEX former_customer_into ON consolidation.former_customer (merged_into);

-- Each merge and each taking apart, for ever: who, when, why, and which records went where.
CREATE TABLE consolidation.rearrangement (
    rearrangement_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('merge', 'unmerge')),
    customer_ids uuid[] NOT NULL,
    report jsonb NOT NULL,
    made_by text NOT NULL CHECK (made_by <> ''),
    why text NOT NULL CHECK (why <> ''),
    made_at timestamptz NOT NULL
);
CREATE INDEX rearrangement_of ON consolidation.rearrangement USING gin (customer_ids);

ALTER TABLE consolidation.review DROP CONSTRAINT review_state_check;
ALTER TABLE consolidation.review
    ADD COLUMN steps jsonb NOT NULL DEFAULT '[]',   -- how the weight came about: comparison, level, bits; never a value
    ADD COLUMN priority numeric(9, 6) NOT NULL DEFAULT 0,
    ADD COLUMN why text,                            -- a code
    ADD COLUMN decided_by text,
    ADD COLUMN decided_at timestamptz,
    ADD CHECK (state IN ('open', 'same', 'different', 'unsure')),
    ADD CHECK ((state = 'open') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL) AND (decided_at IS NULL) = (why IS NULL));
CREATE INDEX review_waiting ON consolidation.review (priority DESC, source_key_left, source_key_right) WHERE state = 'open';
CREATE INDEX review_right ON consolidation.review (source_key_right);

-- Each decision that was taken, also those that were taken back.
CREATE TABLE consolidation.review_decision (
    source_key_left uuid NOT NULL,
    source_key_right uuid NOT NULL,
    number smallint NOT NULL,
    decided_at timestamptz NOT NULL,
    decision text NOT NULL CHECK (decision IN ('same', 'different', 'unsure')),
    why text NOT NULL,
    decided_by text NOT NULL CHECK (decided_by <> ''),
    digest bytea,                                   -- SHA-256 of what was signed with a key, where it was
    PRIMARY KEY (source_key_left, source_key_right, number),
    FOREIGN KEY (source_key_left, source_key_right) REFERENCES consolidation.review
);
GRANT SELECT, INSERT, UPDATE, DELETE ON consolidation.sealed_record, consolidation.former_customer TO hoeksteen_app;
GRANT SELECT, INSERT ON consolidation.rearrangement, consolidation.review_decision TO hoeksteen_app;
