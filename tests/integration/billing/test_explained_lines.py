"""Every line of a run is explained: its usage down to records that come to its exact amount, its credits by name."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, populate
from hoeksteen.billing.explaining import LineExplanation, explain_line
from hoeksteen.billing.model import RateKind
from hoeksteen.kernel.errors import NotFound
from hoeksteen.receivables.crediting import credit_and_settle

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)


def _explain(operator: BilledOperator, number: str | None, line: int) -> LineExplanation:
    with operator.database.transaction() as tx:
        return explain_line(tx=tx, lake=operator.lake, bill_number=str(number), line=line)


def test_usage_comes_to_its_exact_amount(operator: BilledOperator) -> None:
    populate(operator, customers=8, seed=31, records=4)
    metered = [one for one in operator.held if "mobile" in one.offering]
    operator.charge(metered[:2], month=date(2026, 9, 1), records=3, bill_month=date(2026, 10, 1))
    operator.run()
    seen = 0
    for one in {held.customer_id: held for held in operator.held}.values():
        for billed in operator.bills(one):
            for rate in billed.rates:
                found = _explain(operator, billed.bill_number, rate.line)
                assert found.rate == rate
                if rate.kind is RateKind.USAGE:
                    assert found.flat == 0 and found.exact == found.of_records, "every micro-euro is some record's"
                    assert len(found.records) == rate.quantity
                    assert sum(record.units for record in found.records) == rate.detail["units"]
                    assert {record.product_id for record in found.records} == {rate.product_id}
                    seen += 1
                else:
                    assert found.records == () and found.exact is None
    assert seen > 20
    late = [rate for rate in operator.bills(metered[0])[0].rates if rate.period is not None and rate.period.first_day == date(2026, 9, 1)]
    assert late, "late usage stands under its own period and is found there"


def test_days_credits_and_what_is_not_there(operator: BilledOperator) -> None:
    (held,) = operator.add("mobile-m", start=date(2026, 10, 17), billed_to=date(2026, 10, 1))
    operator.run()
    (billed,) = operator.bills(held)
    part = next(rate for rate in billed.rates if rate.kind is RateKind.RECURRING and rate.period is not None and rate.period.first_day.month == 10)
    assert dict(_explain(operator, billed.bill_number, part.line).facts)["days"] == "15 of 31"
    with operator.database.transaction() as tx:
        note = credit_and_settle(
            tx=tx, number=str(billed.bill_number), lines={part.line: Decimal("2.00")}, why="w", by="b", now=NOW, identifiers=operator.identifiers
        ).note
    assert _explain(operator, billed.bill_number, part.line).credited == Decimal("2.00")
    explained = _explain(operator, note.bill_number, 1)
    assert explained.credits == (billed.bill_number, part.line)
    assert dict(explained.facts)["gives back"] == f"line {part.line} of {billed.bill_number}"
    with pytest.raises(NotFound, match="has no line 99"):
        _explain(operator, billed.bill_number, 99)
