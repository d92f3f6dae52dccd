-- A meter that would pass its ceiling fails its statement, so that counting takes one round trip and two requests never share the last place.
ALTER TABLE access.meter ADD COLUMN ceiling bigint NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE access.meter ALTER COLUMN ceiling DROP DEFAULT;
ALTER TABLE access.meter ADD CONSTRAINT meter_ceiling CHECK (used <= ceiling);
