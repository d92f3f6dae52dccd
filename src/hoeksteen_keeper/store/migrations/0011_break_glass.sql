-- Access that somebody took at once; a person other than them reviews it afterwards.
ALTER TABLE access.access_grant ADD COLUMN break_glass boolean NOT NULL DEFAULT false;
CREATE TABLE access.review (
    grant_id uuid PRIMARY KEY REFERENCES access.access_grant,
    reviewer text NOT NULL REFERENCES access.actor,
    verdict text NOT NULL CHECK (verdict IN ('ok', 'misuse')),
    reason text NOT NULL,
    reviewed_at timestamptz NOT NULL
);
