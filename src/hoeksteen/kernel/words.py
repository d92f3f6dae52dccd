"""What people say in their own words: who they are, and why they did something."""

import unicodedata

from hoeksteen.kernel.errors import InvalidInput

SAID_CHARACTERS_MAX = 1_000
_LINES = "\n\t"
_TURNED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # show text in another order than it has


def is_said(text: str) -> bool:
    """
    Say whether a text says something that any table, log, page and terminal shows as it stands.

    Nothing but blanks says nothing; a control character may steer the terminal on which somebody reads it later.
    """
    if not text.strip() or len(text) > SAID_CHARACTERS_MAX:
        return False
    return not any((unicodedata.category(letter) in ("Cc", "Cs") and letter not in _LINES) or letter in _TURNED for letter in text)


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
