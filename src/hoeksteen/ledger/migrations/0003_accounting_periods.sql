-- Entries are checked once per statement, not once per row: with a million bills the rows' own checks cost more than writing them.
-- The guarantee stays: no entry without at least two postings that sum to zero per currency can ever be committed.
DROP TRIGGER journal_entry_sums_to_zero ON ledger.journal_entry;
DROP FUNCTION ledger.refuse_unbalanced_entry();
DROP TRIGGER journal_entry_sums_to_zero ON ledger.posting;
DROP FUNCTION ledger.refuse_unbalanced_postings();
-- What these two kept is kept by ledger.check_postings(); nobody may remove an entry or a ledger account.
ALTER TABLE ledger.posting DROP CONSTRAINT posting_journal_entry_id_fkey;
ALTER TABLE ledger.posting DROP CONSTRAINT posting_ledger_account_code_fkey;

-- One row: the first day on which the books are open. Whoever books holds it, and whoever closes a period waits for them.
CREATE TABLE ledger.books (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    open_from date
);
INSERT INTO ledger.books DEFAULT VALUES;

-- Periods that are closed, a calendar month each, without a hole between them. None is ever opened again.
CREATE TABLE ledger.accounting_period (
    first_day date PRIMARY KEY CHECK (extract(day FROM first_day) = 1),
    end_day date NOT NULL UNIQUE,                   -- the first day after it
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL CHECK (closed_by <> ''),
    entries bigint NOT NULL,
    postings bigint NOT NULL,
    debit numeric(20, 2) NOT NULL,                  -- the sum of the debits, which is that of the credits
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),  -- SHA-256 of the period's journal as CSV
    CHECK (end_day = (first_day + interval '1 month')::date)
);

-- Entries of this transaction whose postings are looked at when it commits; none outlives it.
CREATE UNLOGGED TABLE ledger.unchecked_entries (
    unchecked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_entry_ids uuid[] STORAGE EXTERNAL NOT NULL
);

CREATE FUNCTION ledger.hold_open_books() RETURNS date LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(open_from, '-infinity') FROM ledger.books FOR SHARE
$$;

CREATE FUNCTION ledger.check_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open_from date := ledger.hold_open_books();
BEGIN
    IF EXISTS (SELECT FROM added WHERE booked_on < open_from) THEN
        RAISE EXCEPTION 'the books are open from % on', open_from USING ERRCODE = 'check_violation', CONSTRAINT = 'accounting_period_is_open';
    END IF;
    INSERT INTO ledger.unchecked_entries (journal_entry_ids) SELECT array_agg(journal_entry_id) FROM added HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entry_is_checked AFTER INSERT ON ledger.journal_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_entries();

-- What one statement adds to an entry sums to zero, so that no statement can ever unbalance an entry that stood.
-- A plan is kept for the session and was made when tables were small: an entry is therefore looked up by its key, whatever the planner thinks.
CREATE FUNCTION ledger.check_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
    open_from date := ledger.hold_open_books();
    unknown bigint;
    closed bigint;
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of a journal entry do not sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_sums_to_zero';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT ledger_account_code FROM added) used
               WHERE NOT EXISTS (SELECT FROM ledger.ledger_account a WHERE a.ledger_account_code = used.ledger_account_code)) THEN
        RAISE EXCEPTION 'a posting names no ledger account' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'posting_ledger_account';
    END IF;
    SELECT count(*) FILTER (WHERE e.booked_on IS NULL), count(*) FILTER (WHERE e.booked_on < open_from) INTO unknown, closed
    FROM (SELECT DISTINCT journal_entry_id FROM added) used LEFT JOIN ledger.journal_entry e USING (journal_entry_id);
    IF unknown > 0 THEN
        RAISE EXCEPTION 'a posting names no journal entry' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'posting_journal_entry';
    END IF;
    IF closed > 0 THEN
        RAISE EXCEPTION 'the books are open from % on', open_from USING ERRCODE = 'check_violation', CONSTRAINT = 'accounting_period_is_open';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posting_is_checked AFTER INSERT ON ledger.posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_postings();

-- At commit each new entry has at least two postings, and sums to zero per currency: once for all entries of a statement.
CREATE FUNCTION ledger.check_at_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT new_entry.id, count(p.line) AS postings, sum(p.amount) AS total
            FROM unnest(NEW.journal_entry_ids) AS new_entry (id) LEFT JOIN ledger.posting p ON p.journal_entry_id = new_entry.id
            GROUP BY new_entry.id, p.currency
        ) part GROUP BY id HAVING sum(postings) < 2 OR max(abs(total)) <> 0
    ) THEN
        RAISE EXCEPTION 'a journal entry has no balanced postings' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entry_sums_to_zero';
    END IF;
    DELETE FROM ledger.unchecked_entries WHERE unchecked_id = NEW.unchecked_id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entries_are_checked_at_commit AFTER INSERT ON ledger.unchecked_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.check_at_commit();

-- Whoever closes a period waits for those who are booking, and holds up those who come after, until it is closed.
CREATE FUNCTION ledger.hold_books() RETURNS date LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT open_from FROM ledger.books FOR UPDATE
$$;

-- Periods are closed in order, each beginning where the last one ended; nothing was booked before the first of them.
CREATE FUNCTION ledger.close_in_order() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open_from date := ledger.hold_books();
BEGIN
    IF NEW.first_day <> coalesce(open_from, NEW.first_day) OR EXISTS (SELECT FROM ledger.journal_entry WHERE booked_on < NEW.first_day AND open_from IS NULL) THEN
        RAISE EXCEPTION 'accounting periods are closed in order' USING ERRCODE = 'check_violation', CONSTRAINT = 'accounting_period_in_order';
    END IF;
    UPDATE ledger.books SET open_from = NEW.end_day;
    RETURN NEW;
END $$;
CREATE TRIGGER accounting_period_in_order BEFORE INSERT ON ledger.accounting_period FOR EACH ROW EXECUTE FUNCTION ledger.close_in_order();

CREATE INDEX journal_entry_booked_on ON ledger.journal_entry (booked_on);
REVOKE ALL ON FUNCTION ledger.hold_books(), ledger.hold_open_books() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.hold_books(), ledger.hold_open_books() TO hoeksteen_app;
GRANT SELECT, INSERT ON ledger.accounting_period TO hoeksteen_app;
GRANT SELECT ON ledger.books TO hoeksteen_app;
