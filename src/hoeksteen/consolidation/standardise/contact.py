"""
Telephone numbers, e-mail addresses and bank accounts, each in one spelling or refused with a reason.

A refusal is the name of what is wrong with the value, never the value itself.
"""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from hoeksteen.consolidation.standardise.text import is_placeholder
from hoeksteen.kernel.check_digits import iban_holds

_DAMAGE = re.compile(r"^[+-]?\d*[.,]\d+$|^[+-]?\d+(?:[.,]\d+)?E[+-]?\d+$", re.IGNORECASE | re.ASCII)
_NL_PLAIN = re.compile(r"^(?:\+31|0031|31|0)(6[1-58]\d{7})$", re.ASCII)
_FILLER = {"1234567890", "0123456789", "0612345678", "0687654321", "0600000001"}
_EMAIL = re.compile(r"^[a-z0-9.!#$%&'*+/=?^_{|}~-]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$")
_EMAIL_FILLERS = (
    "geen@", "onbekend@", "unknown@", "noemail@", "geenemail@", "geenmail@", "nvt@", "n.v.t@", "na@", "no-reply@", "noreply@", "none@", "null@",
    "test@", "x@", "xx@", "xxx@",
)  # fmt: skip
_BETWEEN_DIGITS = re.compile(r"[\s().\-/]")
_DIGITS = re.compile(r"\+?[0-9]+")
_COUNTRY = re.compile(r"^(?:0031|31(?=\d{9}$))")
_BETWEEN_LETTERS = re.compile(r"[\s.:-]")
_REMARK = re.compile(
    r"^\s*(?:tel|mob|gsm|telefoon|mobiel)\b[.:]*\s*|\s*\((?:werk|priv[eé]|thuis|mobiel|zaak|zakelijk|vast|[wpmtz])\)\s*$", re.IGNORECASE
)
_NAMED_ADDRESS = re.compile(r"^(?:mailto:|[^<>@]*<)([^<>\s]+@[^<>\s]+?)>?$", re.IGNORECASE)
_NL_IBAN = re.compile(r"^NL\d{2}[A-Z]{4}\d{10}$", re.ASCII)


@lru_cache(maxsize=100_000)
def phone(text: str) -> tuple[str | None, str | None]:
    """
    Give a telephone number as E.164 digits without `+`, or None and what is wrong.

    What a spreadsheet made of a number is refused, because it parses as somebody else's: `31612345678.0` would become
    +316123456780 and `6.12345678E8` +316123456788. Short codes such as 112 are no one's number.
    """
    raw = text.strip()
    if is_placeholder(raw):
        return None, None
    if _DAMAGE.match(raw):
        return None, "spreadsheet_damage"
    compact = _BETWEEN_DIGITS.sub("", raw.replace("(0)", ""))
    if not compact.isascii() or not compact.lstrip("+").isdigit():
        compact = _BETWEEN_DIGITS.sub("", _REMARK.sub("", raw).replace("(0)", ""))
    if not _DIGITS.fullmatch(compact):
        return None, "not_a_number"
    digits = compact.lstrip("+")
    if len(digits) <= 6:
        return None, "short_code"
    national = _COUNTRY.sub("0", digits)
    if national in _FILLER or len(set(digits[-8:])) == 1:
        return None, "filler"
    plain = _NL_PLAIN.match(compact)
    if plain:
        return "31" + plain[1], None
    line = _lines().fullmatch(compact)
    return ("31" + line[1], None) if line else _parsed(compact)


@cache
def _lines() -> re.Pattern[str]:
    """Give the library's own pattern of Dutch lines: what has that form is valid without asking it, and most lines have."""
    numbers = PhoneMetadata.metadata_for_region("NL")
    lines = numbers.fixed_line if numbers else None
    return re.compile(rf"(?:0|\+31|0031|31)({lines.national_number_pattern})" if lines else "(?!)", re.ASCII)


def _parsed(compact: str) -> tuple[str | None, str | None]:
    candidate = compact
    if compact.startswith("00"):
        candidate = "+" + compact[2:]
    elif compact.startswith("31") and len(compact) == 11:
        candidate = "+" + compact
    try:
        number = phonenumbers.parse(candidate, "NL")
    except phonenumbers.NumberParseException:
        return None, "not_a_number"
    if not phonenumbers.is_valid_number(number):
        return None, "not_assigned"
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}", None


def phone_kind(e164: str) -> str:
    """Say whether a number is a mobile's (`msisdn`) or a line's, as far as the Dutch plan tells."""
    return "msisdn" if e164.startswith("316") else "line"


def email(text: str) -> tuple[str | None, str | None]:
    """Give an e-mail address in small letters, or None and what is wrong."""
    if is_placeholder(text):
        return None, None
    named = _NAMED_ADDRESS.match(text.strip().rstrip(".;, "))
    lowered = (named[1] if named else text).strip().strip(".;,<> ").lower()
    if not lowered:
        return None, None
    if lowered.startswith(_EMAIL_FILLERS):
        return None, "filler"
    local = lowered.partition("@")[0]
    right = _EMAIL.match(lowered) and ".." not in local and not local.endswith(".")
    return (lowered, None) if right else (None, "not_an_address")


def iban(text: str) -> tuple[str | None, str | None]:
    """Give an IBAN in capitals without spaces when its check digits (02 to 98) are right, or None and what is wrong."""
    compact = _BETWEEN_LETTERS.sub("", text).upper().removeprefix("IBAN")
    if is_placeholder(text):
        return None, None
    if _NL_IBAN.match(compact):
        right = iban_holds(compact)
        if right and len(set(compact[8:])) == 1:
            return None, "filler"
        return (compact, None) if right else (None, "check_digits")
    if compact.isascii() and compact.isdigit():
        return None, "old_account_number"
    try:
        return str(IBAN(compact)), None
    except (SchwiftyException, ValueError):
        return None, "not_an_iban"
