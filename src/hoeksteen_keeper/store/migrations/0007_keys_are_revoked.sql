-- Whoever leaves for good holds no key any more; the row stays, for what it signed.
ALTER TABLE access.key ADD COLUMN revoked_at timestamptz;
