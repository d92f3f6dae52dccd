-- A sale that is paid in monthly parts. The sale and its VAT stand on the next bill, with what is asked for later taken off; then part by part.
CREATE TABLE billing.instalment_plan (
    customer_id uuid NOT NULL,
    instalment_plan_id uuid PRIMARY KEY,
    billing_account_id uuid NOT NULL,
    product_id uuid,                                -- whose end ends the plan as `on_end` says; none for a plan of its own
    charge_kind_id text,
    text_nl text NOT NULL CHECK (text_nl <> ''),
    text_en text NOT NULL CHECK (text_en <> ''),
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),      -- the price, as the account has it
    tax_included boolean NOT NULL,
    tax_category text NOT NULL,
    tax_rate numeric(5, 2) NOT NULL,
    total numeric(14, 2) NOT NULL CHECK (total >= amount),  -- what the parts come to: the price with its tax
    parts smallint NOT NULL CHECK (parts BETWEEN 2 AND 60),
    first_day date NOT NULL,                        -- on which the first part falls due; the others in the months after it
    on_end text NOT NULL CHECK (on_end IN ('goes_on', 'falls_due', 'stops')),
    why text NOT NULL CHECK (why <> ''),
    agreed_by text NOT NULL CHECK (agreed_by <> ''),
    agreed_at timestamptz NOT NULL,
    ending text CHECK (ending IN ('settled', 'returned', 'withdrawn')),
    ended_by text,
    ended_at timestamptz,
    done boolean NOT NULL DEFAULT false,            -- no bill has anything of it any more
    CHECK ((ending IS NULL) = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (ending IS DISTINCT FROM 'withdrawn' OR done)
);
CREATE INDEX instalment_plan_of ON billing.instalment_plan (billing_account_id);
CREATE INDEX instalment_plan_open ON billing.instalment_plan (billing_account_id) WHERE NOT done;

-- Which final bills have what of a plan; each of it once.
CREATE TABLE billing.instalment_billed (
    instalment_plan_id uuid NOT NULL REFERENCES billing.instalment_plan,
    role text NOT NULL CHECK (role IN ('sale', 'deferred', 'part', 'returned', 'waived', 'undone')),
    part smallint NOT NULL,                         -- of `part` the first of them, else 0
    last_part smallint NOT NULL,
    customer_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL,                 -- as the line has it
    PRIMARY KEY (instalment_plan_id, role, part),
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill
);
CREATE INDEX instalment_billed_on ON billing.instalment_billed (customer_bill_id);
GRANT SELECT, INSERT ON billing.instalment_plan, billing.instalment_billed TO hoeksteen_app;
GRANT UPDATE (ending, ended_by, ended_at, done) ON billing.instalment_plan TO hoeksteen_app;
