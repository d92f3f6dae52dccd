"""What the bank refuses of our own files before it settles anything: bills open again, mandates as they should be, and each refusal once."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from factories.bank_files import Answer, pain002
from factories.billed_operator import BilledOperator, Held
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import AccessDenied, Conflict, InvalidInput
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.receivables import collecting, mandates, refunds, status_reports
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance

NOW = start_of_day(date(2026, 12, 2)) + timedelta(hours=9)
FILED = NOW + timedelta(days=12)
IBANS = ("NL91ABNA0417164300", "NL20INGB0001234567", "NL69INGB0123456789")


@pytest.fixture
def sent(operator: BilledOperator, tmp_path: Path) -> tuple[list[Held], collecting.CollectionRun, list[str]]:
    """Three customers of whom 20.00 is collected each: the run, and their end-to-end identifiers."""
    held = [operator.add("mobile-m", payment_method="direct_debit")[0] for _ in IBANS]
    operator.run(date(2026, 10, 1))
    common = {"by": "bram.visser", "now": NOW, "identifiers": operator.identifiers}
    with operator.database.transaction() as tx:
        for one, iban in zip(held, IBANS, strict=True):
            mandates.add(
                tx=tx,
                keeper=operator.keeper,
                customer_id=one.customer_id,
                text=iban,
                account_holder="J. de Wit",
                signed_on=date(2026, 11, 1),
                **common,
            )
        run = collecting.prepare(tx=tx, collection_day=date(2026, 12, 17), **common).run
        collecting.file(
            tx=tx,
            keeper=operator.keeper,
            collection_run_id=run.collection_run_id,
            path=tmp_path / "c.xml",
            now=FILED,
            identifiers=operator.identifiers,
        )
        ids = {row["customer_id"]: row["end_to_end_id"] for row in tx.rows("SELECT customer_id, end_to_end_id FROM receivables.collection")}
    return held, run, [ids[one.customer_id] for one in held]


def _take(operator: BilledOperator, path: Path) -> status_reports.ReportIntake:
    return status_reports.take(database=operator.database, path=path, now=FILED, identifiers=operator.identifiers)


def _standing(operator: BilledOperator, held: list[Held]) -> list[tuple[str, str, bool]]:
    """What each owes, and the state of their mandate and whether its next collection is the first."""
    with operator.database.transaction() as tx:
        signed = [mandates.mandates_of(tx=tx, customer_id=one.customer_id)[0] for one in held]
        return [(str(balance(tx=tx, customer_id=one.customer_id)), has.state, has.is_first) for one, has in zip(held, signed, strict=True)]


def test_payments_are_refused_one_by_one_and_once(operator: BilledOperator, sent: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    held, run, ids = sent
    batch = f"{run.message_id}-CFRST"
    answers = (Answer(ids[0], "RJCT", "AC04", batch, "20.00"), Answer(ids[1], "RJCT", "AM04", batch), Answer(ids[2], "ACCP", "", batch))
    done = _take(operator, pain002(tmp_path / "r.xml", *answers, about=run.message_id, group=("PART", ""), count=3))
    assert (dict(done.refused), done.amount, dict(done.answers)) == ({"AC04": 1, "AM04": 1}, Decimal("40.00"), {"RJCT": 2, "ACCP": 1})
    after = [("20.00", "revoked", True), ("20.00", "active", True), ("0.00", "active", False)]
    assert _standing(operator, held) == after
    assert _take(operator, tmp_path / "r.xml").already_taken
    again = _take(operator, pain002(tmp_path / "s.xml", *answers[:2], about=run.message_id, message="R-2", version="03"))
    assert (again.known_before, dict(again.refused)) == (2, {}), "another report of the same changes nothing"
    with pytest.raises(Conflict, match="another content"):
        _take(operator, pain002(tmp_path / "t.xml", answers[0], about=run.message_id, message="R-2"))
    assert _standing(operator, held) == after
    assert not audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences


def test_a_file_that_is_refused_is_our_own_fault(operator: BilledOperator, sent: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    held, run, ids = sent
    told = _messages(operator)
    only = Answer(ids[0], "RJCT", "AC01", f"{run.message_id}-CFRST")
    done = _take(operator, pain002(tmp_path / "r.xml", only, about=run.message_id, group=("RJCT", "FF01"), count=3))
    assert dict(done.refused) == {"AC01": 1, "FF01": 2}, "what is said of one payment counts before what is said of all"
    assert _standing(operator, held) == [("20.00", "revoked", True), ("20.00", "active", True), ("20.00", "active", True)]
    assert _messages(operator) == told + 1, "nobody hears of a file that was wrong"
    with operator.database.transaction() as tx:
        next_run = collecting.prepare(
            tx=tx, collection_day=date(2027, 1, 12), by="bram.visser", now=FILED, identifiers=operator.identifiers
        )  # fmt: skip
        attempts = {row["attempt"] for row in tx.rows("SELECT attempt FROM receivables.collection WHERE state = 'due'")}
    assert (next_run.run.count, attempts) == (2, {1})


def test_a_duplicate_undoes_nothing_of_the_file_that_stands(operator: BilledOperator, sent: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    held, run, ids = sent
    before, told, batch = _standing(operator, held), _messages(operator), f"{run.message_id}-CFRST"
    reports = (
        pain002(tmp_path / "f.xml", about=run.message_id, message="R-1", group=("RJCT", "DU01"), count=3),
        pain002(tmp_path / "p.xml", *(Answer(one, "RJCT", "AM05", batch) for one in ids), about=run.message_id, message="R-2", group=("RJCT", "")),
    )
    for path in reports:
        done = _take(operator, path)
        assert (dict(done.refused), set(done.contradicted)) == ({}, set(ids))
    assert (_standing(operator, held), _messages(operator)) == (before, told)
    one = _take(operator, pain002(tmp_path / "o.xml", Answer(ids[0], "RJCT", "AM05", batch), about=run.message_id, message="R-3", group=("PART", "")))
    assert dict(one.refused) == {"AM05": 1}, "a single payment that is refused as a duplicate is refused"


def test_a_report_that_is_not_about_ours_is_refused_with_its_place(operator: BilledOperator, sent: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    held, run, ids = sent
    about, batch = run.message_id, f"{run.message_id}-CFRST"
    odd = (
        (pain002(tmp_path / "1.xml", about="LLTELSE"), "a file that we did not send"),
        (pain002(tmp_path / "2.xml", about=about, count=4), "counts 4 payments"),
        (pain002(tmp_path / "3.xml", about=about, batch=("RJCT", "FF01")), "payment information B, which is not in"),
        (
            pain002(tmp_path / "4.xml", Answer(ids[0], batch=batch), Answer("LLTX", batch=batch), about=about),
            "payment information 1, payment 2 is none",
        ),
        (pain002(tmp_path / "5.xml", Answer(ids[0], batch=batch, amount="2.00"), about=about), "payment 1 is of 2.00, and we sent 20.00"),
        (pain002(tmp_path / "6.xml", Answer(ids[0], "WHAT", batch=batch), about=about), "payment 1 has no status that we know"),
        (pain002(tmp_path / "7.xml", about=about, version="09"), "not pain.002.001.10"),
        (pain002(tmp_path / "8.xml", Answer(ids[0], batch=batch, reason="toolong"), about=about), "a reason that is no code"),
    )
    for path, says in odd:
        with pytest.raises(InvalidInput, match=says) as refused:
            _take(operator, path)
        assert refused.value.remedy
    assert {owed for owed, _, _ in _standing(operator, held)} == {"0.00"}, "nothing of them was taken"


def test_a_refused_refund_is_owed_until_somebody_else_pays_it_again(operator: BilledOperator, sent: tuple, tmp_path: Path) -> None:  # type: ignore[type-arg]
    [one, *_], _, _ = sent
    common = {"now": FILED, "identifiers": operator.identifiers}
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("9.00"), received_on=date(2026, 12, 14),
            reference="", **common,
        )  # fmt: skip
        asked = refunds.ask(tx=tx, customer_id=one.customer_id, amount=Decimal("9.00"), reason="too much", by="bram", **common)
        refunds.decide(tx=tx, refund_id=asked.refund_id, approve=True, by="fatma", **common)
        file = refunds.write_file(tx=tx, keeper=operator.keeper, path=tmp_path / "p.xml", by="fatma", **common)
    about = f"LLT{file.refund_file_id.hex[:20].upper()}"
    answer = Answer(asked.end_to_end_id, "RJCT", "AC04", f"{about}-R")
    assert dict(_take(operator, pain002(tmp_path / "r.xml", answer, about=about)).refused) == {"AC04": 1}
    with operator.database.transaction() as tx:
        [found] = refunds.refunds(tx=tx)
        assert (found.state, found.refused_because, balance(tx=tx, customer_id=one.customer_id)) == ("refused", "AC04", Decimal("0.00"))
        with pytest.raises(AccessDenied):
            refunds.pay_again(tx=tx, refund_id=asked.refund_id, by="bram", **common)
        again = refunds.pay_again(tx=tx, refund_id=asked.refund_id, by="fatma", **common)
        assert (again.state, again.end_to_end_id == asked.end_to_end_id) == ("approved", False)
    late = _take(operator, pain002(tmp_path / "s.xml", answer, about=about, message="R-2"))
    assert (late.known_before, dict(late.refused)) == (1, {}), "an old refusal does not meet the new payment"
    assert not audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences


def _messages(operator: BilledOperator) -> int:
    with operator.database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM messages.message"))
