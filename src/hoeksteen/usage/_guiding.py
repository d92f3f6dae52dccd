"""Who holds which number when: the small tables that collection joins, made from PostgreSQL and the keeper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pyarrow as pa

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import lookup
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day, start_of_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductTerm, Resource
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.tables import bucket_of

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", tz="UTC")
_PURPOSE = "billing"
_IDS_PER_QUERY = 20_000


@dataclass(frozen=True, slots=True)
class Holding:
    """A number's product for a stretch of time."""

    own_number: str
    valid_from: datetime
    valid_to: datetime
    customer_id: UUID
    billing_account_id: UUID
    product_id: UUID
    status: str
    cycle_day: int
    subject: UUID


def holdings(*, tx: Transaction, keeper: KeeperClient, numbers: Sequence[str]) -> list[Holding]:
    """
    Find, in one batch, what each own number was used for and when.

    Half-open and without overlaps per number: where two resources claim a number at once, the later one has it.
    """
    found = lookup(keeper=keeper, purpose=_PURPOSE, index="number", values=numbers)
    numbers_of: dict[UUID, set[str]] = {}
    subject_of: dict[UUID, UUID] = {}
    for number, hits in zip(numbers, found, strict=True):
        for hit in hits:
            if hit.ref is not None:
                numbers_of.setdefault(hit.ref, set()).add(number)
                subject_of[hit.ref] = hit.subject
    resources = [entry for ids in _slices(list(numbers_of)) for entry in product.resources_by_id(tx=tx, resource_ids=ids)]
    customer_ids = sorted({resource.customer_id for resource in resources})
    terms: dict[UUID, list[ProductTerm]] = {}
    account_of: dict[UUID, UUID] = {}
    for ids in _slices(customer_ids):
        for term in product.terms(tx=tx, customer_ids=ids):
            terms.setdefault(term.product_id, []).append(term)
        account_of.update({entry.product_id: entry.billing_account_id for entry in product.products(tx=tx, customer_ids=ids)})
    accounts = sorted(set(account_of.values()))
    cycle_day = {
        account.billing_account_id: account.cycle_day
        for ids in _slices(accounts)
        for account in party.billing_accounts_by_id(tx=tx, billing_account_ids=ids)
    }
    stretches: dict[str, list[Holding]] = {}
    for resource in resources:
        for number in numbers_of[resource.resource_id]:
            account = account_of[resource.product_id]
            for start, end, status in _overlaps(resource, terms.get(resource.product_id, [])):
                holding = Holding(
                    number, start, end, resource.customer_id, account, resource.product_id, status, cycle_day.get(account, 1),
                    subject_of[resource.resource_id],
                )  # fmt: skip
                stretches.setdefault(number, []).append(holding)
    return [holding for number in sorted(stretches) for holding in _without_overlaps(stretches[number])]


def _overlaps(resource: Resource, terms: Iterable[ProductTerm]) -> list[tuple[datetime, datetime, str]]:
    stretches = []
    for term in terms:
        start = max(resource.valid_from, term.valid_from)
        end = min(resource.valid_to or _END_OF_TIME, term.valid_to or _END_OF_TIME)
        if start < end and term.status != "terminated":
            stretches.append((start, end, str(term.status)))
    return stretches


def _without_overlaps(stretches: list[Holding]) -> list[Holding]:
    if len(stretches) == 1:  # of nearly every number
        return stretches
    ordered = sorted(stretches, key=lambda holding: (holding.valid_from, holding.product_id))
    kept = []
    for holding, after in zip(ordered, [*ordered[1:], None], strict=True):
        end = holding.valid_to if after is None else min(holding.valid_to, after.valid_from)
        if holding.valid_from < end:
            kept.append(replace(holding, valid_to=end))
    return kept


def holding_table(entries: Sequence[Holding]) -> pa.Table:
    """Give the holdings as a table; identifiers as text, which SQL casts once."""
    return pa.table(
        {
            "own_number": pa.array([entry.own_number for entry in entries], pa.string()),
            "valid_from": pa.array([entry.valid_from for entry in entries], _INSTANT),
            "valid_to": pa.array([entry.valid_to for entry in entries], _INSTANT),
            "customer_id": pa.array([str(entry.customer_id) for entry in entries], pa.string()),
            "billing_account_id": pa.array([str(entry.billing_account_id) for entry in entries], pa.string()),
            "product_id": pa.array([str(entry.product_id) for entry in entries], pa.string()),
            "bucket": pa.array([bucket_of(entry.billing_account_id) for entry in entries], pa.int32()),
            "status": pa.array([entry.status for entry in entries], pa.string()),
            "cycle_day": pa.array([entry.cycle_day for entry in entries], pa.int32()),
            "subject": pa.array([str(entry.subject) for entry in entries], pa.string()),
        }
    )


def month_table(first: datetime, last: datetime) -> pa.Table:
    """Give the local calendar months that hold two instants and all between, with the UTC instants that bound them."""
    day, rows = local_day(first).replace(day=1), []
    while day <= local_day(last):
        rows.append((day.year * 100 + day.month, start_of_day(day), start_of_day(add_months(day, 1))))
        day = add_months(day, 1)
    return pa.table(
        {
            "month": pa.array([row[0] for row in rows], pa.int32()),
            "begins_at": pa.array([row[1] for row in rows], _INSTANT),
            "ends_at": pa.array([row[2] for row in rows], _INSTANT),
        }
    )


def cycle_table(first: datetime, last: datetime, cycle_days: Iterable[int], last_closed: dict[int, date]) -> pa.Table:
    """Give the bill periods of each cycle between two instants, how often each was closed, and on which bill its usage appears now."""
    rows: list[tuple[int, datetime, datetime, int, date, date]] = []
    for cycle_day in sorted(set(cycle_days)):
        period = bill_period(local_day(first), cycle_day=cycle_day)
        while period.first_day <= local_day(last) + timedelta(days=1):
            generation = generation_of(period, last_closed.get(cycle_day))
            instants = period.instants()
            assert instants.valid_to is not None, "a bill period ends"
            rows.append((cycle_day, instants.valid_from, instants.valid_to, generation, period.first_day, add_months(period.first_day, generation)))
            period = period.next(cycle_day=cycle_day)
    return pa.table(
        {
            "cycle_day": pa.array([row[0] for row in rows], pa.int32()),
            "begins_at": pa.array([row[1] for row in rows], _INSTANT),
            "ends_at": pa.array([row[2] for row in rows], _INSTANT),
            "generation": pa.array([row[3] for row in rows], pa.int32()),
            "period_day": pa.array([row[4] for row in rows], pa.date32()),
            "bill_day": pa.array([row[5] for row in rows], pa.date32()),
        }
    )


def generation_of(period: BillPeriod, last_closed: date | None) -> int:
    """Give how many closes a record of this period arrives after: 0 while it is open, and one more with every later close of its cycle."""
    if last_closed is None or last_closed < period.first_day:
        return 0
    return (last_closed.year - period.first_day.year) * 12 + last_closed.month - period.first_day.month + 1


def _slices(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[start : start + _IDS_PER_QUERY] for start in range(0, len(ids), _IDS_PER_QUERY)]
