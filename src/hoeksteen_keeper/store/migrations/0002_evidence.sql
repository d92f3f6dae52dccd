CREATE SCHEMA evidence;

-- The next entry's index and the time that no later entry may fall behind. Its row lock makes indexes gapless.
CREATE TABLE evidence.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL CHECK (size >= 0),
    time timestamptz NOT NULL
);
INSERT INTO evidence.head (size, time) VALUES (0, '-infinity');

-- The largest tree that the signer may sign: advanced by compare-and-swap before the signature is made.
CREATE TABLE evidence.signed (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32)
);

-- kind, actor, organisation and time repeat what leaf and body say, for finding; fsck compares them.
-- indexed: whether evidence.subject_entry holds the entry's subjects; where it does not, its tags are tested one by one.
CREATE TABLE evidence.entry (
    index bigint PRIMARY KEY,
    time timestamptz NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    organisation text NOT NULL,
    indexed boolean NOT NULL,
    leaf bytea NOT NULL CHECK (length(leaf) < 65536),
    body bytea NOT NULL,
    chunk bytea
);
-- tags are random bytes: compressing them is in vain, and uncompressed a slice can be read alone
ALTER TABLE evidence.entry ALTER COLUMN chunk SET STORAGE EXTERNAL;
CREATE INDEX entry_time ON evidence.entry (time, index);
CREATE INDEX entry_actor ON evidence.entry (actor, index);
CREATE INDEX entry_organisation ON evidence.entry (organisation, index);
CREATE INDEX entry_fact ON evidence.entry (index)
    WHERE kind IN ('organisation', 'actor', 'grant', 'approval', 'policy', 'key', 'kill', 'shred', 'exposure');
CREATE INDEX entry_not_indexed ON evidence.entry (index) WHERE NOT indexed;

-- The token is SHA-256('index', k_subject), 16 bytes: of use to the keeper alone.
CREATE TABLE evidence.subject_entry (
    token bytea NOT NULL,
    index bigint NOT NULL,
    PRIMARY KEY (token, index)
);

CREATE FUNCTION evidence.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is only ever appended to';
END $$;
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence.entry
    FOR EACH STATEMENT EXECUTE FUNCTION evidence.refuse_change();
