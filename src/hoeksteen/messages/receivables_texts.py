"""The texts about what customers owe and get back, in Dutch and English."""

from hoeksteen.messages.model import MessageKind

_GREETING = {"nl": "Met vriendelijke groet,\nLage Landen Telecom B.V.\n", "en": "Kind regards,\nLage Landen Telecom B.V.\n"}

SUBJECTS = {
    (MessageKind.PRE_NOTIFICATION, "nl"): "Wij schrijven factuur {bill_number} op {due_date} af",
    (MessageKind.PRE_NOTIFICATION, "en"): "We collect invoice {bill_number} on {due_date}",
    (MessageKind.COLLECTION_WITHDRAWN, "nl"): "Factuur {bill_number} wordt niet afgeschreven",
    (MessageKind.COLLECTION_WITHDRAWN, "en"): "Invoice {bill_number} is not collected",
    (MessageKind.COLLECTION_RETURNED, "nl"): "De afschrijving van factuur {bill_number} is niet gelukt",
    (MessageKind.COLLECTION_RETURNED, "en"): "The collection of invoice {bill_number} did not succeed",
    (MessageKind.REFUND_SENT, "nl"): "U krijgt geld terug",
    (MessageKind.REFUND_SENT, "en"): "You get money back",
}
_TEXTS = {
    (MessageKind.PRE_NOTIFICATION, "nl"): """Wij schrijven factuur {bill_number} af van uw bankrekening.

    Bedrag            € {amount}
    Op                {due_date}
    Machtiging        {mandate}
    Incassant-ID      {creditor}

Zorg dat er dan genoeg op uw rekening staat. Bent u het niet eens met de factuur? Laat het ons voor die dag weten.
Na de afschrijving kunt u het bedrag acht weken lang bij uw bank terugvragen.""",
    (MessageKind.PRE_NOTIFICATION, "en"): """We collect invoice {bill_number} from your bank account.

    Amount            € {amount}
    On                {due_date}
    Mandate           {mandate}
    Creditor id       {creditor}

Please see to it that there is enough in your account then. Do you disagree with the invoice? Tell us before that day.
After the collection you can ask your bank for the amount back for eight weeks.""",
    (
        MessageKind.COLLECTION_WITHDRAWN,
        "nl",
    ): """Wij schrijven factuur {bill_number} van € {amount} niet van uw bankrekening af, zoals wij eerder hadden
aangekondigd. Staat de factuur nog open? Maak het bedrag dan zelf over, met het nummer van de factuur erbij.""",
    (
        MessageKind.COLLECTION_WITHDRAWN,
        "en",
    ): """We do not collect invoice {bill_number} of € {amount} from your bank account, as we had announced before. Is the
invoice still open? Then please pay it by transfer, with the number of the invoice.""",
    (
        MessageKind.COLLECTION_RETURNED,
        "nl",
    ): """De afschrijving van factuur {bill_number} van € {amount} is niet gelukt of teruggeboekt. Wilt u het bedrag zelf
overmaken, met het nummer van de factuur erbij? Is er iets anders aan de hand, neem dan contact met ons op.""",
    (
        MessageKind.COLLECTION_RETURNED,
        "en",
    ): """The collection of invoice {bill_number} of € {amount} did not succeed, or was reversed. Would you pay the amount by
transfer, with the number of the invoice? If something else is the matter, please get in touch with us.""",
    (MessageKind.REFUND_SENT, "nl"): """Wij maken € {amount} naar u over. Het bedrag staat binnen enkele werkdagen op uw bankrekening.""",
    (MessageKind.REFUND_SENT, "en"): """We transfer € {amount} to you. It is in your bank account within a few working days.""",
}
BODIES = {(kind, language): f"{{salutation}}\n\n{text}\n\n{_GREETING[language]}" for (kind, language), text in _TEXTS.items()}
