-- A record whose wave has not come yet has no customer; which wave it is in stands beside it, so that a cluster stays together.
ALTER TABLE consolidation.source_record
    DROP CONSTRAINT source_record_state_check,
    DROP CONSTRAINT source_record_check,
    ADD CONSTRAINT source_record_state_check CHECK (state IN ('loaded', 'merged', 'in_review', 'rejected', 'waiting')),
    ADD CONSTRAINT source_record_check CHECK ((customer_id IS NULL) = (state IN ('rejected', 'waiting'))),
    ADD COLUMN wave text;
CREATE INDEX source_record_wave ON consolidation.source_record (wave) WHERE wave IS NOT NULL;

-- Every time that exports were read: what was given, who began it, what came of it. A rehearsal leaves nothing but its row here.
CREATE TABLE consolidation.run (
    run_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('plan', 'rehearsal', 'copy', 'delta', 'verification', 'rollback')),
    wave text NOT NULL DEFAULT '',                  -- empty: everything at once
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    started_by text NOT NULL CHECK (started_by <> ''),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    grant_id text NOT NULL DEFAULT '',              -- the keeper's, within which it ran
    sources jsonb NOT NULL DEFAULT '[]',            -- per source its name, digest and number of records
    figures jsonb NOT NULL DEFAULT '{}',
    report jsonb                                    -- the reconciliation, as it is signed off
);
CREATE INDEX run_started ON consolidation.run (started_at DESC);

CREATE TABLE consolidation.wave (
    wave text PRIMARY KEY,
    place smallint NOT NULL UNIQUE,                 -- the first rule that fits is the one that counts
    rule jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'copied', 'frozen', 'switched', 'verified', 'rolling_back', 'rolled_back')),
    cutover date
);

CREATE TABLE consolidation.wave_step (
    wave text NOT NULL REFERENCES consolidation.wave,
    step bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    run_id uuid,
    by_whom text NOT NULL CHECK (by_whom <> ''),
    at timestamptz NOT NULL,
    PRIMARY KEY (wave, step)
);

-- How each customer of a wave stood when it was last taken over: what differs since was changed here, by people, and stays.
CREATE TABLE consolidation.wave_customer (
    customer_id uuid PRIMARY KEY,
    wave text NOT NULL REFERENCES consolidation.wave,
    party text NOT NULL,
    products text NOT NULL,
    sealed text NOT NULL,
    activity jsonb NOT NULL                         -- how much there was of notes, payments, messages and bills
);
CREATE INDEX wave_customer_wave ON consolidation.wave_customer (wave, customer_id);

-- The numbers that customers had who were taken away: they come again under the same ones, and nobody else gets them.
CREATE TABLE consolidation.kept_number (
    customer_id uuid PRIMARY KEY,
    customer_number text NOT NULL,
    billing_account_number text NOT NULL
);

-- Who signed a reconciliation off; text and signature are the person's own, and stand in the keeper's log as well.
CREATE TABLE consolidation.report_signature (
    report_sha256 bytea NOT NULL CHECK (length(report_sha256) = 32),
    signed_by text NOT NULL,
    signed_at timestamptz NOT NULL,
    run_id uuid NOT NULL REFERENCES consolidation.run,
    text_sha256 bytea NOT NULL CHECK (length(text_sha256) = 32),
    PRIMARY KEY (report_sha256, signed_by)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON consolidation.wave, consolidation.wave_step, consolidation.wave_customer, consolidation.kept_number TO hoeksteen_app;
GRANT SELECT, INSERT, UPDATE ON consolidation.run TO hoeksteen_app;
GRANT SELECT, INSERT ON consolidation.report_signature TO hoeksteen_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA consolidation TO hoeksteen_app;
