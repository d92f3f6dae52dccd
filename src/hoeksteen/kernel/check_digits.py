"""Check digits that several rooms look at."""

import re

_LETTERS = str.maketrans({chr(65 + place): str(10 + place) for place in range(26)})
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)


def iban_holds(plain: str) -> bool:
    """Say whether a text without spaces, in capitals, has the form and check digits of an IBAN (ISO 13616; 02 to 98); quickly, for many thousands."""
    if not _IBAN.fullmatch(plain) or not 2 <= int(plain[2:4]) <= 98:
        return False
    return int((plain[4:] + plain[:4]).translate(_LETTERS)) % 97 == 1
