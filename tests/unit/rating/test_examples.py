"""Example charges are what a record would cost: per band, beyond the last tier, at the version of its day, alike prices once."""

from datetime import date
from typing import Any

from hoeksteen.product.price_list import read_mapping
from hoeksteen.rating.examples import Example, examples

DAY = date(2026, 11, 18)


def plan(name: str, *prices: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name, "family": "mobile", "name": {"nl": name, "en": name}, "segment": "consumer", "tax_included": True, "prices": list(prices),
        "allowances": [{"id": "all", "service": str(prices[0]["service"]), "units": 10_000}],
    }  # fmt: skip


def price(service: str, *versions: dict[str, Any]) -> dict[str, Any]:
    return {"id": service, "kind": "usage", "service": service, "versions": [{"valid_from": "2026-01-01", **one} for one in versions]}


def told(*plans: dict[str, Any], zones: tuple[dict[str, Any], ...] = ()) -> list[Example]:
    declared = read_mapping({"zones": list(zones), "offerings": list(plans)})
    return examples(offerings=[entry.offering for entry in declared.offerings], day=DAY)


def test_a_price_that_plans_have_alike_is_told_once() -> None:
    found = told(
        plan("a", price("sms", {"amount": "0.10"})), plan("b", price("sms", {"amount": "0.10"})), plan("c", price("sms", {"amount": "0.20"}))
    )
    assert [(one.offering_ids, one.units, str(one.amount)) for one in found] == [
        (("a", "b"), 1, "0.100000"), (("a", "b"), 10, "1.000000"), (("c",), 1, "0.200000"), (("c",), 10, "2.000000"),
    ]  # fmt: skip


def test_versions_to_come_are_told_at_their_own_day_and_ended_ones_not() -> None:
    versions = [{"amount": "0.10"}, {"valid_from": "2026-11-01", "amount": "0.20"}, {"valid_from": "2027-02-01", "amount": "0.30"}]
    found = told(plan("a", price("sms", *versions)))
    assert [(one.price_from, one.units, str(one.amount)) for one in found if one.units == 1] == [
        (date(2026, 11, 1), 1, "0.200000"), (date(2027, 2, 1), 1, "0.300000"),
    ]  # fmt: skip
    assert "2027-02-01 12:00:00" in found[-1].sentence_nl


def test_each_band_is_told() -> None:
    bands = [{"id": "evening", "from": "19:00", "to": "24:00", "amount": "0.03"}, {"id": "sunday", "days": ["sunday"], "from": "00:00", "to": "19:00",
                                                                                    "amount": "0.01"}]  # fmt: skip
    found = told(plan("a", price("voice", {"amount": "0.06", "bands": bands})))
    minutes = {one.sentence_en.partition("(")[2].partition(")")[0]: str(one.amount) for one in found if one.units == 180}
    assert minutes == {"": "0.180000", "evening": "0.090000", "sunday": "0.030000"}


def test_a_price_for_a_named_zone_says_so() -> None:
    turkey = {"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]}
    own = {**price("sms", {"amount": "0.50"}), "id": "turkey", "zones": ["TURKEY"]}
    found = told(plan("a", price("sms", {"amount": "0.10"}), own), zones=(turkey,))
    assert [one.sentence_en.partition(",")[0] for one in found if one.units == 1] == ["Message to the Netherlands", "Message to Turkey"]
