"""What people decide about bill runs: a second one approves a trial; an account is held, and released."""

from datetime import date, datetime
from uuid import UUID

from hoeksteen.billing import _run_store, _store
from hoeksteen.billing.model import AccountHold, Approval, BillRun
from hoeksteen.billing.queries import run as bill_run
from hoeksteen.kernel.errors import Conflict, NotFound, WrongState
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.party.queries import billing_account
from hoeksteen.storage.postgres import Transaction


def approve_run(*, tx: Transaction, bill_run_id: UUID, by: str, signed: bytes | None = None, now: datetime) -> Approval:
    """
    Approve a trial, so that its bills may be made final.

    :param by: who approves, which the caller knows to be so; somebody other than who began it
    :param signed: the SHA-256 of the text that they signed, if they did
    :raises NotFound: when there is no such run
    :raises WrongState: when nobody proved who began it, or the same person did; when it is no trial that is done, a newer one is, or its
        period is final
    :raises Conflict: when it is approved already
    """
    run = bill_run(tx=tx, bill_run_id=bill_run_id)
    require_said(by=by)
    if _store.final_run(tx, run.cycle_day, run.period.first_day) is not None:
        raise WrongState(f"The bills of {run.period.first_day} are final, or being made so.", remedy="Approve the next period's trial.")
    if run.kind == "trial" and not run.started_by:
        raise WrongState(
            "Nobody proved who began this trial, so nobody can be the second person.", remedy="Start it on the desk, or with --as NAME --key FILE."
        )
    if by == run.started_by:
        raise WrongState("Who began a run cannot approve it.", remedy="Let somebody else look at it and approve it.")
    if run.kind != "trial" or run.state != "done":
        raise WrongState("Only a trial run that is done can be approved.", remedy="Finish a trial run of the period first.")
    if _run_store.trials(tx, run.cycle_day, run.period.first_day)[0].bill_run_id != bill_run_id:
        raise WrongState("A newer trial of this period was made.", remedy="Approve that one.")
    if _run_store.approvals(tx, [bill_run_id]):
        raise Conflict("This trial is approved already.", remedy="Make the bills final with `hoeksteen bill run`.")
    totals = _store.totals(tx, [bill_run_id])[bill_run_id]
    approval = Approval(bill_run_id, by, now, totals.count, totals.gross, _run_store.content_digest(tx, bill_run_id), signed)
    _run_store.insert_approval(tx, approval)
    return approval


def to_be_approved(*, tx: Transaction, run: BillRun) -> dict[str, str]:
    """Give what somebody approves with a trial, down to the digest of what its bills say; without personal data."""
    totals = _store.totals(tx, [run.bill_run_id])[run.bill_run_id]
    return {
        "bill_run_id": str(run.bill_run_id), "period": f"{run.period.first_day} to {run.period.end_day}", "bill_date": run.bill_date.isoformat(),
        "begun_by": run.started_by, "bills": str(totals.count), "gross": str(totals.gross),
        "content_sha256": _run_store.content_digest(tx, run.bill_run_id).hex(),
    }  # fmt: skip


def approved_trial(*, tx: Transaction, period: BillPeriod, bill_date: date) -> UUID | None:
    """Give the trial of a period whose bills a final run has to make: the newest one, if it was approved and bears this date; else None."""
    trials = _run_store.trials(tx, period.first_day.day, period.first_day)
    if not trials or trials[0].bill_date != bill_date or not _run_store.approvals(tx, [trials[0].bill_run_id]):
        return None
    return trials[0].bill_run_id


def latest_trial(*, tx: Transaction, period: BillPeriod) -> BillRun:
    """
    Give the newest trial of a period that is done.

    :raises NotFound: when there is none
    """
    trials = _run_store.trials(tx, period.first_day.day, period.first_day)
    if not trials:
        raise NotFound(f"No trial of {period.first_day} is done.", remedy="Make one with `hoeksteen bill run --trial`.")
    return trials[0]


def approvals(*, tx: Transaction, bill_run_ids: list[UUID]) -> dict[UUID, Approval]:
    """Give the approvals of some runs; those without one are absent."""
    return _run_store.approvals(tx, bill_run_ids)


def hold(*, tx: Transaction, billing_account_id: UUID, by: str, why: str, now: datetime) -> AccountHold:
    """
    Keep a billing account from being billed until it is released; what it misses appears on its next bill.

    :param why: without personal data
    :raises NotFound: when there is no such billing account
    :raises Conflict: when it is held already
    """
    account = billing_account(tx=tx, billing_account_id=billing_account_id)
    require_said(by=by, why=why)
    require_impersonal(why=why)
    if _run_store.holds(tx, [billing_account_id]):
        raise Conflict("This billing account is held already.", remedy="Release it first.")
    made = AccountHold(account.customer_id, billing_account_id, now, by, why)
    _run_store.insert_hold(tx, made)
    return made


def release(*, tx: Transaction, billing_account_id: UUID, by: str, now: datetime) -> None:
    """
    Let a billing account be billed again.

    :raises NotFound: when it is not held
    """
    require_said(by=by)
    if not _run_store.release_hold(tx, billing_account_id, by, now):
        raise NotFound("This billing account is not held.", remedy="Look at the list with `hoeksteen bill holds`.")


def holds(*, tx: Transaction) -> list[AccountHold]:
    """Give every hold that is in force, the oldest first."""
    return list(_run_store.holds(tx, None).values())
