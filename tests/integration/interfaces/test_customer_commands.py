"""`hoeksteen products`: what a customer holds, by the identifiers that other commands ask for."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from fixtures.commands import figures_and_text
from hoeksteen.interfaces.cli.customers import products
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party import queries as party
from hoeksteen.product.model import NewAlteration


def test_products_are_listed_with_identifiers_and_the_discounts_that_hold(operator: BilledOperator, data: Path) -> None:
    today = local_day(SystemClock().now())
    over, until = today - timedelta(days=1), today + timedelta(days=9)
    alterations = [
        NewAlteration(derived("a"), "trouwkorting", "percentage", Decimal(-10), today - timedelta(days=40), until),
        NewAlteration(derived("b"), "welkomstkorting", "percentage", Decimal(-10), today - timedelta(days=40), over),
    ]
    held = operator.add("mobile-m", "internet-100", alterations=alterations)
    operator.add("mobile-s")
    with operator.database.transaction() as tx:
        number = party.customer(tx=tx, customer_id=held[0].customer_id).customer_number
    for named in (number, str(held[0].customer_id)):
        found, told = figures_and_text(products, data, named)
        assert {one["product_id"] for one in found["products"]} == {str(one.product_id) for one in held}
        assert all(str(one.product_id) in told for one in held) and "mobile-m" in told and "active" in told
        assert f"trouwkorting, until {until}" in " ".join(told.split()) and "welkomstkorting" not in told
        assert [each["name"] for one in found["products"] for each in one["alterations"]] == ["trouwkorting"]
    with pytest.raises(NotFound, match="There is no customer 999"):
        figures_and_text(products, data, "999")
