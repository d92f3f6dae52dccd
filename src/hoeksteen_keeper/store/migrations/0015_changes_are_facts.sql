-- What holds is read off the log's facts, to which changes and reviews belong; a session is looked up together with the index of the latest of them.
-- `seal` of a fact is the keeper's own HMAC over its index, kind and leaf: who writes this table makes up no fact (docs/decisions/0021).
DROP INDEX evidence.entry_fact;
DROP INDEX evidence.entry_policy;
ALTER TABLE evidence.entry ADD COLUMN seal bytea;
CREATE INDEX entry_fact ON evidence.entry (index)
    WHERE kind IN ('organisation', 'actor', 'grant', 'approval', 'change', 'review', 'policy', 'key', 'kill', 'shred', 'exposure');
