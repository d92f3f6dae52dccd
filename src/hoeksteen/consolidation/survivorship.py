"""
Which record's value a merged customer keeps, field by field, by declared rules; and the lineage of each field.

A rule orders the candidates; where it does not decide, the next one does, and at last the order of the records, so that every run decides alike.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hoeksteen.consolidation.carried_over import contact_persons
from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import PersonName
from hoeksteen.consolidation.standardise.text import fold

Candidate = tuple[Any, LegacyRecord]
Rule = Callable[[Candidate, Sequence[Candidate], dict[str, int]], Any]


def _most_frequent(candidate: Candidate, among: Sequence[Candidate], _: dict[str, int]) -> Any:
    return Counter(_comparable(value) for value, _ in among)[_comparable(candidate[0])]


def _most_trusted(candidate: Candidate, _: Sequence[Candidate], trust: dict[str, int]) -> Any:
    return -trust[candidate[1].source]


def _longest(candidate: Candidate, _: Sequence[Candidate], __: dict[str, int]) -> Any:
    return len(str(candidate[0]))


def _most_recent(candidate: Candidate, _: Sequence[Candidate], __: dict[str, int]) -> Any:
    record = candidate[1]
    return max([product.start for product in record.products if product.end is None], default=date.min)


def _verified(candidate: Candidate, _: Sequence[Candidate], __: dict[str, int]) -> Any:
    """A line that works proves its address."""
    return any(product.end is None and product.number_kind != "msisdn" for product in candidate[1].products)


_RULES: dict[str, Rule] = {
    "most_frequent": _most_frequent,
    "most_trusted": _most_trusted,
    "longest": _longest,
    "most_recent": _most_recent,
    "verified": _verified,
}
SURVIVES_BY: dict[str, tuple[str, ...]] = {
    "family_name": ("most_frequent", "most_trusted", "longest"),
    "given_name": ("most_frequent", "most_trusted", "longest"),
    "initials": ("longest", "most_frequent", "most_trusted"),
    "maiden_name": ("most_trusted", "longest"),
    "birth_date": ("most_frequent", "most_trusted"),
    "gender": ("most_frequent", "most_trusted"),
    "trading_name": ("most_frequent", "most_trusted", "longest"),
    "legal_form": ("most_frequent", "most_trusted"),
    "chamber_of_commerce_number": ("most_frequent", "most_trusted"),
    "contact_person": ("most_trusted", "longest"),
    "residential_address": ("most_frequent", "verified", "most_recent", "most_trusted"),
    "billing_address": ("most_recent", "most_trusted"),
    "payment": ("most_recent", "most_trusted"),
    "language": ("most_frequent", "most_trusted"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that survived, the records that hold it, and the rule that decided (`only` when there was no choice)."""

    value: Any
    records: tuple[LegacyRecord, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Golden:
    """A customer as it survives from its records; `kept` is the lineage, by (category, field)."""

    records: tuple[LegacyRecord, ...]
    kept: dict[tuple[str, str], Kept]

    def value(self, category: str, field: str) -> Any:
        """Give the surviving value of a field, or None."""
        found = self.kept.get((category, field))
        return None if found is None else found.value


def survive(*, records: Sequence[LegacyRecord], trust: dict[str, int]) -> Golden:
    """
    Let one customer survive from its records.

    :param trust: per source, 1 is believed first
    """
    kept: dict[tuple[str, str], Kept] = {}
    if len(records) == 1:
        return _alone(records[0])

    def keep(category: str, field: str, candidates: list[Candidate]) -> None:
        found = _decided(field, [candidate for candidate in candidates if candidate[0]], trust)
        if found is not None:
            kept[category, field] = found

    people = [(record.name, record) for record in records if record.name]
    if records[0].kind == "organization":
        keep("identity", "trading_name", [(record.trading_name, record) for record in records])
        keep("identity", "legal_form", [(record.legal_form, record) for record in records])
        keep("identity", "chamber_of_commerce_number", [(record.chamber_of_commerce_number, record) for record in records])
        keep("identity", "contact_person", [(_spoken(name), record) for name, record in people])
    else:
        keep("identity", "family_name", [((name.family_name_prefix, name.family_name), record) for name, record in people])
        keep("identity", "given_name", [(name.given_name, record) for name, record in people])
        keep("identity", "initials", [(name.initials, record) for name, record in people])
        keep("identity", "maiden_name", [(name.maiden_name, record) for name, record in people])
        keep("identity", "birth_date", [(record.birth_date, record) for record in records])
        keep("identity", "gender", [(record.gender, record) for record in records])
    keep("contact", "residential_address", [(record.address, record) for record in records])
    keep("contact", "billing_address", [(record.addresses.get("billing"), record) for record in records])
    keep("payment", "payment", [(_payment(record), record) for record in records])
    keep("party", "language", [(record.language, record) for record in records])
    _collect(records, kept)
    return Golden(tuple(records), kept)


def _alone(record: LegacyRecord) -> Golden:
    """Let a customer survive from its only record, as most do: there is nothing to choose."""
    name, from_it = record.name, (record,)
    found: dict[tuple[str, str], Any]
    if record.kind == "organization":
        found = {
            ("identity", "trading_name"): record.trading_name,
            ("identity", "legal_form"): record.legal_form,
            ("identity", "chamber_of_commerce_number"): record.chamber_of_commerce_number,
            ("identity", "contact_person"): _spoken(name) if name else None,
        }
    else:
        found = {
            ("identity", "family_name"): (name.family_name_prefix, name.family_name) if name else None,
            ("identity", "given_name"): name.given_name if name else None,
            ("identity", "initials"): name.initials if name else None,
            ("identity", "maiden_name"): name.maiden_name if name else None,
            ("identity", "birth_date"): record.birth_date,
            ("identity", "gender"): record.gender,
        }
    found |= {
        ("contact", "residential_address"): record.address,
        ("contact", "billing_address"): record.addresses.get("billing"),
        ("payment", "payment"): _payment(record),
        ("party", "language"): record.language,
    }
    kept = {field: Kept(value, from_it, "only") for field, value in found.items() if value}
    _collect(from_it, kept)
    return Golden(from_it, kept)


def _collect(records: Sequence[LegacyRecord], kept: dict[tuple[str, str], Kept]) -> None:
    """Telephone numbers, e-mail addresses and contact persons are all kept: each may be the one by which the customer calls."""
    for field in ("phones", "emails"):
        values = list(dict.fromkeys(value for record in records for value in getattr(record, field)))
        if values:
            kept["contact", field] = Kept(values, tuple(record for record in records if getattr(record, field)), "all")
    if people := contact_persons(records):
        kept["contact", "contact_persons"] = Kept(people, tuple(record for record in records if record.carried.contacts), "all")


def _decided(field: str, candidates: list[Candidate], trust: dict[str, int]) -> Kept | None:
    if not candidates:
        return None
    if len(candidates) == 1:
        return Kept(candidates[0][0], (candidates[0][1],), "only")
    left, deciding = candidates, "only"
    for name in SURVIVES_BY[field]:
        best = max(_RULES[name](candidate, candidates, trust) for candidate in left)
        narrowed = [candidate for candidate in left if _RULES[name](candidate, candidates, trust) == best]
        if len(narrowed) < len(left):
            deciding = name
        left = narrowed
        if len({_comparable(candidate) for candidate, _ in left}) == 1:
            break
    value = left[0][0]
    holders = tuple(record for candidate, record in candidates if candidate == value)
    return Kept(value, holders, deciding)


def _comparable(value: Any) -> Any:
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, Address):
        return (value.postcode, value.house_number, value.house_number_addition)
    if isinstance(value, tuple):
        return fold(str(value[-1]))
    return value


def _payment(record: LegacyRecord) -> tuple[str, str | None, str | None, date | None] | None:
    """Method, account and mandate belong together: a mandate holds for the account that it was given for."""
    if record.payment_method == "direct_debit" and record.iban:
        return ("direct_debit", record.iban, record.mandate_reference, record.mandate_date)
    return ("transfer", record.iban, None, None) if record.iban else None


def _spoken(name: PersonName) -> str:
    return " ".join(part for part in (name.given_name or name.initials, name.family_name_prefix, name.family_name) if part)
