"""Running the bills."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from hoeksteen.billing import _run_store, _store
from hoeksteen.billing._parts import Task, parts_for, work_side_by_side
from hoeksteen.billing._run import BATCH, billing_accounts_of_run, engine_of, open_run, parts_of_run, require_bill_date, work
from hoeksteen.billing.approving import approved_trial
from hoeksteen.billing.model import BillRun, BillRunProgress, BillRunResult, Progress
from hoeksteen.billing.queries import run as bill_run
from hoeksteen.billing.sending import send_bills
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.departments import tops_of
from hoeksteen.party.queries import billing_account, count_billing_accounts_of_cycle, customer
from hoeksteen.rating.operations import close_period
from hoeksteen.rating.queries import suspended
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction


def _silent(progress: BillRunProgress) -> None:
    """Tell nobody."""


def run_bills(
    *,
    database: Database,
    keeper: KeeperClient,
    lake: Lake,
    period: BillPeriod,
    bill_date: date,
    kind: Literal["trial", "final"] = "final",
    by: str = "",
    unapproved: bool = False,
    send: bool = True,
    parts: int | None = None,
    batch: int = BATCH,
    now: datetime,
    identifiers: Identifiers,
    progress: Progress = _silent,
    bill_run_id: UUID | None = None,
) -> BillRunResult:
    """
    Bill every active billing account whose bill period begins on the first day of `period`.

    Usage is billed for `period`, charges in advance for the period after it, as what should have been charged less what
    was. Each batch is one transaction: its bills, their numbers and the books, so that a run that was killed or stopped
    goes on where it was; running a final period again changes nothing, and gives its figures. A trial takes no
    number, books nothing, discloses nothing, sends nothing and closes nothing: its period may still go on.
    A final run makes the bills of the latest approved trial; accounts whose bill has changed since are held.

    :param period: the usage period; its first day is the cycle day
    :param bill_date: the local day on the bills; its year gives their numbers
    :param by: who begins it; of a trial only where it is proven, for somebody else has to approve it
    :param bill_run_id: the identifier of a run that is begun now, where it was chosen before
    :param unapproved: bill also without an approved trial
    :param parts: a power of two up to 16: into how many parts a new run is divided, each worked on by a process of its own; None for one per
        core where there are billing accounts enough
    :param batch: billing accounts to a transaction
    :param send: announce the bills once they are done (`sending.send_bills`); else somebody does so later
    :raises WrongState: when no account has this cycle, the period is not over or not the next one, is final with another
        bill date, has usage that is not rated, no trial of it was approved, or the books of the bill date are closed
    :raises Conflict: when another process works on the same run
    :raises AccessDenied: when the service has no standing grant to disclose identity and contact for billing
    """
    run = begin_run(
        database=database, lake=lake, period=period, bill_date=bill_date, kind=kind, by=by, unapproved=unapproved, parts=parts,
        now=now, identifiers=identifiers, bill_run_id=bill_run_id,
    )  # fmt: skip
    result = carry_on_run(
        database=database, keeper=keeper, lake=lake, bill_run_id=run.bill_run_id, batch=batch, now=now, identifiers=identifiers, progress=progress
    )
    if not result.stopped and send and kind == "final":
        send_bills(database=database, bill_run_id=run.bill_run_id, now=now)
    return result


def begin_run(
    *, database: Database, lake: Lake, period: BillPeriod, bill_date: date, kind: Literal["trial", "final"], by: str = "", unapproved: bool = False,
    parts: int | None = None, now: datetime, identifiers: Identifiers, bill_run_id: UUID | None = None,
) -> BillRun:  # fmt: skip
    """
    Begin a run, or find the final run of the period that was interrupted or is done; `carry_on_run` does it.

    What would refuse the run refuses it here, before anything is computed; a final run closes its period's usage. The parameters and errors are those
    of `run_bills`.
    """
    with database.transaction() as tx:
        billing_accounts = count_billing_accounts_of_cycle(tx=tx, cycle_day=period.first_day.day)
        if not billing_accounts:
            raise WrongState(
                f"No billing account has bill periods that begin on day {period.first_day.day}.", remedy="Name the cycle day of the accounts to bill."
            )
    if kind == "final":
        with database.transaction() as tx:
            begun = _store.final_run(tx, period.first_day.day, period.first_day)
            if begun is None or begun.state != "done":  # one that is done only gives its figures
                require_bill_date(tx=tx, bill_date=bill_date, now=now)
            approved = approved_trial(tx=tx, period=period, bill_date=bill_date)
        if approved is None and not unapproved and begun is None:
            raise WrongState(
                f"Nobody has approved a trial run of {period.first_day} with bill date {bill_date}.",
                remedy="Make a trial run, compare it, and let somebody else approve it.",
            )
        close_period(database=database, lake=lake, period=period, now=now)
    parts = parts_for(billing_accounts) if parts is None else parts
    return open_run(
        database=database, period=period, bill_date=bill_date, kind=kind, by=by, parts=parts, now=now, identifiers=identifiers,
        bill_run_id=bill_run_id,
    )  # fmt: skip


def carry_on_run(
    *, database: Database, keeper: KeeperClient, lake: Lake, bill_run_id: UUID, batch: int = BATCH, now: datetime, identifiers: Identifiers,
    progress: Progress = _silent,
) -> BillRunResult:  # fmt: skip
    """
    Do what is left of a run that was begun, until its end or until somebody asks it to stop; of one that is done, give its figures.

    :raises NotFound: when there is no such run; a trial that was begun anew is another one
    :raises Conflict: when another process works on it
    :raises AccessDenied: when the service has no standing grant to disclose identity and contact for billing
    """
    with database.transaction() as tx:
        run = bill_run(tx=tx, bill_run_id=bill_run_id)
        approved = approved_trial(tx=tx, period=run.period, bill_date=run.bill_date) if run.kind == "final" else None
    finished = run.state == "done" or _carry_out(database, keeper, lake, run, approved, batch, now, identifiers, progress)
    return _result(database, run, stopped=not finished)


def bill_off_cycle(
    *, database: Database, keeper: KeeperClient, lake: Lake, period: BillPeriod, billing_account_ids: Sequence[UUID], bill_date: date, by: str,
    now: datetime, identifiers: Identifiers,
) -> BillRunResult:  # fmt: skip
    """
    Bill accounts that the final run of a period held, now that their reason is gone, and announce the bills.

    :param billing_account_ids: at most 2,500, which are billed in one transaction
    :param by: who wants it, for the record
    :raises WrongState: when the period has no final run that is done, an account was not held by it or has its bill since, or the books of the
        bill date are closed
    """
    ids = sorted(set(billing_account_ids))
    if len(ids) > BATCH:
        raise InvalidInput(f"{len(ids)} billing accounts are too many for one run off cycle.", remedy=f"Name at most {BATCH}.")
    settle_cut_off(database=database, now=now)
    with database.transaction() as tx:
        final = _store.final_run(tx, period.first_day.day, period.first_day)
        if final is None or final.state != "done":
            raise WrongState(f"The bills of {period.first_day} are not final yet.", remedy="Finish the run of the whole cycle first.")
        require_bill_date(tx=tx, bill_date=bill_date, now=now)
        waiting = _run_store.waiting(tx, final.bill_run_id)
        together = tops_of(tx=tx, billing_account_ids=ids, day=period.first_day)
        for one in ids:
            if one in together:
                raise WrongState(
                    f"{_named(tx, one)} is a department, on the bills of another account.", remedy=f"Name this: {_named(tx, together[one])}."
                )
            if one not in waiting:
                raise WrongState(f"{_named(tx, one)} does not wait for a bill of {period.first_day}.", remedy="Look at its bills.")
        run = BillRun(identifiers.new(now), "off_cycle", final.cycle_day, period, bill_date, "running", now, started_by=by, accounts=tuple(ids))
    return bill_one_at_once(database=database, keeper=keeper, lake=lake, run=run, now=now, identifiers=identifiers)


def bill_one_at_once(
    *, database: Database, keeper: KeeperClient, lake: Lake, run: BillRun, now: datetime, identifiers: Identifiers
) -> BillRunResult:  # fmt: skip
    """
    Carry out a run of a few named accounts, which is not begun yet, in one transaction, and announce its bills.

    :raises Conflict: when what it bills has been billed meanwhile
    """
    with database.claim(_store.claim_of(run.bill_run_id)) as is_ours:  # so that `settle_cut_off` of others leaves it alone
        invariant(is_ours, "nobody works on a run that is not begun")
        with database.transaction() as tx:
            _store.insert_run(tx, run)
            _store.insert_parts(tx, run.bill_run_id, 1)
        _carry_out(database, keeper, lake, run, None, BATCH, now, identifiers, _silent)
    send_bills(database=database, bill_run_id=run.bill_run_id, now=now)
    return _result(database, run, stopped=False)


def _named(tx: Transaction, billing_account_id: UUID) -> str:
    """Give a billing account by the numbers that people know it by."""
    one = billing_account(tx=tx, billing_account_id=billing_account_id)
    return f"Billing account {one.billing_account_number} of customer {customer(tx=tx, customer_id=one.customer_id).customer_number}"


def settle_cut_off(*, database: Database, now: datetime) -> None:
    """Settle runs of a few named accounts that were cut off: each is done and announced now, or nothing of it is."""
    with database.transaction() as tx:
        cut_off = _run_store.settle_off_cycle(tx, now)
    for bill_run_id in cut_off:
        send_bills(database=database, bill_run_id=bill_run_id, now=now)


def stop_run(*, tx: Transaction, period: BillPeriod) -> BillRun:
    """
    Ask the run of a period that is under way to end after the batch that it works on. Run again, a final one goes on, and a trial begins anew.

    :raises NotFound: when none is under way
    """
    running = _run_store.running(tx, period.first_day.day, period.first_day)
    if running is None:
        raise NotFound(f"No run of {period.first_day} is under way.", remedy="Look at the runs with `hoeksteen bill runs`.")
    _run_store.ask_to_stop(tx, running.bill_run_id, True)
    return running


def _carry_out(
    database: Database, keeper: KeeperClient, lake: Lake, run: BillRun, approved: UUID | None, batch: int, now: datetime,
    identifiers: Identifiers, progress: Progress,
) -> bool:  # fmt: skip
    """Bill what the run has not looked at yet, close it, and give whether it came to its end: it may be stopped."""
    with database.transaction() as tx:
        parts, total = parts_of_run(tx, run), billing_accounts_of_run(tx, run)
    done = BillRunProgress(run.billing_accounts, total, run.bills)

    def told(billing_accounts: int, bills: int) -> None:
        nonlocal done
        seen = done.billing_accounts + billing_accounts
        done = BillRunProgress(seen, max(done.billing_accounts_total, seen), done.bills + bills)
        progress(done)

    if len(parts) == 1:
        engine = engine_of(database=database, keeper=keeper, lake=lake, run=run, approved=approved, batch=batch, now=now, identifiers=identifiers)
        stopped = work(engine=engine, part=parts[0], told=told)
    else:
        stopped = work_side_by_side(task=Task(database, keeper, lake, run, approved, batch, now), parts=parts, told=told)
    if not stopped:
        with database.transaction() as tx:
            _store.finish(tx, run.bill_run_id, now)
    return not stopped


def _result(database: Database, run: BillRun, *, stopped: bool) -> BillRunResult:
    with database.transaction() as tx:
        done = _store.run(tx, run.bill_run_id)
        invariant(done is not None and (stopped or done.state == "done"), "a bill run ends as done, or is stopped")
        totals, held = _store.totals(tx, [run.bill_run_id])[run.bill_run_id], _store.held_of_run(tx, run.bill_run_id)
        waiting = suspended(tx=tx)
    looked_at = done.billing_accounts if done else 0
    return BillRunResult(
        run.bill_run_id, run.kind, run.period, run.bill_date, looked_at, len(held), waiting, totals, was_done=run.state == "done", stopped=stopped
    )
