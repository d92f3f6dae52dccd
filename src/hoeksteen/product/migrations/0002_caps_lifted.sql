-- A customer who wants to go on beyond a cap lifts it: what begins in the meantime is charged in full.
CREATE TABLE product.cap_lifted (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    cap_id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    PRIMARY KEY (customer_id, product_id, cap_id, valid_from),
    CHECK (valid_to IS NULL OR valid_to > valid_from),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product
);
-- Roaming ended for the rest of a bill period, because its cap was reached.
CREATE TABLE product.roaming_stop (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    cap_id text NOT NULL,
    period_day date NOT NULL,                       -- first day of the bill period
    stopped_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, product_id, cap_id, period_day),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product
);
GRANT SELECT, INSERT, UPDATE ON product.cap_lifted TO hoeksteen_app;
GRANT SELECT, INSERT ON product.roaming_stop TO hoeksteen_app;
