-- By what a session was opened: what cannot be undone asks for a passkey or a key, and lately (docs/decisions/0015).
ALTER TABLE access.session ADD COLUMN proof text NOT NULL DEFAULT 'password' CHECK (proof IN ('password', 'passkey', 'key', 'oidc'));
ALTER TABLE access.session ALTER COLUMN proof DROP DEFAULT;
ALTER TABLE access.login_code ADD COLUMN proof text NOT NULL DEFAULT 'password' CHECK (proof IN ('password', 'passkey', 'key', 'oidc'));
ALTER TABLE access.login_code ALTER COLUMN proof DROP DEFAULT;
