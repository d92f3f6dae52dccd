"""Rating what was rated before once more, and telling what would differ: prices that were corrected, products that changed, usage that came late."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from hoeksteen.party import queries as party
from hoeksteen.rating import _engine
from hoeksteen.rating._comparing import compare
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.tables import bucket_of

_DIFFERENCES = """
SELECT customer_id, billing_account_id, product_id, coalesce(product_offering_id, '') AS product_offering_id, coalesce(price_id, '') AS price_id,
    sum(records_before)::BIGINT AS records_before, sum(records_after)::BIGINT AS records_after, sum(micro_before)::BIGINT AS micro_before,
    sum(micro_after)::BIGINT AS micro_after
FROM compared GROUP BY ALL HAVING sum(records_before) <> sum(records_after) OR sum(micro_before) <> sum(micro_after)
ORDER BY billing_account_id, product_id, product_offering_id, price_id
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """
    What re-rating makes of the records of one product and price; empty names stand for records without a price.

    :param micro_before: 1e-6 euro, as charged; `micro_after` as it would be charged now
    """

    customer_id: UUID
    billing_account_id: UUID
    product_id: UUID
    product_offering_id: str
    price_id: str
    records_before: int
    records_after: int
    micro_before: int
    micro_after: int


def difference(*, tx: Transaction, lake: Lake, month: date) -> list[Difference]:
    """
    Rate the bill periods of a month as everything stands now, and give where the result is not what was charged; empty when nothing changed.

    Nothing is written: `rate_month` does that, for periods that are open.

    :param month: any day of the month in which the bill periods begin
    """
    month = month.replace(day=1)
    inputs = _engine.read_inputs(tx=tx, month=month, bill_month=month)
    with Duck(spill=lake.spill, ordered=False) as duck:
        compare(duck, lake, inputs, _engine.batches(lake, inputs))
        return _found(duck)


def rerate_account(*, tx: Transaction, lake: Lake, billing_account_id: UUID, month: date) -> list[Difference]:
    """
    Do the same for one billing account, reading nothing of others, while somebody waits.

    :raises NotFound: when there is no such billing account
    """
    month = month.replace(day=1)
    account = party.billing_account(tx=tx, billing_account_id=billing_account_id)
    inputs = _engine.read_inputs(tx=tx, month=month, bill_month=month, customer_ids=[account.customer_id])
    with Duck(threads=1, spill=lake.spill) as duck:  # one account: a second thread costs more than it gives
        compare(duck, lake, inputs, [[bucket_of(billing_account_id)]], billing_account_id=billing_account_id)
        return _found(duck)


def _found(duck: Duck) -> list[Difference]:
    return [Difference(**row) for row in duck.rows(_DIFFERENCES)]
