"""Charges as they lie in the lake: narrow rows of numbers, and the view that says what they mean."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from hoeksteen.rating import _pieces
from hoeksteen.rating.tables import CHARGE, OUTCOMES, PRICE
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage.tables import GUIDED

_VIEW = """
SELECT c.month, c.bucket, c.billing_account_id, g.product_id, g.start, c.record_id, g.customer_id, g.usage_file_id, g.line, p.product_offering_id,
    g.service, g.zone, g.roaming, p.price_id, g.generation, g.period_day, c.bill_day, o.state, o.reason, g.units AS delivered_units,
    c.units, c.free_units, c.amount_micro, g.month AS sealed_month, g.other_number
FROM charge_row c
JOIN charged_usage g ON g.bucket = c.bucket AND g.billing_account_id = c.billing_account_id AND g.record_id = c.record_id
LEFT JOIN charge_price p ON p.price_no = c.price_no
JOIN charge_outcome o ON o.outcome = c.outcome
"""


def view_charges(duck: Duck, lake: Lake | LakeWrite, where: Mapping[str, Sequence[int]] | None = None) -> None:
    """
    Make the view `charge`: one row per charge with what its record says, its price and its state and reason in words.

    A condition on `billing_account_id` or `bucket` reaches the files, and lets most of them be skipped.

    :param where: the months and buckets wanted; rows of others may be there too
    """
    where = where or {}
    view_charge_rows(duck, lake, where)
    usage_where = {**where, "month": sorted({month for one in where["month"] for month in (one, _next(one))})} if "month" in where else where
    duck.view_of_files("charged_usage", GUIDED, lake.files(GUIDED, usage_where))
    duck.view_of_files("charge_price", PRICE, lake.files(PRICE))
    duck.execute(f"CREATE OR REPLACE VIEW charge AS {_VIEW}")


def view_charge_rows(duck: Duck, lake: Lake | LakeWrite, where: Mapping[str, Sequence[int]]) -> None:
    """Make the view `charge_row` of charges as they lie there, and the table `charge_outcome` of what their outcomes mean."""
    duck.view_of_files("charge_row", CHARGE, lake.files(CHARGE, where))
    state, reason = zip(*OUTCOMES, strict=True)
    numbers = pa.array(range(len(OUTCOMES)), pa.int32())
    duck.put("charge_outcome", pa.table({"outcome": numbers, "state": pa.array(state), "reason": pa.array(reason)}))


def number_prices(duck: Duck, lake: Lake | LakeWrite) -> None:
    """Make the table `price_number` of the loaded tariff's price versions; those that have no number in the lake get the next ones."""
    duck.view_of_files("known_price", PRICE, lake.files(PRICE))
    duck.execute(
        "CREATE OR REPLACE TABLE price_number AS"
        " SELECT f.price_no, f.product_offering_id, f.price_id, f.valid_from, k.price_no IS NULL AS is_new,"
        " coalesce(k.price_no, (SELECT coalesce(max(price_no), 0) FROM known_price) + row_number() OVER (PARTITION BY k.price_no ORDER BY f.price_no)"
        " )::INTEGER AS lake_price_no"
        " FROM (SELECT DISTINCT price_no, product_offering_id, price_id, version_from AS valid_from FROM tariff) f"
        " LEFT JOIN known_price k ON k.product_offering_id = f.product_offering_id AND k.price_id = f.price_id AND k.valid_from = f.valid_from"
    )


def write_new_prices(duck: Duck, write: LakeWrite) -> None:
    """Put the price versions that got a number into the lake, so that charges can name them."""
    if duck.value("SELECT count(*) FROM price_number WHERE is_new"):
        query = "SELECT lake_price_no AS price_no, product_offering_id, price_id, valid_from FROM price_number WHERE is_new"
        write.append(PRICE, duck.write_parquet(PRICE, query, write.folder(PRICE)))


def charge_rows(month: int, bucket: int) -> str:
    """Give the query for the rows of `charge` of one partition, after `_engine.rate`."""
    return _pieces.CHARGE_ROWS.format(month=int(month), bucket=int(bucket))


def _next(month: int) -> int:
    """Give the calendar month after one: bill periods that begin in a month reach into the next."""
    return month + 1 if month % 100 < 12 else month + 89
