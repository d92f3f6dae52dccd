"""The texts of messages, in Dutch and English. A bill is not attached: the customer reads it after logging in."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from hoeksteen.messages.model import MessageKind

SENDER_NAME = "Lage Landen Telecom"
SENDER_ADDRESS = "facturen@lagelanden.example"

_SUBJECTS = {
    (MessageKind.BILL_READY, "nl"): "Uw factuur {bill_number} staat klaar",
    (MessageKind.BILL_READY, "en"): "Your invoice {bill_number} is ready",
    (MessageKind.CREDIT_READY, "nl"): "Uw creditnota {bill_number} staat klaar",
    (MessageKind.CREDIT_READY, "en"): "Your credit note {bill_number} is ready",
}
_BODIES = {
    (MessageKind.BILL_READY, "nl"): """{salutation}

Uw factuur {bill_number} staat voor u klaar in Mijn Lage Landen.

    Te betalen     € {amount}
    Uiterlijk op   {due_date}

U leest de factuur, met alle details, nadat u bent ingelogd. Wij vragen u nooit per e-mail om uw wachtwoord of om
direct via een link te betalen.

Met vriendelijke groet,
Lage Landen Telecom B.V.
""",
    (MessageKind.BILL_READY, "en"): """{salutation}

Your invoice {bill_number} is ready for you in My Lage Landen.

    To be paid     € {amount}
    No later than  {due_date}

You can read the invoice, with all its details, after logging in. We never ask for your password by e-mail, nor for
a payment through a link.

Kind regards,
Lage Landen Telecom B.V.
""",
    (MessageKind.CREDIT_READY, "nl"): """{salutation}

Uw creditnota {bill_number} staat voor u klaar in Mijn Lage Landen.

    U ontvangt     € {amount}

Wij verrekenen dit bedrag met u. U leest de creditnota, met alle details, nadat u bent ingelogd.

Met vriendelijke groet,
Lage Landen Telecom B.V.
""",
    (MessageKind.CREDIT_READY, "en"): """{salutation}

Your credit note {bill_number} is ready for you in My Lage Landen.

    You receive    € {amount}

We settle this amount with you. You can read the credit note, with all its details, after logging in.

Kind regards,
Lage Landen Telecom B.V.
""",
}
_SALUTATIONS = {"nl": ("Beste {name},", "Beste klant,"), "en": ("Dear {name},", "Dear customer,")}


def subject(*, kind: MessageKind, language: str, parameters: Mapping[str, str]) -> str:
    """
    Give the subject line of a message.

    :param parameters: `bill_number`, `amount` in euros, `due_date` as YYYY-MM-DD
    """
    return _SUBJECTS[kind, language].format_map(_spoken(parameters, language))


def body(*, kind: MessageKind, language: str, parameters: Mapping[str, str], name: str | None) -> str:
    """
    Give the text of a message.

    :param name: how the customer is addressed; None where it is not known
    """
    named, unnamed = _SALUTATIONS[language]
    salutation = unnamed if name is None else named.format(name=name)
    return _BODIES[kind, language].format_map({**_spoken(parameters, language), "salutation": salutation})


def _spoken(parameters: Mapping[str, str], language: str) -> dict[str, str]:
    """Write the amount and the day of a message as its reader does."""
    locale = "nl_NL" if language == "nl" else "en_GB"
    return {
        **parameters,
        "amount": format_decimal(Decimal(parameters["amount"]), format="#,##0.00", locale=locale),
        "due_date": format_date(date.fromisoformat(parameters["due_date"]), "d MMMM y", locale=locale),
    }
