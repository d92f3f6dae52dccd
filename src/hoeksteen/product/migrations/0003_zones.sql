-- Zones that price lists name beside the built-in ones. One that is there stays: guided usage bears its name.
CREATE TABLE product.zone (
    zone_id text PRIMARY KEY,
    within text NOT NULL,                           -- the built-in zone that it refines
    definition jsonb NOT NULL                       -- as declared
);
GRANT SELECT, INSERT, UPDATE ON product.zone TO hoeksteen_app;
