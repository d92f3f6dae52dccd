-- Where a change belongs, so that each queue shows its own; changes from before this have neither.
ALTER TABLE usage.suspense_change ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE usage.suspense_change ADD COLUMN source text NOT NULL DEFAULT '';
CREATE INDEX suspense_change_made ON usage.suspense_change (made_at, change_no);

-- Append-only: who took up or gave away what waits for a reason in a source, and what they noted.
CREATE TABLE usage.suspense_case_change (
    change_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason text NOT NULL,
    source text NOT NULL,
    before text NOT NULL,                           -- who worked on it
    assignee text NOT NULL,
    note text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL
);

-- Who asked that suspended usage be tried again. The keeper opens numbers for batch work alone, so a page asks and the watcher does it.
CREATE TABLE usage.retry (
    retry_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    done_at timestamptz,
    guided bigint NOT NULL DEFAULT 0,
    problem text NOT NULL DEFAULT ''                -- why it was not tried
);
CREATE UNIQUE INDEX retry_waiting ON usage.retry ((done_at IS NULL)) WHERE done_at IS NULL;
GRANT SELECT, INSERT ON usage.suspense_case_change TO hoeksteen_app;
GRANT SELECT, INSERT, UPDATE ON usage.retry TO hoeksteen_app;
