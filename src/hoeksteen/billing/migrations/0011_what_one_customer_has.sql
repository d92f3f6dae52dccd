-- What one customer has is looked up by customer, also among a million of them.
CREATE INDEX leaving_bill_customer ON billing.leaving_bill (customer_id, billing_account_id);
CREATE INDEX account_charge_customer ON billing.account_charge (customer_id);
CREATE INDEX instalment_plan_customer ON billing.instalment_plan (customer_id);
