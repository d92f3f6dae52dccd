-- A write that was cut off and may be taken up again by its own identifier: what it wrote so far is kept for some days.
ALTER TABLE lake.open_write ADD COLUMN resumable boolean NOT NULL DEFAULT false;
