-- An epoch whose keys were all rewrapped loses its own; the row stays, since destroyed names still refer to it.
ALTER TABLE vault.epoch ALTER COLUMN wrapped DROP NOT NULL;
ALTER TABLE vault.epoch ADD COLUMN destroyed_at timestamptz;
ALTER TABLE vault.epoch ADD CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL));
-- Which layers of a blind index there are: tokens are written under `generation`, and none is left under one before `oldest`.
CREATE TABLE vault.blind_index (
    index_id smallint PRIMARY KEY,
    generation integer NOT NULL,
    oldest integer NOT NULL CHECK (oldest BETWEEN 1 AND generation)
);
ALTER TABLE vault.blind_token ADD COLUMN generation integer NOT NULL DEFAULT 1;
-- Few subjects' keys have a second generation; start-up looks for those whose first one is still there.
CREATE INDEX subject_key_rotated ON vault.subject_key (subject, category) WHERE generation > 1;
-- A month's keys are kept for some months after the month, or after its first record where that came later.
ALTER TABLE vault.named_key ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();
