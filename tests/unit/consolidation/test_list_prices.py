"""List prices estimated from charges, and the adjustment that makes each bill add up to the cent."""

from decimal import Decimal
from pathlib import Path

import pytest

from factories.legacy import IBM_HEADER, extracted
from hoeksteen.consolidation.list_prices import distribution, estimate, with_prices
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import Extract
from hoeksteen.kernel.errors import InvalidInput

SERVICES = ("Phone", "Lines", "Internet", "Security", "Backup", "Protection", "Support", "TV", "Movies")
PRICES = {"Phone": 20, "Lines": 5, "DSL": 25, "Fiber optic": 50, "Security": 5, "Backup": 5, "Protection": 5, "Support": 5, "TV": 10, "Movies": 10}


def row(number: int, *held: str, change: str = "0", tenure: int = 7, total: str = "29.85", charge: str | None = None) -> str:
    """A customer with these services; their charge is the sum of prices and a change."""
    internet = next((one for one in ("DSL", "Fiber optic") if one in held), "No")
    values = [internet if name == "Internet" else "Yes" if name in held else "No" for name in SERVICES]
    charge = charge or str(sum(PRICES[one] for one in held) + Decimal(change))
    key = f"{number:04d}-ABCDE"
    return ",".join([key, "Female", "0", "Yes", "No", str(tenure), *values, "One year", "Yes", "Mailed check", charge, total, "No"])


def all_kinds(*more: str) -> list[str]:
    """Customers by whom every service's price can be told: with each service alone beside the internet, and without."""
    extras = ("Security", "Backup", "Protection", "Support", "TV", "Movies")
    rows = [row(1, "Phone"), row(2, "Phone", "Lines"), row(3, "DSL"), row(4, "Fiber optic")]
    return [*rows, *(row(5 + place, "DSL", extra) for place, extra in enumerate(extras)), *more]


def export(folder: Path, *rows: str) -> Extract:
    file = folder / "customers.csv"
    file.write_text("\n".join([IBM_HEADER, *rows]) + "\n", "utf-8")
    return extracted(file, "ibm")


def test_exact_charges_give_exact_prices(tmp_path: Path) -> None:
    found = estimate(records=export(tmp_path, *all_kinds()).records, mapping=read_mapping(Path("ibm")))
    assert found.prices["ibm-phone"] == Decimal("20.00")
    assert found.prices["ibm-fibre"] == Decimal("50.00")
    assert set(found.adjustments) == {Decimal("0.00")}


def test_bills_add_up_to_the_charge_to_the_cent(tmp_path: Path) -> None:
    rows = all_kinds(row(20, "Phone", "DSL", "TV", change="0.37"), row(21, "Phone", change="-1.13"), row(22, "Phone", "Lines", change="0.98"))
    records = export(tmp_path, *rows).records
    found = estimate(records=records, mapping=read_mapping(Path("ibm")))
    for one, change in zip(records, found.adjustments, strict=True):
        priced = with_prices(one, change, found)
        assert one.charges is not None
        total = sum((product.monthly + sum((alter.value for alter in product.discounts), Decimal(0)) for product in priced.products), Decimal(0))
        assert total == one.charges.monthly
        assert sum(len(product.discounts) for product in priced.products) == (1 if change else 0)
    assert any(found.adjustments)


def test_the_catalogue_is_one_that_can_be_loaded(tmp_path: Path) -> None:
    catalogue = estimate(records=export(tmp_path, *all_kinds()).records, mapping=read_mapping(Path("ibm"))).catalogue
    (phone,) = [offering for offering in catalogue["offerings"] if offering["id"] == "ibm-phone"]
    assert phone["tax_included"] is False
    assert phone["prices"][0]["versions"] == [{"valid_from": "2015-01-01", "amount": "20.00"}]


def test_a_charge_that_no_service_explains_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"row \d+, field charge: it is \d+\.\d\d from the list prices, and 5.00 is allowed"):
        estimate(records=export(tmp_path, *all_kinds(row(20, "Phone", change="60"))).records, mapping=read_mapping(Path("ibm")))


def test_services_that_nobody_has_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="ibm-multiple-lines cannot be told"):
        estimate(records=export(tmp_path, row(1, "Phone")).records, mapping=read_mapping(Path("ibm")))


def test_a_blank_total_and_no_tenure_are_findings(tmp_path: Path) -> None:
    found = export(tmp_path, row(1, "Phone", tenure=0, total=" "), row(2, "Phone"))
    assert [(one.place, one.field, one.code) for one in found.findings] == [
        ("customers.csv:2", "tenure", "zero"),
        ("customers.csv:2", "TotalCharges", "blank"),
    ]
    first, second = found.records
    assert (str(first.customer_since), str(second.customer_since)) == ("2026-11-01", "2026-04-01")
    assert (first.contract_months, first.name) == (12, None)


def test_a_distribution_runs_from_minimum_to_maximum() -> None:
    found = distribution([Decimal(number) for number in range(101)])
    assert (found["p0"], found["p25"], found["p50"], found["p100"]) == ("0.00", "25.00", "50.00", "100.00")
    assert distribution([]) == {}
