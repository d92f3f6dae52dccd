"""
The work queue of suspended usage: what waits and why, who works on it, what people correct or write off.

A correction says what a number's zone or a country is, or which product a record belongs to; the next recycling applies it. Numbers are never shown
here: whoever needs one asks the keeper, with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import SAID_CHARACTERS_MAX, is_said
from hoeksteen.product import queries as product
from hoeksteen.product.named_zones import zone_ids
from hoeksteen.product.numbering_plan import countries
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Row, Transaction
from hoeksteen.usage import _said_products, _steps, _store
from hoeksteen.usage.model import DayCount, UsageState
from hoeksteen.usage.tables import SET_ASIDE, SUSPENDED

WRITTEN_OFF = "written_off"
RECORDS_MAX = 10_000  # in one correction
SHOWN_MAX = 1_000
CHANGES_MAX = 200
WEEK, MONTH = timedelta(days=7), timedelta(days=31)  # the ages that are told apart
REASONS = ("no_product", "product_suspended", "product_terminated", "no_zone", "no_country")
# What is corrected of a record that waits for a reason.
FIELDS = {"no_product": "product", "product_suspended": "product", "product_terminated": "product", "no_zone": "zone", "no_country": "country"}


@dataclass(frozen=True, slots=True)
class OfService:
    """Suspended records of one service; units are seconds, messages or bytes."""

    service: str
    records: int
    units: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Suspended records of one reason and source, and who works on them.

    :param oldest: the earliest start among them
    :param corrected: of how many a correction waits for the next recycling
    :param services: the same records by service
    :param ages: how many began within the last week, before it within the last month, and before that
    :param since: when somebody last said who works on them
    """

    reason: str
    source: str
    records: int
    units: int
    oldest: datetime
    corrected: int
    assignee: str
    note: str
    services: tuple[OfService, ...]
    ages: tuple[int, int, int]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SuspendedRecord:
    """
    One suspended record, by what it is known by; its numbers stay sealed.

    :param product_id: the product that its number leads to; None where it leads to none
    """

    record_id: UUID
    usage_file_id: UUID
    line: int
    reason: str
    start: datetime
    service: str
    country: str | None
    units: int
    product_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which of the suspended records of a reason and source somebody works on.

    :param service: or country, as the record says it; empty for any
    :param before: those that began before this instant
    """

    reason: str
    source: str
    service: str = ""
    country: str = ""
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fitting:
    """
    The records that were wanted.

    :param shown: the oldest of them; `records` and `units` are of all
    :param said: what people said of those that wait for the next recycling, by record
    :param services: of everything that waits for this reason in this source, and `countries` too
    """

    shown: tuple[SuspendedRecord, ...]
    records: int
    units: int
    said: dict[UUID, str]
    files: dict[UUID, str]
    services: tuple[str, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """
    What somebody did.

    :param kind: `zone`, `country`, `product`, `written_off`, or `assigned`
    :param before: what stood there, where it was the same for all `records`
    """

    made_at: datetime
    made_by: str
    kind: str
    before: str
    after: str
    why: str
    reason: str
    source: str
    records: int


def waiting(*, tx: Transaction, lake: Lake, now: datetime) -> list[Waiting]:
    """Give what waits by reason and source, the oldest first."""
    sources, cases = _store.sources(tx), _store.suspense_cases(tx)
    found: dict[tuple[str, str], list[Row]] = {}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("suspended", SUSPENDED, lake.files(SUSPENDED))
        duck.put("corrected", _corrected(_store.corrections(tx)))
        for row in duck.rows(_GROUPS, {"week": now - WEEK, "month": now - MONTH}):
            found.setdefault((row["reason"], sources.get(row["usage_file_id"], "")), []).append(row)
    made = [_waiting(key, rows, cases.get(key)) for key, rows in found.items()]
    return sorted(made, key=lambda one: (one.oldest, one.reason, one.source))


def records(*, lake: Lake, reason: str | None = None, limit: int = 100) -> list[SuspendedRecord]:
    """Give suspended records, the oldest first."""
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("suspended", SUSPENDED, lake.files(SUSPENDED))
        condition = "WHERE reason = ?" if reason else ""
        sql = f"SELECT {_SHOWN} FROM suspended {condition} ORDER BY start, record_id LIMIT {min(limit, SHOWN_MAX)}"
        return [SuspendedRecord(**row) for row in duck.rows(sql, [reason] if reason else [])]


def fitting(*, tx: Transaction, lake: Lake, wanted: Wanted, limit: int = RECORDS_MAX) -> Fitting:
    """
    Give the suspended records that are wanted, the oldest first, with the files that they came in.

    :param limit: how many to show; all are counted
    """
    files = _store.files_of_source(tx, wanted.source)
    field = FIELDS.get(wanted.reason, "")
    said = {record: fields[field] for record, fields in _store.corrections(tx).items() if field in fields}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("suspended", SUSPENDED, lake.files(SUSPENDED))
        duck.put("file", pa.table({"id": pa.array([str(one) for one in files], pa.string())}))
        here = "reason = $reason AND usage_file_id IN (SELECT id::UUID FROM file)"
        of_kind = "service = coalesce($service, service) AND coalesce(country, '') = coalesce($country, country, '')"
        fits = f"{of_kind} AND start < coalesce($before, TIMESTAMPTZ 'infinity')"
        asked = {"reason": wanted.reason}
        values = {**asked, "service": wanted.service or None, "country": wanted.country or None, "before": wanted.before}
        shown = duck.rows(f"SELECT {_SHOWN} FROM suspended WHERE {here} AND {fits} ORDER BY start, record_id LIMIT {int(limit)}", values)
        [count] = duck.rows(f"SELECT count(*) AS records, coalesce(sum(units), 0)::BIGINT AS units FROM suspended WHERE {here} AND {fits}", values)
        kinds = duck.rows(f"SELECT DISTINCT service, coalesce(country, '') AS country FROM suspended WHERE {here} ORDER BY service, country", asked)
    return Fitting(
        shown=tuple(SuspendedRecord(**row) for row in shown),
        records=count["records"],
        units=count["units"],
        said={row["record_id"]: said[row["record_id"]] for row in shown if row["record_id"] in said},
        files={row["usage_file_id"]: files[row["usage_file_id"]] for row in shown},
        services=tuple(dict.fromkeys(row["service"] for row in kinds)),
        countries=tuple(sorted({row["country"] for row in kinds} - {""})),
    )


def changes(*, tx: Transaction, reason: str | None = None, source: str | None = None, limit: int = 50) -> list[Change]:
    """Give who did what when about suspended usage, the latest first; what one person did to many records at once is one change."""
    return [Change(**row) for row in _store.suspense_changes(tx, reason, source, min(limit, CHANGES_MAX))]


def assign(*, tx: Transaction, reason: str, source: str, assignee: str, note: str, made_by: str, now: datetime) -> None:
    """
    Say who works on what waits for a reason in a source, and what they found; an empty assignee gives it back.

    :raises InvalidInput: when nobody says so
    :raises NotFound: when no file of that source was ever taken
    """
    if not is_said(made_by):
        raise InvalidInput("A change of suspended usage names who makes it.", remedy="Name them.")
    if any(text and not is_said(text) for text in (assignee, note)):
        raise InvalidInput("An assignee and a note are words.", remedy=f"Write up to {SAID_CHARACTERS_MAX:,} letters and signs.")
    if source not in _store.sources(tx).values():
        raise NotFound(f"No file of the source {source} was taken.", remedy="`hoeksteen usage suspended list` names reasons and sources.")
    _store.put_case(tx, reason, source, assignee, note, made_by, now)


def correct(
    *, database: Database, lake: Lake, record_ids: Sequence[UUID], field: str, value: str, made_by: str, why: str, now: datetime
) -> int:  # fmt: skip
    """
    Say what the zone or the country of suspended records is, or their product; `recycle` applies it. Give how many records it is for.

    :param value: a zone, a country such as DE, or a product's identifier
    :raises InvalidInput: when it is no such field or value, or nobody or no reason is named
    :raises NotFound: when one of the records is not suspended, or there is no such product
    :raises WrongState: when one waits for something else, or the product does not fit it: at the record's start it was not active, had no number or
        line, or its plan no price for the service
    """
    fields = sorted(set(FIELDS.values()))
    if field not in fields:
        raise InvalidInput(f"{field} is no field that can be corrected.", remedy=f"Correct one of {', '.join(fields)}.")
    with lake.locked(database=database) as tx:
        _require_known(tx, field, value)
        found = _found(lake.files(SUSPENDED), record_ids, made_by, why)
        for one in found:
            if FIELDS.get(one.reason) != field:
                raise WrongState(f"Record {one.record_id} waits for {one.reason}.", remedy=f"A {field} is corrected where it is missing.")
        if field == "product":
            value = str(_said_products.require_fitting(tx=tx, value=value, records=found))
        _note(tx, found, field, {one.record_id: _before(one, field) for one in found}, value, made_by, why, now)
    return len(found)


def _require_known(tx: Transaction, field: str, value: str) -> None:
    if field == "product":
        return
    known = set(zone_ids(product.zones(tx=tx))) if field == "zone" else {country for country, _ in countries()}
    if value not in known:
        raise InvalidInput(f"{field}: there is no {field} {value}.", remedy=f"Choose one of {', '.join(sorted(known))}.")


def _before(one: SuspendedRecord, field: str) -> str:
    known = {"country": one.country, "product": one.product_id}
    return str(known.get(field) or "")


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
        before = {one.record_id: one.reason for one in found}
        _note(write.tx, found, WRITTEN_OFF, before, WRITTEN_OFF, made_by, why, now)
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
    if not is_said(made_by) or not is_said(why):
        what = "A change of suspended usage names who makes it and why."
        raise InvalidInput(what, remedy=f"Name both, in up to {SAID_CHARACTERS_MAX:,} letters and signs.")
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


def _note(
    tx: Transaction, found: Sequence[SuspendedRecord], kind: str, before: dict[UUID, str], after: str, made_by: str, why: str, now: datetime
) -> None:  # fmt: skip
    sources = _store.sources(tx)
    rows = [
        (one.record_id, kind, before[one.record_id], after, made_by.strip(), why.strip(), now, one.reason, sources.get(one.usage_file_id, ""))
        for one in found
    ]
    _store.add_changes(tx, rows)


def _waiting(key: tuple[str, str], rows: Sequence[Row], case: Row | None) -> Waiting:
    services: dict[str, OfService] = {}
    for row in sorted(rows, key=lambda one: str(one["service"])):
        before = services.get(row["service"], OfService(row["service"], 0, 0))
        services[row["service"]] = OfService(row["service"], before.records + row["records"], before.units + row["units"])
    of_age = {name: sum(row[name] for row in rows) for name in ("records", "this_week", "this_month", "corrected", "units")}
    week, month = of_age["this_week"], of_age["this_month"]
    return Waiting(
        reason=key[0],
        source=key[1],
        records=of_age["records"],
        units=of_age["units"],
        oldest=min(row["oldest"] for row in rows),
        corrected=of_age["corrected"],
        assignee="" if case is None else case["assignee"],
        note="" if case is None else case["note"],
        services=tuple(services.values()),
        ages=(week, month - week, of_age["records"] - month),
        since=None if case is None else case["changed_at"],
    )


def _corrected(said: Mapping[UUID, Mapping[str, str]]) -> pa.Table:
    """Give what people said of records, as pairs of a record and a field."""
    pairs = [(str(record), field) for record, fields in said.items() for field in fields]
    return pa.table({"record_id": pa.array([one for one, _ in pairs], pa.string()), "field": pa.array([one for _, one in pairs], pa.string())})


_SHOWN = "record_id, usage_file_id, line, reason, start, service, country, units, product_id"
_CASES = " ".join(f"WHEN '{reason}' THEN '{field}'" for reason, field in FIELDS.items())
_GROUPS = f"""
SELECT reason, usage_file_id, service, count(*)::BIGINT AS records, sum(units)::BIGINT AS units, min(start) AS oldest,
    count(*) FILTER (WHERE (record_id, CASE reason {_CASES} END) IN (SELECT record_id::UUID, field FROM corrected))::BIGINT AS corrected,
    count(*) FILTER (WHERE start >= $week)::BIGINT AS this_week, count(*) FILTER (WHERE start >= $month)::BIGINT AS this_month
FROM suspended GROUP BY reason, usage_file_id, service ORDER BY reason, usage_file_id, service
"""
