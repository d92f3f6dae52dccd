-- What fills a message is no personal data: the end of an IBAN does not belong there.
UPDATE messages.message SET parameters = parameters - 'last_digits' WHERE kind = 'mandate_amended';
