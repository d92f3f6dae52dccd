-- Which policies are in force is the log's latest `policy` entry (docs/decisions/0017), looked up with each session.
CREATE INDEX entry_policy ON evidence.entry (index) WHERE kind = 'policy';
