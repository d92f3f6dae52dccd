CREATE SCHEMA disclosure;
GRANT USAGE ON SCHEMA disclosure TO hoeksteen_app;

-- One blob per data subject and category; only the keeper opens it.
CREATE TABLE disclosure.sealed (
    subject_id uuid NOT NULL,
    category text NOT NULL,
    blob bytea NOT NULL,
    PRIMARY KEY (subject_id, category)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON disclosure.sealed TO hoeksteen_app;
