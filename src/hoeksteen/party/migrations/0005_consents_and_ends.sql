-- What customers consented to, or withdrew; each decision is a row, and of each purpose the newest decides. Of a purpose without a row nothing is known.
CREATE TABLE party.consent (
    customer_id uuid NOT NULL REFERENCES party.customer,
    consent_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN (
        'marketing_email', 'marketing_phone', 'marketing_sms', 'marketing_post', 'profiling', 'traffic_data', 'location_data', 'directory')),
    decision text NOT NULL CHECK (decision IN ('given', 'withdrawn')),
    decided_at timestamptz NOT NULL,
    channel text CHECK (channel IN ('phone', 'e_mail', 'post', 'shop', 'web', 'app')),
    source text NOT NULL,                           -- the system that the customer told, by its name for people
    source_key uuid,                                -- the pseudonym of the legacy record that brought it
    PRIMARY KEY (customer_id, consent_id)
);
CREATE INDEX consent_id_of ON party.consent (consent_id);
GRANT SELECT, INSERT ON party.consent TO hoeksteen_app;
-- whose it is changes only when customers are merged or taken apart; it goes only where its customer is taken back
GRANT UPDATE (customer_id), DELETE ON party.consent TO hoeksteen_app;

-- Until when a customer is bound, where that was agreed.
ALTER TABLE party.agreement ADD COLUMN valid_to date, ADD CHECK (valid_to > valid_from);
