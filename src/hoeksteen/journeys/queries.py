"""What a change would do, before anybody makes it."""

from datetime import datetime

from hoeksteen.billing import queries as billing
from hoeksteen.journeys import operations
from hoeksteen.journeys.model import Change, Effect
from hoeksteen.kernel.errors import NotFound
from hoeksteen.product import queries as product
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction


class _Undo(Exception):
    """Carry the effect out of the transaction that is rolled back."""

    def __init__(self, effect: Effect) -> None:
        super().__init__()
        self.effect = effect


def effect(*, database: Database, lake: Lake, change: Change, now: datetime) -> Effect:
    """
    Give the next bill without and with a change.

    The change is really made, the bill computed by the code that makes bills, and the transaction undone: so what is shown is what will happen.

    :raises WrongState: as the change itself would
    :raises Conflict: as the change itself would
    :raises InvalidInput: as the change itself would
    """
    try:
        with database.transaction() as tx:
            raise _Undo(_tried(tx, lake, change, now))
    except _Undo as undone:
        return undone.effect


def _tried(tx: Transaction, lake: Lake, change: Change, now: datetime) -> Effect:
    held = next((one for one in product.products_held(tx=tx, customer_id=change.customer_id) if one.product_id == change.product_id), None)
    if held is None:
        raise NotFound("The customer has no such product.", remedy="Read the customer's products again.")
    account = held.billing_account_id
    before = billing.next_bill_within(tx=tx, lake=lake, customer_id=change.customer_id, billing_account_id=account, now=now)
    operations.apply(tx=tx, change=change, now=now)
    after = billing.next_bill_within(tx=tx, lake=lake, customer_id=change.customer_id, billing_account_id=account, now=now)
    return Effect(before, after)
