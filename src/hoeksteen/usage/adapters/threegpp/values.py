"""How TS 32.298 writes numbers, times and networks (5.1.2.2)."""

import re
from functools import cache
from pathlib import Path

from hoeksteen.usage.adapters.threegpp.tlv import Broken

_DIGITS = "0123456789*#abc"  # TBCD, TS 29.002; the sixteenth fills up
_INTEGER_BYTES_MAX = 16
_COUNTRIES = Path(__file__).parents[2] / "numbering" / "mcc.csv"


def integer(value: bytes) -> int:
    """Read an INTEGER of any length that a meter could mean."""
    if not 0 < len(value) <= _INTEGER_BYTES_MAX:
        raise Broken
    return int.from_bytes(value, "big", signed=True)


def address(value: bytes) -> str:
    """
    Read a number: an octet with its type (TS 24.008, 10.5.4.7), then its digits in TBCD.

    Digits that are no decimal ones stay as what they are, and so make no number of it.
    """
    if not value:
        return ""
    kind, digits = value[0] >> 4 & 7, tbcd(value[1:])
    return {1: "+", 2: "0"}.get(kind, "") + digits


def tbcd(value: bytes) -> str:
    """Read digits, two in an octet, the first in its lower half."""
    digits = "".join(_DIGITS[half] if half < 15 else " " for octet in value for half in (octet & 15, octet >> 4))
    return digits.rstrip()


def instant(value: bytes) -> str:
    """Read a TimeStamp, YYMMDDhhmmss in BCD, a sign, hhmm, as ISO 8601 text; what is no time becomes text that is none either."""
    if len(value) != 9 or value[6:7] not in (b"+", b"-"):
        return ""
    date, zone = value[:6].hex(), value[7:].hex()
    year, month, day, hour, minute, second = (date[at : at + 2] for at in range(0, 12, 2))
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{value[6:7].decode()}{zone[:2]}:{zone[2:]}"


def identity_text(value: bytes) -> str:
    """Read a subscriber's number out of an identifier in text: `msisdn-…`, `tel:+…`, `sip:…@…`, or the digits alone."""
    found = re.fullmatch(r"(?:msisdn-|tel:|sips?:)?(\+?[0-9]{6,15})(?:[@;].*)?", value.decode("ascii", "replace"), re.IGNORECASE)
    return found[1] if found else ""


def network_country(value: bytes) -> str:
    """Give the country of a PLMN-Id (TS 24.008, 10.5.1.3) by its mobile country code (ITU-T E.212), or nothing when it has none."""
    if len(value) != 3:
        return ""
    return _countries().get(f"{value[0] & 15}{value[0] >> 4}{value[1] & 15}", "")


@cache
def _countries() -> dict[str, str]:
    lines = [line for line in _COUNTRIES.read_text("utf-8").splitlines() if line and not line.startswith("#")][1:]
    return dict(line.split(";") for line in lines)
