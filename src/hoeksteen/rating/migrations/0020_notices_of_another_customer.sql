-- What a customer was told of a product goes along when the product becomes another customer's, so that nobody hears twice.
GRANT UPDATE (customer_id) ON rating.notice TO hoeksteen_app;
