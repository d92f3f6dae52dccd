"""One box for everything that a caller can say about themselves: what was typed tells which index to ask."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import phonenumbers
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from hoeksteen.interfaces.web.words import marked
from hoeksteen.kernel.errors import InvalidInput

Index = Literal["phone", "email", "iban", "customer_number", "surname_postcode", "surname_birth_date", "address"]
CHARACTERS_MAX = 120

_POSTCODE = re.compile(r"\b([1-9][0-9]{3})\s?([A-Za-z]{2})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")
_YEAR_FIRST = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_HOUSE_NUMBER = re.compile(r"^(?:.*?[^\W\d_].*?\s)?(\d{1,5})\s*[- ]?\s*([A-Za-z]{1,4}|[IVX]+|\d{1,4})?$")
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{10,30}")
_CUSTOMER_NUMBER = re.compile(r"\d{5,8}|2\d{8}|[A-Za-z]{1,4}-?\d{4,10}")


@dataclass(frozen=True, slots=True)
class Question:
    """
    One question to the keeper's blind search.

    :param value: in the form that the index takes; personal data, so never in an address or a log
    """

    index: Index
    value: str


def read_question(text: str) -> Question:
    """
    Read what was typed into the search box.

    :raises InvalidInput: with an example of each form, when it has none of them; the message never repeats what was typed
    """
    text = " ".join(text.split())
    if not text:
        raise InvalidInput(marked("Type something to search for."), remedy=_EXAMPLES, field="q")
    if len(text) > CHARACTERS_MAX:
        raise InvalidInput(marked("That is too long for a search."), remedy=_EXAMPLES, field="q")
    found = _email(text) or _iban(text) or _customer_number(text) or _phone(text) or _birth_date(text) or _postcode(text)
    if found is None:
        raise InvalidInput(marked("This is none of the things that can be searched for."), remedy=_EXAMPLES, field="q")
    return found


_EXAMPLES = marked(
    "Try a phone number, e-mail address, IBAN or customer number; or a surname with a postcode or a birth date; or a postcode with a house number."
)


def _email(text: str) -> Question | None:
    return Question("email", text) if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else None


def _iban(text: str) -> Question | None:
    compact = text.replace(" ", "")
    if not _IBAN.fullmatch(compact):
        return None
    try:
        return Question("iban", str(IBAN(compact)))
    except SchwiftyException:
        raise InvalidInput(
            marked("This looks like an IBAN, and its check digits are wrong."), remedy=marked("Ask for it again."), field="q"
        ) from None


def _customer_number(text: str) -> Question | None:
    return Question("customer_number", text.upper()) if _CUSTOMER_NUMBER.fullmatch(text) and not text.startswith("0") else None


def _phone(text: str) -> Question | None:
    if not re.fullmatch(r"\+?[\d\s().-]{8,20}", text) or _DAY_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        return None
    compact = re.sub(r"[\s().-]", "", text)
    if compact.startswith("31") and len(compact) == 11:
        compact = f"+{compact}"
    try:
        number = phonenumbers.parse(compact, "NL")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return Question("phone", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+"))


def _birth_date(text: str) -> Question | None:
    match = _DAY_FIRST.search(text) or _YEAR_FIRST.search(text)
    if match is None:
        return None
    surname = _surname(text[: match.start()] + " " + text[match.end() :])
    year, month, day = (match[3], match[2], match[1]) if match.re is _DAY_FIRST else (match[1], match[2], match[3])
    try:
        born = date(int(year), int(month), int(day))
    except ValueError:
        raise InvalidInput(marked("This birth date does not exist."), remedy=marked("Write it as 31-12-1980 or 1980-12-31."), field="q") from None
    return Question("surname_birth_date", f"{surname}|{born.isoformat()}") if surname else None


def _postcode(text: str) -> Question | None:
    match = _POSTCODE.search(text)
    if match is None:
        return None
    postcode = f"{match[1]}{match[2].upper()}"
    rest = " ".join((text[: match.start()] + " " + text[match.end() :]).split()).strip(" ,")
    if (surname := _surname(rest)) and not any(character.isdigit() for character in rest):
        return Question("surname_postcode", f"{surname}|{postcode}")
    house = _HOUSE_NUMBER.match(rest)
    return Question("address", f"{postcode}|{house[1]}|{(house[2] or '').upper()}") if house else None


def _surname(text: str) -> str:
    surname = " ".join(text.split()).strip(" ,")
    return surname if re.fullmatch(r"[^\W\d_](?:[^\W\d_]|[ '’.&+-])*", surname) else ""
