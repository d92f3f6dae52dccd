-- Epochs are never deleted, and checking the reference costs more than writing the key.
ALTER TABLE vault.subject_key DROP CONSTRAINT subject_key_epoch_fkey;
