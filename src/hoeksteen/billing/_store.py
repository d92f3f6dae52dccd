"""SQL of the billing room."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hoeksteen.billing.model import (
    AppliedBillTax,
    AppliedCustomerBillingRate,
    BillRun,
    BillTotals,
    CustomerBill,
    HeldAccount,
    RateKind,
    RecurringSum,
)
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.postgres import Row, Transaction

RUN = """
SELECT bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at, finished_at,
       billing_accounts, bills, started_by, stop_asked, sent_at, accounts
FROM billing.bill_run
"""
_BILL = """
SELECT customer_id, customer_bill_id, billing_account_id, bill_run_id, bill_number, bill_date, due_date, period_from, period_to, tax_included,
       net, vat, rounding, gross
FROM billing.customer_bill
"""
_RATES = """
SELECT customer_bill_id, line, kind, product_id, product_offering_id, price_id, detail, period_from, period_to, quantity, net, gross,
       tax_category, tax_rate
FROM billing.applied_customer_billing_rate WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s)
ORDER BY customer_bill_id, line
"""
_TAXES = """
SELECT customer_bill_id, tax_category, tax_rate, taxable, tax FROM billing.applied_bill_tax
WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s) ORDER BY customer_bill_id, tax_category, tax_rate DESC
"""
_TOTALS = """
SELECT bill_run_id, count(gross) AS count, coalesce(sum(net), 0.00) AS net, coalesce(sum(vat), 0.00) AS vat,
       coalesce(sum(rounding), 0.00) AS rounding, coalesce(sum(gross), 0.00) AS gross
FROM unnest(%s::uuid[]) AS run (bill_run_id) LEFT JOIN billing.customer_bill USING (bill_run_id) GROUP BY bill_run_id
"""
_BILLED_BEFORE = """
SELECT l.product_id, l.product_offering_id, l.price_id, l.kind,
       l.detail ->> 'alteration_id' AS alteration_id, l.detail ->> 'alteration' AS alteration,
       l.period_from, l.period_to, coalesce(l.gross, l.net) AS amount, l.detail -> 'credits' IS NOT NULL AS noted
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.customer_id = ANY (%(customers)s) AND b.bill_number IS NOT NULL AND b.period_to >= %(since)s
  AND l.product_id = ANY (%(products)s) AND l.kind NOT IN ('usage', 'minimum') AND l.detail ->> 'usage' IS NULL AND l.period_from >= %(since)s
ORDER BY b.period_to, b.customer_bill_id, l.line
"""
_MINIMUMS_BEFORE = """
SELECT l.product_id, l.product_offering_id, l.period_from, (l.detail ->> 'days')::int AS days, (l.detail ->> 'spent_micro')::bigint AS spent,
       coalesce(l.gross, l.net) AS amount, l.detail -> 'credits' IS NOT NULL AS noted,
       e.period_from IS NOT NULL AND (e.period_from = %(first)s OR (%(earlier)s AND e.period_from < %(first)s)) AS early
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
LEFT JOIN billing.leaving_bill e ON e.customer_id = b.customer_id AND e.customer_bill_id = b.customer_bill_id AND e.settled_by IS NULL
WHERE b.customer_id = ANY (%(customers)s) AND b.bill_number IS NOT NULL AND b.period_to >= %(since)s
  AND l.product_id = ANY (%(products)s) AND l.kind = 'minimum' AND l.period_from >= %(since)s
ORDER BY b.period_to, b.bill_date, b.bill_number, l.line
"""
_MOVE_POSITIONS = """
UPDATE billing.recurring_position p SET billed_to = moved.billed_to, fingerprint = moved.fingerprint
FROM unnest(%(customers)s::uuid[], %(products)s::uuid[], %(days)s::date[], %(fingerprints)s::bigint[])
    AS moved (customer_id, product_id, billed_to, fingerprint)
WHERE p.customer_id = moved.customer_id AND p.product_id = moved.product_id
"""
_TAKE_NUMBERS = """
INSERT INTO billing.invoice_counter AS counter (legal_entity, year, last_number) VALUES (%(entity)s, %(year)s, %(count)s)
ON CONFLICT (legal_entity, year) DO UPDATE SET last_number = counter.last_number + excluded.last_number
RETURNING last_number
"""
_MISSED = """
SELECT h.billing_account_id, r.period_from, r.period_to FROM billing.held_account h JOIN billing.bill_run r USING (bill_run_id)
WHERE h.billing_account_id = ANY (%(ids)s) AND h.released_by IS NULL AND r.kind = 'final' AND r.period_from < %(before)s
"""
_RELEASE = """
UPDATE billing.held_account h SET released_by = %(run)s FROM billing.bill_run r
WHERE h.billing_account_id = ANY (%(ids)s) AND h.released_by IS NULL
  AND r.bill_run_id = h.bill_run_id AND r.kind = 'final' AND r.period_from < %(before)s
"""
_RELEASED = """
SELECT h.billing_account_id, r.period_from, r.period_to FROM billing.held_account h JOIN billing.bill_run r USING (bill_run_id)
WHERE h.released_by = %s
"""
_LINE_SUMS = """
SELECT l.customer_bill_id, l.net, l.gross, l.usage_micro, t.taxable, t.tax
FROM (
    SELECT customer_bill_id, sum(net) AS net, sum(gross) AS gross, coalesce(sum((detail ->> 'amount_micro')::bigint), 0)::bigint AS usage_micro
    FROM billing.applied_customer_billing_rate WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s)
    GROUP BY customer_bill_id
) l
JOIN (
    SELECT customer_bill_id, sum(taxable) AS taxable, sum(tax) AS tax
    FROM billing.applied_bill_tax WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s)
    GROUP BY customer_bill_id
) t USING (customer_bill_id)
"""
_NUMBERS = """
SELECT count(*) AS count, coalesce(max(right(bill_number, 8)::bigint), 0) AS highest,
       coalesce((SELECT last_number FROM billing.invoice_counter WHERE legal_entity = %(entity)s AND year = %(year)s), 0) AS counter
FROM billing.customer_bill WHERE bill_number LIKE %(pattern)s
"""
_RECURRING_SUMS = """
SELECT b.customer_id, count(*) AS lines, sum(l.net) AS net, coalesce(max(abs(l.net)) FILTER (WHERE l.kind = 'discount'), 0.00) AS alteration_abs_max
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.customer_id = ANY (%(customers)s) AND b.bill_number IS NOT NULL AND b.period_from = %(first)s
  AND l.kind IN ('recurring', 'discount') AND l.period_from >= %(end)s AND b.bill_run_id IS NOT NULL
GROUP BY b.customer_id
"""
_ADVANCE = """
WITH moved AS (UPDATE billing.bill_run_part SET last_billing_account_id = %(last)s WHERE bill_run_id = %(run)s AND part = %(part)s)
UPDATE billing.bill_run SET billing_accounts = billing_accounts + %(billing_accounts)s, bills = bills + %(bills)s WHERE bill_run_id = %(run)s
"""


def from_row_run(row: Row) -> BillRun:
    period = BillPeriod(row.pop("period_from"), row.pop("period_to"))
    accounts = row.pop("accounts")
    return BillRun(period=period, accounts=None if accounts is None else tuple(accounts), **row)


def from_row_bill(row: Row, rates: Iterable[AppliedCustomerBillingRate] = (), taxes: Iterable[AppliedBillTax] = ()) -> CustomerBill:
    period = BillPeriod(row.pop("period_from"), row.pop("period_to"))
    return CustomerBill(period=period, rates=tuple(rates), taxes=tuple(taxes), **row)


def from_row_rate(row: Row) -> AppliedCustomerBillingRate:
    first, end = row.pop("period_from"), row.pop("period_to")
    return AppliedCustomerBillingRate(**{**row, "kind": RateKind(row["kind"])}, period=None if first is None else BillPeriod(first, end))


def insert_run(tx: Transaction, run: BillRun) -> None:
    tx.execute(
        """
        INSERT INTO billing.bill_run (bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at, started_by, accounts)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            run.bill_run_id,
            run.kind,
            run.cycle_day,
            run.period.first_day,
            run.period.end_day,
            run.bill_date,
            run.state,
            run.started_at,
            run.started_by,
            None if run.accounts is None else list(run.accounts),
        ),
    )


def final_run(tx: Transaction, cycle_day: int, first_day: date) -> BillRun | None:
    row = tx.row(RUN + "WHERE kind = 'final' AND cycle_day = %s AND period_from = %s", (cycle_day, first_day))
    return None if row is None else from_row_run(row)


def last_final_run(tx: Transaction, cycle_day: int) -> BillRun | None:
    row = tx.row(RUN + "WHERE kind = 'final' AND cycle_day = %s ORDER BY period_from DESC LIMIT 1", (cycle_day,))
    return None if row is None else from_row_run(row)


def run(tx: Transaction, bill_run_id: UUID) -> BillRun | None:
    row = tx.row(RUN + "WHERE bill_run_id = %s", (bill_run_id,))
    return None if row is None else from_row_run(row)


def runs(tx: Transaction, limit: int) -> list[BillRun]:
    sql = RUN + "WHERE kind <> 'leaving' ORDER BY period_from DESC, started_at DESC LIMIT %s"
    return [from_row_run(row) for row in tx.rows(sql, (limit,))]


def final_runs_of_period(tx: Transaction, first_day: date, end_day: date) -> list[BillRun]:
    sql = RUN + "WHERE kind <> 'trial' AND period_from >= %s AND period_from < %s ORDER BY cycle_day, started_at"
    return [from_row_run(row) for row in tx.rows(sql, (first_day, end_day))]


def final_runs_not_done(tx: Transaction, first_day: date, end_day: date) -> list[BillRun]:
    sql = RUN + "WHERE kind = 'final' AND state <> 'done' AND bill_date >= %s AND bill_date < %s ORDER BY started_at"
    return [from_row_run(row) for row in tx.rows(sql, (first_day, end_day))]


def lock_part(tx: Transaction, bill_run_id: UUID, part: int) -> tuple[BillRun, UUID | None] | None:
    """Give a run that nobody removes until commit, and how far a part of it is, which nobody else moves."""
    row = tx.row(RUN + "WHERE bill_run_id = %s FOR KEY SHARE", (bill_run_id,))
    found = tx.row("SELECT last_billing_account_id FROM billing.bill_run_part WHERE bill_run_id = %s AND part = %s FOR UPDATE", (bill_run_id, part))
    return None if row is None or found is None else (from_row_run(row), found["last_billing_account_id"])


def advance(tx: Transaction, bill_run_id: UUID, part: int, last: UUID, billing_accounts: int, bills: int) -> None:
    tx.execute(_ADVANCE, {"run": bill_run_id, "part": part, "last": last, "billing_accounts": billing_accounts, "bills": bills})


def insert_parts(tx: Transaction, bill_run_id: UUID, count: int) -> None:
    tx.execute("INSERT INTO billing.bill_run_part (bill_run_id, part) SELECT %s, generate_series(0, %s)", (bill_run_id, count - 1))


def parts(tx: Transaction, bill_run_id: UUID) -> list[tuple[int, UUID | None]]:
    """Give the parts of a run, and the last billing account that each has looked at."""
    sql = "SELECT part, last_billing_account_id FROM billing.bill_run_part WHERE bill_run_id = %s ORDER BY part"
    return [(row["part"], row["last_billing_account_id"]) for row in tx.rows(sql, (bill_run_id,))]


def claim_of(bill_run_id: UUID) -> str:
    """Give the name that is claimed by whoever works on a run that others must not begin anew, or settle, meanwhile."""
    return f"bill run {bill_run_id}"


def finish(tx: Transaction, bill_run_id: UUID, now: datetime) -> None:
    tx.execute("UPDATE billing.bill_run SET state = 'done', finished_at = %s WHERE bill_run_id = %s", (now, bill_run_id))


def unfinished_trials(tx: Transaction, cycle_day: int, first_day: date) -> list[UUID]:
    sql = "SELECT bill_run_id FROM billing.bill_run WHERE kind = 'trial' AND state = 'running' AND cycle_day = %s AND period_from = %s"
    return [row["bill_run_id"] for row in tx.rows(sql, (cycle_day, first_day))]


def delete_unfinished_trials(tx: Transaction, bill_run_ids: Sequence[UUID]) -> None:
    """Throw trials away, whatever of them is done; one that was finished meanwhile stays."""
    sql = "SELECT bill_run_id FROM billing.bill_run WHERE state = 'running' AND bill_run_id = ANY (%s) FOR UPDATE"
    ids = [row["bill_run_id"] for row in tx.rows(sql, (list(bill_run_ids),))]
    bills = "SELECT customer_id, customer_bill_id FROM billing.customer_bill WHERE bill_run_id = ANY (%(runs)s)"
    for table in ("applied_customer_billing_rate", "applied_bill_tax"):
        tx.execute(f"DELETE FROM billing.{table} WHERE (customer_id, customer_bill_id) IN ({bills})", {"runs": ids})
    for table in ("customer_bill", "held_account", "bill_run"):
        tx.execute(f"DELETE FROM billing.{table} WHERE bill_run_id = ANY (%(runs)s)", {"runs": ids})


def take_numbers(tx: Transaction, legal_entity: str, year: int, count: int) -> int:
    """Give the last of `count` fresh numbers; the counter's row stays locked until commit, so that no number is lost or skipped."""
    return int(tx.value(_TAKE_NUMBERS, {"entity": legal_entity, "year": year, "count": count}))


def positions(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, tuple[date, int]]:
    sql = "SELECT product_id, billed_to, fingerprint FROM billing.recurring_position WHERE customer_id = ANY (%s)"
    return {row["product_id"]: (row["billed_to"], row["fingerprint"]) for row in tx.rows(sql, (list(customer_ids),))}


def insert_positions(tx: Transaction, positions: Sequence[tuple[UUID, UUID, date, int]]) -> None:
    if positions:
        tx.copy_in("billing.recurring_position", ("customer_id", "product_id", "billed_to", "fingerprint"), positions)


def move_positions(tx: Transaction, positions: Sequence[tuple[UUID, UUID, date, int]]) -> None:
    if positions:
        customers, products, days, fingerprints = zip(*positions, strict=True)
        tx.execute(
            _MOVE_POSITIONS, {"customers": list(customers), "products": list(products), "days": list(days), "fingerprints": list(fingerprints)}
        )


def billed_before(tx: Transaction, customer_ids: Sequence[UUID], product_ids: Sequence[UUID], since: date) -> list[Row]:
    return tx.rows(_BILLED_BEFORE, {"customers": list(customer_ids), "products": list(product_ids), "since": since})


def minimums_before(
    tx: Transaction, customer_ids: Sequence[UUID], product_ids: Sequence[UUID], since: date, *, first_day: date, earlier: bool
) -> list[Row]:  # fmt: skip
    """
    Give what earlier final bills charged some products because their usage lacked of a minimum, the oldest first.

    :param first_day: of the run's period: `early` are bills of accounts that left then, or `earlier`, and whose usage the run subtracts
    """
    given = {"customers": list(customer_ids), "products": list(product_ids), "since": since, "first": first_day, "earlier": earlier}
    return tx.rows(_MINIMUMS_BEFORE, given)


def insert_rates(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    columns = (
        "customer_id", "customer_bill_id", "line", "kind", "product_id", "product_offering_id", "price_id", "detail", "period_from", "period_to",
        "quantity", "net", "gross", "tax_category", "tax_rate",
    )  # fmt: skip
    tx.copy_in("billing.applied_customer_billing_rate", columns, rows)


def insert_taxes(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("billing.applied_bill_tax", ("customer_id", "customer_bill_id", "tax_category", "tax_rate", "taxable", "tax"), rows)


def insert_bills(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    columns = (
        "customer_id", "customer_bill_id", "billing_account_id", "bill_run_id", "bill_number", "bill_date", "due_date", "period_from", "period_to",
        "tax_included", "net", "vat", "rounding", "gross", "invoice_party", "content",
    )  # fmt: skip
    tx.copy_in("billing.customer_bill", columns, rows)


def insert_held(tx: Transaction, bill_run_id: UUID, held: Sequence[HeldAccount]) -> None:
    columns = ("bill_run_id", "customer_id", "billing_account_id", "reason", "detail")
    tx.copy_in("billing.held_account", columns, ((bill_run_id, h.customer_id, h.billing_account_id, h.reason, h.detail) for h in held))


def missed_periods(tx: Transaction, billing_account_ids: Sequence[UUID], before: date) -> list[tuple[UUID, BillPeriod]]:
    rows = tx.rows(_MISSED, {"ids": list(billing_account_ids), "before": before})
    return [(row["billing_account_id"], BillPeriod(row["period_from"], row["period_to"])) for row in rows]


def bill_numbers(tx: Transaction, wanted: Sequence[tuple[UUID, date]]) -> dict[tuple[UUID, date], str]:
    """Give the numbers of the final bills of billing accounts and the first days of their periods."""
    rows = tx.rows(
        "SELECT b.billing_account_id, b.period_from, b.bill_number FROM billing.customer_bill b"
        " JOIN unnest(%s::uuid[], %s::date[]) AS w (billing_account_id, period_from) USING (billing_account_id, period_from)"
        " WHERE b.bill_number IS NOT NULL AND b.bill_run_id IS NOT NULL",
        ([account_id for account_id, _ in wanted], [day for _, day in wanted]),
    )
    return {(row["billing_account_id"], row["period_from"]): row["bill_number"] for row in rows}


def release(tx: Transaction, bill_run_id: UUID, billing_account_ids: Sequence[UUID], before: date) -> int:
    """Note which run has made up for earlier ones that passed these billing accounts by, and give how often they were."""
    return tx.execute(_RELEASE, {"run": bill_run_id, "ids": list(billing_account_ids), "before": before})


def held_of_run(tx: Transaction, bill_run_id: UUID) -> list[HeldAccount]:
    sql = "SELECT customer_id, billing_account_id, reason, detail FROM billing.held_account WHERE bill_run_id = %s ORDER BY billing_account_id"
    return [HeldAccount(**row) for row in tx.rows(sql, (bill_run_id,))]


def totals(tx: Transaction, bill_run_ids: Sequence[UUID]) -> dict[UUID, BillTotals]:
    return {row.pop("bill_run_id"): BillTotals(**row) for row in tx.rows(_TOTALS, (list(bill_run_ids),))}


def bills_of_customer(tx: Transaction, customer_id: UUID) -> list[CustomerBill]:
    sql = _BILL + "WHERE customer_id = %s AND bill_number IS NOT NULL ORDER BY bill_date DESC, bill_number DESC"
    return [from_row_bill(row) for row in tx.rows(sql, (customer_id,))]


def bill_of_number(tx: Transaction, bill_number: str) -> CustomerBill | None:
    row = tx.row(_BILL + "WHERE bill_number = %s", (bill_number,))
    return None if row is None else from_row_bill(row)


def bill_of_id(tx: Transaction, customer_bill_id: UUID) -> CustomerBill | None:
    row = tx.row(_BILL + "WHERE customer_bill_id = %s", (customer_bill_id,))
    return None if row is None else from_row_bill(row)


def bills_after(tx: Transaction, bill_run_id: UUID, after: UUID | None, limit: int) -> list[CustomerBill]:
    sql = (
        _BILL
        + "WHERE bill_run_id = %(run)s AND (%(after)s::uuid IS NULL OR billing_account_id > %(after)s) ORDER BY billing_account_id LIMIT %(limit)s"
    )
    return [from_row_bill(row) for row in tx.rows(sql, {"run": bill_run_id, "after": after, "limit": limit})]


def bills(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> list[CustomerBill]:
    """Give bills with their lines and taxes, in three queries."""
    keys = {"customers": list(customer_ids), "bills": list(customer_bill_ids)}
    rates: dict[UUID, list[AppliedCustomerBillingRate]] = {}
    for row in tx.rows(_RATES, keys):
        rates.setdefault(row.pop("customer_bill_id"), []).append(from_row_rate(row))
    taxes: dict[UUID, list[AppliedBillTax]] = {}
    for row in tx.rows(_TAXES, keys):
        taxes.setdefault(row.pop("customer_bill_id"), []).append(AppliedBillTax(**row))
    found = tx.rows(_BILL + "WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s)", keys)
    return [from_row_bill(row, rates.get(row["customer_bill_id"], ()), taxes.get(row["customer_bill_id"], ())) for row in found]


def bill(tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> CustomerBill | None:
    return next(iter(bills(tx, [customer_id], [customer_bill_id])), None)


def line_sums(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> dict[UUID, Row]:
    rows = tx.rows(_LINE_SUMS, {"customers": list(customer_ids), "bills": list(customer_bill_ids)})
    return {row["customer_bill_id"]: row for row in rows}


def numbers_of_year(tx: Transaction, legal_entity: str, year: int) -> tuple[int, int, int]:
    """Give how many bills carry a number of this series, the highest of them, and what the counter says."""
    row = tx.row(_NUMBERS, {"entity": legal_entity, "year": year, "pattern": f"{legal_entity}-{year}-%"})
    assert row is not None  # an aggregate always gives a row
    return int(row["count"]), int(row["highest"]), int(row["counter"])


def released_periods(tx: Transaction, bill_run_id: UUID) -> list[tuple[UUID, BillPeriod]]:
    rows = tx.rows(_RELEASED, (bill_run_id,))
    return [(row["billing_account_id"], BillPeriod(row["period_from"], row["period_to"])) for row in rows]


def recurring_sums(tx: Transaction, customer_ids: Sequence[UUID], first_day: date, end_day: date) -> list[RecurringSum]:
    rows = tx.rows(_RECURRING_SUMS, {"customers": list(customer_ids), "first": first_day, "end": end_day})
    return [RecurringSum(**row) for row in rows]


def invoice_parties(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    sql = """
    SELECT customer_bill_id, invoice_party FROM billing.customer_bill
    WHERE customer_id = ANY (%s) AND customer_bill_id = ANY (%s) AND invoice_party IS NOT NULL
    """
    return {row["customer_bill_id"]: bytes(row["invoice_party"]) for row in tx.rows(sql, (list(customer_ids), list(customer_bill_ids)))}
