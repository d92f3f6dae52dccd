-- Who began a run, and how far its messages are; a final run is sent after it is done.
ALTER TABLE billing.bill_run
    ADD COLUMN started_by text NOT NULL DEFAULT '',
    ADD COLUMN stop_asked boolean NOT NULL DEFAULT false,
    ADD COLUMN sent_to uuid,                        -- the last billing account to which the bill was announced
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN accounts uuid[];                     -- the only billing accounts of an off-cycle run
ALTER TABLE billing.bill_run DROP CONSTRAINT bill_run_kind_check;
ALTER TABLE billing.bill_run ADD CONSTRAINT bill_run_kind_check CHECK (kind IN ('trial', 'final', 'off_cycle'));

-- What a bill says, in 16 bytes: equal when its lines and amounts are, whatever run made it.
ALTER TABLE billing.customer_bill ADD COLUMN content bytea;

-- A trial that somebody other than who began it found good: the final run makes these bills, and holds those that changed since.
CREATE TABLE billing.bill_run_approval (
    bill_run_id uuid PRIMARY KEY REFERENCES billing.bill_run ON DELETE CASCADE,
    approved_by text NOT NULL CHECK (approved_by <> ''),
    approved_at timestamptz NOT NULL,
    bills bigint NOT NULL,
    gross numeric(18, 2) NOT NULL
);

-- Billing accounts that somebody keeps from being billed, until it is released.
CREATE TABLE billing.account_hold (
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    held_at timestamptz NOT NULL,
    held_by text NOT NULL CHECK (held_by <> ''),
    why text NOT NULL CHECK (why <> ''),
    released_at timestamptz,
    released_by text,
    PRIMARY KEY (billing_account_id, held_at),
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE UNIQUE INDEX account_hold_once ON billing.account_hold (billing_account_id) WHERE released_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON billing.bill_run_approval TO hoeksteen_app;
GRANT SELECT, INSERT, UPDATE ON billing.account_hold TO hoeksteen_app;

-- That each line and tax has its bill is checked once per statement instead of once per row, which took longer than writing them.
ALTER TABLE billing.applied_customer_billing_rate DROP CONSTRAINT applied_customer_billing_rate_customer_id_customer_bill_id_fkey;
ALTER TABLE billing.applied_bill_tax DROP CONSTRAINT applied_bill_tax_customer_id_customer_bill_id_fkey;
CREATE FUNCTION billing.refuse_parts_without_bill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT customer_id, customer_bill_id FROM added) part
        WHERE NOT EXISTS (SELECT FROM billing.customer_bill b WHERE b.customer_id = part.customer_id AND b.customer_bill_id = part.customer_bill_id)
    ) THEN
        RAISE EXCEPTION 'a line or a tax has no bill' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'part_has_its_bill';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER part_has_its_bill AFTER INSERT ON billing.applied_customer_billing_rate
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_parts_without_bill();
CREATE TRIGGER part_has_its_bill AFTER INSERT ON billing.applied_bill_tax
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_parts_without_bill();
-- And a bill goes only after its parts, which a run's trial alone ever does.
CREATE FUNCTION billing.refuse_bill_with_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM removed b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id))
        OR EXISTS (SELECT FROM removed b JOIN billing.applied_bill_tax t USING (customer_id, customer_bill_id)) THEN
        RAISE EXCEPTION 'a bill is removed and its lines are not' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'part_has_its_bill';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER parts_go_first AFTER DELETE ON billing.customer_bill
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_bill_with_parts();

-- Kept as the text that it is written as: nobody searches in it.
ALTER TABLE billing.applied_customer_billing_rate ALTER COLUMN detail TYPE json USING detail::text::json;
