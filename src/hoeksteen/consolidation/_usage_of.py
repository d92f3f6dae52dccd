"""Usage that was taken in for some products and stands on no final bill yet: it lies under the customer who held them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hoeksteen.kernel.time_period import add_months
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.queries import last_closed
from hoeksteen.usage.tables import GUIDED, bucket_of, month_number

MONTHS_BACK_MAX = 25


def unbilled_usage(*, tx: Transaction, lake: Lake, billing_account_ids: Sequence[UUID], product_ids: Sequence[UUID], today: date) -> int:
    """
    Count the guided records of some products that belong on a bill whose period is not closed.

    :param billing_account_ids: under which they lie
    :param today: usage that lies more than two years back waits for no bill
    """
    first = today.replace(day=1)
    months = [month_number(add_months(first, -back)) for back in range(-1, MONTHS_BACK_MAX + 1)]
    where = {"month": months, "bucket": sorted({bucket_of(one) for one in billing_account_ids})}
    files = lake.files(GUIDED, where) if product_ids else []
    if not files:
        return 0
    closed = last_closed(tx=tx)
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, files)
        rows = duck.rows(
            "SELECT bill_day, count(*) AS records FROM guided WHERE billing_account_id IN (SELECT unnest($accounts)::UUID)"
            " AND product_id IN (SELECT unnest($products)::UUID) GROUP BY bill_day",
            {"accounts": [str(one) for one in billing_account_ids], "products": [str(one) for one in product_ids]},
        )
    return sum(row["records"] for row in rows if row["bill_day"] > closed.get(row["bill_day"].day, row["bill_day"].min))
