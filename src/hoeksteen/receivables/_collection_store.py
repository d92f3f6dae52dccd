"""SQL of mandates, collections and refunds."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hoeksteen.kernel.errors import invariant
from hoeksteen.receivables.references import identifiers_of_message
from hoeksteen.storage.postgres import Row, Transaction

_MANDATE = """
SELECT customer_id, mandate_id, billing_account_id, reference, scheme, kind, signed_on, state, is_first, last_used_on, ended_on, ended_why,
       amended_on, amendment_is_due
FROM receivables.mandate
"""
_COLLECTION = """
SELECT collection_id, collection_run_id, customer_id, billing_account_id, mandate_id, customer_bill_id, bill_number, announced, amount,
       end_to_end_id, batch, sequence_type, attempt, state, reason, is_amended
FROM receivables.collection
"""
_COLLECTION_COLUMNS = (
    "collection_id", "collection_run_id", "customer_id", "billing_account_id", "mandate_id", "customer_bill_id", "bill_number", "announced", "amount",
    "end_to_end_id", "attempt", "state",
)  # fmt: skip
_RUN = """
SELECT r.collection_run_id, r.collection_day, r.state, r.prepared_by, r.prepared_at, r.filed_at, r.sha256,
       count(c.amount) AS count, coalesce(sum(c.amount), 0.00) AS amount,
       count(c.amount) FILTER (WHERE c.state = 'settled') AS settled,
       count(c.amount) FILTER (WHERE c.state IN ('rejected', 'returned', 'refunded')) AS came_back,
       count(c.amount) FILTER (WHERE c.state = 'withdrawn') AS withdrawn
FROM receivables.collection_run r LEFT JOIN receivables.collection c USING (collection_run_id)
"""
_REFUND = """
SELECT refund_id, customer_id, billing_account_id, bank_entry_id, amount, end_to_end_id, reason, state, asked_by, asked_at, decided_by, decided_at,
       refund_file_id,
       (SELECT r.reason FROM receivables.status_report_refusal r WHERE r.end_to_end_id = refund.end_to_end_id) AS refused_because
FROM receivables.refund
"""


def insert_mandate(tx: Transaction, values: Sequence[Any]) -> None:
    columns = (
        "customer_id", "mandate_id", "billing_account_id", "reference", "scheme", "kind", "signed_on", "state", "added_by", "added_at",
    )  # fmt: skip
    tx.copy_in("receivables.mandate", columns, [values])


def mandates(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_MANDATE + "WHERE customer_id = %s ORDER BY signed_on DESC, mandate_id DESC", (customer_id,))


def mandates_by_id(tx: Transaction, mandate_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Row]:
    sql = _MANDATE + "WHERE mandate_id = ANY (%s)" + (" FOR UPDATE" if lock else "")
    return {row["mandate_id"]: row for row in tx.rows(sql, (list(mandate_ids),))}


def active_mandates_after(tx: Transaction, after: UUID | None, limit: int) -> list[Row]:
    """Give the active mandates of the next customers; all of a customer's stand on one page."""
    sql = """
    WHERE state = 'active' AND customer_id IN (
        SELECT DISTINCT customer_id FROM receivables.mandate
        WHERE state = 'active' AND (%(after)s::uuid IS NULL OR customer_id > %(after)s) ORDER BY customer_id LIMIT %(limit)s)
    ORDER BY customer_id, mandate_id
    """
    return tx.rows(_MANDATE + sql, {"after": after, "limit": limit})


def accounts_with_mandate(tx: Transaction, billing_account_ids: Sequence[UUID]) -> set[UUID]:
    """Give those of some billing accounts that have an active mandate."""
    if not billing_account_ids:
        return set()
    sql = "SELECT billing_account_id FROM receivables.mandate WHERE billing_account_id = ANY (%s) AND state = 'active'"
    return {row["billing_account_id"] for row in tx.rows(sql, (list(billing_account_ids),))}


def end_mandates(
    tx: Transaction, mandate_ids: Sequence[UUID], state: str, on: date, why: str, *, of: Sequence[str] = ("active",)
) -> int:  # fmt: skip
    """:param of: the states that end so; mandates in another one stay as they are, and are not in the number that is given"""
    if not mandate_ids:
        return 0
    sql = "UPDATE receivables.mandate SET state = %s, ended_on = %s, ended_why = %s WHERE mandate_id = ANY (%s) AND state = ANY (%s)"
    return tx.execute(sql, (state, on, why, list(mandate_ids), list(of)))


def use_mandates(tx: Transaction, mandate_ids: Sequence[UUID], on: date) -> None:
    tx.execute("UPDATE receivables.mandate SET is_first = false, last_used_on = %s WHERE mandate_id = ANY (%s)", (on, list(mandate_ids)))


def unuse_mandates(tx: Transaction, mandate_ids: Sequence[UUID]) -> None:
    if mandate_ids:
        tx.execute("UPDATE receivables.mandate SET is_first = true WHERE mandate_id = ANY (%s)", (list(mandate_ids),))


def amend_mandate(tx: Transaction, customer_id: UUID, mandate_id: UUID, on: date, by: str, now: datetime, *, to_another_bank: bool) -> None:
    """Note an amendment, of which the next collection tells the bank; for another bank that is the first one, unless nothing was collected yet."""
    sql = """
    UPDATE receivables.mandate SET amended_on = %(on)s, amendment_is_due = NOT is_first OR amendment_is_due, is_first = is_first OR %(other)s
    WHERE mandate_id = %(mandate)s
    """
    tx.execute(sql, {"on": on, "other": to_another_bank, "mandate": mandate_id})
    columns = ("customer_id", "mandate_id", "amended_at", "amended_by", "to_another_bank")
    tx.copy_in("receivables.mandate_amendment", columns, [(customer_id, mandate_id, now, by, to_another_bank)])


def tell_amendments(tx: Transaction, mandate_ids: Sequence[UUID], *, is_due: bool) -> None:
    """Note that a file told of amendments, or that the bank refused what did, so that the next file tells again."""
    if mandate_ids:
        tx.execute("UPDATE receivables.mandate SET amendment_is_due = %s WHERE mandate_id = ANY (%s)", (is_due, list(mandate_ids)))


def reuse_mandates(tx: Transaction, mandate_ids: Sequence[UUID]) -> None:
    """Let mandates that ended with their last collection be active again, where the customer has no other one meanwhile; of each the newest."""
    if not mandate_ids:
        return
    sql = """
    UPDATE receivables.mandate SET state = 'active', ended_on = NULL, ended_why = NULL WHERE mandate_id IN (
        SELECT DISTINCT ON (m.customer_id) m.mandate_id FROM receivables.mandate m WHERE m.mandate_id = ANY (%s) AND m.state = 'used'
        AND NOT EXISTS (SELECT FROM receivables.mandate o WHERE o.customer_id = m.customer_id AND o.state = 'active')
        ORDER BY m.customer_id, m.signed_on DESC, m.mandate_id DESC)
    """
    tx.execute(sql, (list(mandate_ids),))


def insert_run(tx: Transaction, run_id: UUID, day: date, by: str, now: datetime) -> None:
    columns = ("collection_run_id", "collection_day", "state", "prepared_by", "prepared_at")
    tx.copy_in("receivables.collection_run", columns, [(run_id, day, "prepared", by, now)])


def runs(tx: Transaction, run_id: UUID | None = None, limit: int = 50) -> list[Row]:
    sql = (
        _RUN + "WHERE %(run)s::uuid IS NULL OR r.collection_run_id = %(run)s GROUP BY r.collection_run_id ORDER BY r.prepared_at DESC LIMIT %(limit)s"
    )
    return tx.rows(sql, {"run": run_id, "limit": limit})


def lock_run(tx: Transaction, run_id: UUID) -> None:
    tx.execute("SELECT FROM receivables.collection_run WHERE collection_run_id = %s FOR UPDATE", (run_id,))


def mark_filed(tx: Transaction, run_id: UUID, now: datetime, sha256: bytes) -> None:
    sql = "UPDATE receivables.collection_run SET state = 'filed', filed_at = %s, sha256 = %s WHERE collection_run_id = %s"
    tx.execute(sql, (now, sha256, run_id))


def insert_collections(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.collection", _COLLECTION_COLUMNS, rows)


def collections_of_run(tx: Transaction, run_id: UUID) -> list[Row]:
    return tx.rows(_COLLECTION + "WHERE collection_run_id = %s ORDER BY customer_id, collection_id", (run_id,))


def collections_of_bills(tx: Transaction, customer_bill_ids: Sequence[UUID]) -> list[Row]:
    """Give the collections of some bills; `refused_with` is `file` or `batch` where the fault was of that, not of the collection."""
    sql = """
    SELECT c.customer_bill_id, c.state, c.reason, r.level AS refused_with
    FROM receivables.collection c LEFT JOIN receivables.status_report_refusal r USING (end_to_end_id) WHERE c.customer_bill_id = ANY (%s)
    """
    return tx.rows(sql, (list(customer_bill_ids),))


def collections_by_end_to_end(tx: Transaction, ids: Sequence[str]) -> dict[str, Row]:
    return {row["end_to_end_id"]: row for row in tx.rows(_COLLECTION + "WHERE end_to_end_id = ANY (%s)", (list(ids),))}


def collections_of_batches(tx: Transaction, batches: Sequence[str]) -> list[Row]:
    return tx.rows(_COLLECTION + "WHERE batch = ANY (%s)", (list(batches),))


def is_collected(tx: Transaction, customer_id: UUID) -> bool:
    """Say whether something is on its way from a customer's bank account."""
    return tx.value("SELECT true FROM receivables.collection WHERE customer_id = %s AND state = 'sent' LIMIT 1", (customer_id,)) is not None


def send_collections(tx: Transaction, rows: Iterable[tuple[str, str, Any, bool, UUID]]) -> None:
    """:param rows: batch, sequence type, amount, whether it tells of an amendment, collection"""
    sql = """
    UPDATE receivables.collection SET state = 'sent', batch = %s, sequence_type = %s, amount = %s, is_amended = %s WHERE collection_id = %s
    """
    tx.execute_many(sql, rows)


def move_collections(tx: Transaction, collection_ids: Sequence[UUID], state: str, reason: str | None = None, *, of: Sequence[str]) -> None:
    """:param of: the states that they may be in; one that is in another, though it was read in one of these, is a broken invariant"""
    if not collection_ids:
        return
    sql = "UPDATE receivables.collection SET state = %s, reason = coalesce(%s, reason) WHERE collection_id = ANY (%s) AND state = ANY (%s)"
    moved = tx.execute(sql, (state, reason, list(collection_ids), list(of)))
    invariant(moved == len(collection_ids), f"a collection becomes {state} from {' or '.join(of)} only")


def file_about(tx: Transaction, message_id: str) -> Row | None:
    """Give which collection run or refund file we sent under a message identification."""
    within = identifiers_of_message(message_id)
    if within is None:
        return None
    sql = """
    SELECT collection_run_id, NULL::uuid AS refund_file_id FROM receivables.collection_run
    WHERE state = 'filed' AND collection_run_id BETWEEN %(first)s AND %(last)s
    UNION ALL SELECT NULL, refund_file_id FROM receivables.refund_file WHERE refund_file_id BETWEEN %(first)s AND %(last)s
    """
    return tx.row(sql, {"first": within[0], "last": within[1]})


def refunds_of_file(tx: Transaction, refund_file_id: UUID) -> list[Row]:
    return tx.rows(_REFUND + "WHERE refund_file_id = %s ORDER BY refund_id FOR UPDATE", (refund_file_id,))


def pay_again(tx: Transaction, refund_id: UUID, end_to_end_id: str, by: str, now: datetime) -> None:
    sql = """
    UPDATE receivables.refund SET state = 'approved', refund_file_id = NULL, end_to_end_id = %s, again_by = %s, again_at = %s WHERE refund_id = %s
    """
    tx.execute(sql, (end_to_end_id, by, now, refund_id))


def report_taken(tx: Transaction, sha256: bytes, message_id: str) -> Row | None:
    return tx.row("SELECT message_id, sha256 FROM receivables.status_report WHERE sha256 = %s OR message_id = %s", (sha256, message_id))


def insert_report(tx: Transaction, message_id: str, sha256: bytes, about: str, now: datetime) -> None:
    columns = ("message_id", "sha256", "original_message_id", "taken_at")
    tx.copy_in("receivables.status_report", columns, [(message_id, sha256, about, now)])


def refusals(tx: Transaction, ids: Sequence[str]) -> set[str]:
    found = tx.rows("SELECT end_to_end_id FROM receivables.status_report_refusal WHERE end_to_end_id = ANY (%s)", (list(ids),))
    return {row["end_to_end_id"] for row in found}


def insert_refusals(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.status_report_refusal", ("end_to_end_id", "message_id", "level", "reason", "refused_at"), rows)


def insert_refund(tx: Transaction, values: Sequence[Any]) -> None:
    columns = (
        "refund_id", "customer_id", "billing_account_id", "bank_entry_id", "amount", "end_to_end_id", "reason", "state", "asked_by", "asked_at",
    )  # fmt: skip
    tx.copy_in("receivables.refund", columns, [values])


def refunds(tx: Transaction, state: str | None, limit: int) -> list[Row]:
    sql = _REFUND + "WHERE %(state)s::text IS NULL OR state = %(state)s ORDER BY asked_at DESC, refund_id LIMIT %(limit)s"
    return tx.rows(sql, {"state": state, "limit": limit})


def refund(tx: Transaction, refund_id: UUID) -> Row | None:
    return tx.row(_REFUND + "WHERE refund_id = %s FOR UPDATE", (refund_id,))


def approved_refunds(tx: Transaction) -> list[Row]:
    return tx.rows(_REFUND + "WHERE state = 'approved' ORDER BY refund_id FOR UPDATE")


def refunds_by_end_to_end(tx: Transaction, ids: Sequence[str]) -> dict[str, Row]:
    return {row["end_to_end_id"]: row for row in tx.rows(_REFUND + "WHERE end_to_end_id = ANY (%s)", (list(ids),))}


def decide_refund(tx: Transaction, refund_id: UUID, state: str, by: str, now: datetime) -> None:
    tx.execute("UPDATE receivables.refund SET state = %s, decided_by = %s, decided_at = %s WHERE refund_id = %s", (state, by, now, refund_id))


def move_refunds(tx: Transaction, refund_ids: Sequence[UUID], state: str, refund_file_id: UUID | None = None) -> None:
    sql = "UPDATE receivables.refund SET state = %s, refund_file_id = coalesce(%s, refund_file_id) WHERE refund_id = ANY (%s)"
    tx.execute(sql, (state, refund_file_id, list(refund_ids)))


def insert_refund_file(tx: Transaction, values: Sequence[Any]) -> None:
    tx.copy_in("receivables.refund_file", ("refund_file_id", "execution_day", "filed_by", "filed_at", "sha256"), [values])
