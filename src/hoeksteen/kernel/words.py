"""What people say in their own words: who they are, and why they did something."""

import re
import unicodedata

from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.kernel.errors import InvalidInput

SAID_CHARACTERS_MAX = 1_000
_LINES = "\n\t"
_DAY = re.compile(r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})\b")
_PERSONAL = (
    ("an e-mail address", re.compile(r"\S@\S+\.\S")),
    ("a number of nine digits or more", re.compile(r"(?<![\w-])\+?\(?\d(?:[ ().-]{0,2}\d){8,}")),  # bill numbers begin with letters
    ("a postal address", re.compile(r"\b[1-9]\d{3} ?[A-Z]{2}\b")),
)
_IBAN = re.compile(r"(?=\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b)", re.IGNORECASE)  # at each place: one may begin in another's
_TURNED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # show text in another order than it has


def is_said(text: str) -> bool:
    """
    Say whether a text says something that any table, log, page and terminal shows as it stands.

    Nothing but blanks says nothing; a control character may steer the terminal on which somebody reads it later.
    """
    if not text.strip() or len(text) > SAID_CHARACTERS_MAX:
        return False
    return not any((unicodedata.category(letter) in ("Cc", "Cs") and letter not in _LINES) or letter in _TURNED for letter in text)


# hyphen, dashes, quotes, dot, ellipsis, euro, trade mark, minus
_SIGNS = frozenset("\u2010\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac\u2122\u2212")


def require_said(**said: str) -> None:
    """
    Refuse fields in which nothing is said, or nothing that can be shown.

    :param said: each field's name and what somebody wrote
    :raises InvalidInput: naming the first of them
    """
    for name, value in said.items():
        if not is_said(value):
            raise InvalidInput(
                f"The field {name} is empty, too long, or has characters that no page shows.", remedy="Say it in a few words.", field=name
            )


def require_impersonal(**said: str) -> None:
    """
    Refuse fields whose text has the form of an e-mail address, a telephone, customer or citizen number, an IBAN or an address.

    Such text stands for years where nobody's key seals it. Names cannot be recognised; the forms that people paste are.

    :param said: each field's name and what somebody wrote
    :raises InvalidInput: naming the first of them and what it seems to hold, never the text
    """
    for name, value in said.items():
        bare = _DAY.sub(" ", value)
        found = "an IBAN" if _holds_iban(bare) else next((what for what, form in _PERSONAL if form.search(bare)), None)
        if found is not None:
            raise InvalidInput(f"The field {name} seems to hold {found}.", remedy="Say what it is for, and nothing about a person.", field=name)


def _holds_iban(text: str) -> bool:
    """Say whether an IBAN stands in a text: its check digits tell it from a bank's code with words behind it, such as "AM04 came back twice"."""
    for found in _IBAN.finditer(text):
        words = found[1].upper().split(" ")
        if any(iban_holds("".join(words[:count])) for count in range(1, len(words) + 1)):
            return True
    return False


def require_printable(**said: str) -> None:
    """
    Refuse fields with a character that a bill cannot show: its font has Latin letters, figures and common signs.

    :param said: each field's name and what somebody wrote
    :raises InvalidInput: naming the first of them
    """
    for name, value in said.items():
        if any(not (" " <= one <= "\u024f" or one in _SIGNS) or "\x7f" <= one <= "\x9f" for one in value):
            raise InvalidInput(f"The field {name} has a character that a bill cannot show.", remedy="Write Latin letters and figures.", field=name)
