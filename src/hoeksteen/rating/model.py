"""What rating tells: runs, balances, totals for bills, and the explanation of one charge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RatingRun:
    """
    One rating of a month.

    :param month: first day of the month in which the rated bill periods begin
    :param digest: over every charge; the same inputs give the same digest, in any order, on any engine
    :param amount_micro: 1e-6 euro, over all charges, each in the tax convention of its offering
    """

    rating_run_id: UUID
    month: date
    records: int
    rated: int
    zero_rated: int
    suspended: int
    amount_micro: int
    digest: bytes
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class RatedBalance:
    """
    What became of one file, from its lines to charges.

    :param unrated: guided, and not yet rated; 0 once every month that it touches was rated
    :param reversed: how many of its charges were taken back by corrections; what counts instead came in another file
    :param units: as delivered, by the names of the states, `unrated` among them; `units_in` what the file held
    """

    usage_file_id: UUID
    source: str
    name: str
    records_in: int
    rated: int
    zero_rated: int
    duplicate: int
    suspended: int
    rejected: int
    unrated: int
    amount_micro: int
    reversed: int = 0
    units_in: int = 0
    units: Mapping[str, int] = field(default_factory=dict)

    @property
    def closes(self) -> bool:
        """Say whether every record and every unit has exactly one final state."""
        return self.unrated == 0 and self.accounted_for

    @property
    def accounted_for(self) -> bool:
        """Say whether every record and every unit has one state, or waits for the rating of its month."""
        records = self.unrated + self.rated + self.zero_rated + self.duplicate + self.suspended + self.rejected
        waiting = self.units.get("unrated", 0)
        none_lost = waiting >= 0 if self.unrated else waiting == 0  # what no record waits with was lost between the lake and the charges
        return none_lost and (self.records_in, self.units_in) == (records, sum(self.units.values()))


@dataclass(frozen=True, slots=True)
class ServiceUnits:
    """
    What became of the records of one service in one file, as delivered: seconds, messages, bytes, or micro-euros of what was bought.

    :param service: empty for rejected lines that name none
    :param state: as in `RatedBalance.units`
    """

    usage_file_id: UUID
    service: str
    state: str
    records: int
    units: int


@dataclass(frozen=True, slots=True)
class Correction:
    """
    What counts in the place of a guided record.

    :param new_record_id: the record that counts instead; None where nothing was used
    :param in_place: its bill was open, so that the wrong record is charged on none; otherwise its charge is taken back on a later bill
    :param generation: how often its period had been closed by then; `bill_day` the first day of the period on whose bill the difference appears
    :param detail: per field what stood there and what is right
    """

    record_id: UUID
    new_record_id: UUID | None
    month: date
    in_place: bool
    generation: int
    bill_day: date
    delivered_units: int
    detail: dict[str, list[str]]
    made_by: str
    why: str
    made_at: datetime


class UsageTotal(NamedTuple):
    """
    The usage of one kind that appears on a bill: its records, units and exact amount.

    :param units: after minimum and step; `free_units` of them inside allowances
    :param period_day: first day of the bill period of its start; earlier than the bill's own for `late` records
    :param part_from: the last day, not after its records, on which its product's usage is divided; None before any
    :param corrects: the record whose charge on the bill of `billed_on` this takes back, the exact negative of it; None for usage
    :param bill_number: of that bill, which billing fills in
    """

    customer_id: UUID
    billing_account_id: UUID
    product_id: UUID
    product_offering_id: str
    service: str
    zone: str
    price_id: str
    records: int
    units: int
    free_units: int
    amount_micro: int
    roaming: str
    period_day: date
    late: bool = False
    part_from: date | None = None
    corrects: UUID | None = None
    billed_on: date | None = None
    bill_number: str = ""


@dataclass(frozen=True, slots=True)
class RatedRecord:
    """
    One record of a billing account with its charge; the other party's number is not among it.

    :param units: after minimum and step, `free_units` of them inside allowances; `delivered_units` as they came
    :param price_id: empty while it has no price
    """

    record_id: UUID
    product_id: UUID
    start: datetime
    service: str
    zone: str
    roaming: str
    state: str
    reason: str
    price_id: str
    bill_day: date
    delivered_units: int
    units: int
    free_units: int
    amount_micro: int


@dataclass(frozen=True, slots=True)
class AllowanceStep:
    """What one allowance gave to a record: its units before and after."""

    allowance_id: str
    units_before: int
    units_after: int

    @property
    def units_taken(self) -> int:
        return self.units_before - self.units_after


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why a record costs what it costs; recomputed, not stored.

    :param delivered_units: as they came; `units` after minimum and step
    :param band: the time band of its start; empty outside every band, and where the price has none
    :param corrected: why it counts no more; `corrects` why it counts in the place of another
    """

    record_id: UUID
    product_id: UUID
    product_offering_id: str
    start: datetime
    service: str
    zone: str
    roaming: str
    state: str
    reason: str
    delivered_units: int
    units: int
    free_units: int
    price_id: str
    price_valid_from: datetime | None
    band: str
    amount_micro_per_unit_size: int
    unit_size: int
    fee_micro: int
    amount_micro: int
    allowances: tuple[AllowanceStep, ...]
    sentence_nl: str
    sentence_en: str
    corrected: Correction | None = None
    corrects: Correction | None = None


class CounterKind(StrEnum):
    ALLOWANCE = "allowance"
    CAP = "cap"
    SPENDING = "spending"


@dataclass(frozen=True, slots=True)
class Counter:
    """
    What was used or spent so far in an open bill period.

    :param scope_id: the product, or the billing account of what several share
    :param name: identifier of the allowance or cap; empty for spending
    :param used: units of an allowance; micro-euros of a cap and of spending, in the tax convention of the offering
    :param bound: what the allowance gives, with what was left of the period before and rolled over, or the cap lets through; None for spending
    :param as_of: when it was counted
    """

    customer_id: UUID
    billing_account_id: UUID
    scope_id: UUID
    kind: CounterKind
    name: str
    period_day: date
    used: int
    bound: int | None
    as_of: datetime

    @property
    def percent(self) -> int:
        """How much of it is used, rounded down; 0 where nothing bounds it."""
        return 100 * self.used // self.bound if self.bound else 0
