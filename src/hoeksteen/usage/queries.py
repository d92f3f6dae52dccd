"""Reading usage: what became of files, and what a customer used."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.model import CustomerUsage, FileBalance, RefusedFile, UsageRecord, UsageSummary
from hoeksteen.usage.tables import GUIDED, bucket_of, month_number

LATEST_MAX = 500
LATEST_DEFAULT = 50
_RECORD = ("record_id", "product_id", "start", "service", "zone", "roaming", "units")


def balances(*, tx: Transaction) -> list[FileBalance]:
    """Give the balance of every file, in the order in which they were taken."""
    return _store.balances(tx)


def refused_files(*, tx: Transaction) -> list[RefusedFile]:
    """Give the files that were refused whole and not delivered again in order, by name."""
    return _store.refused_files(tx)


def last_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the latest closed bill period per cycle day."""
    return _store.last_closed(tx)


def is_closed(*, tx: Transaction, period: BillPeriod) -> bool:
    """Say whether a bill period was closed before."""
    return _store.is_closed(tx, period.first_day.day, period.first_day)


def closed_periods(*, tx: Transaction, first_day: date, end_day: date) -> list[date]:
    """Give the first days of the closed bill periods, of every cycle, that begin between two days."""
    return _store.closed_periods(tx, first_day, end_day)


def usage_of_customer(
    *, lake: Lake, customer_id: UUID, month: date, billing_account_ids: Sequence[UUID] | None = None, latest: int = LATEST_DEFAULT
) -> CustomerUsage:
    """
    Give what a customer used in a calendar month, per product, service and zone, and the latest records.

    :param month: any day of it
    :param billing_account_ids: the customer's own, when the caller knows them: only their buckets are read then
    :param latest: how many records, at most 500
    """
    where = {"month": [month_number(month)]}
    accounts = "true"
    if billing_account_ids is not None:
        where["bucket"] = sorted({bucket_of(account) for account in billing_account_ids})
        accounts = f"billing_account_id IN ({', '.join(_uuid(account) for account in billing_account_ids) or 'NULL'})"
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("guided_files", GUIDED, lake.files(GUIDED, where))
        duck.execute(
            f"CREATE TABLE own AS SELECT {', '.join(_RECORD)} FROM guided_files"
            f" WHERE {accounts} AND customer_id = {_uuid(customer_id)} AND month = {month_number(month)}"
        )
        summaries = duck.rows(
            "SELECT product_id, service, zone, roaming, count(*)::BIGINT AS records, sum(units)::BIGINT AS units FROM own"
            " GROUP BY product_id, service, zone, roaming ORDER BY product_id, service, zone, roaming"
        )
        records = duck.rows(f"SELECT * FROM own ORDER BY start DESC, record_id LIMIT {min(latest, LATEST_MAX)}")
    return CustomerUsage(tuple(UsageSummary(**row) for row in summaries), tuple(UsageRecord(**row) for row in records))


def _uuid(value: UUID) -> str:
    return f"'{UUID(str(value))}'::UUID"
