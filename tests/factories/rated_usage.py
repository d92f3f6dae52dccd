"""Guided usage put straight into a lake, and rated there by the product's own operations."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import yaml

from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.time_period import add_months, bill_period, local_day, start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewTerm
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating.model import RatingRun
from hoeksteen.rating.operations import rate_month
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED, bucket_of

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
PLANS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "tables" / "rating" / "plans.yaml").read_text("utf-8"))


@dataclass(frozen=True)
class Used:
    """One guided record, by the name that the test gives it."""

    name: str
    product: str
    start: datetime
    service: str
    zone: str
    units: int
    roaming: str = "HOME"
    generation: int = 0


@dataclass(frozen=True)
class Charged:
    state: str
    reason: str
    units: int
    free_units: int
    amount_micro: int


@dataclass
class RatedLake:
    """One customer with products, their usage, and the charges that rating makes of it."""

    database: Database
    lake: Lake
    accounts: dict[str, str] = field(default_factory=dict)
    identifiers: Identifiers = field(default_factory=lambda: Identifiers(random.Random(7)))

    @staticmethod
    def open(database: Database, dsn: str, folder: Path) -> "RatedLake":
        return RatedLake(database, Lake(warehouse=folder / "lake", catalogue_dsn=dsn))

    def __enter__(self) -> "RatedLake":
        return self

    def __exit__(self, *_: object) -> None:
        self.lake.close()

    def offer(self, catalogue: Mapping[str, Any]) -> None:
        with self.database.transaction() as tx:
            product.load_catalogue(tx=tx, mapping=catalogue, now=NOW)

    def hold(self, name: str, terms: Sequence[tuple[str, date]], *, account: str = "", until: date | None = None, cycle_day: int = 1) -> None:
        """Give a customer of its own a product, or let it share the billing account that is named."""
        account = account or f"account of {name}"
        customer = derived("customer", account)
        starts = [start_of_day(day) for _, day in terms]
        ends = [*starts[1:], None if until is None else start_of_day(until)]
        with self.database.transaction() as tx:
            if account not in self.accounts.values():
                party.add_customers(
                    tx=tx, customers=[NewCustomer(customer, derived("party", account), "individual", "consumer", date(2020, 1, 1))], now=NOW
                )
                party.add_billing_accounts(
                    tx=tx, billing_accounts=[NewBillingAccount(customer, derived(account), "transfer", True, cycle_day=cycle_day)]
                )
            history = tuple(NewTerm(start, end, offering) for (offering, _), start, end in zip(terms, starts, ends, strict=True))
            product.add_products(tx=tx, products=[NewProduct(customer, derived(name), derived(account), terms[0][1], terms[0][1], history)])
        self.accounts[name] = account

    def use(self, records: Sequence[Used], *, file: str = "file", cycle_day: int = 1) -> UUID:
        """Put records into the lake as guided, as collection would."""
        usage_file_id = derived("usage file", file)
        rows = [_row(record, self.accounts[record.product], line, cycle_day) for line, record in enumerate(records, start=1)]
        with self.lake.write(database=self.database, write_id=usage_file_id) as write, Duck() as duck:
            duck.put("rows", pa.Table.from_pylist(rows, schema=_SCHEMA))
            query = (
                f"SELECT * REPLACE (billing_account_id::UUID AS billing_account_id, product_id::UUID AS product_id, record_id::UUID AS record_id,"
                f" customer_id::UUID AS customer_id), '{usage_file_id}'::UUID AS usage_file_id, NULL::BLOB AS other_number FROM rows"
            )
            write.append(GUIDED, duck.write_parquet(GUIDED, query, write.folder(GUIDED)))
        return usage_file_id

    def rate(self, month: date) -> RatingRun:
        return rate_month(database=self.database, lake=self.lake, month=month, now=NOW, identifiers=self.identifiers)

    def charges(self) -> dict[UUID, Charged]:
        with Duck() as duck:
            view_charges(duck, self.lake)
            rows = duck.rows("SELECT record_id, state, reason, units, free_units, amount_micro FROM charge")
        assert len({row["record_id"] for row in rows}) == len(rows), "one charge per record"
        return {row.pop("record_id"): Charged(**row) for row in rows}

    def charge(self, name: str) -> Charged:
        return self.charges()[record_id(name)]


def record_id(name: str) -> UUID:
    return derived("record", name)


def _row(record: Used, account: str, line: int, cycle_day: int) -> dict[str, Any]:
    period = bill_period(local_day(record.start), cycle_day=cycle_day)
    month = local_day(record.start)
    return {
        "month": month.year * 100 + month.month,
        "bucket": bucket_of(derived(account)),
        "billing_account_id": str(derived(account)),
        "product_id": str(derived(record.product)),
        "start": record.start,
        "record_id": str(record_id(record.name)),
        "customer_id": str(derived("customer", account)),
        "line": line,
        "service": record.service,
        "zone": record.zone,
        "roaming": record.roaming,
        "units": record.units,
        "generation": record.generation,
        "period_day": period.first_day,
        "bill_day": add_months(period.first_day, record.generation),
    }


_SCHEMA = pa.schema(
    [
        ("month", pa.int32()),
        ("bucket", pa.int32()),
        ("billing_account_id", pa.string()),
        ("product_id", pa.string()),
        ("start", pa.timestamp("us", tz="UTC")),
        ("record_id", pa.string()),
        ("customer_id", pa.string()),
        ("line", pa.int32()),
        ("service", pa.string()),
        ("zone", pa.string()),
        ("roaming", pa.string()),
        ("units", pa.int64()),
        ("generation", pa.int32()),
        ("period_day", pa.date32()),
        ("bill_day", pa.date32()),
    ]
)
