"""Check digits that several rooms look at."""

import re

# the digits of a digit's double, added up
_TWICE = str.maketrans("0123456789", "0246813579")
_LETTERS = str.maketrans({chr(65 + place): str(10 + place) for place in range(26)})
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)


def iban_holds(plain: str) -> bool:
    """Say whether a text without spaces, in capitals, has the form and check digits of an IBAN (ISO 13616; 02 to 98); quickly, for many thousands."""
    if not _IBAN.fullmatch(plain) or not 2 <= int(plain[2:4]) <= 98:
        return False
    return int((plain[4:] + plain[:4]).translate(_LETTERS)) % 97 == 1


def luhn_holds(digits: str) -> bool:
    """Say whether the last digit is the check digit of those before it (ISO/IEC 7812-1 annex B), as on SIM cards (ITU-T E.118)."""
    return (sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_TWICE)))) % 10 == 0
