"""Bands as UTC instants, also in the nights in which the clock changes; sources of free units in their stages."""

from datetime import UTC, date, datetime, timedelta

import pytest

from factories.rated_usage import PLANS
from hoeksteen.product.model import UsagePrice
from hoeksteen.product.price_list import SHIPPED, read_directory, read_mapping
from hoeksteen.rating.tariff import band_intervals, tariff_of, tariff_table


def banded(first: str, last: str) -> UsagePrice:
    plan = {
        "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
        "prices": [{"id": "voice", "kind": "usage", "service": "voice", "versions": [
            {"valid_from": "2026-01-01", "amount": "0.20", "bands": [{"id": "night", "from": first, "to": last, "amount": "0.10"}]}]}],
    }  # fmt: skip
    return read_mapping({"offerings": [plan]}).offerings[0].offering.usage_prices[0]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 3)])
@pytest.mark.parametrize("band", [("00:00", "08:00"), ("02:30", "03:30"), ("01:00", "02:30"), ("23:00", "24:00")])
def test_bands_leave_no_hole_and_never_overlap(day: date, band: tuple[str, str]) -> None:
    stretches = band_intervals(banded(*band), first_day=day - timedelta(days=1), end_day=day + timedelta(days=2))
    for before, after in zip(stretches, stretches[1:], strict=False):
        assert before[0] < before[1] == after[0] < after[1]
        assert before.band != after.band


def test_the_night_band_is_an_hour_longer_when_the_clock_goes_back_and_shorter_when_it_goes_forward() -> None:
    hours = []
    for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 3)):
        [night] = [
            stretch for stretch in band_intervals(banded("00:00", "08:00"), first_day=day, end_day=day + timedelta(days=1)) if stretch.band == "night"
        ]
        hours.append((night[1] - night[0]) / timedelta(hours=1))
    assert hours == [7, 9, 8]


def test_half_past_two_that_occurs_twice_is_its_first_occurrence() -> None:
    stretches = band_intervals(banded("02:30", "03:30"), first_day=date(2026, 10, 25), end_day=date(2026, 10, 26))
    assert [stretch[:2] for stretch in stretches if stretch.band == "night"] == [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC))
    ]


def test_sources_are_staged_narrow_before_wide_own_before_shared_and_carried_before_fresh() -> None:
    tariff = tariff_of(entry.offering for entry in read_mapping(PLANS).offerings)
    stages = {(source.allowance.allowance_id, source.carried): source.stage for source in tariff.sources}
    assert stages[("plan-own-and-shared/own", False)] < stages[("plan-own-and-shared/pool", False)]
    assert stages[("plan-roll/minutes", True)] < stages[("plan-roll/minutes", False)]
    assert stages[("plan-m/minutes", False)] == stages[("plan-m/bytes", False)] == 1


def test_every_amount_in_the_tariff_is_a_whole_number() -> None:
    schema = tariff_table(tariff_of(entry.offering for entry in read_directory(SHIPPED).offerings)).schema
    assert {str(schema.field(name).type) for name in ("price_micro", "fee_micro", "unit_size", "minimum", "step")} == {"int64"}
    assert not any(kind in str(field.type) for field in schema for kind in ("double", "float", "decimal"))
