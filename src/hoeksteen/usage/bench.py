"""
How fast usage comes in, measured through the keeper that is there: from a file of lines to records that count.

The file has a header and a trailer, its own identifiers, numbers of a given number of products in force, and other numbers of many zones; nothing
in it is prepared for the reader.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from hoeksteen.disclosure import KeeperClient, SealItem, Term
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewResource, NewTerm, ProductStatus
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.model import FileBalance, UsageState
from hoeksteen.usage.operations import collect

_HELD_FROM = date(2026, 9, 1)
_FIRST_NUMBER = 31_640_000_000
_CUSTOMERS_PER_CALL = 10_000


@dataclass(frozen=True, slots=True)
class Ingested:
    """
    What was measured.

    :param seconds: from the file's first byte read to the commit of its records and balance
    """

    records: int
    bytes_read: int
    seconds: float

    @property
    def records_per_second(self) -> float:
        return self.records / self.seconds


def hold(*, database: Database, keeper: KeeperClient, numbers: int, now: datetime) -> None:
    """Load customers with a mobile line each, and tell the keeper their numbers, so that usage of them can be guided."""
    with database.transaction() as tx:
        product.load_catalogue(tx=tx, now=now)
    for begin in range(0, numbers, _CUSTOMERS_PER_CALL):
        wanted = [str(_FIRST_NUMBER + one) for one in range(begin, min(numbers, begin + _CUSTOMERS_PER_CALL))]
        customers = [NewCustomer(_id("customer", one), _id("party", one), "individual", "consumer", date(2020, 1, 1)) for one in wanted]
        accounts = [NewBillingAccount(_id("customer", one), _id("billing account", one), "transfer", True) for one in wanted]
        term = NewTerm(start_of_day(_HELD_FROM), None, "mobile-m", ProductStatus.ACTIVE)
        with database.transaction() as tx:
            party.add_customers(tx=tx, now=now, customers=customers)
            party.add_billing_accounts(tx=tx, billing_accounts=accounts)
            product.add_products(tx=tx, products=[_product(one, term) for one in wanted])
            phones = [SealItem(_id("party", one), _phone(one), {"number": [Term(one, _id("resource", one))]}) for one in wanted]
            store(tx=tx, keeper=keeper, purpose="migration", category=Category.CONTACT, items=phones)


def write_file(*, path: Path, records: int, numbers: int, seed: int) -> None:
    """Write a file of calls and messages of October 2026, the same one for the same seed."""
    chance = f"hash(n, {seed})"
    rows = f"""
    SELECT 'R;{seed}-' || n || CASE WHEN {chance} % 5 = 0 THEN ';S;' ELSE ';V;' END || ({_FIRST_NUMBER} + hash(n, {seed + 1}) % {numbers})
        || CASE {chance} % 4 WHEN 0 THEN ';0612' WHEN 1 THEN ';0031201' WHEN 2 THEN ';+4930' ELSE ';31653' END
        || lpad((hash(n, {seed + 2}) % 1000000)::VARCHAR, 6, '0')
        || strftime(TIMESTAMP '2026-10-01 00:00:00' + to_seconds((hash(n, {seed + 3}) % 2678400)::BIGINT), ';%Y-%m-%dT%H:%M:%S+02:00;')
        || CASE WHEN {chance} % 5 = 0 THEN 1 ELSE hash(n, {seed + 4}) % 600 END AS line
    FROM range({records}) AS all_lines(n)
    """
    ends = f"SELECT 'H;voice_sms;1;2026-11-01T03:00:00+01:00;{records}' AS line UNION ALL {rows} UNION ALL SELECT 'T;{records}'"
    where = str(path).replace("'", "''")
    with Duck(spill=None) as duck:
        duck.execute(f"COPY ({ends}) TO '{where}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x1f')")


def ingest(
    *, database: Database, keeper: KeeperClient, lake: Lake, path: Path, records: int, identifiers: Identifiers,
    progress: Callable[[str], None] = lambda _: None,
) -> Ingested:  # fmt: skip
    """
    Collect one file and measure it: validation, guiding, deduplication against all that the lake holds, sealing, commit.

    :param path: what `write_file` wrote, for numbers that `hold` loaded
    """
    progress(f"collecting {records:,} records")
    began = time.monotonic()
    balance = collect(
        database=database,
        keeper=keeper,
        lake=lake,
        path=path,
        adapter="voice_sms_csv",
        now=datetime(2026, 11, 1, 4, tzinfo=UTC),
        identifiers=identifiers,
    )
    seconds = time.monotonic() - began
    _require_all(balance, records)
    return Ingested(records, path.stat().st_size, seconds)


def _require_all(balance: FileBalance, records: int) -> None:
    invariant(balance.closes and not balance.already_taken, "the file was taken now, and closes")
    invariant(balance.records(UsageState.GUIDED) == records, "every record of the measured file is guided")


def _id(kind: str, number: str) -> UUID:
    return derived(f"bench {kind}", number)


def _phone(number: str) -> dict[str, object]:
    phone = {"e164": number, "kind": "msisdn", "resource_id": str(_id("resource", number))}
    return {"addresses": [], "phones": [phone], "sims": [], "emails": []}


def _product(number: str, term: NewTerm) -> NewProduct:
    resource = NewResource(_id("resource", number), "msisdn", term.valid_from)
    customer, account = _id("customer", number), _id("billing account", number)
    return NewProduct(customer, _id("product", number), account, _HELD_FROM, date(2026, 11, 1), (term,), (), (resource,))


def main() -> None:
    """Collect one file through a running installation, as the service bss, and write the figures as JSON on the last line."""
    parser = argparse.ArgumentParser()
    for name in ("--dsn", "--warehouse", "--socket", "--key", "--folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--numbers", type=int, required=True)
    given = parser.parse_args()
    path = Path(given.folder) / "usage.csv"
    with (
        Database(given.dsn) as database,
        KeeperClient(socket_path=Path(given.socket), service="bss", key_path=Path(given.key)) as keeper,
        Lake(warehouse=Path(given.warehouse), catalogue_dsn=given.dsn) as lake,
    ):
        hold(database=database, keeper=keeper, numbers=given.numbers, now=datetime(2026, 10, 1, tzinfo=UTC))
        write_file(path=path, records=given.records, numbers=given.numbers, seed=1)
        done = ingest(database=database, keeper=keeper, lake=lake, path=path, records=given.records, identifiers=Identifiers(random.Random(1)))
    figures = {"ingest_records": done.records, "ingest_bytes": done.bytes_read, "ingest_records_per_second": round(done.records_per_second)}
    print(json.dumps(figures))  # noqa: T201


if __name__ == "__main__":
    main()
