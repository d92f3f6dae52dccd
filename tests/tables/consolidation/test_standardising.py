"""Play `names.txt` and `values.txt`: what legacy systems write, and what it means."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hoeksteen.consolidation.standardise import addresses, companies, contact, dates
from hoeksteen.consolidation.standardise.names import ORDERS, PersonName, single_field

HERE = Path(__file__).parent
NOTHING = "·"


def _rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]


def _parts(name: PersonName | None) -> list[str]:
    assert name is not None
    values = (name.family_name_prefix, name.family_name, name.initials, name.given_name, name.gender, name.suffix, name.maiden_name)
    return [value or NOTHING for value in values]


@pytest.mark.parametrize("row", _rows("names.txt"), ids=lambda row: row[1])
def test_a_name_in_one_field(row: list[str]) -> None:
    order = ORDERS[0] if row[0] == "F" else ORDERS[1]
    assert _parts(single_field(row[1], order=order)) == row[2:]


@pytest.mark.parametrize("text", ["", "   ", "DHR", "MEVR.", "-", "."])
def test_nothing_of_a_name(text: str) -> None:
    assert single_field(text) is None


def _or_wrong(found: tuple[str | None, str | None]) -> str:
    value, wrong = found
    return value or (f"! {wrong}" if wrong else NOTHING)


def _or_none(value: object) -> str:
    return "! none" if value is None else str(value)


def _joined(*parts: object) -> str:
    return " / ".join(NOTHING if part is None else str(part) for part in parts)


STANDARDISED: dict[str, Callable[[str], str]] = {
    "phone": lambda text: _or_wrong(contact.phone(text)),
    "email": lambda text: _or_wrong(contact.email(text)),
    "iban": lambda text: _or_wrong(contact.iban(text)),
    "postcode": lambda text: _or_none(addresses.postcode(text)),
    "line": lambda text: _joined(*addresses.street_line(text)),
    "number": lambda text: _joined(*addresses.house_number(text)),
    "city": lambda text: _or_none(addresses.city_name(text)),
    "company": lambda text: _joined(*companies.company(text)),
    "kvk": lambda text: _or_none(companies.chamber_of_commerce_number(text)),
    **{f"day:{form}": lambda text, form=form: _or_none(dates.day(text, form)) for form in dates.FORMATS},  # type: ignore[misc]
}


@pytest.mark.parametrize("row", _rows("values.txt"), ids=lambda row: f"{row[0]} {row[1]}")
def test_a_value(row: list[str]) -> None:
    kind, text, expected = row
    assert STANDARDISED[kind](text) == expected
