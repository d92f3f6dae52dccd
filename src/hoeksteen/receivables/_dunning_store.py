"""SQL of dunning."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_CASE = "SELECT customer_id, dunning_case_id, billing_account_id, opened_on, closed_on FROM receivables.dunning_case "
_STEP = """
SELECT customer_id, dunning_case_id, step, kind, taken_on, principal, costs, customer_bill_ids, pay_by FROM receivables.dunning_step
"""


def open_cases(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_CASE + "WHERE customer_id = ANY (%s) AND closed_on IS NULL", (list(customer_ids),))


def cases(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_CASE + "WHERE customer_id = %s ORDER BY opened_on DESC, dunning_case_id DESC", (customer_id,))


def steps(tx: Transaction, case_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_STEP + "WHERE dunning_case_id = ANY (%s) ORDER BY dunning_case_id, step", (list(case_ids),))


def insert_cases(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.dunning_case", ("customer_id", "dunning_case_id", "billing_account_id", "opened_on"), rows)


def insert_steps(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    columns = ("customer_id", "dunning_case_id", "step", "kind", "taken_on", "principal", "costs", "customer_bill_ids", "pay_by")
    tx.copy_in("receivables.dunning_step", columns, rows)


def insert_fees(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.fee", ("customer_id", "fee_id", "billing_account_id", "kind", "amount", "charged_at", "charged_on"), rows)


def close(tx: Transaction, case_ids: Sequence[UUID], day: date) -> None:
    tx.execute("UPDATE receivables.dunning_case SET closed_on = %s WHERE dunning_case_id = ANY (%s)", (day, list(case_ids)))


def insert_exception(tx: Transaction, values: Sequence[Any]) -> None:
    columns = ("customer_id", "dunning_exception_id", "kind", "from_day", "until_day", "made_by", "made_at")
    tx.copy_in("receivables.dunning_exception", columns, [values])


def excepted(tx: Transaction, customer_ids: Sequence[UUID], day: date) -> set[UUID]:
    sql = """
    SELECT customer_id FROM receivables.dunning_exception
    WHERE customer_id = ANY (%(customers)s) AND from_day <= %(day)s AND (until_day IS NULL OR until_day > %(day)s)
    """
    return {row["customer_id"] for row in tx.rows(sql, {"customers": list(customer_ids), "day": day})}


def exceptions(tx: Transaction, customer_id: UUID) -> list[Row]:
    sql = """
    SELECT dunning_exception_id, kind, from_day, until_day, made_by, made_at FROM receivables.dunning_exception WHERE customer_id = %s
    ORDER BY from_day DESC, dunning_exception_id DESC
    """
    return tx.rows(sql, (customer_id,))
