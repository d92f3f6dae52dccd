-- What the bank says of our own payment files before anything is settled (pain.002); each report is taken once.
CREATE TABLE receivables.status_report (
    message_id text PRIMARY KEY,                    -- the bank's
    sha256 bytea NOT NULL UNIQUE,
    original_message_id text NOT NULL,              -- of our file
    taken_at timestamptz NOT NULL
);
-- What was refused: the bill is open again, or the refund waits for a person.
CREATE TABLE receivables.status_report_refusal (
    end_to_end_id text PRIMARY KEY,
    message_id text NOT NULL REFERENCES receivables.status_report,
    level text NOT NULL CHECK (level IN ('file', 'batch', 'payment')),
    reason text NOT NULL,
    refused_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON receivables.status_report, receivables.status_report_refusal TO hoeksteen_app;

-- A refund that the bank refused is owed as before; it is paid again under another identifier when a person says so.
ALTER TABLE receivables.refund DROP CONSTRAINT refund_state_check;
ALTER TABLE receivables.refund ADD CONSTRAINT refund_state_check
    CHECK (state IN ('asked', 'approved', 'declined', 'sent', 'executed', 'refused'));
CREATE INDEX refund_file_of ON receivables.refund (refund_file_id);
ALTER TABLE receivables.refund ADD COLUMN again_by text, ADD COLUMN again_at timestamptz;
