"""What a bank statement says about what we sent ourselves: collections that were settled or came back, and refunds that were paid."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.disclosure.operations import forget
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.receivables import _collection_store
from hoeksteen.receivables._recognising import Seen
from hoeksteen.receivables.collecting import came_back
from hoeksteen.receivables.references import is_ours
from hoeksteen.storage.postgres import Row, Transaction

_CAME_BACK = ("rejected", "returned", "refunded")


class Ours:
    """
    The collections and refunds that a batch of bank entries speaks of, read at once.

    :param seen: the batch
    """

    def __init__(self, tx: Transaction, seen: Sequence[Seen]) -> None:
        ids = [one.transaction.end_to_end_id for one in seen if is_ours(one.transaction.end_to_end_id)]
        self._tx = tx
        self._collections = _collection_store.collections_by_end_to_end(tx, ids) if ids else {}
        self._refunds = _collection_store.refunds_by_end_to_end(tx, ids) if ids else {}
        batches = [one.transaction.payment_information_id for one in seen if is_ours(one.transaction.payment_information_id)]
        by_id: dict[UUID, Row] = {row["collection_id"]: row for row in self._collections.values()}
        self._batches: dict[str, list[Row]] = {}
        for row in _collection_store.collections_of_batches(tx, batches) if batches else []:
            self._batches.setdefault(row["batch"], []).append(by_id.setdefault(row["collection_id"], row))  # one state of each, whoever tells

        self._settled: list[UUID] = []
        self._came_back: list[tuple[Row, str]] = []
        self._executed: list[Row] = []

    def recognise(self, one: Seen) -> bool:
        """Take an entry for what it is, when it is about something that we sent; say whether it is."""
        transaction = one.transaction
        collection, refund = self._collections.get(transaction.end_to_end_id), self._refunds.get(transaction.end_to_end_id)
        if collection is not None:
            self._of_collection(one, collection)
        elif refund is not None:
            self._of_refund(one, refund)
        elif transaction.payment_information_id in self._batches and one.amount > 0:
            self._of_batch(one, self._batches[transaction.payment_information_id])
        else:
            return False
        return True

    def write(self, now: datetime, identifiers: Identifiers) -> None:
        """Write what was recognised, each kind at once; what was settled and came back in the same batch has come back."""
        _collection_store.move_collections(self._tx, self._settled, "settled", of=("sent",))
        came_back(tx=self._tx, rows=self._came_back, state="returned", now=now, identifiers=identifiers)
        _collection_store.move_refunds(self._tx, [row["refund_id"] for row in self._executed], "executed")
        for row in self._executed:
            if row["bank_entry_id"] is not None:
                forget(tx=self._tx, subject=row["bank_entry_id"], category=Category.PAYMENT)

    def _of_collection(self, one: Seen, row: Row) -> None:
        one.customer_id, one.billing_account_id = row["customer_id"], row["billing_account_id"]
        if one.amount == row["amount"] and row["state"] == "sent":
            one.outcome, one.way = "collection", "end_to_end_id"
            self._settle(row)
        elif one.amount == -row["amount"] and row["state"] in ("sent", "settled"):
            reason = one.transaction.return_reason or "MS03"
            one.outcome, one.way, one.reason, one.payment_id = "return", "end_to_end_id", reason, row["collection_id"]
            self._came_back.append((row, reason))
            row["state"] = "returned"
        else:
            one.wait("collection_in_another_state")

    def _settle(self, row: Row) -> None:
        self._settled.append(row["collection_id"])
        row["state"] = "settled"

    def _of_batch(self, one: Seen, rows: Sequence[Row]) -> None:
        """Settle a batch that the bank books in one sum: of all that was sent, with or without what has come back already."""
        sent = [row for row in rows if row["state"] == "sent"]
        whole = sum((row["amount"] for row in rows if row["state"] == "sent" or row["state"] in _CAME_BACK[1:]), Decimal(0))
        if not sent or one.amount not in (sum(row["amount"] for row in sent), whole):
            one.wait("batch_of_another_amount")
            return
        one.outcome, one.way = "collection", "batch"
        for row in sent:
            self._settle(row)

    def _of_refund(self, one: Seen, row: Row) -> None:
        if one.amount == -row["amount"] and row["state"] == "sent":
            one.outcome, one.way, one.customer_id = "refund", "end_to_end_id", row["customer_id"]
            row["state"] = "executed"
            self._executed.append(row)
        else:
            one.wait("refund_came_back" if one.amount > 0 else "refund_in_another_state")
