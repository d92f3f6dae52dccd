-- Machines that send usage over HTTP with a token of their own, which stands here as its SHA-256 only.
CREATE TABLE usage.sender (
    name text PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    formats text[] NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON usage.sender TO hoeksteen_app;
