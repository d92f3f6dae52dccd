-- Which of the lake's files have their identities in which sorted run; the runs themselves are files beside the lake's tables.
CREATE TABLE usage.identity_run (
    run_id uuid PRIMARY KEY,
    month integer NOT NULL,                         -- yyyymm, of the lake
    identities bigint NOT NULL
);
CREATE TABLE usage.identity_file (
    path text PRIMARY KEY,                          -- within the warehouse
    run_id uuid NOT NULL REFERENCES usage.identity_run ON DELETE CASCADE
);
CREATE INDEX identity_file_run ON usage.identity_file (run_id);
GRANT SELECT, INSERT, DELETE ON usage.identity_run, usage.identity_file TO hoeksteen_app;
