CREATE SCHEMA vault;
CREATE SCHEMA access;

-- Key hierarchy: the KEK stays with its provider and wraps epoch keys; an epoch key wraps up to 4,096 keys.
CREATE TABLE vault.epoch (
    epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('subject', 'named')),
    kek text NOT NULL,
    wrapped bytea NOT NULL,
    keys integer NOT NULL DEFAULT 0 CHECK (keys BETWEEN 0 AND 4096),
    made_at timestamptz NOT NULL
);
CREATE TABLE vault.subject_key (
    subject uuid NOT NULL,
    category smallint NOT NULL,
    generation integer NOT NULL,
    epoch bigint NOT NULL REFERENCES vault.epoch,
    wrapped bytea NOT NULL,
    PRIMARY KEY (subject, category, generation)
);
-- What was destroyed: afterwards refused, also when somebody wants to seal again. Category 0 stands for all.
-- `entry` is the shred's index in the log: at start-up, entries that are missing here are applied
-- again (after a restore, or a crash between entry and deed); what was found so has no number here.
CREATE TABLE vault.shredded (
    entry bigint UNIQUE,
    subject uuid NOT NULL,
    category smallint NOT NULL
);
CREATE INDEX shredded_subject ON vault.shredded (subject, category);
-- Keys of blind indexes, of calendar months, and of the keeper's own secrets (TOTP).
CREATE TABLE vault.named_key (
    name text PRIMARY KEY,
    epoch bigint NOT NULL REFERENCES vault.epoch,
    wrapped bytea,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE TABLE vault.blind_token (
    index_id smallint NOT NULL,
    subject uuid NOT NULL,
    token bytea NOT NULL,
    ref uuid
);
CREATE INDEX blind_token_token ON vault.blind_token (token, index_id);
CREATE INDEX blind_token_subject ON vault.blind_token (subject, index_id);

CREATE TABLE access.organisation (
    organisation text PRIMARY KEY,
    name text NOT NULL,
    country text NOT NULL,
    operator boolean NOT NULL,
    blocked_at timestamptz
);
CREATE UNIQUE INDEX organisation_operator ON access.organisation (operator) WHERE operator;
CREATE TABLE access.actor (
    actor text PRIMARY KEY,
    name text NOT NULL,
    organisation text NOT NULL REFERENCES access.organisation,
    kind text NOT NULL CHECK (kind IN ('person', 'service', 'data_subject')),
    roles text[] NOT NULL,
    subject uuid,
    password_hash text,
    totp bytea,
    totp_step_last bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    origins text[] NOT NULL DEFAULT '{}',
    blocked_at timestamptz,
    asked_by text,
    CHECK ((kind = 'data_subject') = (subject IS NOT NULL))
);
-- One log-in that works per data subject; `asked_by` is set until a second person confirms it.
CREATE UNIQUE INDEX actor_subject ON access.actor (subject) WHERE blocked_at IS NULL AND asked_by IS NULL;
CREATE TABLE access.key (
    key text PRIMARY KEY,
    actor text NOT NULL REFERENCES access.actor,
    kind text NOT NULL CHECK (kind IN ('ed25519', 'passkey')),
    public_key bytea NOT NULL,
    credential bytea UNIQUE,
    sign_count bigint NOT NULL DEFAULT 0,
    added_at timestamptz NOT NULL
);
CREATE INDEX key_actor ON access.key (actor);
-- Assertions that were used: one proof of a key gives one token.
CREATE TABLE access.assertion (
    nonce text PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE TABLE access.session (
    session uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    actor text NOT NULL REFERENCES access.actor,
    service text NOT NULL,
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text
);
CREATE TABLE access.login_code (
    code_hash bytea PRIMARY KEY,
    actor text NOT NULL REFERENCES access.actor,
    service text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE access.access_grant (
    grant_id uuid PRIMARY KEY,
    asker text NOT NULL REFERENCES access.actor,
    canonical bytea NOT NULL,
    digest bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'running', 'refused', 'revoked', 'expired')),
    purpose text NOT NULL,
    categories text[] NOT NULL,
    ticket text NOT NULL,
    unmasked boolean NOT NULL,
    any_subject boolean NOT NULL,
    subjects_max integer NOT NULL,
    per_hour integer NOT NULL,
    per_day integer NOT NULL,
    minutes integer NOT NULL,
    requested_at timestamptz NOT NULL,
    valid_from timestamptz,
    valid_to timestamptz
);
CREATE INDEX access_grant_running ON access.access_grant (asker, purpose) WHERE state = 'running';
CREATE INDEX access_grant_state ON access.access_grant (state, requested_at);
CREATE TABLE access.grant_subject (
    grant_id uuid NOT NULL REFERENCES access.access_grant,
    subject uuid NOT NULL,
    PRIMARY KEY (grant_id, subject)
);
CREATE TABLE access.approval (
    grant_id uuid NOT NULL REFERENCES access.access_grant,
    approver text NOT NULL REFERENCES access.actor,
    key text NOT NULL REFERENCES access.key,
    signature bytea NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (grant_id, approver)
);
-- How much of a ceiling is used: of an actor per hour and per day, of a grant per hour, per day and in total. The log can rebuild it.
CREATE TABLE access.meter (
    meter text NOT NULL,
    starts_at timestamptz NOT NULL,
    used bigint NOT NULL,
    PRIMARY KEY (meter, starts_at)
) WITH (fillfactor = 50);
-- Whom an actor has seen in that hour or day already: a second look at the same person uses nothing up.
CREATE TABLE access.seen (
    meter text NOT NULL,
    starts_at timestamptz NOT NULL,
    subject uuid NOT NULL,
    PRIMARY KEY (meter, starts_at, subject)
);
CREATE TABLE access.policy (
    version integer PRIMARY KEY,
    digest text NOT NULL,
    text text NOT NULL,
    since timestamptz NOT NULL
);
