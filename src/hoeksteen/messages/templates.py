"""The texts of messages, in Dutch and English. A bill is not attached: the customer reads it after logging in."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from hoeksteen.messages import receivables_texts as receivables
from hoeksteen.messages.model import MessageKind

SENDER_NAME = "Lage Landen Telecom"
SENDER_ADDRESS = "facturen@lagelanden.example"

_SUBJECTS = {
    (MessageKind.BILL_READY, "nl"): "Uw factuur {bill_number} staat klaar",
    (MessageKind.BILL_READY, "en"): "Your invoice {bill_number} is ready",
    (MessageKind.CREDIT_READY, "nl"): "Uw creditnota {bill_number} staat klaar",
    (MessageKind.CREDIT_READY, "en"): "Your credit note {bill_number} is ready",
    (MessageKind.ALLOWANCE_USED, "nl"): "{percent} % van uw bundel is gebruikt",
    (MessageKind.ALLOWANCE_USED, "en"): "{percent} % of your allowance is used",
    (MessageKind.CAP_REACHED, "nl"): "{percent} % van uw kostenlimiet is bereikt",
    (MessageKind.CAP_REACHED, "en"): "{percent} % of your spending limit is reached",
    (MessageKind.ROAMING_STOPPED, "nl"): "Uw mobiele data in het buitenland is gestopt",
    (MessageKind.ROAMING_STOPPED, "en"): "Your mobile data abroad has stopped",
    **receivables.SUBJECTS,
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
    (MessageKind.ALLOWANCE_USED, "nl"): """{salutation}

Van uw bundel {name} ({offering}) is {percent} % gebruikt. Op {until} begint een nieuwe bundel; wat u tot dan boven de
bundel gebruikt, betaalt u volgens uw tarieven. Uw verbruik ziet u in Mijn Lage Landen.

Met vriendelijke groet,
Lage Landen Telecom B.V.
""",
    (MessageKind.ALLOWANCE_USED, "en"): """{salutation}

{percent} % of your allowance {name} ({offering}) is used. A new one begins on {until}; what you use beyond it until then
is charged by your price list. You see what you used in My Lage Landen.

Kind regards,
Lage Landen Telecom B.V.
""",
    (MessageKind.CAP_REACHED, "nl"): """{salutation}

Van uw kostenlimiet van € {amount} ({offering}) is {percent} % bereikt. Meer dan de limiet betaalt u in deze periode niet;
op {until} begint een nieuwe.

Met vriendelijke groet,
Lage Landen Telecom B.V.
""",
    (MessageKind.CAP_REACHED, "en"): """{salutation}

{percent} % of your spending limit of € {amount} ({offering}) is reached. You pay no more than the limit in this period; a
new one begins on {until}.

Kind regards,
Lage Landen Telecom B.V.
""",
    (MessageKind.ROAMING_STOPPED, "nl"): """{salutation}

U heeft in het buitenland voor € {amount} aan mobiele data gebruikt. Om u voor een hoge rekening te behoeden is mobiele
data in het buitenland gestopt tot {until}. Wilt u toch verder? Bel of schrijf ons, dan heffen wij de limiet op.

Met vriendelijke groet,
Lage Landen Telecom B.V.
""",
    (MessageKind.ROAMING_STOPPED, "en"): """{salutation}

You have used mobile data abroad for € {amount}. To protect you from a high bill, mobile data abroad has stopped until
{until}. Do you want to go on? Call or write to us, and we lift the limit.

Kind regards,
Lage Landen Telecom B.V.
""",
    **receivables.BODIES,
}
_SALUTATIONS = {"nl": ("Beste {name},", "Beste klant,"), "en": ("Dear {name},", "Dear customer,")}


def subject(*, kind: MessageKind, language: str, parameters: Mapping[str, str]) -> str:
    """
    Give the subject line of a message.

    :param parameters: of a bill `bill_number`, `amount` in euros and `due_date` as YYYY-MM-DD; of a threshold `percent`, `name`, `offering`,
        `until` as YYYY-MM-DD, and of a cap its `amount`; of a collection `bill_number`, `amount`, `due_date`, `mandate` and `creditor`;
        of late bills `bill_number`, `amount`, `costs` and `until`
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
    """Write the amounts and days of a message as its reader does."""
    locale = "nl_NL" if language == "nl" else "en_GB"
    spoken = dict(parameters)
    for name in {"amount", "costs", "part"} & set(parameters):
        spoken[name] = format_decimal(Decimal(parameters[name]), format="#,##0.00", locale=locale)
    for name in {"due_date", "until"} & set(parameters):
        spoken[name] = format_date(date.fromisoformat(parameters[name]), "d MMMM y", locale=locale)
    return spoken
