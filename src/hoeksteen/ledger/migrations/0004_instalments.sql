-- What customers still have to pay in instalments and no bill asks yet; it becomes a debt as each part is billed.
INSERT INTO ledger.ledger_account (ledger_account_code, name_nl, name_en, kind) VALUES
    ('1320', 'Nog te factureren termijnen', 'Instalments to be billed', 'asset');
