"""A catalogue loaded beside what is there: what customers hold, and what they were charged, stays as it was."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from hoeksteen.kernel.errors import Conflict
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import operations, queries
from hoeksteen.product.model import NewProduct, NewTerm, ProductOffering
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
PLAN = """
offerings:
  - id: plan
    family: mobile
    name: {nl: Plan, en: Plan}
    segment: consumer
    tax_included: true
    prices:
      - {id: month, kind: recurring, versions: [{valid_from: 2026-01-01, amount: "20.00"}]}
      - {id: data, kind: usage, service: data, versions: [{valid_from: 2026-01-01, amount: "0.002"}]}
    allowances:
      - {id: bytes, service: data, units: 5000000000}
"""
MONTH, DATA = '{valid_from: 2026-01-01, amount: "20.00"}', '{valid_from: 2026-01-01, amount: "0.002"}'


def load(database: Database, *changes: tuple[str, str]) -> ProductOffering:
    """Load the plan with some of its text changed."""
    text = PLAN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    mapping: dict[str, Any] = yaml.safe_load(text)
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=mapping, now=NOW)
        return queries.offering(tx=tx, product_offering_id="plan")


def hold(database: Database, until: date | None = None) -> None:
    start = date(2026, 2, 1)
    terms = (NewTerm(start_of_day(start), None if until is None else start_of_day(until), "plan"),)
    with database.transaction() as tx:
        operations.add_products(tx=tx, products=[NewProduct(derived("c"), derived("p"), derived("a"), start, start, terms)])


def test_a_new_version_keeps_those_before_it_also_when_they_are_not_declared_again(database: Database) -> None:
    first = load(database)
    hold(database)
    later = load(database, (MONTH, '{valid_from: 2026-12-01, amount: "22.00"}'), (DATA, DATA + ', {valid_from: 2027-01-01, amount: "0.003"}'))
    assert [(str(price.amount), price.valid_to) for price in later.prices] == [("20.00", start_of_day(date(2026, 12, 1))), ("22.00", None)]
    assert [str(price.amount) for price in later.usage_prices] == ["0.002", "0.003"]
    assert later.allowances == first.allowances


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("units: 5000000000", "units: 1000", "Offering plan is held by customers and would change: allowances"),
        ("tax_included: true", "tax_included: false", "would change: tax_included"),
        ("segment: consumer", "segment: business", "would change: segment"),
        (MONTH, MONTH + ', {valid_from: 2026-11-01, amount: "22.00"}', "plan/month from 2026-11-01 would change what was charged before 2026-11-10"),
        (MONTH, '{valid_from: 2026-01-01, valid_to: 2026-12-01, amount: "20.00"}', "Price plan/month would end on 2026-12-01, and 1 products"),
        (DATA, '{valid_from: 2026-01-01, valid_to: 2026-12-01, amount: "0.002"}', "The price of data zone NL roaming HOME would end on 2026-12-01"),
        ("id: month", "id: monthly", "Price plan/month is loaded already and is not declared"),
        ("    allowances:", '      - {id: line, kind: recurring, versions: [{valid_from: 2027-01-01, amount: "1.00"}]}\n    allowances:',
         "Price plan/line from 2027-01-01 would be charged beside"),
    ],
)  # fmt: skip
def test_what_is_held_does_not_change_under_its_customers(database: Database, old: str, new: str, said: str) -> None:
    before = load(database)
    hold(database)
    with pytest.raises(Conflict, match=said):
        load(database, (old, new))
    assert load(database) == before


def test_what_nobody_ever_held_may_become_another(database: Database) -> None:
    load(database)
    assert load(database, ("units: 5000000000", "units: 1000")).allowances[0].units == 1000


def test_a_price_may_end_when_nobody_goes_on(database: Database) -> None:
    load(database)
    hold(database, until=date(2026, 12, 1))
    ended = load(database, (MONTH, '{valid_from: 2026-01-01, valid_to: 2026-12-01, amount: "20.00"}'))
    assert [price.valid_to for price in ended.prices] == [start_of_day(date(2026, 12, 1))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            f"service: data, versions: [{DATA}]", "service: data, zones: [NL], versions: [{valid_from: 2027-01-01, amount: \"1\"}]",
            "zone EU roaming EU",
        ),
        (
            f"service: data, versions: [{DATA}]", "service: data, zones: [NL, EU, WORLD], versions: [{valid_from: 2027-01-01, amount: \"1\"}]",
            "plan/data from 2027-01-01 is for another use than its other versions",
        ),
    ],
)  # fmt: skip
def test_versions_of_one_price_are_for_one_use(database: Database, old: str, new: str, said: str) -> None:
    load(database)
    with pytest.raises(Exception, match=said):
        load(database, (old, new))


def test_a_hole_beside_what_is_loaded_is_refused(database: Database) -> None:
    load(database, (MONTH, '{valid_from: 2026-01-01, valid_to: 2026-12-01, amount: "20.00"}'))
    with pytest.raises(Conflict, match="Beside what is loaded the catalogue has faults: .*leaves a hole"):
        load(database, (MONTH, '{valid_from: 2027-01-01, amount: "22.00"}'))
