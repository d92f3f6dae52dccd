CREATE SCHEMA lake;
GRANT USAGE ON SCHEMA lake TO hoeksteen_app;

-- The two tables of PyIceberg's SQL catalogue, version 1.
CREATE TABLE lake.iceberg_tables (
    catalog_name varchar(255) NOT NULL,
    table_namespace varchar(255) NOT NULL,
    table_name varchar(255) NOT NULL,
    metadata_location varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type varchar(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE lake.iceberg_namespace_properties (
    catalog_name varchar(255) NOT NULL,
    namespace varchar(255) NOT NULL,
    property_key varchar(255) NOT NULL,
    property_value varchar(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);

-- The snapshot of each lake table that readers follow. It moves in the same transaction as the rows that account for it.
CREATE TABLE lake.head (
    table_name text PRIMARY KEY,
    snapshot_id bigint NOT NULL
);

-- Snapshots that were heads, which a reader may still follow; they are expired a day later.
CREATE TABLE lake.replaced (
    table_name text NOT NULL,
    snapshot_id bigint NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (table_name, snapshot_id)
);

-- Files that only expired snapshots need. Noted before the snapshots go, removed after, so that a crash between leaves neither loss nor litter.
CREATE TABLE lake.doomed_file (
    path text PRIMARY KEY
);

-- A write that has begun. One that is found at the next start was cut off: its files and snapshots are removed.
CREATE TABLE lake.open_write (
    write_id uuid PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lake TO hoeksteen_app;
