"""Closing the books of a month: the ledger's own rules, and that no other room still has something to book in it."""

from datetime import datetime

from hoeksteen.billing.queries import final_runs_not_done
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.model import AccountingPeriod
from hoeksteen.ledger.operations import close_period
from hoeksteen.storage.postgres import Transaction


def close_books(*, tx: Transaction, period: BillPeriod, by: str, now: datetime) -> AccountingPeriod:
    """
    Close the books of a calendar month for good, unless a bill run whose bills are dated in it has not ended: it could never go on.

    :param by: who closes it
    :raises InvalidInput: when the period is no calendar month, or nobody is named
    :raises WrongState: when a run is under way, the month is closed or not over, or an earlier one is to be closed first
    """
    closed = close_period(tx=tx, period=period, by=by, now=now)  # first, because from here on no run can begin with such a date
    for run in final_runs_not_done(tx=tx, dated_in=period):
        raise WrongState(
            f"The bill run of {run.period.first_day:%Y-%m} (cycle day {run.cycle_day}), dated {run.bill_date}, has not ended.",
            remedy=f"Let it end: `hoeksteen bill run --period {run.period.first_day:%Y-%m}`.",
        )
    return closed
