CREATE SCHEMA messages;
GRANT USAGE ON SCHEMA messages TO hoeksteen_app;

-- The outbox: written in the transaction of whatever gives cause to a message; addresses and names are asked of the keeper when it is sent.
CREATE TABLE messages.message (
    customer_id uuid NOT NULL,
    message_id uuid NOT NULL,
    kind text NOT NULL,
    parameters jsonb NOT NULL,                      -- fills the template; no personal data
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, message_id)
);
CREATE INDEX message_due ON messages.message (due_at, message_id) WHERE state = 'waiting';

-- Evidence of sending: what the mail server answered, without the address.
CREATE TABLE messages.attempt (
    customer_id uuid NOT NULL,
    message_id uuid NOT NULL,
    attempt smallint NOT NULL,
    at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'deferred', 'refused')),
    reply_code smallint,
    reply text NOT NULL,
    digest bytea,                                   -- SHA-256 of the whole message as handed over
    PRIMARY KEY (customer_id, message_id, attempt),
    FOREIGN KEY (customer_id, message_id) REFERENCES messages.message
);
GRANT SELECT, INSERT, UPDATE, DELETE ON messages.message TO hoeksteen_app;
GRANT SELECT, INSERT ON messages.attempt TO hoeksteen_app;
