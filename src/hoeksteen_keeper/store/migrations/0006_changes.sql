-- What two people sign before it holds: policies, organisations, people, services, keys. `canonical` is what they signed the SHA-256 of.
CREATE TABLE access.change (
    change_id uuid PRIMARY KEY,
    kind text NOT NULL,
    canonical bytea NOT NULL,
    digest bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'in_force', 'refused')),
    proposed_by text NOT NULL REFERENCES access.actor,
    proposed_at timestamptz NOT NULL
);
CREATE TABLE access.change_approval (
    change_id uuid NOT NULL REFERENCES access.change,
    approver text NOT NULL REFERENCES access.actor,
    key text NOT NULL REFERENCES access.key,
    signature bytea NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (change_id, approver)
);
