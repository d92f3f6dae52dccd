-- The policies in force are those of the log's latest `policy` entry (docs/decisions/0017); a copy that decides would be one that can be changed.
DROP TABLE access.policy;
CREATE INDEX entry_policy ON evidence.entry (index) WHERE kind = 'policy';
