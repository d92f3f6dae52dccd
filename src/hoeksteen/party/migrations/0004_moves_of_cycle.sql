-- Billing accounts that are billed on another day from a day on, on which a period of their old cycle ends; a shorter period bridges the two.
-- `cycle_day` of the account changes when the old cycle's last period has been billed.
CREATE TABLE party.cycle_move (
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    from_day date NOT NULL,
    day_before smallint NOT NULL CHECK (day_before BETWEEN 1 AND 28),
    day_after smallint NOT NULL CHECK (day_after BETWEEN 1 AND 28),
    moved_by text NOT NULL CHECK (moved_by <> ''),
    moved_at timestamptz NOT NULL,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (billing_account_id, from_day),
    FOREIGN KEY (customer_id, billing_account_id) REFERENCES party.billing_account,
    CHECK (day_before <> day_after AND extract(day FROM from_day) = day_before)
);
CREATE UNIQUE INDEX cycle_move_once ON party.cycle_move (billing_account_id) WHERE NOT done;
GRANT SELECT, INSERT, UPDATE, DELETE ON party.cycle_move TO hoeksteen_app;
