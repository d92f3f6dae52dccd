-- People may also say which product a suspended record belongs to, by its identifier.
ALTER TABLE usage.suspense_change DROP CONSTRAINT suspense_change_kind_check;
ALTER TABLE usage.suspense_change ADD CONSTRAINT suspense_change_kind_check CHECK (kind IN ('zone', 'country', 'product', 'written_off'));
