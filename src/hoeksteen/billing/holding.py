"""Holding many customers from being billed at once, for as long as another system still bills them; and taking away what is no bill."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen.billing import _hold_store
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.storage import by_customer
from hoeksteen.storage.postgres import Transaction

_OF_A_CUSTOMER = {
    "final bills": "billing.customer_bill bill_number IS NOT NULL", "one-off charges": "billing.account_charge",
    "instalment plans": "billing.instalment_plan",
}  # fmt: skip


def hold_customers(*, tx: Transaction, customer_ids: Sequence[UUID], by: str, why: str, now: datetime) -> int:
    """
    Keep every billing account of some customers from being billed until they are released, and give how many that was; who is held already stays so.

    :param why: without personal data; `release_customers` names the same
    """
    require_said(by=by, why=why)
    require_impersonal(why=why)
    return _hold_store.hold(tx, customer_ids, by, why, now)


def release_customers(*, tx: Transaction, customer_ids: Sequence[UUID], by: str, why: str, now: datetime) -> int:
    """
    Let the billing accounts of some customers be billed again that were held for a reason, and give how many that was; other holds stay.

    :param why: as it was given when they were held
    """
    require_said(by=by)
    return _hold_store.release(tx, customer_ids, by, why, now)


def activity(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count the final bills and one-off charges of each customer; who has none is absent."""
    return by_customer.counts(tx, _OF_A_CUSTOMER, customer_ids)


def forget_trials_and_holds(*, tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Take away the bills that trials made of some customers, and their holds; customers with a final bill are never passed to this."""
    _hold_store.forget(tx, customer_ids)
