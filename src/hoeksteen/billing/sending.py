"""Announcing the bills of a final run to their customers, through the outbox."""

from datetime import datetime
from uuid import UUID

from hoeksteen.billing import _run_store, _store
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.storage.postgres import Database, Row

_BATCH = 5_000


def send_bills(*, database: Database, bill_run_id: UUID, now: datetime) -> int:
    """
    Put a message for each bill of a run into the outbox, and give how many there were; each bill is announced once, however often this is done.

    :raises WrongState: when the run is a trial, or not done
    """
    with database.transaction() as tx:
        run = _store.run(tx, bill_run_id)
        if run is None or run.kind == "trial" or run.state != "done":
            raise WrongState("Only bills of a final run that is done are announced.", remedy="Finish the run first.")
    count = 0
    while True:
        with database.transaction() as tx:
            bills = _run_store.lock_unsent(tx, bill_run_id, _BATCH)
            enqueue(tx=tx, messages=[_message(bill, now) for bill in bills])
            _run_store.sent(tx, bill_run_id, bills[-1]["billing_account_id"] if bills else None, now)
        count += len(bills)
        if not bills:
            return count


def _message(bill: Row, now: datetime) -> NewMessage:
    kind = MessageKind.BILL_READY if bill["gross"] >= 0 else MessageKind.CREDIT_READY
    parameters = {"bill_number": bill["bill_number"], "amount": str(abs(bill["gross"])), "due_date": bill["due_date"].isoformat()}
    return NewMessage(bill["customer_id"], derived("bill message", str(bill["customer_bill_id"])), kind, parameters, now)
