CREATE SCHEMA usage;
GRANT USAGE ON SCHEMA usage TO hoeksteen_app;

CREATE TABLE usage.usage_file (
    usage_file_id uuid PRIMARY KEY,
    digest bytea NOT NULL,
    source text NOT NULL,
    name text NOT NULL,
    adapter text NOT NULL,
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

-- Files that were refused whole: nothing of them was taken. The note goes when a file of that name is taken.
CREATE TABLE usage.refused_file (
    name text PRIMARY KEY,
    adapter text NOT NULL,
    why text NOT NULL,                              -- file, line and field, never what stands there
    refused_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA usage TO hoeksteen_app;

-- Bill periods of a cycle that were closed: usage of such a period that arrives later carries a higher generation.
CREATE TABLE usage.closed_period (
    cycle_day smallint NOT NULL CHECK (cycle_day BETWEEN 1 AND 28),
    period_from date NOT NULL,
    closed_at timestamptz NOT NULL,
    PRIMARY KEY (cycle_day, period_from)
);
GRANT SELECT, INSERT ON usage.closed_period TO hoeksteen_app;
