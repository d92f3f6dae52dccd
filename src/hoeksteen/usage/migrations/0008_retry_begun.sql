-- A wish that is asked for while an earlier one is carried out waits for the next try, instead of ending with that one untried.
ALTER TABLE usage.retry ADD COLUMN begun_at timestamptz;
DROP INDEX usage.retry_waiting;
CREATE UNIQUE INDEX retry_waiting ON usage.retry ((done_at IS NULL)) WHERE done_at IS NULL AND begun_at IS NULL;
