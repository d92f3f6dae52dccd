"""Two years of bills on real parts: what is older than what is compared is neither credited nor charged again."""

from datetime import date

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing.model import RateKind
from hoeksteen.kernel.time_period import add_months, start_of_day
from hoeksteen.product import operations as product


def change(operator: BilledOperator, one: Held, offering: str, day: date) -> None:
    with operator.database.transaction() as tx:
        product.change_offering(
            tx=tx, customer_id=one.customer_id, product_id=one.product_id, product_offering_id=offering, from_day=day, now=start_of_day(day)
        )  # fmt: skip


@pytest.mark.slow
def test_a_change_two_years_after_the_first_bill(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m", start=date(2024, 9, 20), billed_to=date(2024, 9, 20))
    operator.run(date(2024, 9, 1))
    change(operator, one, "mobile-l", date(2024, 10, 10))
    for months in range(1, 25):
        operator.run(add_months(date(2024, 9, 1), months))
    change(operator, one, "mobile-s", date(2026, 10, 16))
    operator.run(date(2026, 10, 1))
    *_, last = operator.bills(one)
    found = [(rate.kind, str(rate.amount), rate.period.first_day) for rate in last.rates if rate.period]
    assert found == [
        (RateKind.CREDIT, "-18.06", date(2026, 10, 16)),
        (RateKind.RECURRING, "5.16", date(2026, 10, 16)),
        (RateKind.RECURRING, "10.00", date(2026, 11, 1)),
    ]
