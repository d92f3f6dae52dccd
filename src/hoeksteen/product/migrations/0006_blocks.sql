-- Products that are suspended because of late bills: what of them goes on meanwhile, and until when.
CREATE TABLE product.block (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    from_day date NOT NULL,
    reference uuid NOT NULL,                        -- the dunning case
    emergency_calls boolean NOT NULL CHECK (emergency_calls),
    incoming_until date NOT NULL CHECK (incoming_until > from_day),   -- the first day without incoming calls
    blocked_at timestamptz NOT NULL,
    lifted_from date,
    lifted_at timestamptz,
    PRIMARY KEY (customer_id, product_id, blocked_at),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product,
    CHECK ((lifted_from IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX block_open ON product.block (product_id) WHERE lifted_at IS NULL;
CREATE INDEX block_customer ON product.block (customer_id) WHERE lifted_at IS NULL;
GRANT SELECT, INSERT ON product.block TO hoeksteen_app;
GRANT UPDATE (lifted_from, lifted_at) ON product.block TO hoeksteen_app;
