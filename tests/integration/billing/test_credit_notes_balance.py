"""A month in which a bill was credited balances over all rooms."""

from datetime import UTC, date, datetime
from decimal import Decimal

from factories.billed_operator import BilledOperator, populate
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.receivables.crediting import credit_and_settle


def test_credit_notes_leave_nothing_unexplained(operator: BilledOperator) -> None:
    populate(operator, customers=6, seed=8, records=2)
    operator.run()
    for one, lines in ((operator.held[0], None), (operator.held[4], {1: Decimal("1.00")})):
        (billed,) = operator.bills(one)
        for day, part in ((12, lines), (20, {1: Decimal("0.10")} if lines else None)):
            if day == 20 and lines is None:
                continue
            with operator.database.transaction() as tx:
                credit_and_settle(
                    tx=tx, number=str(billed.bill_number), lines=part, why="w", by="b", now=datetime(2026, 11, day, 9, tzinfo=UTC),
                    identifiers=operator.identifiers,
                )  # fmt: skip
    for month in (date(2026, 10, 1), date(2026, 11, 1)):
        found = audit_month(database=operator.database, lake=operator.lake, period=bill_period(month))
        assert found.differences == (), found.differences
