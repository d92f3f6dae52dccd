"""
Published cases of other billing systems: each tariff is a price of ours, and gives the expected charge, fraction or cycles.

The cases lie in `data/rating-cases/cases.json` of the reference folder that HOEKSTEEN_REFERENCE names. Prepaid balances are no part of this system.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from conftest import BusinessCluster
from factories.rated_usage import Charged, RatedLake, Used, record_id
from fixtures.not_run import not_run
from hoeksteen.billing.prices import FOREVER, PriceBook
from hoeksteen.billing.recurring import Calendar, HeldProduct, Month, Term, charges_due, part_of_period, period_of
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day
from hoeksteen.product.price_list import read_mapping
from hoeksteen.rating.queries import usage_totals
from hoeksteen.storage.postgres import Database
from tables.rating.peer_plans import AGGREGATES, NOON, PeerPlan, PlainUse, fraction_text, plan_of

DATES = {"proration", "billing-cycles-in-advance", "billing-cycles-in-arrears"}
LEFT_OUT = {"prepaid-cascade"}
PARTS = 3  # an aggregate is also used in so many records, and comes to the same
_WHOLE = 10_000_000  # euros a month, so that cents are nine decimals of a month
_FOLDER = os.environ.get("HOEKSTEEN_REFERENCE", "")
_FILE = Path(_FOLDER) / "data/rating-cases/cases.json"
CASES: list[dict[str, Any]] = json.loads(_FILE.read_text("utf-8")) if _FOLDER and _FILE.is_file() else []


@dataclass(frozen=True)
class World:
    charges: dict[Any, Charged]
    totals: dict[Any, int]


@pytest.fixture(scope="module")
def world(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    business_cluster.cluster.as_superuser("CREATE DATABASE rating_peers TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    business_cluster.cluster.as_superuser("GRANT CONNECT ON DATABASE rating_peers TO hoeksteen_app;")
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database="rating_peers")
    plans = {case["id"]: plan_of(case) for case in CASES if case["family"] not in DATES | LEFT_OUT}
    with Database(dsn) as database, RatedLake.open(database, dsn, tmp_path_factory.mktemp("peers")) as lake:
        lake.offer({"offerings": [plan.offering(name) for name, plan in plans.items()]})
        records: list[Used] = []
        for name, plan in plans.items():
            for product, uses in _products(name, plan):
                month = local_day(uses[0].start if uses else NOON).replace(day=1)
                lake.hold(product, [(name, month)], until=add_months(month, 1))
                records += [Used(f"{product} {number}", product, use.start, plan.service, use.zone, use.units) for number, use in enumerate(uses)]
        lake.use(records)
        months = sorted({local_day(record.start).replace(day=1) for record in records} | {local_day(NOON).replace(day=1)})
        totals: dict[Any, int] = {}
        for month in months:
            lake.rate(month)
            for total in usage_totals(lake=lake.lake, period=bill_period(month), billing_account_ids=None):
                totals[total.product_id] = totals.get(total.product_id, 0) + total.amount_micro
        yield World(lake.charges(), totals)


def _products(name: str, plan: PeerPlan) -> list[tuple[str, list[PlainUse]]]:
    """Give the case's product, and where its model counts over a period another one that uses as much in several records."""
    found = [(name, [use for use in plan.uses if use.units])]
    if next(case for case in CASES if case["id"] == name)["family"] in AGGREGATES and len(plan.uses) == 1:
        [use] = plan.uses
        part = use.units // PARTS
        units = [part] * (PARTS - 1) + [use.units - part * (PARTS - 1)]
        found.append((f"{name} in parts", [PlainUse(use.start + timedelta(minutes=place), one) for place, one in enumerate(units) if one]))
    return found


if not CASES:

    def test_the_published_cases() -> None:
        not_run("published rating cases", install="data/rating-cases/cases.json, and name the folder that holds data in HOEKSTEEN_REFERENCE")


def each(*families: str, other: bool = False) -> Any:
    """Run a test with each case of some families, or of all others; without any case there is no such test."""
    found = [pytest.param(case, id=f"{case['family']} {case['id']}") for case in CASES if (case["family"] in families) != other]
    return pytest.mark.parametrize("case", found) if found else lambda test: None


@each(*DATES, *LEFT_OUT, other=True)
def test_usage(case: dict[str, Any], world: World) -> None:
    plan = plan_of(case)
    for product, _ in _products(case["id"], plan):
        found = world.totals.get(derived(product), 0)
        if isinstance(case["expected"], dict):
            expected = Decimal(case["expected"]["charge"])
            assert abs(euros(found) - expected) <= (Decimal("0.0000005") if product == case["id"] else Decimal("0.000002")), product
    if isinstance(case["expected"], list):
        for number, expected in enumerate(case["expected"]):
            charged = world.charges[record_id(f"{case['id']} {number}")]
            free, beyond = (Decimal(units) / plan.scale for units in (charged.free_units, charged.units - charged.free_units))
            assert (euros(charged.amount_micro), free, beyond) == tuple(
                Decimal(expected[name]) for name in ("charge", "from_allowance", "over_allowance")
            ), expected


@each("proration")
def test_proration(case: dict[str, Any]) -> None:
    tariff = case["tariff"]
    start, end = (date.fromisoformat(case["usage"][name]) for name in ("start", "end"))
    setting = str(tariff.get("days_in_month", "actual"))
    cycle_day, inside = (end.day, end - timedelta(days=1)) if tariff.get("side") == "leading" else (start.day, start)
    period = period_of(inside, cycle_day=cycle_day)
    month = Month(period.first_day.toordinal(), period.end_day.toordinal(), cycle_day)
    days, divisor = part_of_period(setting, month, start.toordinal(), end.toordinal(), start.toordinal()) if start < end else (0, 1)
    digits = int(tariff.get("digits", 9))
    assert fraction_text(Fraction(days, divisor), digits) == Decimal(case["expected"]["fraction"])
    if period.first_day <= start < end <= period.end_day:
        cents = sum(_cents(start, end, BillPeriod(period.first_day - timedelta(days=1), period.first_day), month.cycle_day, setting))
        assert fraction_text(Fraction(cents, 100 * _WHOLE), digits) == Decimal(case["expected"]["fraction"])


@each("billing-cycles-in-advance", "billing-cycles-in-arrears")
def test_billing_cycles(case: dict[str, Any]) -> None:
    tariff, usage = case["tariff"], case["usage"]
    start, target = (date.fromisoformat(usage[name]) for name in ("start", "target_date"))
    end = date.fromisoformat(usage["end"]) if usage["end"] else None
    current = period_of(target, cycle_day=int(tariff["bill_cycle_day"]))  # it is billed in advance: its bill is that of the usage before it
    before = period_of(current.first_day - timedelta(days=1), cycle_day=int(tariff["bill_cycle_day"]))
    in_arrears = tariff["mode"] == "in_arrears" or tariff["mode"] == "in_arrear"
    cents = _cents(start, end, before, int(tariff["bill_cycle_day"]), "actual", in_arrears=in_arrears)
    found = sum((Decimal(one) / (100 * _WHOLE) for one in cents), Decimal(0))
    expected = sum((_rounded(term) for term in re.split(r"\+", case["expected"]["cycles"])), Decimal(0))
    assert found == expected


def _rounded(term: str) -> Decimal:
    numerator, _, denominator = term.partition("/")
    return (Decimal(numerator) / Decimal(denominator or 1)).quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)


def _cents(start: date, end: date | None, period: BillPeriod, cycle_day: int, setting: str, *, in_arrears: bool = False) -> list[int]:
    """Give what a run of a usage period charges for a product that was never billed before, per charge."""
    version = {"valid_from": "1990-01-01", "amount": f"{_WHOLE}.00", "in_arrears": in_arrears, "days_in_month": setting}
    plan = {
        "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "business", "tax_included": False,
        "prices": [{"id": "month", "kind": "recurring", "versions": [version]}],
    }  # fmt: skip
    book = PriceBook([entry.offering for entry in read_mapping({"offerings": [plan]}).offerings])
    first, last = start.toordinal(), FOREVER if end is None else end.toordinal()
    product = HeldProduct(derived("customer"), derived("product"), first, first, (Term(first, last, "plan", True),), ())
    calendar = Calendar(period, cycle_day=cycle_day)
    due = charges_due(product=product, position=None, billed=None, book=book, calendar=calendar, tax_included=False)
    return [charge.cents for charge in due]
