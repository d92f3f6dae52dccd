CREATE SCHEMA rating;
GRANT USAGE ON SCHEMA rating TO hoeksteen_app;

CREATE TABLE rating.rating_run (
    rating_run_id uuid PRIMARY KEY,
    month date NOT NULL,                            -- the bill periods that begin in this month were rated
    records bigint NOT NULL,
    amount_micro bigint NOT NULL,
    digest bytea NOT NULL,
    rated_at timestamptz NOT NULL
);
CREATE INDEX rating_run_month ON rating.rating_run (month, rated_at);

-- What became of the guided records of each file, as the latest run of their month left them.
CREATE TABLE rating.file_balance (
    month date NOT NULL,
    usage_file_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('rated', 'zero_rated', 'suspended')),
    reason text NOT NULL,
    records bigint NOT NULL,
    units bigint NOT NULL,                          -- as delivered
    amount_micro bigint NOT NULL,
    PRIMARY KEY (usage_file_id, month, state, reason)
);
CREATE INDEX file_balance_month ON rating.file_balance (month);

-- Guided records that could not be priced when a period on whose bill they belonged was closed: they count as late from then on.
CREATE TABLE rating.passed_over (
    record_id uuid PRIMARY KEY,
    month date NOT NULL,                            -- in which the bill period of its start begins
    generation int NOT NULL,
    bill_day date NOT NULL                          -- first day of the period on whose bill it appears once it has a price
);
CREATE INDEX passed_over_month ON rating.passed_over (month);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rating TO hoeksteen_app;
