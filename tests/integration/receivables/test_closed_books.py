"""Nothing is booked in a month that is closed: each operation says so with a remedy, and has done nothing."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from factories.bank_files import Statement, camt, receipt
from factories.billed_operator import BilledOperator, Held
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.receivables import bank, crediting, dunning, refunds, settling
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import over_settled

THEN, LATER = start_of_day(date(2026, 11, 20)), start_of_day(date(2026, 12, 3)) + timedelta(hours=9)
_COUNTED = ("payment", "bank_file", "bank_entry", "bank_decision", "allocation", "write_off", "deposit", "fee", "dunning_step")


def test_what_books_in_a_closed_month_is_refused(operator: BilledOperator, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    number = str(operator.bills(one)[0].bill_number)
    then = {"now": THEN, "identifiers": operator.identifiers}
    early = camt(tmp_path / "early.xml", Statement([receipt("7.77", "A0", day=date(2026, 11, 12))], "S-0", 1, "0.00"))
    told = receipt("3.00", "A2", day=date(2026, 11, 13))
    late = camt(tmp_path / "late.xml", Statement([receipt("20.00", "A1", text=number, day=date(2026, 11, 19)), told], "S-1", 2, "7.77"))
    bank.take(database=operator.database, keeper=operator.keeper, path=early, **then)
    notice = camt(tmp_path / "notice.xml", Statement([told], "N-1"), kind="054")
    bank.take(database=operator.database, keeper=operator.keeper, path=notice, **then)
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("60.00"), received_on=date(2026, 11, 18),
            reference="", **then,
        )  # fmt: skip
        asked = refunds.ask(tx=tx, customer_id=one.customer_id, amount=Decimal("10.00"), reason="too much", by="bram", **then)
        held = settling.hold_deposit(tx=tx, customer_id=one.customer_id, amount=Decimal("5.00"), why="late", by="bram", **then)
        waits = bank.unmatched(tx=tx)[0].bank_entry_id
        close_books(tx=tx, period=bill_period(date(2026, 11, 1)), by="x", now=LATER)
    before = _counts(operator)
    whose = {"customer_id": one.customer_id, **then}
    attempts: list[Callable[..., object]] = [
        lambda tx: settling.write_off(tx=tx, bill_number=number, why="x", by="bram", **then),
        lambda tx: settling.hold_deposit(tx=tx, amount=Decimal("5.00"), why="x", by="bram", **whose),
        lambda tx: settling.release_deposit(tx=tx, deposit_id=held.deposit_id, by="bram", **whose),
        lambda tx: refunds.decide(tx=tx, refund_id=asked.refund_id, approve=True, by="fatma", **then),
        lambda tx: crediting.credit_and_settle(tx=tx, number=number, lines=None, why="x", by="bram", **then),
        lambda tx: bank.assign(tx=tx, bank_entry_id=waits, by="bram", **whose),
        lambda tx: dunning.run(database=operator.database, day=date(2026, 11, 29), **then),
    ]
    for attempt in attempts:
        with pytest.raises(WrongState, match=r"The books of 2026-11 are closed") as refused, operator.database.transaction() as tx:
            attempt(tx)
        assert refused.value.remedy
        assert _counts(operator) == before
    with operator.database.transaction() as tx:
        done = bank.assign(tx=tx, bank_entry_id=waits, customer_id=one.customer_id, by="bram", now=LATER, identifiers=operator.identifiers)
    assert done.payment.received_on == date(2026, 12, 3), "what waited while its month was closed is booked today"
    _takes_what_the_bank_booked_then(operator, one, late)


def _takes_what_the_bank_booked_then(operator: BilledOperator, one: Held, late: Path) -> None:
    """A statement that comes after its month was closed is taken: in the books on the first open day, with the bank's day beside it."""
    taken = bank.take(database=operator.database, keeper=operator.keeper, path=late, now=LATER, identifiers=operator.identifiers)
    assert (taken.count["payment"], taken.count["of_closed_months"], taken.count["confirmed"], taken.booked_from) == (1, 2, 1, date(2026, 12, 1))
    with operator.database.transaction() as tx:
        [row] = tx.rows("SELECT booked_on, bank_day FROM receivables.bank_entry WHERE booking_key LIKE '% A1'")
        assert row == {"booked_on": date(2026, 12, 1), "bank_day": date(2026, 11, 19)}
        days = tx.rows("SELECT booked_on FROM ledger.journal_entry WHERE source = 'bank' ORDER BY booked_on")
        assert [row["booked_on"] for row in days] == [date(2026, 11, 12), date(2026, 11, 13), date(2026, 12, 1)]
        assert not list(over_settled(tx=tx))
    for month in (date(2026, 11, 1), date(2026, 12, 1)):
        assert not audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences


def _counts(operator: BilledOperator) -> dict[str, int]:
    with operator.database.transaction() as tx:
        return {name: int(tx.value(f"SELECT count(*) FROM receivables.{name}")) for name in _COUNTED}
