-- A record is asked for by its pseudonym, mostly without its source: by each pair that people decide, by each merge and each taking apart.
ALTER TABLE consolidation.source_record DROP CONSTRAINT source_record_pkey, ADD PRIMARY KEY (source_key, source);
