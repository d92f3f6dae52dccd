-- Two customers that turn out to be one, or one that turns out to be two: their products become another customer's, with all that is kept of them.
GRANT UPDATE (customer_id) ON product.block TO hoeksteen_app;
