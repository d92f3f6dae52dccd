CREATE SCHEMA care;
GRANT USAGE ON SCHEMA care TO hoeksteen_app;

-- Why somebody of the operator looks at a customer, as they asserted it themselves; the keeper's log holds it too.
CREATE TABLE care.interaction (
    customer_id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    actor text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('phone', 'ticket')),
    ticket text CHECK (ticket ~ '^[A-Z][A-Z0-9-]{2,19}$'),        -- a reference, with no room for a name
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, interaction_id),
    CHECK ((channel = 'ticket') = (ticket IS NOT NULL))
);
CREATE INDEX interaction_recent ON care.interaction (customer_id, opened_at DESC);

-- What was done in it; nothing here is personal data.
CREATE TABLE care.interaction_item (
    customer_id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    item smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('change_plan', 'suspend', 'resume', 'terminate', 'onboard')),
    product_id uuid,
    detail jsonb NOT NULL,
    done_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, interaction_id, item),
    FOREIGN KEY (customer_id, interaction_id) REFERENCES care.interaction
);

-- Free text written about a person: sealed, category note, one blob per note.
CREATE TABLE care.note (
    customer_id uuid NOT NULL,
    note_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    actor text NOT NULL,
    blob bytea NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, note_id)
);

-- Append-only by privilege: why somebody looked is never rewritten. A note goes when its subject is erased.
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA care TO hoeksteen_app;
GRANT DELETE ON care.note TO hoeksteen_app;
