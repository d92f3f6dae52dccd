-- The queue of work that people start and a worker does: Procrastinate's own tables and functions, in a schema of their own. Its statements name
-- no schema, so whoever uses the queue sets the search path; they are those of the installed package, and of no other text (docs/decisions/0043).
CREATE SCHEMA jobs;
SET LOCAL search_path TO jobs;
-- include procrastinate up to 03.04.00_50, sha256 aa547ddb30de271d8b64f5b0063e38a265ab0f2c610d8837eedb8cd4c5095342
SET LOCAL search_path TO DEFAULT;

-- How far a job is, and how it ended: numbers and words without personal data. The truth about a bill run stays in its own row.
CREATE TABLE jobs.report (
    job_id bigint PRIMARY KEY REFERENCES jobs.procrastinate_jobs ON DELETE CASCADE,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    result jsonb,
    problem text NOT NULL DEFAULT '',
    remedy text NOT NULL DEFAULT ''
);

-- What the queue's functions do for whoever calls them: they run with the caller's rights. What a job was told to do is never changed.
GRANT USAGE ON SCHEMA jobs TO hoeksteen_app;
GRANT SELECT, INSERT, DELETE ON jobs.procrastinate_jobs, jobs.procrastinate_workers, jobs.procrastinate_periodic_defers TO hoeksteen_app;
GRANT UPDATE (status, worker_id, attempts, scheduled_at, priority, queue_name, lock, abort_requested) ON jobs.procrastinate_jobs TO hoeksteen_app;
GRANT UPDATE (last_heartbeat) ON jobs.procrastinate_workers TO hoeksteen_app;
GRANT UPDATE (job_id) ON jobs.procrastinate_periodic_defers TO hoeksteen_app;
GRANT SELECT, INSERT ON jobs.procrastinate_events TO hoeksteen_app;
GRANT SELECT, INSERT, UPDATE ON jobs.report TO hoeksteen_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO hoeksteen_app;
