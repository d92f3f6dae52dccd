-- A stop ends where what reached its cap was taken back by a correction; the cap can be reached again.
ALTER TABLE product.roaming_stop ADD COLUMN resumed_at timestamptz;
GRANT UPDATE ON product.roaming_stop TO hoeksteen_app;
