"""Two records beside each other: what is the same, what is similar, what differs, and what only one of them knows."""

from datetime import date
from typing import Any

import pytest

from factories.legacy import record
from hoeksteen.consolidation.alike import compare
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import in_parts


def how(field: str, **changes: Any) -> str | None:
    return next((one.how for one in compare(record(), record("mobile", "2", **changes)) if one.field == field), None)


def named(family_name: str, **more: Any) -> Any:
    return in_parts(**{"family_name": family_name, "family_name_prefix": "van den", "initials": "J.M.", **more})


@pytest.mark.parametrize(
    ("field", "changes", "expected"),
    [
        ("surname", {}, "same"),
        ("surname", {"name": named("BERG")}, "same"),
        ("surname", {"name": named("Bergh")}, "similar"),
        ("surname", {"name": named("Berg-Visser")}, "similar"),
        ("surname", {"name": named("Visser", family_name_prefix=None)}, "different"),
        ("initials", {"name": named("Berg", initials="J.")}, "similar"),
        ("initials", {"name": named("Berg", initials="P.")}, "different"),
        ("birth_date", {"birth_date": date(1960, 7, 4)}, "same"),
        ("birth_date", {"birth_date": date(1960, 4, 7)}, "similar"),
        ("birth_date", {"birth_date": date(1931, 12, 30)}, "different"),
        ("birth_date", {"birth_date": None}, "one_side"),
        ("address", {"addresses": {"residential": Address("Kerkstraat", 12, "A", "1234AB", "Noordbeek")}}, "similar"),
        ("address", {"addresses": {"residential": Address("Dorpsstraat", 3, None, "9999ZZ", "Zuidbeek")}}, "different"),
        ("address", {"addresses": {}}, "one_side"),
        ("numbers", {"phones": ("31698765432", "31612345677"), "products": ()}, "similar"),
        ("numbers", {"phones": ("31698765432",), "products": ()}, "different"),
        ("emails", {"emails": ("other@post.example",)}, "different"),
        ("gender", {"gender": "female"}, "different"),
        ("maiden_name", {}, None),
        ("trading_name", {}, None),
    ],
)
def test_fields_of_two_records(field: str, changes: dict[str, Any], expected: str | None) -> None:
    assert how(field, **changes) == expected


def test_it_is_the_same_whichever_stands_left() -> None:
    one, other = record(), record("mobile", "2", name=named("Bergh"), birth_date=None, phones=("31698765432",))
    assert [(entry.field, entry.how) for entry in compare(one, other)] == [(entry.field, entry.how) for entry in compare(other, one)]
