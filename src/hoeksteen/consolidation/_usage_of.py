"""Usage that was taken in for some products and stands on no final bill yet: it lies under the customer who held them."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.queries import last_closed
from hoeksteen.usage.tables import GUIDED, bucket_of


def unbilled_usage(*, tx: Transaction, lake: Lake, billing_account_ids: Sequence[UUID], product_ids: Sequence[UUID]) -> int:
    """Count the guided records of some products that belong on a bill whose period is not closed."""
    files = lake.files(GUIDED, {"bucket": sorted({bucket_of(one) for one in billing_account_ids})}) if product_ids else []
    if not files:
        return 0
    closed = last_closed(tx=tx)
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, files)
        rows = duck.rows(
            "SELECT bill_day, count(*) AS records FROM guided WHERE product_id IN (SELECT unnest($ids)::UUID) GROUP BY bill_day",
            {"ids": [str(one) for one in product_ids]},
        )
    return sum(row["records"] for row in rows if row["bill_day"] > closed.get(row["bill_day"].day, row["bill_day"].min))
