-- Records that were corrected after they were guided. What lies in the lake never changes: a correction says what counts instead.
CREATE TABLE rating.correction (
    record_id uuid PRIMARY KEY,                     -- what was wrong; what takes its place can be corrected in turn
    new_record_id uuid UNIQUE,                      -- what counts instead, a guided record; none where nothing was used
    month date NOT NULL,                            -- in which the bill period of both begins
    in_place boolean NOT NULL,                      -- its bill was open: it is not charged at all, rather than charged and reversed
    generation int NOT NULL,                        -- how often the period had been closed by then
    bill_day date NOT NULL,                         -- first day of the period on whose bill the correction appears
    delivered_units bigint NOT NULL,                -- of the record that was wrong
    detail jsonb NOT NULL,                          -- per field what stood there and what is right
    made_by text NOT NULL,
    why text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX correction_month ON rating.correction (month);
GRANT SELECT, INSERT ON rating.correction TO hoeksteen_app;

ALTER TABLE rating.file_balance DROP CONSTRAINT file_balance_state_check;
ALTER TABLE rating.file_balance ADD CONSTRAINT file_balance_state_check CHECK (state IN ('rated', 'zero_rated', 'suspended', 'reversed'));
