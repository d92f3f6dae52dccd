"""The minimum spend of an offering on real bills: what usage lacks of it, made good when usage comes late, and audited."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest

from factories.billed_operator import NOW, BilledOperator
from fixtures.en16931 import faults
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.documents import invoice_views, render_ubl
from hoeksteen.billing.explaining import explain_line
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.wording import line_text
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.product import operations as product
from hoeksteen.product.price_list import read_mapping
from hoeksteen.product.queries import offerings
from hoeksteen.receivables.crediting import credit_and_settle

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
_PRICE = {"kind": "usage", "service": "voice", "versions": [{"valid_from": "2015-01-01", "amount": "0.10"}]}
CATALOGUE = {
    "offerings": [
        {
            "id": "calls-25", "family": "mobile", "name": {"nl": "Bellen", "en": "Calls"}, "segment": "consumer", "tax_included": True,
            "minimum_spend": {"amount": "25.00", "of": "usage"},
            "prices": [
                {"id": "month", "kind": "recurring", "versions": [{"valid_from": "2015-01-01", "amount": "5.00"}]},
                {**_PRICE, "id": "voice", "zones": ["NL", "EU", "WORLD", "NL-SERVICE", "NL-FREE"]},
            ],
        }
    ]
}  # fmt: skip


def _minimums(bill: CustomerBill, language: str = "en") -> list[tuple[str, str, Decimal]]:
    texts = [(rate, line_text(rate=rate, offerings={}, language=language)) for rate in bill.rates if rate.kind == "minimum"]
    return [(text.description, text.quantity, rate.amount) for rate, text in texts]


def test_what_usage_lacks_is_a_line_and_made_good(operator: BilledOperator, owner_dsn: str) -> None:
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=CATALOGUE, now=NOW)
        loaded = {one.product_offering_id: one.minimum_spend for one in offerings(tx=tx)}
        assert loaded["calls-25"] is not None and loaded["mobile-m"] is None
    (one,), (idle,) = operator.add("calls-25"), operator.add("calls-25", start=date(2026, 10, 22), billed_to=date(2026, 10, 22))
    operator.charge([one], month=OCTOBER, records=1, micro=1_000_000)
    operator.run()
    (first,), (short,) = operator.bills(one), operator.bills(idle)
    assert _minimums(first) == [("calls-25, up to the minimum spend", "", Decimal("19.00"))]
    assert _minimums(short, "nl") == [("calls-25, aanvulling tot minimum", "10 van 31 dagen", Decimal("8.06"))]
    assert sum(rate.amount for rate in first.rates if rate.kind != "recurring") == Decimal("25.00")
    with operator.database.transaction() as tx:
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(first.customer_id, first.customer_bill_id)], purpose="billing")
        line = next(rate.line for rate in first.rates if rate.kind == "minimum")
        facts = dict(explain_line(tx=tx, lake=operator.lake, bill_number=str(first.bill_number), line=line).facts)
    assert faults(render_ubl(view)) == [] and (facts["minimum of a whole period"], facts["spent"]) == ("25.000000", "6.000000")
    operator.charge([one], month=OCTOBER, records=1, micro=500_000, bill_month=NOVEMBER)
    operator.run(NOVEMBER)
    assert _minimums(operator.bills(one)[1]) == [
        ("calls-25, up to the minimum spend, adjustment", "", Decimal("-3.00")), ("calls-25, up to the minimum spend", "", Decimal("25.00")),
    ]  # fmt: skip
    assert [found for month in (OCTOBER, NOVEMBER) for found in _differences(operator, month)] == []
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        changed = "UPDATE billing.applied_customer_billing_rate SET kind = 'recurring' WHERE kind = 'minimum' AND gross = 8.06"
        assert owner.execute(changed).rowcount == 1
        assert owner.execute("UPDATE billing.applied_customer_billing_rate SET gross = 18 WHERE kind = 'minimum' AND gross = 19").rowcount == 1
    found = _differences(operator, OCTOBER)
    assert ("minimum spend = lines", Decimal("19.00"), Decimal("18.00")) in found, "a line that is another amount"
    assert ("minimum spend = lines", Decimal("8.06"), Decimal("0.00")) in found, "a line that is missing"


def test_what_a_credit_note_gave_back_is_not_charged_again(operator: BilledOperator) -> None:
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=CATALOGUE, now=NOW)
    (one,) = operator.add("calls-25")
    operator.run()
    (first,) = operator.bills(one)
    line = next(rate.line for rate in first.rates if rate.kind == "minimum")
    with operator.database.transaction() as tx:
        credit_and_settle(
            tx=tx, number=str(first.bill_number), lines={line: Decimal("20.00")}, why="goodwill", by="bas", now=NOW, identifiers=operator.identifiers
        )
    operator.charge([one], month=OCTOBER, records=1, micro=1_500_000, bill_month=NOVEMBER)
    operator.run(NOVEMBER)
    assert [amount for _, _, amount in _minimums(operator.bills(one)[-1])] == [Decimal("0.00"), Decimal("25.00")]
    assert _differences(operator, NOVEMBER) == []


@pytest.mark.parametrize(
    ("minimum", "says"),
    [
        ({"amount": "0"}, "not 0"), ({"amount": "-1.00"}, "less than 0"), ({"amount": "1.001"}, "whole cents"), ({"of": "usage"}, "is missing"),
        ({"amount": "1.00", "of": "recurring"}, "must be usage"), ({"amount": "1.00", "of": ["data"]}, "no price of usage here"),
        ({"amount": "1.00", "x": 1}, "is not a known field"),
    ],
)  # fmt: skip
def test_what_is_no_minimum_is_a_fault(minimum: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_mapping({"offerings": [{**CATALOGUE["offerings"][0], "minimum_spend": minimum}]})


def _differences(operator: BilledOperator, month: date) -> list[tuple[str, Decimal, Decimal]]:
    found = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences
    return [(one.check, one.expected, one.found) for one in found]
