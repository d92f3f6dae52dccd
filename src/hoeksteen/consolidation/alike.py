"""Two records beside each other, field by field: the same, similar, or different; for whoever decides whether they are one customer. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hoeksteen.consolidation.guards import distance, nearly_the_same_day
from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.text import fold

How = Literal["same", "similar", "different", "one_side"]


@dataclass(frozen=True, slots=True)
class Compared:
    """
    A field of two records.

    :param how: `one_side` where only one of them has it: that says nothing
    """

    field: str
    left: Any
    right: Any
    how: How


def compare(left: LegacyRecord, right: LegacyRecord) -> list[Compared]:
    """Give the fields that at least one of two records has, in the order in which people look at them."""
    found = []
    for name, value_of, like in _FIELDS:
        one, other = value_of(left), value_of(right)
        if one or other:
            found.append(Compared(name, one, other, _how(one, other, like)))
    return found


def _how(one: Any, other: Any, like: Callable[[Any, Any], bool]) -> How:
    if not one or not other:
        return "one_side"
    if _plain(one) == _plain(other):
        return "same"
    return "similar" if like(one, other) else "different"


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, Address):
        return (value.postcode, value.house_number, value.house_number_addition) if value.postcode else (value.street, value.house_number, value.city)
    return sorted(value) if isinstance(value, tuple) else value


def _surname(record: LegacyRecord) -> str:
    name = record.name
    return " ".join(part for part in (name.family_name_prefix, name.family_name, name.suffix) if part) if name else ""


def _part(name: str) -> Callable[[LegacyRecord], Any]:
    return lambda record: getattr(record.name, name) if record.name else None


def _of(name: str) -> Callable[[LegacyRecord], Any]:
    return lambda record: getattr(record, name)


def _numbers(record: LegacyRecord) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*record.phones, *(product.number for product in record.products if product.number)]))


def _typed_alike(one: str, other: str) -> bool:
    return distance(fold(one), fold(other)) <= 2


def _names_alike(one: str, other: str) -> bool:
    """A double name with one of its halves, with or without what goes before it, or but for two typing errors."""
    halves = [{fold(word) for word in text.replace("-", " ").split() if len(word) > 3} for text in (one, other)]
    return bool(halves[0] & halves[1]) or _typed_alike(one, other)


def _begins_alike(one: str, other: str) -> bool:
    return fold(one).startswith(fold(other)) or fold(other).startswith(fold(one))


def _doors_alike(one: Address, other: Address) -> bool:
    """The same postcode, or the same street and number of a town."""
    if one.postcode and one.postcode == other.postcode:
        return True
    return bool(one.street and other.street and one.house_number == other.house_number and _typed_alike(one.street, other.street))


def _some_in_common(one: Sequence[str], other: Sequence[str]) -> bool:
    return bool(set(one) & set(other))


def _never(_one: Any, _other: Any) -> bool:
    return False


_FIELDS: tuple[tuple[str, Callable[[LegacyRecord], Any], Callable[[Any, Any], bool]], ...] = (
    ("kind", _of("kind"), _never),
    ("trading_name", _of("trading_name"), _names_alike),
    ("chamber_of_commerce_number", _of("chamber_of_commerce_number"), _never),
    ("surname", _surname, _names_alike),
    ("maiden_name", _part("maiden_name"), _names_alike),
    ("initials", _part("initials"), _begins_alike),
    ("given_name", _part("given_name"), _typed_alike),
    ("birth_date", _of("birth_date"), lambda one, other: nearly_the_same_day(f"{one:%Y%m%d}", f"{other:%Y%m%d}")),
    ("gender", _of("gender"), _never),
    ("address", _of("address"), _doors_alike),
    ("billing_address", lambda record: record.addresses.get("billing"), _doors_alike),
    ("numbers", _numbers, _some_in_common),
    ("emails", _of("emails"), _some_in_common),
    ("customer_since", _of("customer_since"), _never),
)
