-- A billing account may be a department of another one of its customer: from the first day of a bill period on, its lines stand on the bills of
-- that parent, which may itself be a department. What was is kept, so that every earlier bill can be told.
CREATE TABLE party.department (
    customer_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    parent_billing_account_id uuid NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (billing_account_id, valid_from),
    FOREIGN KEY (customer_id, billing_account_id) REFERENCES party.billing_account,
    FOREIGN KEY (customer_id, parent_billing_account_id) REFERENCES party.billing_account,
    CHECK (billing_account_id <> parent_billing_account_id),
    CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX department_of_one ON party.department (billing_account_id) WHERE valid_to IS NULL;
CREATE INDEX department_parent ON party.department (parent_billing_account_id);
CREATE INDEX department_customer ON party.department (customer_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON party.department TO hoeksteen_app;
