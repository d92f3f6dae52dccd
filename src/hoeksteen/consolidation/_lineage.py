"""How the lineage of a record is kept in its row: two bytes per field, its number and that of the rule that chose it."""

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

# As in the tables lineage_field and lineage_rule; a number never changes its meaning, and a new field or rule is added there too.
FIELDS = {
    ("identity", "trading_name"): 1, ("identity", "legal_form"): 2, ("identity", "chamber_of_commerce_number"): 3, ("identity", "contact_person"): 4,
    ("identity", "family_name"): 5, ("identity", "given_name"): 6, ("identity", "initials"): 7, ("identity", "maiden_name"): 8,
    ("identity", "birth_date"): 9, ("identity", "gender"): 10, ("contact", "residential_address"): 11, ("contact", "billing_address"): 12,
    ("contact", "phones"): 13, ("contact", "emails"): 14, ("payment", "payment"): 15, ("party", "language"): 16,
    ("contact", "contact_persons"): 17,
}  # fmt: skip
RULES = {"only": 1, "all": 2, "most_frequent": 3, "most_trusted": 4, "longest": 5, "most_recent": 6, "verified": 7}


class _Record(Protocol):
    @property
    def record_id(self) -> UUID: ...


class _Kept(Protocol):
    @property
    def records(self) -> "tuple[_Record, ...]": ...
    @property
    def rule(self) -> str: ...


def lineage_by_record(customers: Iterable[Mapping[tuple[str, str], _Kept]]) -> dict[UUID, bytes]:
    """
    Give per record the fields that customers have from it.

    :param customers: what each of them kept, by (category, field)
    """
    found: dict[UUID, bytes] = {}
    for kept in customers:
        for name, value in kept.items():
            pair = bytes((FIELDS[name], RULES[value.rule]))
            for record in value.records:
                found[record.record_id] = found.get(record.record_id, b"") + pair
    return found
