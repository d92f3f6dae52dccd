"""SQL of audits over everything that this room keeps; like `_store`, private to it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.receivables._bank_store import POSTED
from hoeksteen.receivables._store import STANDING
from hoeksteen.storage.postgres import Row, Transaction

_STANDS = STANDING.format(table="a", column="source_id")
_SETTLED = f"SELECT customer_bill_id, sum(amount) AS amount FROM receivables.allocation a WHERE {_STANDS} GROUP BY customer_bill_id"
_SPENT = f"SELECT source_id, sum(amount) AS amount FROM receivables.allocation a WHERE {_STANDS} GROUP BY source_id"
_CLAIMS = """
SELECT refund_id AS item_id, billing_account_id, amount FROM receivables.refund WHERE state IN ('approved', 'sent', 'executed', 'refused')
UNION ALL SELECT deposit_id, billing_account_id, amount FROM receivables.deposit
UNION ALL SELECT fee_id, billing_account_id, amount FROM receivables.fee
UNION ALL SELECT carried_item_id, billing_account_id, amount FROM receivables.carried_item WHERE amount > 0
"""
_SOURCES = """
SELECT payment_id AS item_id, billing_account_id, amount FROM receivables.payment
UNION ALL SELECT write_off_id, NULL, amount FROM receivables.write_off
UNION ALL SELECT fee_waiver_id, NULL, amount FROM receivables.fee_waiver
UNION ALL SELECT carried_item_id, billing_account_id, -amount FROM receivables.carried_item WHERE amount < 0
"""
_PAYMENTS = """
SELECT CASE WHEN c.collection_id IS NOT NULL THEN 'collection' WHEN e.outcome = 'payment' THEN 'bank' WHEN e.outcome IS NOT NULL THEN 'unmatched'
            WHEN p.payment_id = ANY (%(released)s) THEN 'deposit' ELSE 'hand' END AS origin,
       p.billing_account_id, sum(p.amount) AS amount
FROM receivables.payment p LEFT JOIN receivables.collection c ON c.collection_id = p.payment_id
LEFT JOIN receivables.bank_entry e ON e.bank_entry_id = p.payment_id
WHERE p.received_on < %(end)s GROUP BY 1, 2
"""
_REVERSALS = """
SELECT r.bank_entry_id IS NOT NULL AS by_statement, p.billing_account_id, sum(p.amount) AS amount
FROM receivables.payment_reversal r JOIN receivables.payment p USING (customer_id, payment_id)
WHERE r.reversed_on < %(end)s GROUP BY 1, 2
"""
_BANK_ENTRIES = f"""
SELECT e.outcome, b.notified_in IS NOT NULL AS announced, sum(e.amount) AS amount
FROM receivables.bank_entry e JOIN receivables.bank_booking b USING (booking_key)
WHERE e.booked_on < %(end)s AND {POSTED.format(entry="e")} GROUP BY 1, 2
"""
_CONFIRMED = f"""
SELECT coalesce(sum(e.amount), 0.00) FROM receivables.bank_entry e JOIN receivables.bank_booking b USING (booking_key)
WHERE b.notified_in IS NOT NULL AND b.stated_in IS NOT NULL AND coalesce(b.stated_on, e.booked_on) < %(end)s AND {POSTED.format(entry="e")}
"""
_STATEMENTS = """
SELECT s.identification, s.booked, coalesce(sum(e.amount), 0.00) AS amount
FROM receivables.bank_statement s LEFT JOIN receivables.bank_booking b ON b.stated_in = s.bank_statement_id AND b.currency = 'EUR'
LEFT JOIN receivables.bank_entry e USING (booking_key)
WHERE s.kind = 'statement' GROUP BY s.bank_statement_id HAVING s.booked <> coalesce(sum(e.amount), 0.00) ORDER BY s.ordinal
"""
_LOCAL_DAY = "({column} AT TIME ZONE %(zone)s)::date"
_REFUNDS = f"""
SELECT bank_entry_id IS NOT NULL AS was_unmatched, billing_account_id, sum(amount) AS amount FROM receivables.refund
WHERE state IN ('approved', 'sent', 'executed', 'refused') AND {_LOCAL_DAY.format(column="decided_at")} < %(end)s GROUP BY 1, 2
"""
_DEPOSITS = f"""
SELECT billing_account_id, sum(amount) AS amount FROM receivables.deposit WHERE {_LOCAL_DAY.format(column="held_at")} < %(end)s GROUP BY 1
"""
_FEES = f"""
SELECT kind, billing_account_id, sum(amount) AS amount FROM receivables.fee
WHERE coalesce(charged_on, {_LOCAL_DAY.format(column="charged_at")}) < %(end)s GROUP BY 1, 2
"""
_WAIVERS = f"""
SELECT f.kind, f.billing_account_id, sum(w.amount) AS amount FROM receivables.fee_waiver w JOIN receivables.fee f USING (customer_id, fee_id)
WHERE {_LOCAL_DAY.format(column="w.waived_at")} < %(end)s GROUP BY 1, 2
"""
_WRITE_OFFS = f"""
SELECT customer_bill_id, sum(amount) AS amount, sum(vat) AS vat FROM receivables.write_off
WHERE {_LOCAL_DAY.format(column="written_off_at")} < %(end)s GROUP BY 1
"""


def settled(tx: Transaction) -> dict[UUID, Decimal]:
    """Give how much of each bill, refund, deposit and fee is settled."""
    return {row["customer_bill_id"]: row["amount"] for row in tx.rows(_SETTLED)}


def spent(tx: Transaction) -> dict[UUID, Decimal]:
    """Give how much of each payment, credit note and write-off settles something."""
    return {row["source_id"]: row["amount"] for row in tx.rows(_SPENT)}


def claims(tx: Transaction) -> list[Row]:
    """Give what is settled beside bills."""
    return tx.rows(_CLAIMS)


def sources(tx: Transaction) -> list[Row]:
    """Give what settles beside credit notes."""
    return tx.rows(_SOURCES)


def released_deposits(tx: Transaction) -> list[UUID]:
    return [row["deposit_id"] for row in tx.rows("SELECT deposit_id FROM receivables.deposit WHERE released_at IS NOT NULL")]


def payments(tx: Transaction, end_day: date, released: Sequence[UUID]) -> list[Row]:
    """:param released: the payments that released deposits became"""
    return tx.rows(_PAYMENTS, {"end": end_day, "released": list(released)})


def reversals(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_REVERSALS, {"end": end_day})


def bank_entries(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_BANK_ENTRIES, {"end": end_day})


def confirmed(tx: Transaction, end_day: date) -> Decimal:
    """Give what a notification announced and a statement booked."""
    return Decimal(tx.value(_CONFIRMED, {"end": end_day}))


def statements_that_differ(tx: Transaction) -> list[Row]:
    return tx.rows(_STATEMENTS)


def refunds(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_REFUNDS, {"end": end_day, "zone": OPERATOR_ZONE.key})


def deposits(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_DEPOSITS, {"end": end_day, "zone": OPERATOR_ZONE.key})


def fees(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_FEES, {"end": end_day, "zone": OPERATOR_ZONE.key})


def waivers(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_WAIVERS, {"end": end_day, "zone": OPERATOR_ZONE.key})


def write_offs(tx: Transaction, end_day: date) -> list[Row]:
    return tx.rows(_WRITE_OFFS, {"end": end_day, "zone": OPERATOR_ZONE.key})
