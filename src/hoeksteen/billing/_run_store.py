"""SQL of bill runs as people make them: approvals, holds, stops, comparisons, sending."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing._store import RUN, claim_of, from_row_run
from hoeksteen.billing.model import AccountChange, AccountHold, Approval, BillRun
from hoeksteen.storage.postgres import Row, Transaction

_HOLD = "SELECT customer_id, billing_account_id, held_at, held_by, why FROM billing.account_hold WHERE released_at IS NULL"
# Every billing account of two runs, with what each bills it.
_PAIRS = """
FROM (SELECT customer_id, billing_account_id, gross FROM billing.customer_bill WHERE bill_run_id = %(before)s) b
FULL JOIN (SELECT customer_id, billing_account_id, gross FROM billing.customer_bill WHERE bill_run_id = %(after)s) a
    USING (billing_account_id)
"""
_COUNTS = f"""
SELECT count(*) FILTER (WHERE a.gross = b.gross) AS same, count(*) FILTER (WHERE a.gross <> b.gross) AS changed,
       count(*) FILTER (WHERE b.gross IS NULL) AS new, count(*) FILTER (WHERE a.gross IS NULL) AS gone,
       coalesce(sum(b.gross), 0.00) AS gross_before, coalesce(sum(a.gross), 0.00) AS gross_after
{_PAIRS}
"""
_LARGEST = f"""
SELECT coalesce(a.customer_id, b.customer_id) AS customer_id, billing_account_id, b.gross AS before, a.gross AS after
{_PAIRS} WHERE a.gross IS DISTINCT FROM b.gross
ORDER BY abs(coalesce(a.gross, 0) - coalesce(b.gross, 0)) DESC, billing_account_id LIMIT %(limit)s
"""
_BY_KIND = """
SELECT l.kind, coalesce(sum(l.net) FILTER (WHERE b.bill_run_id = %(before)s), 0.00) AS before,
       coalesce(sum(l.net) FILTER (WHERE b.bill_run_id = %(after)s), 0.00) AS after
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.bill_run_id IN (%(before)s, %(after)s) GROUP BY l.kind ORDER BY l.kind
"""
_UNSENT = """
SELECT b.customer_id, b.customer_bill_id, b.billing_account_id, b.bill_number, b.gross, b.due_date
FROM billing.customer_bill b JOIN billing.bill_run r USING (bill_run_id)
WHERE bill_run_id = %(run)s AND (r.sent_to IS NULL OR b.billing_account_id > r.sent_to) ORDER BY b.billing_account_id LIMIT %(limit)s
"""


def insert_approval(tx: Transaction, approval: Approval) -> None:
    tx.execute(
        "INSERT INTO billing.bill_run_approval (bill_run_id, approved_by, approved_at, bills, gross, content_digest, signed_digest)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            approval.bill_run_id,
            approval.approved_by,
            approval.approved_at,
            approval.bills,
            approval.gross,
            approval.content_digest,
            approval.signed_digest,
        ),
    )


def approvals(tx: Transaction, bill_run_ids: Sequence[UUID]) -> dict[UUID, Approval]:
    sql = """
    SELECT bill_run_id, approved_by, approved_at, bills, gross, content_digest, signed_digest
    FROM billing.bill_run_approval WHERE bill_run_id = ANY (%s)
    """
    return {row["bill_run_id"]: Approval(**row) for row in tx.rows(sql, (list(bill_run_ids),))}


def content_digest(tx: Transaction, bill_run_id: UUID) -> bytes:
    """Give the SHA-256 of what all bills of a run say: of each billing account's identifier and its 16 bytes, in their order."""
    sql = """
    SELECT sha256(coalesce(string_agg(uuid_send(billing_account_id) || coalesce(content, ''), ''::bytea ORDER BY billing_account_id), ''))
    FROM billing.customer_bill WHERE bill_run_id = %s
    """
    return bytes(tx.value(sql, (bill_run_id,)))


def trials(tx: Transaction, cycle_day: int, first_day: date) -> list[BillRun]:
    """Give the trials of a period that are done, the newest first."""
    sql = RUN + "WHERE kind = 'trial' AND state = 'done' AND cycle_day = %s AND period_from = %s ORDER BY started_at DESC, bill_run_id DESC"
    return [from_row_run(row) for row in tx.rows(sql, (cycle_day, first_day))]


def running(tx: Transaction, cycle_day: int, first_day: date) -> BillRun | None:
    sql = RUN + "WHERE state = 'running' AND accounts IS NULL AND cycle_day = %s AND period_from = %s ORDER BY kind, started_at DESC LIMIT 1"
    row = tx.row(sql, (cycle_day, first_day))
    return None if row is None else from_row_run(row)


def final_under_way(tx: Transaction, cycle_day: int) -> bool:
    sql = "SELECT EXISTS (SELECT FROM billing.bill_run WHERE state = 'running' AND kind = 'final' AND cycle_day = %s)"
    return bool(tx.value(sql, (cycle_day,)))


def is_under_way(tx: Transaction, cycle_day: int) -> bool:
    """Say whether a run over a whole cycle has begun and not ended."""
    sql = "SELECT 1 FROM billing.bill_run WHERE state = 'running' AND accounts IS NULL AND cycle_day = %s LIMIT 1"
    return tx.value(sql, (cycle_day,)) is not None


def ask_to_stop(tx: Transaction, bill_run_id: UUID, stop: bool) -> None:
    tx.execute("UPDATE billing.bill_run SET stop_asked = %s WHERE bill_run_id = %s AND stop_asked <> %s", (stop, bill_run_id, stop))


def settle_off_cycle(tx: Transaction, now: datetime) -> list[UUID]:
    """
    Settle runs of a few accounts that were cut off (off the cycle, or of who leaves), and give those that are done and not announced.

    Each bills its accounts in one transaction, so it is done, or nothing of it is. One that somebody still works on is claimed, and left alone.
    """
    few = "kind IN ('off_cycle', 'leaving')"
    running = [row["bill_run_id"] for row in tx.rows(f"SELECT bill_run_id FROM billing.bill_run WHERE {few} AND state = 'running'")]
    cut_off = [one for one in running if tx.claim(claim_of(one))]
    tx.execute("DELETE FROM billing.bill_run WHERE bill_run_id = ANY (%s) AND state = 'running' AND billing_accounts = 0", (cut_off,))
    tx.execute("UPDATE billing.bill_run SET state = 'done', finished_at = %s WHERE bill_run_id = ANY (%s) AND state = 'running'", (now, cut_off))
    rows = tx.rows(f"SELECT bill_run_id FROM billing.bill_run WHERE {few} AND state = 'done' AND sent_at IS NULL ORDER BY started_at")
    return [row["bill_run_id"] for row in rows]


def contents(tx: Transaction, bill_run_id: UUID, billing_account_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Give what a run's bills say, by billing account."""
    sql = "SELECT billing_account_id, content FROM billing.customer_bill WHERE bill_run_id = %s AND billing_account_id = ANY (%s)"
    return {row["billing_account_id"]: bytes(row["content"]) for row in tx.rows(sql, (bill_run_id, list(billing_account_ids)))}


def insert_hold(tx: Transaction, hold: AccountHold) -> None:
    tx.execute(
        "INSERT INTO billing.account_hold (customer_id, billing_account_id, held_at, held_by, why) VALUES (%s, %s, %s, %s, %s)",
        (hold.customer_id, hold.billing_account_id, hold.held_at, hold.held_by, hold.why),
    )


def release_hold(tx: Transaction, billing_account_id: UUID, by: str, now: datetime) -> int:
    sql = "UPDATE billing.account_hold SET released_at = %s, released_by = %s WHERE billing_account_id = %s AND released_at IS NULL"
    return tx.execute(sql, (now, by, billing_account_id))


def holds(tx: Transaction, billing_account_ids: Sequence[UUID] | None) -> dict[UUID, AccountHold]:
    """Give the holds that are in force, of some billing accounts or of all."""
    if billing_account_ids is None:
        rows = tx.rows(_HOLD + " ORDER BY held_at, billing_account_id")
    else:
        rows = tx.rows(_HOLD + " AND billing_account_id = ANY (%s)", (list(billing_account_ids),))
    return {row["billing_account_id"]: AccountHold(**row) for row in rows}


def waiting(tx: Transaction, bill_run_id: UUID) -> set[UUID]:
    """Give the billing accounts that a run held and that no later one has billed."""
    sql = "SELECT billing_account_id FROM billing.held_account WHERE bill_run_id = %s AND released_by IS NULL"
    return {row["billing_account_id"] for row in tx.rows(sql, (bill_run_id,))}


def compared(tx: Transaction, before: UUID, after: UUID) -> Row:
    found = tx.row(_COUNTS, {"before": before, "after": after})
    assert found is not None  # an aggregate always gives a row
    return found


def by_kind(tx: Transaction, before: UUID, after: UUID) -> tuple[tuple[str, Decimal, Decimal], ...]:
    return tuple((row["kind"], row["before"], row["after"]) for row in tx.rows(_BY_KIND, {"before": before, "after": after}))


def largest(tx: Transaction, before: UUID, after: UUID, limit: int) -> tuple[AccountChange, ...]:
    return tuple(AccountChange(**row) for row in tx.rows(_LARGEST, {"before": before, "after": after, "limit": limit}))


def lock_unsent(tx: Transaction, bill_run_id: UUID, limit: int) -> list[Row]:
    """Give the next bills of a run that are not announced; nobody else announces any of them until commit."""
    tx.execute("SELECT FROM billing.bill_run WHERE bill_run_id = %s FOR UPDATE", (bill_run_id,))
    return tx.rows(_UNSENT, {"run": bill_run_id, "limit": limit})


def sent(tx: Transaction, bill_run_id: UUID, last: UUID | None, now: datetime) -> None:
    """Note how far announcing is: up to a billing account, or to the end."""
    if last is None:
        tx.execute("UPDATE billing.bill_run SET sent_at = coalesce(sent_at, %s) WHERE bill_run_id = %s", (now, bill_run_id))
    else:
        tx.execute("UPDATE billing.bill_run SET sent_to = %s WHERE bill_run_id = %s", (last, bill_run_id))
