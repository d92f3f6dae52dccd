"""What one column of a record says, by its mapping: standardised, or a finding, or the reason why the record is rejected."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hoeksteen.consolidation import carried_targets as carried
from hoeksteen.consolidation.mapping import DAYS, Column
from hoeksteen.consolidation.standardise import addresses, companies, contact, dates
from hoeksteen.consolidation.standardise.amounts import amount_of
from hoeksteen.consolidation.standardise.text import is_placeholder, tidy
from hoeksteen.kernel.check_digits import luhn_holds
from hoeksteen.kernel.money import CENT

VALUE_LENGTH_MAX = 200
AMOUNT_MAX = Decimal(1_000_000)  # euros
_ICCID_WITHOUT_CHECK_DIGIT = 18
_SURROGATE = re.compile("[\ud800-\udfff]")
_ZEROS = re.compile(r"[0\-/.: TZ]*0[0\-/.: TZ]*")
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


class ColumnReader:
    """
    Reads the values of one column; what its mapping says about all of them is looked up once.

    :param group: what the list is of that the column stands in (`product`, `address`, `discount`), or nothing
    """

    __slots__ = ("_codes", "_empty", "_is_day", "_matches", "_missing", "_set", "_short", "column", "group", "name", "target")

    def __init__(self, column: Column, name: str, *, group: str = "") -> None:
        self.column, self.name, self.group = column, name, group
        self.target = (column.to or "").removeprefix("product.")
        part = self.target.partition(".")[2]
        self._missing = column.required or _MUST_BE_FILLED.get((group, self.target))
        self._matches = re.compile(column.matches) if column.matches is not None else None
        self._empty, self._codes = frozenset(column.empty), column.codes or {}
        self._short = column.codes is not None or self.target.rpartition(".")[2] in _MAY_BE_A_SHORT_WORD
        self._is_day = self.target in DAYS
        self._set: Setter
        if part or (group == "address" and self.target != "role"):
            self._set = _set_part_of_address if part else _set_address
        else:
            # a discount's name is only a text; a record's is a person's or a company's
            self._set = _set_text if group and self.target == "name" else _SETTERS.get(self.target, _set_text)

    def read(self, draft: Draft, parts: dict[str, Any], raw: str | None) -> None:
        """Read one value into what is known of its record; blanks and placeholders are unknown, and nothing is assumed in their place."""
        if raw and self.column.ignore is None and (fault := _unreadable(raw)):
            draft.faults.append((self.name, fault))
            return
        value = tidy(raw) if raw else ""
        if not value or self._is_blank(value):
            value = tidy(self.column.default or "")
        if not value:
            if self._missing:
                draft.faults.append((self.name, self._missing))
            elif self.target == "total_charge":
                draft.notes.append((self.name, "blank"))
            return
        if self._matches is not None and self._matches.fullmatch(value) is None:
            draft.notes.append((self.name, "another_form"))
        if self.target:
            self._set(draft, parts, self, value)

    def _is_blank(self, value: str) -> bool:
        if value in self._empty:
            return True
        if not self.target or self.target == "service" or value in self._codes:
            return False
        return is_placeholder(value, of_a_name=self._short) or (self._is_day and _ZEROS.fullmatch(value) is not None)


Setter = Callable[[Draft, dict[str, Any], ColumnReader, str], None]


def _unreadable(raw: str) -> str | None:
    """Say why a value cannot be what the field holds; the keeper's terms, too, hold two values of the longest kind."""
    if len(raw) > VALUE_LENGTH_MAX:
        return "too_long"
    if "\x00" in raw:
        return "nul_byte"
    return "not_unicode" if not raw.isascii() and _SURROGATE.search(raw) else None


def _set_part_of_address(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    role, _, part = one.target.partition(".")
    _put_address(draft.addresses.setdefault(role, {}), draft, part, one.name, value)


def _set_address(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    _put_address(parts, draft, one.target, one.name, value)


def _put_address(found: dict[str, Any], draft: Draft, part: str, name: str, value: str) -> None:
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


def _set_text(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    parts[one.target] = value


def _set_name(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    parts["name_text"], parts["name_order"] = value, one.column.order


def _set_code(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    word = (one.column.codes or {}).get(value)
    if word is not None:
        parts[one.target] = word or None
    elif one.target in _CODES_THAT_MUST_BE_KNOWN:
        draft.faults.append((one.name, _CODES_THAT_MUST_BE_KNOWN[one.target]))
    else:
        draft.notes.append((one.name, "unknown_code"))
        if one.target == "role":
            parts["role"] = None


def _set_legal_form(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    if one.column.codes is not None:
        _set_code(draft, parts, one, value)
    else:
        parts["legal_form"] = companies.legal_form(value)


def _set_day(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    found = dates.day(value, one.column.format or "")
    if found is not None and found.year == _NEVER_YEAR and one.target in ("end", "suspended", "valid_to"):
        return
    if found is not None and (one.target == "birth_date" or _YEAR_MIN <= found.year <= _YEAR_MAX):
        parts[one.target] = found
        if one.column.format == "local_midnight_utc" and dates.depends_on_time_zone_build(value):
            draft.notes.append((one.name, "time_zone_before_1940"))
    elif one.target in ("start", "end", "suspended", "billed_to", "valid_from", "valid_to"):
        draft.faults.append((one.name, "impossible_date"))
    else:
        draft.notes.append((one.name, "impossible_date"))


def _set_money(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    amount = amount_of(value, one.column.decimal)
    if amount is None or abs(amount) >= AMOUNT_MAX or amount != (cents := amount.quantize(CENT)):
        draft.faults.append((one.name, "not_an_amount"))
    else:
        parts[one.target] = cents


def _set_months(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    text = (one.column.codes or {}).get(value, "") if one.column.codes is not None else value
    if not (text.isascii() and text.isdigit()) or int(text) > 1200:
        draft.faults.append((one.name, "not_a_number_of_months"))
        return
    parts[one.target] = int(text)
    if one.target == "tenure_months" and int(text) == 0:
        draft.notes.append((one.name, "zero"))


def _set_phone(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is not None:
        draft.phones.append(number)
    elif wrong:
        draft.notes.append((one.name, wrong))


def _set_number(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is None:
        draft.faults.append((one.name, wrong or "no_number"))
    else:
        parts["number"] = number


def _set_email(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    address, wrong = contact.email(value)
    if address is not None:
        draft.emails.append(address)
    elif wrong:
        draft.notes.append((one.name, wrong))


def _set_iban(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    parts["iban"], wrong = contact.iban(value)
    if wrong:
        draft.notes.append((one.name, wrong))


def _set_chamber_number(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    parts["chamber_of_commerce_number"] = companies.chamber_of_commerce_number(value)
    if parts["chamber_of_commerce_number"] is None:
        draft.notes.append((one.name, "not_a_kvk_number"))


def _set_iccid(draft: Draft, parts: dict[str, Any], one: ColumnReader, value: str) -> None:
    if not (value.isascii() and value.isdigit() and 18 <= len(value) <= 20):
        draft.notes.append((one.name, "not_an_iccid"))
    elif len(value) > _ICCID_WITHOUT_CHECK_DIGIT and not luhn_holds(value):
        draft.notes.append((one.name, "iccid_check_digit"))
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
