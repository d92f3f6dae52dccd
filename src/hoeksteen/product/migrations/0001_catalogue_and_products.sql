CREATE SCHEMA product;
GRANT USAGE ON SCHEMA product TO hoeksteen_app;

-- The catalogue as loaded from files; `definition` is the file's own text as JSON, validated before it is loaded.
CREATE TABLE product.product_offering (
    product_offering_id text PRIMARY KEY,
    family text NOT NULL,
    name_nl text NOT NULL,
    name_en text NOT NULL,
    definition jsonb NOT NULL
);
CREATE TABLE product.product_offering_price (
    product_offering_id text NOT NULL REFERENCES product.product_offering,
    price_id text NOT NULL,
    valid_from timestamptz NOT NULL,                -- until the next version's, or the end that the definition gives
    kind text NOT NULL CHECK (kind IN ('recurring', 'one_time', 'usage')),
    definition jsonb NOT NULL,
    PRIMARY KEY (price_id, valid_from)
);

CREATE TABLE product.product (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    billing_account_id uuid NOT NULL,
    start_day date NOT NULL,
    -- recurring charges were billed up to but not including this day by the system it came from
    recurring_billed_to date NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);
CREATE UNIQUE INDEX product_id_unique ON product.product (product_id);

-- What was held when: half-open, without holes or overlaps per product.
CREATE TABLE product.product_term (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    product_offering_id text NOT NULL REFERENCES product.product_offering,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'terminated')),
    PRIMARY KEY (customer_id, product_id, valid_from),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product
);

-- A discount (negative) or surcharge on a product's recurring charge.
CREATE TABLE product.price_alteration (
    customer_id uuid NOT NULL,
    product_id uuid NOT NULL,
    price_alteration_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('percentage', 'amount')),
    value numeric(12, 2) NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    -- whose price it keeps: it ends when the product becomes another offering; none for what stays with any plan
    product_offering_id text REFERENCES product.product_offering,
    PRIMARY KEY (customer_id, product_id, price_alteration_id),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product
);

-- Numbers and SIMs: the value itself is sealed with the party's contact data; the keeper's index `number` finds resource_id by value.
CREATE TABLE product.resource (
    customer_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    product_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('msisdn', 'sim', 'line')),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    PRIMARY KEY (customer_id, resource_id),
    FOREIGN KEY (customer_id, product_id) REFERENCES product.product
);
CREATE UNIQUE INDEX resource_id_unique ON product.resource (resource_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA product TO hoeksteen_app;
