"""A bill that found no money is collected once more, also by a mandate that ended with it; where it is not, its customer is told."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables import collecting, mandates

NOW = start_of_day(date(2026, 12, 2)) + timedelta(hours=9)
LATER = NOW + timedelta(days=15)
IBANS = ("NL91ABNA0417164300", "NL20INGB0001234567", "NL69INGB0123456789")


@pytest.fixture
def sent(operator: BilledOperator, tmp_path: Path) -> list[Held]:
    """Three customers of whom 20.00 is collected each, by mandates that are for once only."""
    held = [operator.add("mobile-m", payment_method="direct_debit")[0] for _ in IBANS]
    operator.run(date(2026, 10, 1))
    for one, iban in zip(held, IBANS, strict=True):
        _sign(operator, one, iban, one_off=True)
    _collect(operator, date(2026, 12, 17), NOW, tmp_path / "a.xml")
    return held


def _sign(operator: BilledOperator, one: Held, iban: str, *, one_off: bool) -> mandates.Mandate:
    with operator.database.transaction() as tx:
        return mandates.add(
            tx=tx, keeper=operator.keeper, customer_id=one.customer_id, text=iban, account_holder="J. de Wit", signed_on=date(2026, 11, 1),
            one_off=one_off, by="bram.visser", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def _collect(operator: BilledOperator, day: date, now: datetime, path: Path) -> int:
    with operator.database.transaction() as tx:
        run = collecting.prepare(tx=tx, collection_day=day, by="bram.visser", now=now, identifiers=operator.identifiers).run
        collecting.file(
            tx=tx,
            keeper=operator.keeper,
            collection_run_id=run.collection_run_id,
            path=path,
            now=now + timedelta(days=12),
            identifiers=operator.identifiers,
        )
    return run.count


def _refuse(operator: BilledOperator, *reasons: str) -> None:
    """Let what is on its way be refused, in the order of the customers."""
    with operator.database.transaction() as tx:
        rows = tx.rows("SELECT * FROM receivables.collection WHERE state = 'sent' ORDER BY customer_id")
        refused = list(zip(rows, reasons, strict=True))
        collecting.rejected(tx=tx, refused=refused, now=LATER, identifiers=operator.identifiers)


def _states(operator: BilledOperator) -> list[str]:
    with operator.database.transaction() as tx:
        return [row["state"] for row in tx.rows("SELECT state FROM receivables.mandate ORDER BY customer_id, state")]


def _told(operator: BilledOperator) -> int:
    with operator.database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM messages.message WHERE kind = 'collection_returned'"))


def test_the_last_collection_is_tried_again(operator: BilledOperator, sent: list[Held], tmp_path: Path) -> None:
    assert _states(operator) == ["used"] * 3
    _refuse(operator, "AM04", "AC04", "MS03")
    assert (_states(operator), _told(operator)) == (["active", "revoked", "active"], 1), "who is collected from again is not written to"
    assert _collect(operator, date(2027, 1, 4), LATER, tmp_path / "b.xml") == 2
    _refuse(operator, "AM04", "AM04")
    assert (_states(operator), _told(operator)) == (["used", "revoked", "used"], 3), "twice, and not a third time"
    with pytest.raises(WrongState, match="Nothing is to be collected"):
        _collect(operator, date(2027, 2, 1), LATER, tmp_path / "c.xml")


def test_who_has_no_mandate_any_more_is_told(operator: BilledOperator, sent: list[Held], tmp_path: Path) -> None:
    """A customer who signed another mandate goes on with that; where one was revoked since, nothing is tried again."""
    first, second, _ = sorted(sent, key=lambda one: one.customer_id)
    _sign(operator, first, "NL91ABNA0417164300", one_off=False)
    _sign(operator, second, "NL20INGB0001234567", one_off=False)
    with operator.database.transaction() as tx:
        tx.execute("UPDATE receivables.mandate SET state = 'revoked' WHERE customer_id = %s", (second.customer_id,))
    _refuse(operator, "AM04", "AM04", "AM04")
    assert (_states(operator), _told(operator)) == (["active", "used", "revoked", "revoked", "active"], 1)
    assert _collect(operator, date(2027, 1, 4), LATER, tmp_path / "b.xml") == 2


def test_many_that_come_back_are_written_at_once(operator: BilledOperator, sent: list[Held], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = collecting.came_back
    monkeypatch.setattr(collecting, "came_back", lambda *, rows, **rest: (calls.append(len(rows)), real(rows=rows, **rest)))
    _refuse(operator, "AM04", "AM04", "AM04")
    assert calls == [3]
    with operator.database.transaction() as tx:
        tx.execute("SET LOCAL enable_seqscan = off")
        for sql, index in (
            ("SELECT FROM receivables.mandate WHERE mandate_id = ANY (%s)", "mandate_id_of"),
            ("SELECT FROM receivables.collection WHERE customer_bill_id = ANY (%s)", "collection_bill"),
            ("SELECT FROM billing.leaving_bill WHERE customer_id = ANY (%s)", "leaving_bill_customer"),
            ("SELECT FROM billing.account_charge WHERE customer_id = ANY (%s)", "account_charge_customer"),
            ("SELECT FROM billing.instalment_plan WHERE customer_id = ANY (%s)", "instalment_plan_customer"),
        ):
            plan = str(tx.rows(f"EXPLAIN {sql}", ([sent[0].customer_id],)))
            assert f"{index} " in plan and "Seq Scan" not in plan, plan
