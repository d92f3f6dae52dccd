"""Comparing what two bill runs bill: a trial with last month's bills, or with another trial, account by account."""

from datetime import timedelta
from uuid import UUID

from hoeksteen.billing import _run_store, _store
from hoeksteen.billing.model import BillRun, RunComparison
from hoeksteen.billing.queries import run as bill_run
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage.postgres import Transaction

LARGEST = 20


def compare_runs(*, tx: Transaction, after: UUID, before: UUID | None = None, limit: int = LARGEST) -> RunComparison:
    """
    Compare a run with another one.

    :param before: by default the final run of the period before it, else the trial before it of the same period
    :param limit: of the billing accounts that differ most
    :raises NotFound: when there is no such run, or nothing to compare with
    """
    run = bill_run(tx=tx, bill_run_id=after)
    other = bill_run(tx=tx, bill_run_id=before) if before is not None else _earlier(tx, run)
    counts = _run_store.compared(tx, other.bill_run_id, run.bill_run_id)
    return RunComparison(
        before=other,
        after=run,
        by_kind=_run_store.by_kind(tx, other.bill_run_id, run.bill_run_id),
        largest=_run_store.largest(tx, other.bill_run_id, run.bill_run_id, limit),
        **counts,
    )


def _earlier(tx: Transaction, run: BillRun) -> BillRun:
    found = _store.final_run(tx, run.cycle_day, bill_period(run.period.first_day - timedelta(days=1), cycle_day=run.cycle_day).first_day)
    if found is not None:
        return found
    trials = [one for one in _run_store.trials(tx, run.cycle_day, run.period.first_day) if one.started_at < run.started_at]
    if not trials:
        raise NotFound(
            "This is the first run: there is none before it to compare it with.",
            remedy="Make another trial later, or name a run of `hoeksteen bill runs`.",
        )
    return trials[0]
