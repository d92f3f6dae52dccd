-- A restore sets the numbers that were given out where they were: forward only, so that no number is ever given twice.
CREATE FUNCTION storage.advance_sequence(sequence_name regclass, at_least bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint;
BEGIN
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s', sequence_name) INTO last;
    IF at_least > last THEN
        PERFORM setval(sequence_name, at_least);
    END IF;
END $$;
-- What was last given out of each sequence of the rooms, which the application may not ask the sequences themselves.
CREATE FUNCTION storage.sequences() RETURNS TABLE (name text, last_value bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value FROM pg_sequences
    WHERE last_value IS NOT NULL AND sequenceowner = current_user ORDER BY 1
$$;
REVOKE ALL ON FUNCTION storage.advance_sequence(regclass, bigint), storage.sequences() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION storage.advance_sequence(regclass, bigint), storage.sequences() TO hoeksteen_app;
