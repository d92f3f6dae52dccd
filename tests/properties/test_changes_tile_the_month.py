"""Changes of plan, suspensions, resumptions and terminations in any order: the charges tile the days of the month, none twice, none missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hoeksteen.billing._reading import read_products
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, Charge, Position, charges_due, fingerprint
from hoeksteen.journeys.model import CHANGE_KINDS, Change
from hoeksteen.journeys.operations import apply
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import bill_period, local_day, start_of_day
from hoeksteen.party.model import BillingAccount
from hoeksteen.product.model import NewProduct, NewTerm, ProductStatus, ProductTerm
from hoeksteen.product.operations import add_products, load_catalogue
from hoeksteen.product.queries import offerings, terms
from hoeksteen.storage.postgres import Database, Transaction

CUSTOMER, PRODUCT, ACCOUNT = derived("customer"), derived("product"), derived("account")
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
START, OCTOBER, NOVEMBER = date(2026, 10, 12), bill_period(date(2026, 10, 1)), bill_period(date(2026, 11, 1))
BILLED_TO = NOVEMBER.next().end_day
PRICES = {"mobile-s": Decimal("10.00"), "mobile-m": Decimal("20.00"), "mobile-l": Decimal("35.00")}
DAYS = st.integers(0, 32).map(lambda days: NOVEMBER.first_day + timedelta(days))
CHANGES = st.lists(st.tuples(st.sampled_from(CHANGE_KINDS), DAYS, st.sampled_from(sorted(PRICES))), max_size=7)


@contextmanager
def undone(database: Database) -> Iterator[Transaction]:
    """A transaction of which nothing stays, so that examples do not meet."""
    with database.transaction() as tx:
        tx.execute("SAVEPOINT example")
        yield tx
        tx.execute("ROLLBACK TO SAVEPOINT example")


def change_what_can_be(tx: Transaction, changes: list[tuple[str, date, str]]) -> list[ProductTerm]:
    for kind, day, offering in changes:
        tx.execute("SAVEPOINT change")
        try:
            apply(tx=tx, change=Change(kind, CUSTOMER, PRODUCT, day, offering if kind == "change_plan" else None), now=NOW)  # type: ignore[arg-type]  # kind is one of the sampled literals
        except (Conflict, WrongState):
            tx.execute("ROLLBACK TO SAVEPOINT change")
    return terms(tx=tx, customer_ids=[CUSTOMER])


def due(tx: Transaction, *, of: Calendar, book: PriceBook, billed: list[Charge] | None) -> tuple[list[Charge], int]:
    """The charges of one bill, after one that charged `billed`, and the fingerprint of what was known of the product."""
    account = BillingAccount(CUSTOMER, ACCOUNT, "A1", 1, "transfer", True, "active")
    [inputs] = read_products(tx=tx, billing_accounts=[account], book=book, calendar=of)[ACCOUNT]
    position = None if billed is None else Position(NOVEMBER.end_day.toordinal(), 0)
    return charges_due(product=inputs.product, position=position, billed=billed, book=book, calendar=of, tax_included=True), fingerprint(
        inputs.product, book
    )


@given(CHANGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_charges_tile_the_days_in_service(database: Database, changes: list[tuple[str, date, str]]) -> None:
    with undone(database) as tx:
        load_catalogue(tx=tx, now=NOW)
        first = (NewTerm(start_of_day(START), None, "mobile-m"),)
        add_products(tx=tx, products=[NewProduct(CUSTOMER, PRODUCT, ACCOUNT, START, START, first)])
        book = PriceBook(offerings(tx=tx))
        october, _ = due(tx, of=Calendar(OCTOBER), book=book, billed=None)  # charges November in advance: changes have to correct it
        history = change_what_can_be(tx, changes)
        november, _ = due(tx, of=Calendar(NOVEMBER), book=book, billed=october)
    for before, after in pairwise(history):
        assert before.valid_to == after.valid_from
        assert (before.product_offering_id, before.status) != (after.product_offering_id, after.status)
    months = {month.first: month for month in Calendar(NOVEMBER).months}
    for offering, price in PRICES.items():
        in_service = [day for day in _days(START, BILLED_TO) if _held(history, day) == (offering, ProductStatus.ACTIVE)]
        for month in months.values():
            charges = [one for one in (*october, *november) if one.key.product_offering_id == offering and one.key.month == month.first]
            wanted = sum(month.first <= day.toordinal() < month.end for day in in_service)
            assert all(month.first <= one.first < one.end <= month.end and one.days <= one.end - one.first for one in charges)
            assert sum(one.days if one.cents > 0 else -one.days for one in charges) == wanted
            cents = sum(one.cents for one in charges)
            assert abs(cents - price * 100 * wanted / (month.end - month.first)) <= Decimal("0.5") * max(1, len(charges))
    new = sorted((one.first, one.end) for one in november if one.cents > 0 and not one.corrects)
    assert all(before[1] <= after[0] for before, after in pairwise(new)), "no day is charged twice"


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days) for days in range((end - first).days)]


def _held(history: list[ProductTerm], day: date) -> tuple[str, ProductStatus]:
    [term] = [one for one in history if local_day(one.valid_from) <= day and (one.valid_to is None or day < local_day(one.valid_to))]
    return term.product_offering_id, term.status
