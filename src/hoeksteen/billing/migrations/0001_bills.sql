CREATE SCHEMA billing;
GRANT USAGE ON SCHEMA billing TO hoeksteen_app;

CREATE TABLE billing.bill_run (
    bill_run_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('trial', 'final')),
    cycle_day smallint NOT NULL,
    period_from date NOT NULL,
    period_to date NOT NULL,
    bill_date date NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- moved in the same transaction as the bills of a batch: a run that was killed goes on here
    last_billing_account_id uuid,
    billing_accounts bigint NOT NULL DEFAULT 0,
    bills bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX bill_run_final_once ON billing.bill_run (cycle_day, period_from) WHERE kind = 'final';

CREATE TABLE billing.invoice_counter (
    legal_entity text NOT NULL,
    year smallint NOT NULL,
    last_number bigint NOT NULL,
    PRIMARY KEY (legal_entity, year)
);

CREATE TABLE billing.customer_bill (
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    bill_run_id uuid NOT NULL REFERENCES billing.bill_run,
    bill_number text UNIQUE,                        -- none on a trial run
    bill_date date NOT NULL,
    due_date date NOT NULL,
    period_from date NOT NULL,
    period_to date NOT NULL,
    tax_included boolean NOT NULL,
    net numeric(14, 2) NOT NULL,
    vat numeric(14, 2) NOT NULL,
    rounding numeric(14, 2) NOT NULL,
    gross numeric(14, 2) NOT NULL,
    invoice_party bytea,                            -- sealed, category invoice_party; none on a trial run
    PRIMARY KEY (customer_id, customer_bill_id),
    UNIQUE (bill_run_id, billing_account_id),
    CHECK (net + vat + rounding = gross),
    CHECK ((bill_number IS NULL) = (invoice_party IS NULL))
);
CREATE UNIQUE INDEX customer_bill_id_unique ON billing.customer_bill (customer_bill_id);

-- Lines and taxes are written before their bills, which take their numbers last: so the references are checked at commit.
CREATE TABLE billing.applied_customer_billing_rate (
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    line smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('recurring', 'one_time', 'usage', 'discount', 'credit')),
    product_id uuid,
    product_offering_id text,
    price_id text,
    detail jsonb NOT NULL,                          -- what made it: days, units, zone, alteration, …
    period_from date,
    period_to date,
    quantity numeric(20, 6) NOT NULL,
    net numeric(14, 2) NOT NULL,
    gross numeric(14, 2),                           -- consumer lines only
    tax_category text NOT NULL,                     -- EN 16931 BT-151
    tax_rate numeric(5, 2) NOT NULL,
    PRIMARY KEY (customer_id, customer_bill_id, line),
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE billing.applied_bill_tax (
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    tax_category text NOT NULL,
    tax_rate numeric(5, 2) NOT NULL,
    taxable numeric(14, 2) NOT NULL,
    tax numeric(14, 2) NOT NULL,
    PRIMARY KEY (customer_id, customer_bill_id, tax_category, tax_rate),
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill DEFERRABLE INITIALLY DEFERRED
);

-- Up to which day the recurring charges of a product were billed by final runs here, and what was then known of it:
-- when its terms, alterations or prices have another fingerprint at the next run, earlier lines are read and compared.
CREATE TABLE billing.recurring_position (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    billed_to date NOT NULL,
    fingerprint bigint NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

-- Billing accounts that a run passed by, and why; the next run catches up.
CREATE TABLE billing.held_account (
    bill_run_id uuid NOT NULL REFERENCES billing.bill_run,
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    released_by uuid REFERENCES billing.bill_run,   -- the later run that made up for it
    PRIMARY KEY (bill_run_id, billing_account_id)
);
CREATE INDEX held_account_waiting ON billing.held_account (billing_account_id) WHERE released_by IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA billing TO hoeksteen_app;
