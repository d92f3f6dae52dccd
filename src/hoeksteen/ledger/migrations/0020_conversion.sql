-- What opening balances of systems before this one stand against. What is left on it is what customers owed there when they came here.
INSERT INTO ledger.ledger_account (ledger_account_code, name_nl, name_en, kind) VALUES
    ('0990', 'Conversierekening', 'Conversion account', 'equity');
