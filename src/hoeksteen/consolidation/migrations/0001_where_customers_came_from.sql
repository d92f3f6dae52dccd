CREATE SCHEMA consolidation;
GRANT USAGE ON SCHEMA consolidation TO hoeksteen_app;

-- Legacy customer numbers are sealed with the identity. Here each record has a keyed pseudonym (source_key), and the key lies outside the database:
-- a number of eight digits could be found from a plain hash by trying them all. One row says which key that is.
CREATE TABLE consolidation.pseudonym_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    fingerprint bytea NOT NULL
);

CREATE TABLE consolidation.source_file (
    source text PRIMARY KEY,
    title text NOT NULL,
    trust smallint NOT NULL,
    matched boolean NOT NULL,
    digest text NOT NULL,
    records bigint NOT NULL,
    taken_at timestamptz NOT NULL
);

-- Every record of every source, with what became of it. A customer has one founder, which is `loaded` or `in_review`; others are `merged` into it.
CREATE TABLE consolidation.source_record (
    source text NOT NULL,
    source_key uuid NOT NULL,
    digest bytea NOT NULL,
    source_row integer NOT NULL,
    state text NOT NULL CHECK (state IN ('loaded', 'merged', 'in_review', 'rejected')),
    reason text NOT NULL DEFAULT '',
    customer_id uuid,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (source, source_key),
    CHECK ((customer_id IS NULL) = (state = 'rejected'))
);
CREATE INDEX source_record_customer ON consolidation.source_record (customer_id);

-- Which record a product came from, and what it cost there per month before discounts: what un-merging and reconciling need.
CREATE TABLE consolidation.source_product (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    source text NOT NULL,
    source_key uuid NOT NULL,
    monthly numeric(12, 2) NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

-- Where each field of a customer's sealed data came from.
CREATE TABLE consolidation.lineage (
    customer_id uuid NOT NULL,
    category text NOT NULL,
    field text NOT NULL,
    source text NOT NULL,
    source_key uuid NOT NULL,
    source_row integer NOT NULL,
    rule text NOT NULL,
    PRIMARY KEY (customer_id, category, field, source, source_key)
);

-- Pairs that people decide.
CREATE TABLE consolidation.review (
    source_key_left uuid NOT NULL,
    source_key_right uuid NOT NULL,
    weight numeric(9, 3) NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'same', 'different')),
    PRIMARY KEY (source_key_left, source_key_right)
);

CREATE TABLE consolidation.finding (
    source text NOT NULL,
    source_row integer NOT NULL,
    field text NOT NULL,
    code text NOT NULL
);
CREATE INDEX finding_source ON consolidation.finding (source, code);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA consolidation TO hoeksteen_app;
