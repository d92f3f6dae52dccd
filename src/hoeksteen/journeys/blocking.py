"""
Dunning with its block: services whose bills stay unpaid after a warning are suspended, and work again when the bills are paid.

The step of dunning, the suspension and the message are one transaction. Only the products on the bills of the step are blocked. What is
contested, in a plan that is kept, or of a customer who is excepted lifts a block as a payment does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from hoeksteen.billing.claims import products_of_bills
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import local_day
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.product import blocking
from hoeksteen.receivables import dunning
from hoeksteen.receivables.dunning import BlockOrder, DunningRun, Policy
from hoeksteen.storage.postgres import Database, Transaction

_PAGE = 1_000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dunned:
    """
    What a dunning run did, with its blocks.

    :param blocked: products that were suspended; `lifted` those that work again
    :param left_open: products that could not be suspended, because a change is planned or they are not in use
    """

    run: DunningRun
    blocked: int
    lifted: int
    left_open: int


class _Blocker:
    def __init__(self, now: datetime, identifiers: Identifiers) -> None:
        self._now, self._identifiers = now, identifiers
        self.blocked = self.left_open = 0

    def __call__(self, tx: Transaction, order: BlockOrder) -> int:
        """Suspend what is on the bills from tomorrow on, and tell the customer; give how many products."""
        bill_ids = [one.customer_bill_id for one in order.bills if one.customer_bill_id is not None]
        of_bills = products_of_bills(tx=tx, customer_ids=[order.customer_id], customer_bill_ids=bill_ids)
        from_day, done = local_day(self._now) + _DAY, 0
        for product_id in sorted({product for products in of_bills.values() for product in products}):
            try:
                blocking.block(
                    tx=tx, customer_id=order.customer_id, product_id=product_id, from_day=from_day, reference=order.dunning_case_id,
                    incoming_days=order.incoming_days, now=self._now,
                )  # fmt: skip
                done += 1
            except (Conflict, WrongState):
                self.left_open += 1  # a plan that changes, or a product that is not in use: for a person
        self.blocked += done
        if done:
            parameters = {
                "bill_number": ", ".join(one.reference for one in order.bills), "amount": str(order.principal), "from_day": from_day.isoformat(),
                "incoming_until": (from_day + timedelta(days=order.incoming_days)).isoformat(),
            }  # fmt: skip
            _tell(tx, order.customer_id, MessageKind.SERVICES_BLOCKED, parameters, self._now, self._identifiers)
        return done


def dun(
    *, database: Database, day: date, now: datetime, identifiers: Identifiers, policy: Policy | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Dunned:  # fmt: skip
    """
    Lift the blocks whose bills are paid, then take the dunning steps that are due, and suspend services where the step is `block`.

    :param progress: told after each page how many customers it had
    :raises WrongState: when the books of that day are closed
    """
    lifted = lift_everywhere(database=database, day=day, now=now, identifiers=identifiers)
    blocker = _Blocker(now, identifiers)
    run = dunning.run(database=database, day=day, now=now, identifiers=identifiers, policy=policy, block=blocker, progress=progress)
    return Dunned(run, blocker.blocked, lifted, blocker.left_open)


def lift_everywhere(*, database: Database, day: date, now: datetime, identifiers: Identifiers) -> int:
    """Lift every block of whose bills nothing is asked any more, page by page, and give how many products work again."""
    after, lifted = None, 0
    while True:
        with database.transaction() as tx:
            page = blocking.blocked_customers(tx=tx, after=after, limit=_PAGE)
            lifted += lift(tx=tx, customer_ids=page, day=day, now=now, identifiers=identifiers)
        if len(page) < _PAGE:
            return lifted
        after = page[-1]


def lift(*, tx: Transaction, customer_ids: Sequence[UUID], day: date, now: datetime, identifiers: Identifiers) -> int:
    """
    Lift the blocks of some customers of whose bills nothing is asked any more, tell them, and give how many products work again.

    A product stays blocked while one of the bills that it stands on is still asked for.
    """
    blocks = blocking.open_blocks(tx=tx, customer_ids=customer_ids)
    blocked = sorted({one.customer_id for one in blocks})
    if not blocked:
        return 0
    asked = dunning.asked_for(tx=tx, customer_ids=blocked, cases=sorted({one.reference for one in blocks}), day=day)
    unpaid = products_of_bills(tx=tx, customer_ids=blocked, customer_bill_ids=sorted(asked))
    still = {product for products in unpaid.values() for product in products}
    freed: dict[UUID, date] = {}
    lifted = 0
    for one in blocks:
        if one.product_id not in still:
            from_day = blocking.lift(tx=tx, customer_id=one.customer_id, product_id=one.product_id, now=now)
            if from_day is not None:
                freed[one.customer_id] = from_day
                lifted += 1
    for customer_id, from_day in freed.items():
        _tell(tx, customer_id, MessageKind.SERVICES_UNBLOCKED, {"from_day": from_day.isoformat()}, now, identifiers)
    return lifted


def _tell(tx: Transaction, customer_id: UUID, kind: MessageKind, parameters: dict[str, str], now: datetime, identifiers: Identifiers) -> None:
    enqueue(tx=tx, messages=[NewMessage(customer_id, identifiers.new(now), kind, parameters, now)])
