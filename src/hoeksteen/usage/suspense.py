"""
The work queue of suspended usage: what waits and why, who works on it, what people correct or write off.

A correction says what a number's zone or a country is; the next recycling applies it. Numbers are never shown here: whoever needs one asks the
keeper, with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product import queries as product
from hoeksteen.product.model import Zone
from hoeksteen.product.numbering_plan import countries
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage import _steps, _store
from hoeksteen.usage.model import DayCount, UsageState
from hoeksteen.usage.tables import SET_ASIDE, SUSPENDED

WRITTEN_OFF = "written_off"
RECORDS_MAX = 10_000  # in one correction
SHOWN_MAX = 1_000
_CORRECTED = {"zone": "no_zone", "country": "no_country"}  # what a correction is for


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Suspended records of one reason and source, and who works on them.

    :param oldest: the earliest start among them
    :param corrected: of how many a correction waits for the next recycling
    """

    reason: str
    source: str
    records: int
    units: int
    oldest: datetime
    corrected: int
    assignee: str
    note: str


@dataclass(frozen=True, slots=True)
class SuspendedRecord:
    """One suspended record, by what it is known by; its numbers stay sealed."""

    record_id: UUID
    usage_file_id: UUID
    line: int
    reason: str
    start: datetime
    service: str
    country: str | None
    units: int


def waiting(*, tx: Transaction, lake: Lake) -> list[Waiting]:
    """Give what waits by reason and source, the oldest first."""
    sources, cases = _store.sources(tx), {(row["reason"], row["source"]): row for row in _store.suspense_cases(tx)}
    corrected = set(_store.corrections(tx))
    found: dict[tuple[str, str], Waiting] = {}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("suspended", SUSPENDED, lake.files(SUSPENDED))
        duck.put("corrected", _steps.ids(corrected))
        for row in duck.rows(_GROUPS):
            key = (row["reason"], sources.get(row["usage_file_id"], ""))
            case = cases.get(key, {"assignee": "", "note": ""})
            one = Waiting(*key, row["records"], row["units"], row["oldest"], row["corrected"], case["assignee"], case["note"])
            found[key] = one if key not in found else _both(found[key], one)
    return sorted(found.values(), key=lambda one: (one.oldest, one.reason, one.source))


def records(*, lake: Lake, reason: str | None = None, limit: int = 100) -> list[SuspendedRecord]:
    """Give suspended records, the oldest first."""
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("suspended", SUSPENDED, lake.files(SUSPENDED))
        condition = "WHERE reason = ?" if reason else ""
        sql = f"SELECT {_SHOWN} FROM suspended {condition} ORDER BY start, record_id LIMIT {min(limit, SHOWN_MAX)}"
        return [SuspendedRecord(**row) for row in duck.rows(sql, [reason] if reason else [])]


def assign(*, tx: Transaction, reason: str, source: str, assignee: str, note: str, now: datetime) -> None:
    """
    Say who works on what waits for a reason in a source, and what they found; an empty assignee gives it back.

    :raises NotFound: when no file of that source was ever taken
    """
    if source not in _store.sources(tx).values():
        raise NotFound(f"No file of the source {source} was taken.", remedy="`hoeksteen usage suspended list` names reasons and sources.")
    _store.put_case(tx, reason, source, assignee, note, now)


def correct(
    *, database: Database, lake: Lake, record_ids: Sequence[UUID], field: str, value: str, made_by: str, why: str, now: datetime
) -> int:  # fmt: skip
    """
    Say what the zone or the country of suspended records is; `recycle` applies it. Give how many records it is for.

    :raises InvalidInput: when it is no such field or value, or nobody or no reason is named
    :raises NotFound: when one of the records is not suspended
    :raises WrongState: when one waits for something else
    """
    with database.transaction() as tx:
        named = {zone.zone_id for zone in product.zones(tx=tx)}
    known = {"zone": {str(zone) for zone in Zone} | named, "country": {country for country, _ in countries()}}
    if field not in known:
        raise InvalidInput(f"{field} is no field that can be corrected.", remedy=f"Correct one of {', '.join(known)}.")
    if value not in known[field]:
        raise InvalidInput(f"{field}: there is no {field} {value}.", remedy=f"Choose one of {', '.join(sorted(known[field]))}.")
    with lake.locked(database=database) as tx:
        found = _found(lake.files(SUSPENDED), record_ids, made_by, why)
        for one in found:
            if one.reason != _CORRECTED[field]:
                raise WrongState(f"Record {one.record_id} waits for {one.reason}.", remedy=f"A {field} is corrected where it is missing.")
        _store.add_changes(tx, [(one.record_id, field, one.country or "" if field == "country" else "", value, made_by, why, now) for one in found])
    return len(found)


def write_off(
    *, database: Database, lake: Lake, record_ids: Sequence[UUID], made_by: str, why: str, now: datetime, identifiers: Identifiers
) -> int:  # fmt: skip
    """
    Give suspended records up: they are rejected from now on, reason `written_off`, and their files' balances move with them.

    :raises InvalidInput: when nobody or no reason is named
    :raises NotFound: when one of them is not suspended; nothing is written off then
    """
    with lake.write(database=database, write_id=identifiers.new(now)) as write:
        found = _found(write.files(SUSPENDED), record_ids, made_by, why)
        _move(write, found)
        _store.add_changes(write.tx, [(one.record_id, WRITTEN_OFF, one.reason, WRITTEN_OFF, made_by, why, now) for one in found])
    return len(found)


def _move(write: LakeWrite, found: Sequence[SuspendedRecord]) -> None:
    with Duck(spill=None) as duck:
        duck.view_of_files("suspended", SUSPENDED, write.files(SUSPENDED))
        duck.put("leaving", _steps.ids([one.record_id for one in found]))
        gone = "SELECT record_id::UUID FROM leaving"
        months = [row["month"] for row in duck.rows(f"SELECT DISTINCT month FROM suspended WHERE record_id IN ({gone}) ORDER BY month")]
        listed = ", ".join(map(str, months))
        staying = f"SELECT * FROM suspended WHERE month IN ({listed}) AND record_id NOT IN ({gone})"
        aside = f"""
        SELECT month, usage_file_id, line, 'rejected' AS state, '{WRITTEN_OFF}' AS reason, record_id, service, units
        FROM suspended WHERE record_id IN ({gone})
        """
        aside_files = duck.write_parquet(SET_ASIDE, aside, write.folder(SET_ASIDE))
        write.replace(SUSPENDED, {"month": months}, duck.write_parquet(SUSPENDED, staying, write.folder(SUSPENDED)))
        write.append(SET_ASIDE, aside_files)
    for one in found:
        day = local_day(one.start)
        _store.move_balance(write.tx, one.usage_file_id, DayCount(day, UsageState.SUSPENDED, one.reason, -1, -one.units))
        _store.move_balance(write.tx, one.usage_file_id, DayCount(day, UsageState.REJECTED, WRITTEN_OFF, 1, one.units))


def _found(files: Sequence[str], record_ids: Sequence[UUID], made_by: str, why: str) -> list[SuspendedRecord]:
    wanted = set(record_ids)
    if not made_by.strip() or not why.strip():
        raise InvalidInput("A change of suspended usage names who makes it and why.", remedy="Name both.")
    if not 0 < len(wanted) <= RECORDS_MAX:
        raise InvalidInput(f"A change is for 1 to {RECORDS_MAX:,} records.", remedy="Split it.")
    with Duck(spill=None) as duck:
        duck.view_of_files("suspended", SUSPENDED, files)
        duck.put("wanted", _steps.ids(wanted))
        rows = duck.rows(f"SELECT {_SHOWN} FROM suspended WHERE record_id IN (SELECT record_id::UUID FROM wanted) ORDER BY record_id")
    missing = wanted - {row["record_id"] for row in rows}
    if missing:
        raise NotFound(f"Record {min(missing)} is not suspended.", remedy="`hoeksteen usage suspended show` lists those that are.")
    return [SuspendedRecord(**row) for row in rows]


def _both(one: Waiting, other: Waiting) -> Waiting:
    return Waiting(
        one.reason, one.source, one.records + other.records, one.units + other.units, min(one.oldest, other.oldest),
        one.corrected + other.corrected, one.assignee, one.note,
    )  # fmt: skip


_SHOWN = "record_id, usage_file_id, line, reason, start, service, country, units"
_GROUPS = """
SELECT reason, usage_file_id, count(*)::BIGINT AS records, sum(units)::BIGINT AS units, min(start) AS oldest,
    count(*) FILTER (WHERE record_id IN (SELECT record_id::UUID FROM corrected))::BIGINT AS corrected
FROM suspended GROUP BY reason, usage_file_id ORDER BY reason, usage_file_id
"""
