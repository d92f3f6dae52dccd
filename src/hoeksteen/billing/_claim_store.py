"""SQL of bills as claims."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_CLAIM = "SELECT customer_id, customer_bill_id, billing_account_id, bill_number, bill_date, due_date, gross FROM billing.customer_bill "


def of_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    sql = _CLAIM + "WHERE customer_id = ANY (%s) AND bill_number IS NOT NULL ORDER BY customer_id, bill_date, bill_number"
    return tx.rows(sql, (list(customer_ids),))


def products_of_bills(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> list[Row]:
    """Give the products for which each bill asks more than nothing."""
    sql = """
    SELECT customer_bill_id, product_id FROM billing.applied_customer_billing_rate
    WHERE customer_id = ANY (%(customers)s) AND customer_bill_id = ANY (%(bills)s) AND product_id IS NOT NULL
    GROUP BY customer_bill_id, product_id HAVING sum(coalesce(gross, net)) > 0
    """
    return tx.rows(sql, {"customers": list(customer_ids), "bills": list(customer_bill_ids)})


def by_number(tx: Transaction, bill_numbers: Sequence[str]) -> list[Row]:
    return tx.rows(_CLAIM + "WHERE bill_number = ANY (%s)", (list(bill_numbers),))
