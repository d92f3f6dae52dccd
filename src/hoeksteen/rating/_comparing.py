"""What a month would cost if it were rated now, or at other prices, beside what was charged. Nothing is written."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.rating import _charges, _correcting, _engine
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage.tables import month_number

_EMPTY = """
CREATE TABLE compared (customer_id UUID, billing_account_id UUID, product_id UUID, product_offering_id VARCHAR, service VARCHAR, price_id VARCHAR,
    records_before BIGINT, records_after BIGINT, micro_before BIGINT, micro_after BIGINT)
"""
# A record whose price is another one now counts under both: before under the one, after under the other. What was corrected counts once: a
# reversal takes its record back, and what stands corrected counts as no record.
_COUNTED = f"CASE outcome WHEN {_correcting.REVERSED} THEN -1 WHEN {_correcting.CORRECTED} THEN 0 ELSE 1 END"
_COMPARED = f"""
INSERT INTO compared
SELECT g.customer_id, g.billing_account_id, g.product_id, both_sides.product_offering_id, g.service, both_sides.price_id,
    sum(records_before)::BIGINT, sum(records_after)::BIGINT, sum(micro_before)::BIGINT, sum(micro_after)::BIGINT
FROM (
    SELECT n.record_id, p.product_offering_id, p.price_id,
        0 AS records_before, {_COUNTED} AS records_after, 0 AS micro_before, n.amount_micro AS micro_after
    FROM charged n LEFT JOIN price_number p ON p.lake_price_no = n.lake_price_no
    UNION ALL
    SELECT c.record_id, p.product_offering_id, p.price_id, {_COUNTED}, 0, c.amount_micro, 0
    FROM charge_row c LEFT JOIN known_price p ON p.price_no = c.price_no WHERE c.month = {{month}} AND {{condition}}
) both_sides JOIN guided g ON g.record_id = both_sides.record_id
GROUP BY g.customer_id, g.billing_account_id, g.product_id, both_sides.product_offering_id, g.service, both_sides.price_id
"""


def compare(duck: Duck, lake: Lake, inputs: _engine.Inputs, batches: Sequence[Sequence[int]], *, billing_account_id: UUID | None = None) -> None:
    """
    Rate a month into this engine alone, leaving the table `compared`: records and amounts before and after, per product, service and price.

    :param batches: buckets that are rated together
    :param billing_account_id: whose usage alone is rated; its bucket is the only batch then
    """
    _engine.load(duck, lake, inputs)
    duck.execute("DROP TABLE IF EXISTS compared")
    duck.execute(_EMPTY)
    month = month_number(inputs.month)
    condition = "true" if billing_account_id is None else f"billing_account_id = '{billing_account_id}'::UUID"
    for buckets in batches:
        _charges.view_charge_rows(duck, lake, {"month": [month], "bucket": list(buckets)})
        _engine.view_guided(duck, lake, inputs, buckets=buckets, condition=condition)
        _engine.rate(duck, inputs, few=billing_account_id is not None)
        in_buckets = f"c.bucket IN ({', '.join(str(int(bucket)) for bucket in buckets)})"
        duck.execute(_COMPARED.format(month=month, condition=f"{in_buckets} AND {condition}"))
