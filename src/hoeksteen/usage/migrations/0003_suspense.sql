-- Who works on which suspended usage, and what people changed about it, by record; numbers never stand here.
CREATE TABLE usage.suspense_case (
    reason text NOT NULL,
    source text NOT NULL,
    assignee text NOT NULL,
    note text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (reason, source)
);

-- Append-only; of a record and a kind the latest counts.
CREATE TABLE usage.suspense_change (
    change_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('zone', 'country', 'written_off')),
    before text NOT NULL,
    after text NOT NULL,
    made_by text NOT NULL,
    why text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX suspense_change_record ON usage.suspense_change (record_id, kind, change_no);
GRANT SELECT, INSERT, UPDATE, DELETE ON usage.suspense_case TO hoeksteen_app;
GRANT SELECT, INSERT ON usage.suspense_change TO hoeksteen_app;
