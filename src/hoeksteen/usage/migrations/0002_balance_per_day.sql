-- The balance per local day of the start, too. Records without a readable start, and files taken before days were kept, have none.
ALTER TABLE usage.usage_file_balance ADD COLUMN day date;
ALTER TABLE usage.usage_file_balance DROP CONSTRAINT usage_file_balance_pkey;
CREATE UNIQUE INDEX usage_file_balance_key ON usage.usage_file_balance (usage_file_id, state, reason, day) NULLS NOT DISTINCT;
CREATE INDEX usage_file_balance_day ON usage.usage_file_balance (day);
