"""
What a masked look shows: enough to work with, not enough to know who it is.

An allow-list: a field that is not named here is shown to nobody who sees masked. Masking happens inside the keeper; the plaintext
never leaves it, and a masked answer depends on that one person only, so counting, ordering or joining answers gives nothing more.
"""

from collections.abc import Callable, Mapping
from typing import Any

_HIDDEN = "•"


def _initials(value: str) -> str:
    return " ".join(f"{word[0].upper()}." for word in value.replace(".", " ").split() if word)


def _first_letter(value: str) -> str:
    return f"{value[0].upper()}{_HIDDEN * 4}" if value else ""


def _year(value: str) -> str:
    return value[:4]


def _last(count: int) -> Callable[[str], str]:
    def mask(value: str) -> str:
        return f"{_HIDDEN * 4}{value[-count:]}" if len(value) > count * 2 else _HIDDEN * 4

    return mask


def _postcode_digits(value: str) -> str:
    return value.strip()[:4]


def _hidden(_: str) -> str:
    return _HIDDEN * 4


def _email(value: str) -> str:
    _, at, domain = value.rpartition("@")
    return f"{_HIDDEN * 4}@{domain.rpartition('.')[2]}" if at else _HIDDEN * 4


def _as_is(value: str) -> str:
    return value


_PERSON = {
    "kind": _as_is, "given_name": _initials, "initials": _initials, "family_name_prefix": _hidden, "family_name": _first_letter, "birth_date": _year,
    "gender": _hidden, "maiden_name": _first_letter, "trading_name": _first_letter, "legal_form": _as_is, "chamber_of_commerce_number": _last(2),
    "contact_person": _hidden, "vat_number": _last(2), "government_number": _last(2), "electronic_address": _last(2),
}  # fmt: skip
_ADDRESS = {
    "role": _as_is, "street": _hidden, "house_number": _hidden, "house_number_addition": _hidden, "postcode": _postcode_digits, "city": _hidden,
    "country": _as_is,
}  # fmt: skip
_CONTACT: dict[str, Any] = {
    "addresses": _ADDRESS, "phones": {"e164": _last(2), "kind": _as_is, "resource_id": _as_is}, "sims": {"iccid": _last(4), "resource_id": _as_is},
    "emails": _email, "contact_persons": {"name": _hidden, "function": _as_is, "phone": _last(2), "email": _email},
}  # fmt: skip
_PAYMENT = {"iban": _last(4), "account_holder": _first_letter, "mandate_reference": _last(2), "mandate_date": _year}
_INVOICE_PARTY = {
    **{name: rule for name, rule in _ADDRESS.items() if name != "role"},
    "name": _first_letter,
    "attention": _hidden,
    "vat_number": _last(2),
    "chamber_of_commerce_number": _last(2),
    "government_number": _last(2),
    "electronic_address": _last(2),
}
_RULES: Mapping[str, Mapping[str, Any]] = {"identity": _PERSON, "contact": _CONTACT, "payment": _PAYMENT, "invoice_party": _INVOICE_PARTY}


def masked(category: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give the masked fields of a category; of notes and credentials only the names of their fields."""
    rules = _RULES.get(category, {})
    return {name: _apply(rules.get(name, _hidden), value) for name, value in fields.items()}


def masked_number(value: int) -> int:
    """Give a traffic value with all but its last two decimal digits as zeros."""
    return value % 100


def _apply(rule: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_apply(rule, element) for element in value]
    if isinstance(value, dict):
        inner = rule if isinstance(rule, dict) else {}
        return {name: _apply(inner.get(name, _hidden), element) for name, element in value.items()}
    return (rule if callable(rule) else _hidden)(str(value))
