-- What was used and spent so far in open bill periods; computed again from the lake whenever usage arrives, never billed from.
CREATE TABLE rating.counter (
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    scope_id uuid NOT NULL,                         -- the product, or the billing account of what is shared
    kind text NOT NULL CHECK (kind IN ('allowance', 'cap', 'spending')),
    name text NOT NULL,                             -- of the allowance or cap; empty for spending
    period_day date NOT NULL,
    used bigint NOT NULL,                           -- units of an allowance; micro-euros of a cap and of spending
    bound bigint,                                   -- none for spending
    as_of timestamptz NOT NULL,
    PRIMARY KEY (customer_id, scope_id, kind, name, period_day)
);
-- A customer hears of each threshold once per period.
CREATE TABLE rating.notice (
    customer_id uuid NOT NULL,
    scope_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    period_day date NOT NULL,
    threshold smallint NOT NULL CHECK (threshold IN (80, 100)),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, scope_id, kind, name, period_day, threshold)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON rating.counter TO hoeksteen_app;
GRANT SELECT, INSERT ON rating.notice TO hoeksteen_app;
