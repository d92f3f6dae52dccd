-- Discounts are granted and ended in an interaction too.
ALTER TABLE care.interaction_item DROP CONSTRAINT interaction_item_kind_check;
ALTER TABLE care.interaction_item ADD CONSTRAINT interaction_item_kind_check
    CHECK (kind IN ('change_plan', 'suspend', 'resume', 'terminate', 'onboard', 'grant_discount', 'end_discount'));
