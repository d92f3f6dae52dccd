-- What a legacy record brought that is sealed, or stands with another record's: how many contact persons, and what became of its mandate. Open items,
-- consents, notes and agreements are counted where they are.
CREATE TABLE consolidation.carried_record (
    customer_id uuid NOT NULL,
    source text NOT NULL,
    source_key uuid NOT NULL,
    contacts smallint NOT NULL,
    mandate text CHECK (mandate IN ('carried', 'superseded')),
    mandate_was_used boolean NOT NULL,              -- whether something was collected by it in the former system
    PRIMARY KEY (customer_id, source, source_key)
);
CREATE INDEX carried_record_source ON consolidation.carried_record (source);
GRANT SELECT, INSERT, UPDATE, DELETE ON consolidation.carried_record TO hoeksteen_app;
