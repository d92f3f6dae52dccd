-- A log-in at an identity provider of which the operator says that it counts as a fresh proof; `oidc` alone never does.
ALTER TABLE access.session DROP CONSTRAINT session_proof_check;
ALTER TABLE access.session ADD CONSTRAINT session_proof_check CHECK (proof IN ('password', 'passkey', 'key', 'oidc', 'oidc_strong'));
ALTER TABLE access.login_code DROP CONSTRAINT login_code_proof_check;
ALTER TABLE access.login_code ADD CONSTRAINT login_code_proof_check CHECK (proof IN ('password', 'passkey', 'key', 'oidc', 'oidc_strong'));
