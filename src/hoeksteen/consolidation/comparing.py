"""Comparing what was billed with what a legacy system charged: each customer, to the cent, from the lines that the bill run wrote."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.queries import recurring_sums
from hoeksteen.consolidation import _store
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.translate import extract
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.postgres import Database

RECORDS_PER_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """
    A record whose charge is not what was billed.

    :param billed: None when its customer got no bill
    """

    record_id: UUID
    row: int
    charged: Decimal
    billed: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What a comparison found, in euros without tax.

    :param lines: recurring lines and alterations of the compared bills
    :param recurring_total: their sum
    :param adjustment_abs_max: the largest alteration, either way
    """

    customers: int
    lines: int
    recurring_total: Decimal
    adjustment_abs_max: Decimal
    mismatches: tuple[Mismatch, ...]


def compare_bills(*, database: Database, source: Source, pseudonyms: Pseudonyms, period: BillPeriod, today: date) -> Comparison:
    """
    Compare the monthly charge of each record with the recurring lines, for the period after `period`, of its customer's final bill.

    :param source: a mapping with a column that leads to `monthly_charge`, and the export that was loaded with it
    :raises InvalidInput: when the mapping has no such column, or the file is not what the mapping says
    """
    mapping = read_mapping(source.mapping)
    found = extract(source=source, mapping=mapping, pseudonyms=pseudonyms, today=today, cutover=period.end_day)
    records = [record for record in found.records if record.charges is not None]
    if not records:
        raise InvalidInput(
            f"{source.mapping}, field columns: none leads to monthly_charge.", remedy="Name a mapping of a source that states charges."
        )
    lines, total, largest = 0, Decimal("0.00"), Decimal("0.00")
    mismatches: list[Mismatch] = []
    for start in range(0, len(records), RECORDS_PER_QUERY):
        batch = records[start : start + RECORDS_PER_QUERY]
        with database.transaction() as tx:
            rows = _store.known_records(tx, [record.record_id for record in batch])
            customer_of: dict[UUID, UUID] = {row["source_key"]: row["customer_id"] for row in rows if row["customer_id"] is not None}
            sums = {one.customer_id: one for one in recurring_sums(tx=tx, customer_ids=list(customer_of.values()), period=period)}
        for record in batch:
            billed = sums.get(customer_of[record.record_id]) if record.record_id in customer_of else None
            charged = record.charges.monthly if record.charges is not None else Decimal(0)
            if billed is not None:
                lines, total, largest = lines + billed.lines, total + billed.net, max(largest, billed.alteration_abs_max)
            if billed is None or billed.net != charged:
                mismatches.append(Mismatch(record.record_id, record.row, charged, None if billed is None else billed.net))
    return Comparison(len(records), lines, total, largest, tuple(mismatches))
