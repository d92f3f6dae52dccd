-- Late bills of a billing account, from the first reminder until they are paid.
CREATE TABLE receivables.dunning_case (
    customer_id uuid NOT NULL,
    dunning_case_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    opened_on date NOT NULL,
    closed_on date,
    PRIMARY KEY (customer_id, dunning_case_id)
);
CREATE UNIQUE INDEX dunning_case_open ON receivables.dunning_case (billing_account_id) WHERE closed_on IS NULL;
CREATE TABLE receivables.dunning_step (
    customer_id uuid NOT NULL,
    dunning_case_id uuid NOT NULL,
    step smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reminder', 'fourteen_day_letter', 'collection_costs', 'block_notice', 'hand_over')),
    taken_on date NOT NULL,
    principal numeric(14, 2) NOT NULL,              -- euros of late bills that it is about
    costs numeric(14, 2) NOT NULL DEFAULT 0,        -- announced by the letter; charged by the step after it
    customer_bill_ids uuid[] NOT NULL,
    pay_by date,                                    -- of the letter: the last day without costs
    PRIMARY KEY (customer_id, dunning_case_id, step),
    FOREIGN KEY (customer_id, dunning_case_id) REFERENCES receivables.dunning_case
);
-- What is owed beside bills.
CREATE TABLE receivables.fee (
    customer_id uuid NOT NULL,
    fee_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('collection_costs')),
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    charged_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, fee_id)
);
-- Customers of whom nothing is asked for a time, and why.
CREATE TABLE receivables.dunning_exception (
    customer_id uuid NOT NULL,
    dunning_exception_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('debt_counselling', 'deceased', 'arrangement', 'other')),
    from_day date NOT NULL,
    until_day date,                                 -- the first day on which it holds no more
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, dunning_exception_id)
);
GRANT SELECT, INSERT ON receivables.dunning_case, receivables.dunning_step, receivables.fee, receivables.dunning_exception TO hoeksteen_app;
GRANT UPDATE (closed_on) ON receivables.dunning_case TO hoeksteen_app;
