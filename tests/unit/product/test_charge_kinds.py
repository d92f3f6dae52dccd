"""One-off charges that a catalogue names: read whole, or every fault named."""

from decimal import Decimal
from typing import Any

import pytest

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.charge_kinds import tax_fits
from hoeksteen.product.price_list import SHIPPED, read_directory, read_mapping

KIND = {"id": "visit", "name": {"nl": "Bezoek", "en": "Visit"}, "amount": "75.00", "tax_included": True}


def test_a_kind_is_read() -> None:
    (found,) = read_mapping({"charges": [KIND]}).charges
    kind = found.kind
    assert (kind.charge_kind_id, kind.name_nl, kind.name_en, kind.amount) == ("visit", "Bezoek", "Visit", Decimal("75.00"))
    assert (kind.tax_included, kind.tax_category, kind.tax_rate) == (True, "S", Decimal(21))
    (free,) = read_mapping({"charges": [{**KIND, "tax_category": "O", "tax_rate": "0"}]}).charges
    assert (free.kind.tax_category, free.kind.tax_rate) == ("O", 0)


def test_those_that_are_shipped_are_good() -> None:
    shipped = {one.kind.charge_kind_id: one.kind for one in read_directory(SHIPPED).charges}
    assert {"sim-replacement", "device", "compensation"} <= set(shipped) and shipped["device"].amount is None


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"id": "Visit"}, "charge Visit: id: must be small letters"), ({"amount": "0"}, "amount: must be euros and whole cents, and not 0"),
        ({"amount": "1.005"}, "amount: must be euros"), ({"amount": 75}, "amount: must be euros in quotes"),
        ({"name": {"nl": "x"}}, "en: is missing"),
        ({"tax_rate": "0"}, "tax_rate"), ({"tax_category": "O", "tax_rate": "21"}, "tax_rate"),
        ({"tax_category": "AE"}, "tax_category: must be one of"),
        ({"price": "1"}, "price: is not a known field"),
    ],
)  # fmt: skip
def test_what_is_no_kind_is_named(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_mapping({"charges": [{**KIND, **more}]})


def test_a_kind_twice_is_a_fault() -> None:
    with pytest.raises(InvalidInput, match="stands twice"):
        read_mapping({"charges": [KIND, KIND]})


@pytest.mark.parametrize(
    ("category", "rate", "fits"),
    [("S", "21", True), ("S", "0", False), ("S", "50", True), ("S", "50.01", False), ("S", "9.001", False), ("Z", "0", True), ("E", "9", False)],
)
def test_which_tax_fits(category: str, rate: str, fits: bool) -> None:
    assert tax_fits(category, Decimal(rate)) is fits
