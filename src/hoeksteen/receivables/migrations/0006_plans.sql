-- An agreement to pay what is open in parts. While it is kept, its bills are neither asked for nor collected.
CREATE TABLE receivables.payment_plan (
    customer_id uuid NOT NULL,
    payment_plan_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    agreed_on date NOT NULL,
    agreed_by text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'kept', 'broken')),
    ended_on date,
    PRIMARY KEY (customer_id, payment_plan_id),
    CHECK ((state = 'active') = (ended_on IS NULL))
);
CREATE UNIQUE INDEX payment_plan_active ON receivables.payment_plan (customer_id) WHERE state = 'active';
CREATE TABLE receivables.plan_item (
    customer_id uuid NOT NULL,
    payment_plan_id uuid NOT NULL,
    claim_id uuid NOT NULL,                         -- a bill or fee
    PRIMARY KEY (customer_id, payment_plan_id, claim_id),
    FOREIGN KEY (customer_id, payment_plan_id) REFERENCES receivables.payment_plan
);
CREATE TABLE receivables.plan_instalment (
    customer_id uuid NOT NULL,
    payment_plan_id uuid NOT NULL,
    number smallint NOT NULL,
    due date NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (customer_id, payment_plan_id, number),
    FOREIGN KEY (customer_id, payment_plan_id) REFERENCES receivables.payment_plan
);
GRANT SELECT, INSERT ON receivables.payment_plan, receivables.plan_item, receivables.plan_instalment TO hoeksteen_app;
GRANT UPDATE (state, ended_on) ON receivables.payment_plan TO hoeksteen_app;
