-- What banks, collections, deposits, dunning and bad debts are posted to. `equity` is for what opening balances stand against.
ALTER TABLE ledger.ledger_account DROP CONSTRAINT ledger_account_kind_check;
ALTER TABLE ledger.ledger_account ADD CONSTRAINT ledger_account_kind_check CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense'));
INSERT INTO ledger.ledger_account (ledger_account_code, name_nl, name_en, kind) VALUES
    ('1110', 'Betalingen onderweg', 'Payments in transit', 'asset'),
    ('1120', 'Niet toegewezen ontvangsten', 'Unmatched receipts', 'liability'),
    ('1310', 'Incasso''s onderweg', 'Direct debits sent', 'asset'),
    ('1400', 'Waarborgsommen', 'Deposits', 'liability'),
    ('1410', 'Tegoeden van klanten', 'Customers'' credit', 'liability'),
    ('1610', 'Btw op oninbare vorderingen', 'VAT on bad debts', 'asset'),
    ('4710', 'Oninbare vorderingen', 'Bad debts', 'expense'),
    ('4720', 'Bankkosten', 'Bank costs', 'expense'),
    ('8100', 'Vergoeding van incassokosten', 'Collection fees', 'revenue'),
    ('8110', 'Wettelijke rente', 'Statutory interest', 'revenue');
