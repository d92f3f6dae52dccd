"""What one column of a record says, by its mapping: standardised, or a finding, or the reason why the record is rejected."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hoeksteen.consolidation import carried_targets as carried
from hoeksteen.consolidation.mapping import DAYS, Column
from hoeksteen.consolidation.standardise import addresses, companies, contact, dates
from hoeksteen.consolidation.standardise.text import is_placeholder, tidy
from hoeksteen.kernel.check_digits import luhn_holds
from hoeksteen.kernel.money import CENT

VALUE_LENGTH_MAX = 200
AMOUNT_MAX = Decimal(1_000_000)  # euros
_ICCID_WITHOUT_CHECK_DIGIT = 18
_SURROGATE = re.compile("[\ud800-\udfff]")
_ZEROS = re.compile(r"[0\-/.: TZ]*0[0\-/.: TZ]*")
_AMOUNTS = {
    "point": re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII),
    "comma": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?", re.ASCII),
    "cents": re.compile(r"[+-]?\d+(?:\.0+)?", re.ASCII),
}
_YEAR_MIN, _YEAR_MAX, _NEVER_YEAR = 1900, 2199, 9999
_MAY_BE_A_SHORT_WORD = {
    "name", "company_name", "family_name", "given_name", "maiden_name", "prefix", "initials", "addition", "key", "product_key",
}  # fmt: skip
# what a customer is, holds and pays is money: nothing is assumed where it is unknown
_CODES_THAT_MUST_BE_KNOWN = {"offering": "unknown_product", "status": "unknown_status", "kind": "unknown_kind"}
_MUST_BE_FILLED = {
    ("", "kind"): "unknown_kind",
    ("", "monthly_charge"): "not_an_amount",
    ("product", "key"): "no_key",
    ("product", "offering"): "unknown_product",
    ("product", "status"): "unknown_status",
    ("product", "start"): "impossible_date",
    ("product", "monthly"): "not_an_amount",
    **{("discount", part): "incomplete_discount" for part in ("product_key", "kind", "value")},
}


class Draft:
    """What is known of one record while its columns are read."""

    __slots__ = ("addresses", "emails", "faults", "notes", "parts", "phones")

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.addresses: dict[str, dict[str, Any]] = {}
        self.phones: list[str] = []
        self.emails: list[str] = []
        self.notes: list[tuple[str, str]] = []
        self.faults: list[tuple[str, str]] = []


Setter = Callable[[Draft, dict[str, Any], Column, str, str], None]


def read_column(draft: Draft, parts: dict[str, Any], column: Column, name: str, raw: str | None, *, group: str = "") -> None:
    """Read one value into what is known of its record; blanks and placeholders are unknown, and nothing is assumed in their place."""
    if raw and column.ignore is None and (fault := _unreadable(raw)):
        draft.faults.append((name, fault))
        return
    target = (column.to or "").removeprefix("product.")
    value = tidy(raw) if raw else ""
    if _is_blank(column, target, value):
        value = tidy(column.default or "")
    if not value:
        if reason := column.required or _MUST_BE_FILLED.get((group, target)):
            draft.faults.append((name, reason))
        elif target == "total_charge":
            draft.notes.append((name, "blank"))
        return
    if column.matches is not None and re.fullmatch(column.matches, value) is None:
        draft.notes.append((name, "another_form"))
    if not target:
        return
    role, _, part = target.partition(".")
    if part:
        _set_address(draft.addresses.setdefault(role, {}), draft, part, name, value)
    elif group == "address" and target != "role":
        _set_address(parts, draft, target, name, value)
    else:
        # a discount's name is only a text; a record's is a person's or a company's
        setter = _set_text if group and target == "name" else _SETTERS.get(target, _set_text)
        setter(draft, parts, column, name, value)


def _unreadable(raw: str) -> str | None:
    """Say why a value cannot be what the field holds; the keeper's terms, too, hold two values of the longest kind."""
    if len(raw) > VALUE_LENGTH_MAX:
        return "too_long"
    if "\x00" in raw:
        return "nul_byte"
    return "not_unicode" if not raw.isascii() and _SURROGATE.search(raw) else None


def _is_blank(column: Column, target: str, value: str) -> bool:
    if value in column.empty or not value:
        return True
    if not target or target == "service" or value in (column.codes or ()):
        return False
    short = column.codes is not None or target.rpartition(".")[2] in _MAY_BE_A_SHORT_WORD
    return is_placeholder(value, of_a_name=short) or (target in DAYS and _ZEROS.fullmatch(value) is not None)


def _set_address(found: dict[str, Any], draft: Draft, part: str, name: str, value: str) -> None:
    if part == "street_line":
        found["street"], found["house_number"], found["addition"] = addresses.street_line(value)
    elif part == "street":
        found["street"] = addresses.street_name(value)
    elif part == "city":
        found["city"] = addresses.city_name(value)
    elif part == "postcode":
        found["postcode"] = addresses.postcode(value)
        if found["postcode"] is None:
            draft.notes.append((name, "not_a_postcode"))
    else:
        found[part] = value


def _set_text(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts[(column.to or "").removeprefix("product.")] = value


def _set_name(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["name_text"], parts["name_order"] = value, column.order


def _set_code(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    word = (column.codes or {}).get(value)
    if word is not None:
        parts[target] = word or None
    elif target in _CODES_THAT_MUST_BE_KNOWN:
        draft.faults.append((name, _CODES_THAT_MUST_BE_KNOWN[target]))
    else:
        draft.notes.append((name, "unknown_code"))
        if target == "role":
            parts["role"] = None


def _set_legal_form(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    if column.codes is not None:
        _set_code(draft, parts, column, name, value)
    else:
        parts["legal_form"] = companies.legal_form(value)


def _set_day(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    found = dates.day(value, column.format or "")
    if found is not None and found.year == _NEVER_YEAR and target in ("end", "suspended", "valid_to"):
        return
    if found is not None and (target == "birth_date" or _YEAR_MIN <= found.year <= _YEAR_MAX):
        parts[target] = found
        if column.format == "local_midnight_utc" and dates.depends_on_time_zone_build(value):
            draft.notes.append((name, "time_zone_before_1940"))
    elif target in ("start", "end", "suspended", "billed_to", "valid_from", "valid_to"):
        draft.faults.append((name, "impossible_date"))
    else:
        draft.notes.append((name, "impossible_date"))


def _set_money(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    if not _AMOUNTS[column.decimal].fullmatch(value):
        draft.faults.append((name, "not_an_amount"))
        return
    amount = Decimal(value.replace(".", "").replace(",", ".") if column.decimal == "comma" else value)
    amount = amount.scaleb(-2) if column.decimal == "cents" else amount
    if abs(amount) >= AMOUNT_MAX or amount != amount.quantize(CENT):
        draft.faults.append((name, "not_an_amount"))
    else:
        parts[target] = amount.quantize(CENT)


def _set_months(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    text = (column.codes or {}).get(value, "") if column.codes is not None else value
    if not (text.isascii() and text.isdigit()) or int(text) > 1200:
        draft.faults.append((name, "not_a_number_of_months"))
        return
    parts[column.to or ""] = int(text)
    if column.to == "tenure_months" and int(text) == 0:
        draft.notes.append((name, "zero"))


def _set_phone(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is not None:
        draft.phones.append(number)
    elif wrong:
        draft.notes.append((name, wrong))


def _set_number(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is None:
        draft.faults.append((name, wrong or "no_number"))
    else:
        parts["number"] = number


def _set_email(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    address, wrong = contact.email(value)
    if address is not None:
        draft.emails.append(address)
    elif wrong:
        draft.notes.append((name, wrong))


def _set_iban(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["iban"], wrong = contact.iban(value)
    if wrong:
        draft.notes.append((name, wrong))


def _set_chamber_number(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["chamber_of_commerce_number"] = companies.chamber_of_commerce_number(value)
    if parts["chamber_of_commerce_number"] is None:
        draft.notes.append((name, "not_a_kvk_number"))


def _set_iccid(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    if not (value.isascii() and value.isdigit() and 18 <= len(value) <= 20):
        draft.notes.append((name, "not_an_iccid"))
    elif len(value) > _ICCID_WITHOUT_CHECK_DIGIT and not luhn_holds(value):
        draft.notes.append((name, "iccid_check_digit"))
    else:
        parts["iccid"] = value


_SETTERS: dict[str, Setter] = {
    "name": _set_name,
    **dict.fromkeys(("kind", "gender", "language", "payment_method", "offering", "status", "role", *carried.CODED_TARGETS), _set_code),
    **dict.fromkeys(DAYS, _set_day),
    **dict.fromkeys(("monthly", "value", "monthly_charge", "total_charge", *carried.MONEY), _set_money),
    **dict.fromkeys(("tenure_months", "contract_months"), _set_months),
    "legal_form": _set_legal_form,
    "chamber_of_commerce_number": _set_chamber_number,
    "phone": _set_phone,
    "number": _set_number,
    "email": _set_email,
    "iban": _set_iban,
    "iccid": _set_iccid,
}
