-- Batches of usage that came over HTTP, by the key that their sender gave them.
CREATE TABLE usage.batch (
    key text PRIMARY KEY,
    digest bytea NOT NULL,
    name text NOT NULL,                             -- of its file in the drop folder
    accepted_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON usage.batch TO hoeksteen_app;
