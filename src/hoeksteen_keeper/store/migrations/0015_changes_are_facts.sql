-- What holds is read off the log's facts, to which changes belong; a session is looked up together with the index of the latest of them.
DROP INDEX evidence.entry_fact;
DROP INDEX evidence.entry_policy;
CREATE INDEX entry_fact ON evidence.entry (index)
    WHERE kind IN ('organisation', 'actor', 'grant', 'approval', 'change', 'policy', 'key', 'kill', 'shred', 'exposure');
