-- What a billing account agreed on: how long it takes to pay, whether single records stand on the invoice, what the buyer wants quoted, and who accounts
-- for the VAT: a business in another member state does it itself.
ALTER TABLE party.billing_account
    ADD COLUMN payment_term_days smallint CHECK (payment_term_days BETWEEN 1 AND 120),
    ADD COLUMN itemisation text NOT NULL DEFAULT 'none' CHECK (itemisation IN ('none', 'masked', 'full')),
    ADD COLUMN buyer_reference text CHECK (buyer_reference ~ '^[A-Za-z0-9 ./_-]{1,50}$'),
    ADD COLUMN tax_treatment text NOT NULL DEFAULT 'domestic' CHECK (tax_treatment IN ('domestic', 'reverse_charge')),
    ADD CHECK (NOT (tax_included AND tax_treatment = 'reverse_charge'));
