-- Which prices of usage a discount lowers: none of them for one on recurring charges, all of them where the list is empty.
ALTER TABLE product.price_alteration ADD COLUMN usage_prices text[];
