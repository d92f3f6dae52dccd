"""
Correcting one record that was guided and perhaps billed: what was wrong counts no more, what is right is rated in its place.

What lies in the lake and what a closed bill says never change. While its bill is open, the wrong record counts as no use from the next rating on.
Once that bill was closed, its charge is taken back on the next one, exactly, with its units; what is right is rated there under its own date.
No record of a closed bill moves (docs/rating.md, "Identity, duplicates, corrections").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import add_months, bill_period, local_day
from hoeksteen.kernel.words import SAID_CHARACTERS_MAX, is_said
from hoeksteen.product import queries as product
from hoeksteen.product.model import NamedZone
from hoeksteen.product.named_zones import zone_ids
from hoeksteen.product.numbering_plan import countries
from hoeksteen.rating import _store
from hoeksteen.rating._engine import LATE_MONTHS_MAX
from hoeksteen.rating.model import Correction
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage.corrected import GuidedRecord, add_corrected, guided_record, units_max
from hoeksteen.usage.queries import closes_of
from hoeksteen.usage.zones import zones_of_data

SHOWN_MAX = 500
YEARS = range(1990, 2101)  # the calendar's own ends have no local day


@dataclass(frozen=True, slots=True)
class Right:
    """
    What is right of a record; what is None stays as it stands.

    :param units: as delivered: seconds, messages, bytes
    :param zone: of the number that was called
    :param country: in which the customer was (ISO 3166-1 alpha-2); of data it gives the zone too
    :param start: within the same bill period
    """

    units: int | None = None
    zone: str | None = None
    country: str | None = None
    start: datetime | None = None


def correct_record(
    *, database: Database, lake: Lake, record_id: UUID, right: Right | None, made_by: str, why: str, now: datetime, identifiers: Identifiers
) -> Correction:  # fmt: skip
    """
    Say what is right of a guided record, or that nothing was used at all; the next rating of the bills' month counts it.

    :param right: None where nothing was used
    :raises NotFound: when there is no such guided record
    :raises WrongState: when it was corrected before: the record that counts since is named
    :raises InvalidInput: when a value cannot be, nothing would change, or nobody or no reason is named
    :raises Unavailable: when another process writes to the lake; nothing changes then
    """
    if not is_said(made_by) or not is_said(why):
        raise InvalidInput("A correction names who makes it and why.", remedy=f"Name both, in up to {SAID_CHARACTERS_MAX:,} letters and signs.")
    with lake.write(database=database, write_id=identifiers.new(now)) as write:
        old = guided_record(lake=write, record_id=record_id)
        if old is None:
            raise NotFound(f"No guided record {record_id}.", remedy="Check the identifier; `hoeksteen usage suspended` corrects what still waits.")
        _require_counting(write.tx, record_id)
        generation = closes_of(tx=write.tx, period=old.period)
        if generation > LATE_MONTHS_MAX:
            raise InvalidInput(
                f"Record {record_id} lies {generation} closed periods back.",
                remedy=f"At most {LATE_MONTHS_MAX}; settle it with a credit.",
                field="start",
            )
        counted = replace(old, generation=generation, bill_day=add_months(old.period_day, generation), record_id=identifiers.new(now))
        new = None if right is None else _corrected(counted, right, product.zones(tx=write.tx))
        detail = _detail(old, new)
        if not detail:
            raise InvalidInput(f"Record {record_id} says that already.", remedy="Name what is different.")
        passed_over = _store.passed_over_as(write.tx, record_id)
        correction = Correction(
            record_id=record_id,
            new_record_id=None if new is None else new.record_id,
            month=old.period_day.replace(day=1),
            in_place=generation == (old.generation if passed_over is None else passed_over),
            generation=generation,
            bill_day=counted.bill_day,
            delivered_units=old.units,
            detail=detail,
            made_by=made_by.strip(),
            why=why.strip(),
            made_at=now,
        )
        if new is not None:
            add_corrected(write=write, old=old, new=new, now=now)
        _store.insert_correction(write.tx, correction)
    return correction


def corrections(*, tx: Transaction, limit: int = 50) -> Sequence[Correction]:
    """Give the corrections that were made last, the latest first."""
    return _store.latest_corrections(tx, min(limit, SHOWN_MAX))


def _require_counting(tx: Transaction, record_id: UUID) -> None:
    before = _store.correction_of(tx, record_id)
    if before is not None and before.new_record_id is not None:
        raise WrongState(f"Record {record_id} was corrected before.", remedy=f"Correct {before.new_record_id}, which counts in its place.")
    if before is not None:
        raise WrongState(f"Record {record_id} was corrected before: nothing was used.", remedy="Have its source deliver it under a new identifier.")


def _corrected(old: GuidedRecord, right: Right, named: Sequence[NamedZone]) -> GuidedRecord:
    """
    Give the record as it should have been.

    :param named: the zones that the catalogue names beside the built-in ones
    :raises InvalidInput: naming the field
    """
    most = units_max(old.service)
    if right.units is not None and not 0 <= right.units <= most:
        raise InvalidInput("The field units cannot be so.", remedy=f"For {old.service} it lies between 0 and {most:,}.", field="units")
    known = zone_ids(named)
    if right.zone is not None and (right.zone not in known or old.service == "data"):
        zones = ", ".join(known)
        raise InvalidInput("The field zone cannot be so.", remedy=f"It is one of {zones}; of data name the country.", field="zone")
    roaming = old.roaming if right.country is None else dict(countries()).get(right.country.upper())
    if roaming is None:
        raise InvalidInput(f"The field country names none: {right.country}.", remedy="Write it as NL or DE.", field="country")
    start = old.start if right.start is None else right.start
    if start.tzinfo is None or start.year not in YEARS or bill_period(local_day(start), cycle_day=old.period_day.day).first_day != old.period_day:
        remedy = f"It lies between {old.period.first_day} and {old.period.end_day}, with its time zone."
        raise InvalidInput("The field start lies outside the record's bill period.", remedy=remedy, field="start")
    zone = old.zone if right.zone is None else right.zone
    if old.service == "data" and right.country is not None:
        zone = zones_of_data(named)[right.country.upper()]
    units = old.units if right.units is None else right.units
    return replace(old, units=units, zone=zone, roaming=str(roaming), start=start)


def _detail(old: GuidedRecord, new: GuidedRecord | None) -> dict[str, list[str]]:
    if new is None:
        return {"units": [str(old.units), ""]}
    pairs = {name: [str(getattr(old, name)), str(getattr(new, name))] for name in ("units", "zone", "roaming")}
    pairs["start"] = [old.start.isoformat(), new.start.astimezone(old.start.tzinfo).isoformat()]
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
