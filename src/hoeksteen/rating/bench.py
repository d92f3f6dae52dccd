"""
Measuring rating: an invented month of guided usage, rated by the product's own operation, beside plain scans of the same files.

Each part runs in a process of its own, so that the memory of one is not that of another: `python -m hoeksteen.rating.bench PART …`.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewTerm
from hoeksteen.rating import _bench_data
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating.operations import rate_month
from hoeksteen.rating.queries import records_of
from hoeksteen.rating.rerating import rerate_account
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import BUCKETS, GUIDED, month_number

MONTH = date(2026, 10, 1)
NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
_PEOPLE_PER_BATCH = 20_000
_ACCOUNT_RECORDS = 5_000
_ACCOUNT_TIMES = 5  # of which the middle one is told
_SCAN = "SELECT count(*), count(record_id), count(start), count(service), count(zone), count(product_id), sum(units), sum(generation) FROM usage"
# What a bill's usage lines would need if usage had no price: records and units per product, kind and bill period.
_GROUP_BY = """
SELECT count(*), sum(records), sum(units) FROM (
    SELECT product_id, service, zone, roaming, period_day, count(*) AS records, sum(units) AS units
    FROM usage GROUP BY product_id, service, zone, roaming, period_day
)
"""


def make(*, database: Database, lake: Lake, records: int) -> dict[str, Any]:
    """Invent products, billing accounts and their guided usage of October 2026."""
    began = time.monotonic()
    with Duck(spill=lake.spill) as duck:
        for name, query in _bench_data.people(records):
            duck.execute(f"CREATE TABLE {name} AS {query}")
        with database.transaction() as tx:
            product.load_catalogue(tx=tx, mapping=_bench_data.catalogue(records), now=NOW)
        _add_people(database, duck)
        identifiers = Identifiers(random.Random(1))
        with lake.write(database=database, write_id=identifiers.new(NOW)) as write:
            files = []
            for bucket in range(BUCKETS):
                file = write.folder(GUIDED) / f"{month_number(MONTH)}-{bucket}.parquet"
                files += duck.write_partition(GUIDED, _bench_data.usage(bucket), file)
            write.append(GUIDED, files)
        products, accounts = (int(duck.value(f"SELECT count(*) FROM {name}")) for name in ("product", "account"))
    return {"products": products, "billing_accounts": accounts, "make_seconds": round(time.monotonic() - began, 1)}


def _add_people(database: Database, duck: Duck) -> None:
    start = start_of_day(date(2026, 1, 1))
    day = date(2026, 1, 1)
    count = int(duck.value("SELECT count(*) FROM account"))
    for first in range(0, count, _PEOPLE_PER_BATCH):
        rows = duck.rows(f"SELECT * FROM account WHERE account_no >= {first} AND account_no < {first + _PEOPLE_PER_BATCH}")
        held = duck.rows(
            "SELECT a.customer_id, a.billing_account_id, p.product_id, p.offering FROM product p JOIN account a USING (account_no)"
            f" WHERE account_no >= {first} AND account_no < {first + _PEOPLE_PER_BATCH}"
        )
        with database.transaction() as tx:
            customers = [NewCustomer(row["customer_id"], row["party_id"], "individual", "consumer", day) for row in rows]
            party.add_customers(tx=tx, customers=customers, now=NOW)
            accounts = [NewBillingAccount(row["customer_id"], row["billing_account_id"], "transfer", True) for row in rows]
            party.add_billing_accounts(tx=tx, billing_accounts=accounts)
            product.add_products(
                tx=tx,
                products=[
                    NewProduct(row["customer_id"], row["product_id"], row["billing_account_id"], day, day, (NewTerm(start, None, row["offering"]),))
                    for row in held
                ],
            )


def rate(*, database: Database, lake: Lake) -> dict[str, Any]:
    """Rate the month, from guided records to the commit of one charge row per record."""
    began = time.monotonic()
    run = rate_month(database=database, lake=lake, month=MONTH, now=NOW, identifiers=Identifiers(random.SystemRandom()))
    seconds = time.monotonic() - began
    return {"records": run.records, "rate_seconds": round(seconds, 3), "records_per_second": round(run.records / seconds), "digest": run.digest.hex()}


def scan(*, lake: Lake) -> dict[str, Any]:
    """Read the same guided files with the same engine: every column that rating reads, and a grouping; and count what rating wrote."""
    where = {"month": [month_number(MONTH)]}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("usage", GUIDED, lake.files(GUIDED, where))
        seconds = {name: min(_timed(lambda sql=sql: duck.rows(sql)) for _ in range(2)) for name, sql in (("scan", _SCAN), ("group", _GROUP_BY))}  # type: ignore[misc]
    charges, beyond, over, products = 0, 0, 0, 0
    for bucket in range(BUCKETS):
        with Duck(spill=lake.spill) as duck:
            view_charges(duck, lake, {**where, "bucket": [bucket]})
            [row] = duck.rows(_bench_data.FOUND)
        charges, beyond = charges + row["charges"], beyond + row["beyond"]
        over, products = over + row["products_over"], products + row["products"]
    return {
        "charges_written": charges,
        "over_allowance_share": round(over / max(1, products), 4),
        "records_beyond_allowance_share": round(beyond / max(1, charges), 4),
        "scan_seconds": round(seconds["scan"], 3),
        "scan_group_by_seconds": round(seconds["group"], 3),
    }


def _timed(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began


def account(*, database: Database, lake: Lake) -> dict[str, Any]:
    """Rate the one billing account again whose number of records comes nearest to 5,000, and read its records."""
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("usage", GUIDED, lake.files(GUIDED, {"month": [month_number(MONTH)]}))
        [found] = duck.rows(
            "SELECT billing_account_id, any_value(customer_id) AS customer_id, count(*) AS records FROM usage GROUP BY billing_account_id"
            f" ORDER BY abs(count(*) - {_ACCOUNT_RECORDS}), billing_account_id LIMIT 1"
        )
    with database.transaction() as tx:

        def rerate() -> None:
            changed = rerate_account(tx=tx, lake=lake, billing_account_id=found["billing_account_id"], month=MONTH)
            invariant(not changed, "an account that was rated is rated alike again")

        seconds = sorted(_timed(rerate) for _ in range(_ACCOUNT_TIMES))
    read = sorted(_timed(lambda: records_of(lake=lake, billing_account_id=found["billing_account_id"], month=MONTH)) for _ in range(_ACCOUNT_TIMES))
    middle = _ACCOUNT_TIMES // 2
    return {
        "rerate_account_records": found["records"],
        "rerate_account_ms": round(seconds[middle] * 1000),
        "read_account_ms": round(read[middle] * 1000),
    }


def main() -> None:
    """Run one part and write its figures as JSON on the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("make", "rate", "scan", "account"))
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--records", type=int, default=0)
    arguments = parser.parse_args()
    with Database(arguments.dsn) as database, Lake(warehouse=arguments.warehouse, catalogue_dsn=arguments.dsn) as lake:
        if arguments.part == "make":
            figures = make(database=database, lake=lake, records=arguments.records)
        elif arguments.part == "rate":
            figures = rate(database=database, lake=lake)
        elif arguments.part == "scan":
            figures = scan(lake=lake)
        else:
            figures = account(database=database, lake=lake)
    print(json.dumps(figures))  # noqa: T201


if __name__ == "__main__":
    main()
