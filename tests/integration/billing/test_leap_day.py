"""29 February: as bill day, first and last day of a product, day of a change, beginning of a discount, and end of a term of payment."""

from datetime import date
from decimal import Decimal

from factories.billed_operator import BilledOperator
from factories.recurring_story import BOOK, Story
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.legal_entity import due_date
from hoeksteen.billing.model import RateKind
from hoeksteen.billing.recurring import period_of
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewAlteration

LEAP = date(2028, 2, 29)
JANUARY, FEBRUARY, MARCH = date(2028, 1, 1), date(2028, 2, 1), date(2028, 3, 1)
CENT = Decimal("0.01")


def test_a_product_a_change_and_a_bill_of_the_leap_day(operator: BilledOperator) -> None:
    half = NewAlteration(operator.identifiers.new(start_of_day(JANUARY)), "half", "percentage", Decimal("-50.00"), LEAP)
    begins = operator.add("internet-100", start=LEAP, billed_to=LEAP)[0]
    ends = operator.add("internet-100", billed_to=JANUARY)[0]
    lowered = operator.add("internet-100", billed_to=JANUARY, alterations=(half,))[0]
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=ends.customer_id, product_id=ends.product_id, from_day=LEAP, now=start_of_day(FEBRUARY))
    operator.run(JANUARY, bill_date=LEAP)
    operator.run(FEBRUARY, bill_date=MARCH)
    price = operator.charged(begins)[-1][2]
    day = (price / 29).quantize(CENT)
    assert operator.charged(begins) == [(LEAP, MARCH, day), (MARCH, date(2028, 4, 1), price)]
    assert (FEBRUARY, LEAP, (price * 28 / 29).quantize(CENT)) in operator.charged(ends)
    off = [rate for bill in operator.bills(lowered) for rate in bill.rates if rate.kind is RateKind.DISCOUNT]
    assert off[0].period is not None and (off[0].period.first_day, off[0].detail["days"], off[0].detail["days_in_period"]) == (LEAP, 1, 29)
    first = operator.bills(lowered)[0]
    assert (first.bill_date, first.due_date, first.bill_number[:8] if first.bill_number else "") == (LEAP, due_date(LEAP), "LLT-2028")
    for month in (JANUARY, FEBRUARY):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def test_a_discount_of_a_year_from_the_leap_day_ends_on_the_last_of_february() -> None:
    assert product._months_later(LEAP, 12) == date(2029, 2, 28)
    assert product._months_later(LEAP, 48) == date(2032, 2, 29)
    assert product._months_later(date(2028, 1, 31), 1) == LEAP


def test_plans_change_and_prices_begin_on_the_leap_day() -> None:
    story = Story()
    story.step(["product", "2028-01-10", "M", "opening", "2028-01-10"])
    story.run("2028-01")
    story.step(["change", "2028-02-29", "L"])
    story.run("2028-02")
    of_february = {
        (charge.key.product_offering_id, charge.days): charge.cents
        for charge in story.billed
        if charge.key.month == FEBRUARY.toordinal() and charge.first >= FEBRUARY.toordinal()
    }
    assert sum(of_february.values()) == 2_000 - 69 + 121  # M gives a day of 29 back, L costs one
    assert BOOK.of("M").charges[0].versions[0].micro == 20_000_000


def test_bill_days_and_terms_of_payment_around_the_leap_day() -> None:
    assert (period_of(LEAP, cycle_day=31).first_day, period_of(LEAP, cycle_day=31).end_day) == (LEAP, date(2028, 3, 31))
    assert (bill_period(LEAP, cycle_day=28).first_day, bill_period(LEAP, cycle_day=28).days) == (date(2028, 2, 28), 29)
    assert due_date(date(2028, 2, 15)) == LEAP
    assert due_date(LEAP) == date(2028, 3, 14)
    assert due_date(LEAP, 1) == MARCH
