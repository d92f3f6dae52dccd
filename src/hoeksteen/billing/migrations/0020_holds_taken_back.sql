-- A customer who is taken away again leaves no hold behind.
GRANT DELETE ON billing.account_hold TO hoeksteen_app;
