"""Moving departments in and out of consolidated invoices: from the first bill period that is still to be billed."""

from datetime import date
from uuid import UUID

from hoeksteen.billing import _leaving_store, _store
from hoeksteen.kernel.errors import WrongState
from hoeksteen.party.departments import join_parent, leave_parent
from hoeksteen.party.queries import billing_account
from hoeksteen.storage.postgres import Transaction


def move_department(*, tx: Transaction, billing_account_id: UUID, parent_billing_account_id: UUID | None, from_day: date) -> None:
    """
    Let a billing account be billed with a parent, or by itself again, from the bill of the period that begins on a day.

    A trial that was approved before is another one for the accounts that it concerns: the final run holds them as `changed`.

    :param parent_billing_account_id: None lets it leave
    :raises NotFound: when there is no such billing account
    :raises InvalidInput: when the two differ in customer, cycle day or VAT, one is closed, or the day begins no bill period
    :raises WrongState: when the bills of that period are final or being made, the parent is a department of the account, or the account that is
        to leave is none
    """
    cycle_day = billing_account(tx=tx, billing_account_id=billing_account_id).cycle_day
    _leaving_store.lock_cycle(tx, cycle_day)
    last = _store.last_final_run(tx, cycle_day)
    if last is not None and from_day < last.period.end_day:
        raise WrongState(
            f"The bills of {last.period.first_day} are final, or are being made.", remedy=f"Move it from {last.period.end_day}, or a later period."
        )
    if parent_billing_account_id is None:
        leave_parent(tx=tx, billing_account_id=billing_account_id, from_day=from_day)
    else:
        join_parent(tx=tx, billing_account_id=billing_account_id, parent_billing_account_id=parent_billing_account_id, from_day=from_day)
