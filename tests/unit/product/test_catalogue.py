"""The catalogue: what is shipped is whole, faults are named by file, price and field, and loaded prices never change."""

import copy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoeksteen.kernel.errors import Conflict, InvalidInput
from hoeksteen.product import operations, queries
from hoeksteen.product.model import Roaming, Service, Zone
from hoeksteen.product.price_list import SHIPPED, read_directory, read_mapping
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
PLAN: dict[str, Any] = yaml.safe_load("""
offerings:
  - id: plan
    family: mobile
    name: {nl: Plan, en: Plan}
    segment: consumer
    tax_included: true
    prices:
      - {id: month, kind: recurring, versions: [{valid_from: 2026-01-01, amount: "20.00"}]}
      - id: data
        kind: usage
        service: data
        versions:
          - {valid_from: 2026-01-01, amount: "0.002"}
          - {valid_from: 2026-11-15, amount: "0.003"}
    allowances:
      - {id: bytes, service: data, units: 5000000000}
""")
EXPECTED_MONTHLY = {
    "mobile-s": "10.00", "mobile-m": "20.00", "mobile-l": "35.00", "mobile-data": "7.50", "fixed-basic": "12.50", "fixed-plus": "22.50",
    "internet-100": "39.00", "internet-500": "49.00", "internet-1000": "64.00", "tv-basic": "12.00", "tv-plus": "22.00",
    "business-mobile": "18.00", "business-voice": "15.00", "business-internet": "69.00",
}  # fmt: skip


def changed(path: list[str | int], value: Any) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    target: Any = plan
    for step in path[:-1]:
        target = target[step]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return plan


def test_the_shipped_catalogue_is_valid_and_has_the_offerings_of_the_operator() -> None:
    offerings = [entry.offering for entry in read_directory(SHIPPED).offerings]
    assert {entry.product_offering_id: str(entry.prices[0].amount) for entry in offerings} == EXPECTED_MONTHLY
    for entry in offerings:
        assert entry.tax_included == (entry.segment == "consumer")
        assert entry.name_nl and entry.name_en


def test_what_is_loaded_is_read_back_unchanged(database: Database) -> None:
    declared = sorted((entry.offering for entry in read_directory(SHIPPED).offerings), key=lambda entry: entry.product_offering_id)
    with database.transaction() as tx:
        assert operations.load_catalogue(tx=tx, now=NOW) == len(declared)
    with database.transaction() as tx:
        loaded = queries.offerings(tx=tx)
    assert [entry.product_offering_id for entry in loaded] == [entry.product_offering_id for entry in declared]
    for before, after in zip(declared, loaded, strict=True):
        assert sorted(before.usage_prices, key=lambda price: price.price_id) == sorted(after.usage_prices, key=lambda price: price.price_id)
        assert (before.prices, before.allowances, before.caps) == (after.prices, after.allowances, after.caps)


def test_a_version_ends_where_the_next_begins() -> None:
    [entry] = read_mapping(PLAN).offerings
    first, second = entry.offering.usage_prices
    assert first.valid_to == second.valid_from
    assert second.amount == Decimal("0.003")
    assert (second.service, second.zones, second.roaming) == (Service.DATA, tuple(Zone), tuple(Roaming))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ["offerings", 0, "prices", 1, "versions", 0, "tiers"],
            {"mode": "graduated", "steps": [{"amount": "0.09"}]},
            "amount: says something else than the first tier",
        ),
        (["offerings", 0, "colour"], "red", "plan: colour: is not a known field"),
        (["offerings", 0, "tax_included"], "yes", "plan: tax_included: must be true or false"),
        (["offerings", 0, "name"], {"nl": "Plan"}, "plan/name: en: is missing"),
        (["offerings", 0, "prices", 0, "versions", 0, "amount"], 20.0, 'plan/month/versions\\[0\\]: amount: must be euros in quotes'),
        (["offerings", 0, "prices", 0, "versions", 0, "amount"], "0.1234567", "at most six decimals"),
        (["offerings", 0, "prices", 0, "versions", 0, "days_in_period"], "31", "days_in_period"),
        (["offerings", 0, "prices", 1, "versions", 0, "valid_to"], "2026-11-01", "plan/data/versions\\[1\\]: valid_from: leaves a hole"),
        (["offerings", 0, "prices", 1, "versions", 0, "valid_to"], "2026-12-01", "plan/data/versions\\[1\\]: valid_from: overlaps"),
        (["offerings", 0, "prices", 1, "versions", 0, "valid_from"], "soon", "valid_from: must be a day"),
        (["offerings", 0, "prices", 1, "versions"], None, "plan/data: versions: must have at least one version"),
        (["offerings", 0, "prices", 1, "zones"], ["NL"], "data zone EU roaming EU: has no price"),
        (["offerings", 0, "prices", 1, "zones"], ["MOON"], "plan/data: zones: must be a list of NL"),
        (["offerings", 0, "prices", 1, "service"], "pigeon", "plan/data: service: must be one of voice"),
        (["offerings", 0, "prices", 1, "versions", 0, "step"], 0, "step: must be a whole number from 1"),
        (["offerings", 0, "prices", 1, "versions", 0, "tiers"], {"mode": "steep", "steps": [{"amount": "1"}]},
         "mode: must be one of graduated, volume"),
        (["offerings", 0, "prices", 1, "versions", 0, "tiers"], {"mode": "volume", "steps": [{"up_to_units": 5, "amount": "1"}]}, "the last tier"),
        (["offerings", 0, "allowances", 0, "units"], -1, "plan/bytes: units: must be a whole number"),
        (["offerings", 0, "uses"], ["nothing"], "uses: names the unknown price list nothing"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_price_and_field(path: list[str | int], value: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_mapping(changed(path, value), name="plan.yaml")


def test_two_prices_for_the_same_usage_are_refused() -> None:
    plan = copy.deepcopy(PLAN)
    twin = copy.deepcopy(plan["offerings"][0]["prices"][1])
    twin["id"] = "twin"
    plan["offerings"][0]["prices"].append(twin)
    with pytest.raises(InvalidInput, match="has two prices at once: plan/data and plan/twin"):
        read_mapping(plan)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("offerings: [{id: a}]")
    (tmp_path / "b.yaml").write_text("offerings: [\n")
    with pytest.raises(InvalidInput) as refused:
        read_directory(tmp_path)
    assert "a.yaml: a: family: is missing" in str(refused.value)
    assert "b.yaml: line 2: is not YAML" in str(refused.value)


def test_loading_again_changes_nothing_and_another_content_is_refused(database: Database) -> None:
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=PLAN, now=NOW)
        operations.load_catalogue(tx=tx, mapping=PLAN, now=NOW)
    dearer = changed(["offerings", 0, "prices", 0, "versions", 0, "amount"], "25.00")
    with pytest.raises(Conflict, match="plan/month from 2026-01-01"), database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=dearer, now=NOW)
    with database.transaction() as tx:
        assert queries.offering(tx=tx, product_offering_id="plan").prices[0].amount == Decimal("20.00")


def test_a_new_version_ends_the_one_before(database: Database) -> None:
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=PLAN, now=NOW)
    versions = [{"valid_from": "2026-01-01", "amount": "20.00"}, {"valid_from": "2027-01-01", "amount": "22.00"}]
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=changed(["offerings", 0, "prices", 0, "versions"], versions), now=NOW)
        prices = queries.recurring_prices(tx=tx)
    assert [(str(price.amount), price.valid_to is None) for price in prices] == [("20.00", False), ("22.00", True)]
