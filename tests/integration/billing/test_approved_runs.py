"""Bill runs as people make them: trial, comparison, a second person's approval, holds, stops, and bills off cycle."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import NOW, BilledOperator, Held, change, populate
from hoeksteen.billing import approving
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.comparing import compare_runs
from hoeksteen.billing.model import BillRunProgress, BillRunResult
from hoeksteen.billing.operations import bill_off_cycle, stop_run
from hoeksteen.billing.queries import held, runs
from hoeksteen.billing.sending import send_bills
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.messages.queries import sent_to

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
DONE = start_of_day(date(2026, 12, 1))


def _approve(operator: BilledOperator, trial: BillRunResult, by: str = "bas") -> None:
    with operator.database.transaction() as tx:
        approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by=by, now=NOW)


def _hold(operator: BilledOperator, one: Held) -> None:
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why="disputed address", now=NOW)


def _again(operator: BilledOperator, one: Held, month: date = OCTOBER) -> BillRunResult:
    period = bill_period(month)
    return bill_off_cycle(
        database=operator.database, keeper=operator.keeper, lake=operator.lake, period=period, billing_account_ids=[one.billing_account_id],
        bill_date=period.end_day, by="bas", now=NOW, identifiers=operator.identifiers,
    )  # fmt: skip


def _reasons(operator: BilledOperator, run: BillRunResult) -> dict[object, str]:
    with operator.database.transaction() as tx:
        return {one.billing_account_id: one.reason for one in held(tx=tx, bill_run_id=run.bill_run_id)}


def _differences(operator: BilledOperator, month: date = OCTOBER) -> tuple[object, ...]:
    return audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences


def test_nothing_is_billed_that_no_second_person_approved(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s")
    with pytest.raises(WrongState, match="Nobody has approved"):
        operator.run(unapproved=False)
    trial = operator.run(kind="trial", by="anna")
    with pytest.raises(WrongState, match="Who began a run cannot approve it"):
        _approve(operator, trial, by="anna")
    with pytest.raises(WrongState, match="Nobody has approved"):
        operator.run(unapproved=False)
    _approve(operator, trial)
    with pytest.raises(Conflict):
        _approve(operator, trial)
    final = operator.run(unapproved=False, by="anna")
    assert (final.totals, final.held) == (trial.totals, 0)
    with operator.database.transaction() as tx:
        assert {(run.kind, run.started_by) for run in runs(tx=tx)} == {("trial", "anna"), ("final", "anna")}
    with pytest.raises(WrongState, match="are final"):
        _approve(operator, trial)
    assert len(operator.bills(one)) == 1


@pytest.mark.parametrize("by", ["", "  ", "a\x1b[2J", "x" * 1_001])
def test_who_decides_says_who(operator: BilledOperator, by: str) -> None:
    (one,) = operator.add("mobile-s")
    trial = operator.run(kind="trial", by="anna")
    with pytest.raises(InvalidInput):
        _approve(operator, trial, by=by)
    with operator.database.transaction() as tx, pytest.raises(InvalidInput):
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why=by, now=NOW)


def test_an_approval_is_for_the_newest_trial_alone(operator: BilledOperator) -> None:
    operator.add("mobile-s")
    older = operator.run(kind="trial", by="anna")
    newer = operator.run(kind="trial", by="anna", now=NOW + timedelta(hours=1))
    with pytest.raises(WrongState, match="newer trial"):
        _approve(operator, older)
    _approve(operator, newer)
    operator.run(kind="trial", by="anna", now=NOW + timedelta(hours=2))
    with pytest.raises(WrongState, match="Nobody has approved"):
        operator.run(unapproved=False)


def test_what_changed_since_the_approval_is_held_and_billed_later(operator: BilledOperator) -> None:
    populate(operator, customers=20, seed=3)
    changed = next(one for one in operator.held if one.offering == "mobile-s")
    _approve(operator, operator.run(kind="trial", by="anna"))
    operator.charge([changed], month=OCTOBER, records=1, micro=999_999, bill_month=None)
    final = operator.run(unapproved=False)
    assert _reasons(operator, final) == {changed.billing_account_id: "changed"}
    assert final.totals.count == 19
    assert _differences(operator) == ()
    again = _again(operator, changed)
    assert again.totals.count == 1
    assert _differences(operator) == ()
    with pytest.raises(WrongState, match=r"^Billing account \d+ of customer \d+ does not wait"):
        _again(operator, changed)
    operator.run(NOVEMBER, now=DONE)
    assert [bill.period for bill in operator.bills(changed)] == [bill_period(OCTOBER), bill_period(NOVEMBER)]
    assert not [rate for rate in operator.bills(changed)[1].rates if rate.kind == "usage"]


def test_a_bill_that_is_no_longer_due_is_held_too(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s", billed_to=date(2027, 5, 1))
    operator.charge([one], month=OCTOBER, records=1, micro=10_000)
    operator.add("mobile-m")
    _approve(operator, operator.run(kind="trial", by="anna"))
    _hold(operator, one)
    assert _reasons(operator, operator.run(unapproved=False)) == {one.billing_account_id: "on_hold"}


def test_content_tells_every_difference_of_a_bill(operator: BilledOperator) -> None:
    populate(operator, customers=30, seed=9)
    first = operator.run(kind="trial")
    second = operator.run(kind="trial", now=NOW + timedelta(hours=1))
    with operator.database.transaction() as tx:
        rows = tx.rows("SELECT bill_run_id, billing_account_id, content FROM billing.customer_bill")
    by_run = [{row["billing_account_id"]: row["content"] for row in rows if row["bill_run_id"] == run.bill_run_id} for run in (first, second)]
    assert by_run[0] == by_run[1]
    assert len(set(by_run[0].values())) == 30  # products have identifiers of their own, so no two bills say the same


def test_a_person_holds_an_account_and_releases_it(operator: BilledOperator) -> None:
    populate(operator, customers=5, seed=4)
    one = operator.held[0]
    _hold(operator, one)
    with pytest.raises(Conflict, match="held already"):
        _hold(operator, one)
    final = operator.run()
    assert (_reasons(operator, final), final.totals.count) == ({one.billing_account_id: "on_hold"}, 4)
    assert _again(operator, one).held == 1  # nobody has released it
    with operator.database.transaction() as tx:
        assert [hold.why for hold in approving.holds(tx=tx)] == ["disputed address"]
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
        assert approving.holds(tx=tx) == []
    with operator.database.transaction() as tx, pytest.raises(NotFound):
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
    assert _again(operator, one).totals.count == 1
    assert _differences(operator) == ()
    numbers = sorted(bill.bill_number or "" for held_one in {h.customer_id: h for h in operator.held}.values() for bill in operator.bills(held_one))
    assert numbers == [f"LLT-2026-{number:08d}" for number in range(1, 6)]


def test_a_run_off_cycle_that_was_cut_off_leaves_nothing_half_done(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(operator, customers=3, seed=8)
    one, other = operator.held[0], operator.held[-1]
    for each in (one, other):
        _hold(operator, each)
    operator.run()
    with operator.database.transaction() as tx:
        for each in (one, other):
            approving.release(tx=tx, billing_account_id=each.billing_account_id, by="bas", now=NOW)
    for part in ("operations._carry_out", "_run._store.finish"):
        with monkeypatch.context() as cut:
            cut.setattr(f"hoeksteen.billing.{part}", _dies)
            with pytest.raises(KeyboardInterrupt):
                _again(operator, one)
    assert _again(operator, other).totals.count == 1
    with operator.database.transaction() as tx:
        assert [(run.kind, run.state, run.bills) for run in runs(tx=tx)] == [("off_cycle", "done", 1)] * 2 + [("final", "done", 1)]
    assert _differences(operator) == ()


def test_what_was_billed_off_cycle_and_not_announced_is_with_the_next(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,), (other,) = operator.add("mobile-s"), operator.add("mobile-m")
    for each in (one, other):
        _hold(operator, each)
    operator.add("mobile-l")
    operator.run()
    with operator.database.transaction() as tx:
        for each in (one, other):
            approving.release(tx=tx, billing_account_id=each.billing_account_id, by="bas", now=NOW)
    with monkeypatch.context() as cut:
        cut.setattr("hoeksteen.billing.operations.send_bills", _dies)
        with pytest.raises(KeyboardInterrupt):
            _again(operator, one)
    _again(operator, other)
    with operator.database.transaction() as tx:
        assert [len(sent_to(tx=tx, customer_id=each.customer_id)) for each in (one, other)] == [1, 1]


def test_two_at_once_bill_an_account_off_cycle_once(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = operator.add("mobile-s")
    operator.charge([one], month=OCTOBER, records=1)
    _hold(operator, one)
    operator.add("mobile-m")
    operator.run()
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
    # both have seen that it waits, and neither has seen the other
    monkeypatch.setattr("hoeksteen.billing.operations._run_store.settle_off_cycle", lambda tx, now: [])
    monkeypatch.setattr("hoeksteen.billing.operations._run_store.waiting", lambda tx, run: {one.billing_account_id})
    assert _again(operator, one).totals.count == 1
    with pytest.raises(Conflict):
        _again(operator, one)
    assert len(operator.bills(one)) == 1


def test_nobody_is_billed_off_cycle_while_the_cycle_is_billed(operator: BilledOperator) -> None:
    """The run of the next period bills what the last one held: both would bill it."""
    one, other = sorted((operator.add(name)[0] for name in ("mobile-m", "mobile-m")), key=lambda each: each.customer_id)  # as a run goes through them
    operator.charge([other], month=OCTOBER, records=1)
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=other.billing_account_id, by="bas", why="disputed address", now=NOW)
    operator.run(OCTOBER)
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=other.billing_account_id, by="bas", now=NOW)
    refused: list[str] = []

    def meanwhile(_: BillRunProgress) -> None:
        if not refused:
            with pytest.raises(Conflict, match="are being made final") as error:
                _again(operator, other)
            refused.append(str(error.value))

    operator.run(date(2026, 11, 1), batch=1, progress=meanwhile)
    assert refused and len(operator.bills(one)) == 2 and len(operator.bills(other)) == 1
    assert _differences(operator) == _differences(operator, date(2026, 11, 1)) == ()


def test_a_bill_date_in_closed_books_leaves_no_run_off_cycle(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s")
    _hold(operator, one)
    operator.add("mobile-m")
    operator.run()
    later = start_of_day(date(2026, 12, 2))
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
        close_books(tx=tx, period=bill_period(NOVEMBER), by="bas", now=later)
    with pytest.raises(WrongState, match="closed"):
        _again(operator, one)
    with operator.database.transaction() as tx:
        assert [run.kind for run in runs(tx=tx)] == ["final"]


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_is_stopped_goes_on_where_it_was(operator: BilledOperator) -> None:
    populate(operator, customers=40, seed=5)

    def stop(progress: BillRunProgress) -> None:
        if progress.billing_accounts == 10:
            with operator.database.transaction() as tx:
                assert stop_run(tx=tx, period=bill_period(OCTOBER)).kind == "final"

    stopped = operator.run(progress=stop, batch=10)
    assert (stopped.stopped, 10 <= stopped.billing_accounts < 40) == (True, True)
    finished = operator.run()
    assert (finished.stopped, finished.billing_accounts, finished.totals.count) == (False, 40, 40)
    assert _differences(operator) == ()
    with operator.database.transaction() as tx, pytest.raises(NotFound, match="under way"):
        stop_run(tx=tx, period=bill_period(OCTOBER))


def test_bills_are_announced_once(operator: BilledOperator) -> None:
    populate(operator, customers=7, seed=6)
    final = operator.run()
    assert send_bills(database=operator.database, bill_run_id=final.bill_run_id, now=NOW) == 0
    with operator.database.transaction() as tx:
        assert {len(sent_to(tx=tx, customer_id=one.customer_id)) for one in operator.held} == {1}
        assert [run.sent_at is not None for run in runs(tx=tx)] == [True]
    trial = operator.run(NOVEMBER, kind="trial")
    with pytest.raises(WrongState, match="final run"):
        send_bills(database=operator.database, bill_run_id=trial.bill_run_id, now=NOW)


def test_a_trial_is_compared_with_last_months_bills_and_with_another_trial(operator: BilledOperator) -> None:
    (stays,) = operator.add("mobile-s")
    (upgraded,) = operator.add("mobile-s")
    october = operator.run()
    change(operator, upgraded, "mobile-l", from_day=date(2026, 12, 1))
    (new,) = operator.add("mobile-m", billed_to=date(2026, 12, 1), start=date(2026, 12, 1))
    first = operator.run(NOVEMBER, kind="trial")
    with operator.database.transaction() as tx:
        found = compare_runs(tx=tx, after=first.bill_run_id)
    assert found.before.bill_run_id == october.bill_run_id
    assert (found.same, found.changed, found.new, found.gone) == (1, 1, 1, 0)
    assert found.gross_after - found.gross_before == sum((one.after or Decimal(0)) - (one.before or Decimal(0)) for one in found.largest)
    assert {one.billing_account_id for one in found.largest} == {upgraded.billing_account_id, new.billing_account_id}
    assert [kind for kind, _, _ in found.by_kind] == ["recurring"]
    operator.charge([stays], month=NOVEMBER, records=1)
    second = operator.run(NOVEMBER, kind="trial", now=NOW + timedelta(hours=1))
    with operator.database.transaction() as tx:
        between = compare_runs(tx=tx, after=second.bill_run_id, before=first.bill_run_id)
    assert [one.billing_account_id for one in between.largest] == [stays.billing_account_id]


def test_lines_without_their_bill_cannot_be_written(operator: BilledOperator) -> None:
    operator.add("mobile-s")
    operator.run()
    columns = "customer_id, gen_random_uuid(), tax_category, tax_rate, taxable, tax"
    copied = f"INSERT INTO billing.applied_bill_tax SELECT {columns} FROM billing.applied_bill_tax"
    with pytest.raises(Exception, match="a line or a tax has no bill"), operator.database.transaction() as tx:
        tx.execute(copied)
    with pytest.raises(Exception, match="a bill is removed and its lines are not"), operator.database.transaction() as tx:
        tx.execute("DELETE FROM billing.customer_bill")
