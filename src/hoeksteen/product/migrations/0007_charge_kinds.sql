-- What somebody may charge once beside what products cost, by name; `definition` as declared. A charge that was granted keeps what it copied.
CREATE TABLE product.charge_kind (
    charge_kind_id text PRIMARY KEY,
    definition jsonb NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON product.charge_kind TO hoeksteen_app;
