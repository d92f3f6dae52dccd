-- A customer contests a bill. What they say about it is a note, which is sealed; here stands a word of a list.
CREATE TABLE care.dispute (
    customer_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    about text NOT NULL CHECK (about IN ('amount', 'service', 'not_ordered', 'paid_already', 'fraud', 'other')),
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('upheld', 'partly_upheld', 'rejected', 'withdrawn')),
    settled_by text,
    settled_at timestamptz,
    PRIMARY KEY (customer_id, dispute_id),
    CHECK ((outcome IS NULL) = (settled_at IS NULL) AND (outcome IS NULL) = (settled_by IS NULL))
);
CREATE UNIQUE INDEX dispute_open ON care.dispute (customer_bill_id) WHERE outcome IS NULL;
GRANT SELECT, INSERT ON care.dispute TO hoeksteen_app;
GRANT UPDATE (outcome, settled_by, settled_at) ON care.dispute TO hoeksteen_app;
