-- A rating that has begun and not ended: begun again for the same month, it goes on where it was cut off.
CREATE TABLE rating.open_rating (
    month date PRIMARY KEY,
    rating_run_id uuid NOT NULL
);

-- The batches of such a rating that are done: their files lie in the lake's folder of the run, and count when the run does.
CREATE TABLE rating.rating_step (
    rating_run_id uuid NOT NULL,
    month date NOT NULL,                            -- in which the rated bill periods begin
    buckets int[] NOT NULL,
    fingerprint bytea NOT NULL,                     -- of everything that the batch's charges depend on
    result jsonb NOT NULL,                          -- its files, sums and balance
    PRIMARY KEY (rating_run_id, month, buckets)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON rating.open_rating, rating.rating_step TO hoeksteen_app;
