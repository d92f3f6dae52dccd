-- A credit note that somebody gave on a bill is a bill below zero of no run, numbered in the same series.
ALTER TABLE billing.customer_bill ALTER COLUMN bill_run_id DROP NOT NULL;

CREATE TABLE billing.credit_note (
    customer_id uuid NOT NULL,
    customer_bill_id uuid PRIMARY KEY,
    credited_bill_id uuid NOT NULL,
    why text NOT NULL CHECK (why <> ''),
    credited_by text NOT NULL CHECK (credited_by <> ''),
    credited_at timestamptz NOT NULL,
    FOREIGN KEY (customer_id, customer_bill_id) REFERENCES billing.customer_bill,
    FOREIGN KEY (customer_id, credited_bill_id) REFERENCES billing.customer_bill,
    CHECK (customer_bill_id <> credited_bill_id)
);
CREATE INDEX credit_note_of_bill ON billing.credit_note (credited_bill_id);
-- given once, and never changed
GRANT SELECT, INSERT ON billing.credit_note TO hoeksteen_app;

-- All credit notes of a bill together give back no more than was billed, whoever writes them and whatever they work out.
CREATE FUNCTION billing.refuse_more_than_was_billed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_over numeric;
BEGIN
    PERFORM FROM billing.customer_bill b WHERE b.customer_id = NEW.customer_id AND b.customer_bill_id = NEW.credited_bill_id FOR UPDATE;
    SELECT b.gross + coalesce((
        SELECT sum(note.gross) FROM billing.credit_note n JOIN billing.customer_bill note USING (customer_id, customer_bill_id)
        WHERE n.credited_bill_id = NEW.credited_bill_id
    ), 0) INTO left_over
    FROM billing.customer_bill b WHERE b.customer_id = NEW.customer_id AND b.customer_bill_id = NEW.credited_bill_id AND b.bill_number IS NOT NULL;
    IF left_over IS NULL OR left_over < 0 THEN
        RAISE EXCEPTION 'more is credited than was billed' USING ERRCODE = 'check_violation', CONSTRAINT = 'credited_at_most_what_was_billed';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER credited_at_most_what_was_billed AFTER INSERT ON billing.credit_note
    FOR EACH ROW EXECUTE FUNCTION billing.refuse_more_than_was_billed();
