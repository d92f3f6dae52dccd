"""A discount on usage: granted to a product, taken off what it used on the days of the discount, as a line of its own, and ended."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import yaml

from factories.billed_operator import BilledOperator, change
from factories.rated_usage import RatedLake, Used
from hoeksteen.billing import approving
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.operations import bill_off_cycle
from hoeksteen.billing.queries import next_bill
from hoeksteen.billing.wording import line_text
from hoeksteen.care import operations as care
from hoeksteen.care import queries as care_queries
from hoeksteen.care.model import Reason
from hoeksteen.journeys import operations as journeys
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.product import queries as product
from hoeksteen.product.operations import grant_discount, load_catalogue
from hoeksteen.product.price_list import SHIPPED
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 5, 9, tzinfo=UTC)
CUSTOMER, SIM = derived("customer", "account of sim"), derived("sim")
PLAN: dict[str, Any] = {
    "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
    "prices": [
        {"id": "month", "kind": "recurring", "versions": [{"valid_from": "2026-01-01", "amount": "10.00"}]},
        {"id": "voice", "kind": "usage", "service": "voice", "versions": [{"valid_from": "2026-01-01", "amount": "0.30"}]},
        {"id": "sms", "kind": "usage", "service": "sms", "versions": [{"valid_from": "2026-01-01", "amount": "0.10"}]},
    ],
    "discounts": [
        {"id": "calls", "name": "belkorting", "percentage": "25", "of": ["voice"], "periods": 2},
        {"id": "use", "name": "gebruikskorting", "amount": "3.00", "of": "usage"},
    ],
}  # fmt: skip


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer({"offerings": [PLAN]})
    world.hold("sim", [("plan", date(2026, 10, 1))])
    return world


def grant(world: RatedLake, discount: str, from_day: date) -> UUID:
    with world.database.transaction() as tx:
        identifiers = world.identifiers
        interaction = care.record_interaction(
            tx=tx, customer_id=CUSTOMER, actor="anna.dekker", reason=Reason("ticket", "CARE-12"), now=NOW, identifiers=identifiers
        )
        granted = journeys.grant_discount(
            tx=tx, interaction=interaction, product_id=SIM, discount_id=discount, from_day=from_day, now=NOW, identifiers=identifiers
        )
    return granted.price_alteration_id


def use(world: RatedLake, *records: tuple[str, int, str, int]) -> None:
    used = [Used(name, "sim", datetime(2026, 11, day, 12, tzinfo=UTC), service, "NL", units) for name, day, service, units in records]
    world.use(used)
    world.rate(date(2026, 11, 1))


def told(bill: CustomerBill, world: RatedLake) -> list[tuple[str, str, str]]:
    with world.database.transaction() as tx:
        offerings = {one.product_offering_id: one for one in product.offerings(tx=tx)}
    lines = [(rate, line_text(rate=rate, offerings=offerings, language="nl")) for rate in bill.rates if rate.kind in ("usage", "discount")]
    return [(text.description, text.period, str(rate.amount)) for rate, text in lines]


def bill(world: RatedLake, now: datetime = datetime(2026, 11, 25, tzinfo=UTC)) -> CustomerBill:
    return next_bill(database=world.database, lake=world.lake, customer_id=CUSTOMER, now=now)


def test_a_percentage_is_of_what_began_on_its_days(world: RatedLake) -> None:
    grant(world, "plan/calls", date(2026, 11, 10))
    use(world, ("before", 9, "voice", 600), ("on", 10, "voice", 601), ("later", 20, "voice", 61), ("sms", 20, "sms", 7))
    found = bill(world)
    assert told(found, world) == [
        ("Bellen in Nederland", "1 – 30 nov 2026", "6.31"),
        ("Sms in Nederland", "1 – 30 nov 2026", "0.70"),
        ("Belkorting", "10 – 30 nov 2026", "-0.83"),  # a quarter of 3.31
    ]
    assert found.net + found.vat + found.rounding == found.gross


def test_an_amount_is_by_days_and_never_more_than_was_used(world: RatedLake) -> None:
    grant(world, "plan/use", date(2026, 11, 16))
    use(world, ("call", 20, "voice", 600))
    assert told(bill(world), world)[-1] == ("Gebruikskorting", "16 – 30 nov 2026", "-1.50")
    world.use([Used("sms", "sim", datetime(2026, 12, 3, tzinfo=UTC), "sms", "NL", 1)], file="december")
    world.rate(date(2026, 12, 1))
    december = bill(world, datetime(2026, 12, 25, tzinfo=UTC))
    assert told(december, world)[-1] == ("Gebruikskorting", "1 – 31 dec 2026", "-0.10")


def test_it_ends_with_who_and_why(world: RatedLake) -> None:
    alteration = grant(world, "plan/calls", date(2026, 11, 10))

    def end(day: date, which: UUID = alteration) -> None:
        with world.database.transaction() as tx:
            interaction = care.record_interaction(
                tx=tx, customer_id=CUSTOMER, actor="bob", reason=Reason("phone"), now=NOW, identifiers=world.identifiers
            )
            journeys.end_discount(tx=tx, interaction=interaction, product_id=SIM, price_alteration_id=which, from_day=day, now=NOW)

    use(world, ("on", 10, "voice", 600), ("later", 20, "voice", 600))
    with pytest.raises(InvalidInput, match="from_day: 2026-11-04 has passed"):
        end(date(2026, 11, 4))
    with pytest.raises(NotFound, match="has no discount"):
        end(date(2026, 11, 15), derived("another"))
    end(date(2026, 11, 15))
    assert told(bill(world), world)[-1] == ("Belkorting", "10 – 14 nov 2026", "-0.75")
    with pytest.raises(WrongState, match="ends on 2026-11-15"):
        end(date(2026, 11, 15))
    end(date(2026, 11, 6))  # before it begins: it never holds
    assert [line[0] for line in told(bill(world), world)] == ["Bellen in Nederland"]
    grant(world, "plan/calls", date(2026, 11, 8))
    with world.database.transaction() as tx:
        interactions = care_queries.interactions(tx=tx, customer_id=CUSTOMER)
    done = [(one.actor, item.kind, item.detail["from_day"]) for one in interactions for item in one.items]
    assert sorted(done) == [
        ("anna.dekker", "grant_discount", "2026-11-08"),
        ("anna.dekker", "grant_discount", "2026-11-10"),
        ("bob", "end_discount", "2026-11-06"),
        ("bob", "end_discount", "2026-11-15"),
    ]


def test_a_later_change_takes_nothing_of_it_back(operator: BilledOperator) -> None:
    content = yaml.safe_load((SHIPPED / "mobile.yaml").read_text("utf-8"))
    plan = next(one for one in content["offerings"] if one["id"] == "mobile-m")
    plan["discounts"] = [{"id": "use", "name": "gebruikskorting", "percentage": "10", "of": "usage"}]
    now, october = datetime(2026, 9, 25, tzinfo=UTC), date(2026, 10, 1)
    with operator.database.transaction() as tx:
        load_catalogue(tx=tx, mapping=content, now=now)
    [held] = operator.add("mobile-m")
    with operator.database.transaction() as tx:
        grant_discount(
            tx=tx, customer_id=held.customer_id, product_id=held.product_id, discount_id="mobile-m/use", from_day=october, now=now,
            identifiers=operator.identifiers,
        )  # fmt: skip
    operator.charge([held], month=october, records=3)
    operator.run(october)
    change(operator, held, "mobile-l", from_day=date(2026, 11, 10))
    operator.run(date(2026, 11, 1))
    first, second = operator.bills(held)
    used = sum(rate.amount for rate in first.rates if rate.kind == "usage")
    [taken_off] = [rate.amount for rate in first.rates if rate.kind == "discount"]
    assert (used, taken_off) == (Decimal("1.70"), Decimal("-0.17"))
    assert {rate.kind for rate in second.rates} == {"recurring", "credit"}
    for month in (october, date(2026, 11, 1)):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


@pytest.mark.parametrize("again", [True, False], ids=["off cycle", "with the next run"])
def test_what_was_held_is_audited_with_its_discount(operator: BilledOperator, again: bool) -> None:
    now, october, november = datetime(2026, 9, 25, tzinfo=UTC), date(2026, 10, 1), date(2026, 11, 1)
    content = yaml.safe_load((SHIPPED / "mobile.yaml").read_text("utf-8"))
    next(one for one in content["offerings"] if one["id"] == "mobile-m")["discounts"] = [
        {"id": "use", "name": "gebruikskorting", "percentage": "10", "of": "usage"}
    ]
    with operator.database.transaction() as tx:
        load_catalogue(tx=tx, mapping=content, now=now)
    both = [*operator.add("mobile-m"), *operator.add("mobile-m")]
    with operator.database.transaction() as tx:
        for one in both:
            grant_discount(
                tx=tx, customer_id=one.customer_id, product_id=one.product_id, discount_id="mobile-m/use", from_day=october, now=now,
                identifiers=operator.identifiers,
            )  # fmt: skip
        approving.hold(tx=tx, billing_account_id=both[0].billing_account_id, by="bas", why="asks for another address", now=now)
    operator.charge(both, month=october, records=3)
    operator.run(october)
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=both[0].billing_account_id, by="bas", now=now)
    if again:
        bill_off_cycle(
            database=operator.database, keeper=operator.keeper, lake=operator.lake, period=bill_period(october), bill_date=november, by="bas",
            billing_account_ids=[both[0].billing_account_id], now=datetime(2026, 11, 2, tzinfo=UTC), identifiers=operator.identifiers,
        )  # fmt: skip
    operator.run(november)
    taken_off = [[rate.amount for bill in operator.bills(one) for rate in bill.rates if rate.kind == "discount"] for one in both]
    assert taken_off == [[Decimal("-0.17")]] * 2
    for month in (october, november):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
