"""
Measuring a bill run: invented accounts with their sealed buyers and a month of rated usage, billed by the product's own operation, beside plain COPY.

Each part runs in a process of its own, so that the memory of one is not that of another: `python -m hoeksteen.billing.bench PART …`.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from hoeksteen.billing import _bench_store, _store
from hoeksteen.billing.audit import ledger_difference
from hoeksteen.billing.operations import run_bills
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import BillPeriod, start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewTerm
from hoeksteen.rating.tables import CHARGE, PRICE
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage.tables import BUCKETS, GUIDED, bucket_of

PERIOD = BillPeriod(date(2026, 10, 1), date(2026, 11, 1))
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
PRODUCTS_PER_ACCOUNT = 3
RECORDS_PER_ACCOUNT = 60
_PEOPLE_PER_BATCH = 10_000
_OFFERINGS = (("mobile-s", "mobile-m", "mobile-l"), ("internet-100", "internet-500"), ("tv-basic",))
# What each mobile product used: service, zone, roaming, price, and micro-euros of a record.
_USED = (
    ("voice", "NL", "HOME", "voice-nl", 20_000), ("voice", "EU", "HOME", "voice-eu", 350_000),
    ("voice", "NL-SERVICE", "HOME", "voice-service", 95_000),
    ("sms", "NL", "HOME", "sms-nl", 100_000), ("data", "NL", "HOME", "data", 1_501), ("data", "EU", "EU", "data", 333),
)  # fmt: skip
# What a final run writes, and how its rows of it are found again.
_WRITTEN = {
    "billing.customer_bill": "bill_run_id = %(run)s",
    "billing.applied_customer_billing_rate": "true",
    "billing.applied_bill_tax": "true",
    "billing.recurring_position": "true",
    "ledger.journal_entry": "true",
    "ledger.posting": "true",
}


def make(*, database: Database, keeper: KeeperClient, lake: Lake, accounts: int) -> dict[str, Any]:
    """Invent customers of one billing account and three products each, seal who they are, and put 60 rated records of each into the lake."""
    began = time.monotonic()
    with database.transaction() as tx:
        product.load_catalogue(tx=tx, now=NOW)
    for first in range(0, accounts, _PEOPLE_PER_BATCH):
        _add_people(database, keeper, range(first, min(accounts, first + _PEOPLE_PER_BATCH)))
    with lake.write(database=database, write_id=Identifiers(random.Random(1)).new(NOW)) as write:
        _put_usage(write, accounts)
    return {"make_seconds": round(time.monotonic() - began, 1)}


def write_bills(*, tx: Transaction, bill_run_id: UUID, bills: Sequence[Sequence[Any]]) -> None:
    """
    Write bills that no run made, for the benchmarks of rooms that need only that they are there.

    :param bills: customer, bill, billing account, number, bill date, due date, gross
    """
    _bench_store.insert_bills(tx, bill_run_id, bills)


def _add_people(database: Database, keeper: KeeperClient, numbers: range) -> None:
    day, customers, accounts, products, identities, contacts = date(2023, 1, 1), [], [], [], [], []
    for number in numbers:
        customer_id, party_id, account_id = (_id(kind, number) for kind in ("customer", "party", "account"))
        customers.append(NewCustomer(customer_id, party_id, "individual", "consumer", day))
        accounts.append(NewBillingAccount(customer_id, account_id, "direct_debit" if number % 3 else "transfer", True))
        for place, choices in enumerate(_OFFERINGS):
            term = NewTerm(start_of_day(day), None, choices[number % len(choices)])
            products.append(NewProduct(customer_id, _id(f"product {place}", number), account_id, day, PERIOD.end_day, (term,)))
        identities.append(SealItem(party_id, {"kind": "individual", "given_name": "Jan", "initials": "J.", "family_name": f"Berg{number}"}))
        address = {"role": "residential", "street": "Oudegracht", "house_number": str(1 + number % 300), "postcode": f"{1000 + number % 9000}AB"}
        contacts.append(SealItem(party_id, {"addresses": [{**address, "city": "Utrecht", "country": "NL"}], "phones": [], "sims": [], "emails": []}))
    with database.transaction() as tx:
        party.add_customers(tx=tx, customers=customers, now=NOW)
        party.add_billing_accounts(tx=tx, billing_accounts=accounts)
        product.add_products(tx=tx, products=products)
        store(tx=tx, keeper=keeper, purpose="migration", category=Category.IDENTITY, items=identities)
        store(tx=tx, keeper=keeper, purpose="migration", category=Category.CONTACT, items=contacts)


def _put_usage(write: LakeWrite, accounts: int) -> None:
    """Write guided records and their charges, as rating would have left them."""
    each = RECORDS_PER_ACCOUNT // len(_USED)
    ids = [
        {"bucket": bucket_of(account), "account": str(account), "customer": str(_id("customer", number)), "product": str(_id("product 0", number)),
         "offering": _OFFERINGS[0][number % len(_OFFERINGS[0])]}
        for number in range(accounts)
        for account in (_id("account", number),)
    ]  # fmt: skip
    with Duck() as duck:
        duck.put("account", pa.Table.from_pylist(ids))
        del ids
        kinds = ", ".join(f"({number}, '{s}', '{z}', '{r}', '{p}', {m})" for number, (s, z, r, p, m) in enumerate(_USED, start=1))
        duck.execute(f"CREATE TABLE kind AS SELECT * FROM (VALUES {kinds}) k (kind_no, service, zone, roaming, price, micro)")
        duck.execute(
            "CREATE TABLE priced AS SELECT (row_number() OVER ())::INTEGER AS price_no, * FROM (SELECT DISTINCT offering FROM account) CROSS JOIN"
            " (SELECT DISTINCT price FROM kind)"
        )
        price = "SELECT price_no, offering AS product_offering_id, offering || '/' || price AS price_id, TIMESTAMPTZ '2015-01-01' AS valid_from"
        write.append(PRICE, duck.write_parquet(PRICE, f"{price} FROM priced", write.folder(PRICE)))
        for bucket in range(BUCKETS):
            query = f"""
            SELECT 202610 AS month, {bucket} AS bucket, account::UUID AS billing_account_id, product::UUID AS product_id,
                customer::UUID AS customer_id,
                TIMESTAMPTZ '2026-10-01 10:00:00+00' + to_minutes((kind_no * 1000 + r)::INTEGER) AS start,
                md5(account || kind_no || '.' || r)::UUID AS record_id, '00000000-0000-0000-0000-000000000001'::UUID AS usage_file_id,
                r AS line, service, zone, roaming, 60 + r AS units, 0 AS generation, DATE '2026-10-01' AS period_day, DATE '2026-10-01' AS bill_day,
                NULL::BLOB AS other_number, price_no, 0 AS outcome, r % 7 AS free_units, micro + r * 7 AS amount_micro
            FROM account JOIN kind ON true JOIN priced USING (offering, price) CROSS JOIN range({each}) AS record (r) WHERE bucket = {bucket}
            ORDER BY billing_account_id, product_id, start
            """
            duck.execute(f"CREATE OR REPLACE TABLE made AS {query}")
            for table in (GUIDED, CHARGE):
                write.append(table, duck.write_partition(table, "SELECT * FROM made", write.folder(table) / f"202610-{bucket}.parquet"))


def run(*, database: Database, keeper: KeeperClient, lake: Lake) -> dict[str, Any]:
    """Bill the month for good: lines, tax, numbers and books, with the buyer frozen and sealed; the messages are another step."""
    began = time.monotonic()
    done = run_bills(
        database=database, keeper=keeper, lake=lake, period=PERIOD, bill_date=PERIOD.end_day, unapproved=True, send=False, now=NOW,
        identifiers=Identifiers(random.SystemRandom()),
    )  # fmt: skip
    seconds = time.monotonic() - began
    return {
        "accounts": done.billing_accounts,
        "bills": done.totals.count,
        "run_seconds": round(seconds, 2),
        "accounts_per_second": round(done.billing_accounts / seconds),
        "ledger_difference": str(ledger_difference(database=database, bill_run_id=done.bill_run_id)),
    }


def copy(*, database: Database) -> dict[str, Any]:
    """Load the rows that the run wrote once more with COPY, into empty tables of the same shape with their keys and checks."""
    with database.transaction() as tx:
        [found] = _store.runs(tx, 2)
    rows, seconds = 0, 0.0
    for name, condition in _WRITTEN.items():
        with tempfile.TemporaryFile() as file:
            with database.transaction() as tx:
                file.writelines(tx.copy_out_text(f"SELECT * FROM {name} WHERE {condition}", {"run": found.bill_run_id}))
            file.seek(0)
            began = time.monotonic()
            with database.transaction() as tx:
                tx.execute(f"CREATE TABLE bench.again (LIKE {name} INCLUDING ALL)")
                rows += tx.copy_in_text("bench.again", iter(lambda of=file: of.read(1 << 20), b""))  # type: ignore[misc]
            seconds += time.monotonic() - began
            with database.transaction() as tx:
                tx.execute("DROP TABLE bench.again")
    return {"rows_written": rows, "copy_seconds": round(seconds, 2)}


def _id(kind: str, number: int) -> UUID:
    return derived(f"bench {kind}", str(number))


def main() -> None:
    """Run one part and write its figures as JSON on the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("make", "run", "copy"))
    for name in ("--dsn", "--warehouse", "--socket", "--key"):
        parser.add_argument(name, required=True)
    parser.add_argument("--accounts", type=int, default=0)
    given = parser.parse_args()
    with (
        Database(given.dsn) as database,
        KeeperClient(socket_path=Path(given.socket), service="bss", key_path=Path(given.key)) as keeper,
        Lake(warehouse=Path(given.warehouse), catalogue_dsn=given.dsn) as lake,
    ):
        if given.part == "make":
            figures = make(database=database, keeper=keeper, lake=lake, accounts=given.accounts)
        elif given.part == "run":
            figures = run(database=database, keeper=keeper, lake=lake)
        else:
            figures = copy(database=database)
    print(json.dumps(figures))  # noqa: T201 the figures are this program's output


if __name__ == "__main__":
    main()
