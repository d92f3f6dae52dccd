-- Under a key of the keeper's own: whoever writes these tables cannot make a log-in, nor turn one into somebody else's.
DELETE FROM access.session;
DELETE FROM access.login_code;
ALTER TABLE access.session ADD COLUMN seal bytea NOT NULL;
ALTER TABLE access.login_code ADD COLUMN seal bytea NOT NULL;
