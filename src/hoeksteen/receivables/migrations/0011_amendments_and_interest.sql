-- A mandate that goes on with another bank account. The IBANs are sealed; here stands that it happened, and when it was told to the bank.
ALTER TABLE receivables.mandate ADD COLUMN amended_on date, ADD COLUMN amendment_is_due boolean NOT NULL DEFAULT false;
ALTER TABLE receivables.collection ADD COLUMN is_amended boolean NOT NULL DEFAULT false;   -- it told the bank of the amendment
CREATE TABLE receivables.mandate_amendment (
    customer_id uuid NOT NULL,
    mandate_id uuid NOT NULL,
    amended_at timestamptz NOT NULL,
    amended_by text NOT NULL,
    to_another_bank boolean NOT NULL,
    PRIMARY KEY (customer_id, mandate_id, amended_at),
    FOREIGN KEY (customer_id, mandate_id) REFERENCES receivables.mandate
);
GRANT SELECT, INSERT ON receivables.mandate_amendment TO hoeksteen_app;

-- Services are blocked after a notice; interest is charged where the policy says so.
ALTER TABLE receivables.dunning_step DROP CONSTRAINT dunning_step_kind_check;
ALTER TABLE receivables.dunning_step ADD CONSTRAINT dunning_step_kind_check
    CHECK (kind IN ('reminder', 'fourteen_day_letter', 'collection_costs', 'block_notice', 'block', 'interest', 'hand_over'));
ALTER TABLE receivables.fee DROP CONSTRAINT fee_kind_check;
ALTER TABLE receivables.fee ADD CONSTRAINT fee_kind_check CHECK (kind IN ('collection_costs', 'interest'));
-- What a fee of interest is for: the days from from_day up to but not including until_day.
CREATE TABLE receivables.interest_charge (
    customer_id uuid NOT NULL,
    fee_id uuid NOT NULL,
    customer_bill_id uuid NOT NULL,
    from_day date NOT NULL,
    until_day date NOT NULL CHECK (until_day > from_day),
    principal numeric(14, 2) NOT NULL,              -- open of the bill when it was charged
    charged_by text NOT NULL,
    PRIMARY KEY (customer_id, fee_id),
    FOREIGN KEY (customer_id, fee_id) REFERENCES receivables.fee
);
-- What was taken back of a fee by hand; it settles the fee as a payment does (`allocation.source_id`).
CREATE TABLE receivables.fee_waiver (
    customer_id uuid NOT NULL,
    fee_waiver_id uuid NOT NULL,
    fee_id uuid NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    why text NOT NULL,
    waived_by text NOT NULL,
    waived_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, fee_waiver_id),
    FOREIGN KEY (customer_id, fee_id) REFERENCES receivables.fee
);
GRANT SELECT, INSERT ON receivables.interest_charge, receivables.fee_waiver TO hoeksteen_app;
