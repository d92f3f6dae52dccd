CREATE SCHEMA usage;
GRANT USAGE ON SCHEMA usage TO hoeksteen_app;

CREATE TABLE usage.usage_file (
    usage_file_id uuid PRIMARY KEY,
    digest bytea NOT NULL,
    source text NOT NULL,
    name text NOT NULL,
    records_in bigint NOT NULL,
    units_in bigint NOT NULL,
    taken_at timestamptz NOT NULL
);
CREATE INDEX usage_file_digest ON usage.usage_file (digest);

-- The ingest balance: per file, each record has exactly one state.
CREATE TABLE usage.usage_file_balance (
    usage_file_id uuid NOT NULL REFERENCES usage.usage_file,
    state text NOT NULL CHECK (state IN ('guided', 'duplicate', 'suspended', 'rejected')),
    reason text NOT NULL DEFAULT '',
    records bigint NOT NULL,
    units bigint NOT NULL,
    PRIMARY KEY (usage_file_id, state, reason)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA usage TO hoeksteen_app;
