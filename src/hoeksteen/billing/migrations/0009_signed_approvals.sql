-- What was approved, in 32 bytes, and the SHA-256 of the text that the approver signed: it finds the signature in the keeper's log. An approval on the
-- desk has none: there the log-in says who it is.
ALTER TABLE billing.bill_run_approval
    ADD COLUMN content_digest bytea CHECK (length(content_digest) = 32),
    ADD COLUMN signed_digest bytea CHECK (length(signed_digest) = 32);
