"""
What an export looks like, column by column, before anything is loaded: filled, distinct, shapes, and what looks wrong.

Values are personal data and are never shown. A shape is (digits become 9, letters A), and so is a code: one that the mapping declares, or one of
the few short words of a column that is about no person, where many rows hold it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from hoeksteen.consolidation.list_prices import distribution, estimate
from hoeksteen.consolidation.mapping import Assertions, Column, Mapping, read_mapping
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.profile_columns import KINDS, MIDNIGHT, ColumnTally
from hoeksteen.consolidation.pseudonyms import KEY_BYTES, Pseudonyms
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, Tally, read
from hoeksteen.consolidation.shapes import shape_of
from hoeksteen.consolidation.translate import extract

SHAPES_MAX = 3
CODES_MAX = 12
CODE_LENGTH_MAX = 12
CODE_ROWS_MIN = 3
_CODE_COLUMN_ROWS_MIN = 50
_ONE_VALUE_SHARE = 0.05
_ONE_VALUE_ROWS_MIN = 20
_YEARS_MAX = 14
_JOIN_DISTINCT_MIN = 20
_JOIN_SHARE_MIN = 0.5
_JOINS_MAX = 40
# about whom, where they live, how they are reached and pay: no value of such a column is ever shown, however few there are
_PERSONAL_TARGETS = {
    "name", "company_name", "initials", "given_name", "prefix", "family_name", "maiden_name", "birth_date", "phone", "email", "iban",
    "number", "iccid", "key", "chamber_of_commerce_number", "mandate_reference", "street_line", "street", "house_number",
    "addition", "postcode", "city", "product_key", "text", "function", "invoice_number", "mandate_iban",
}  # fmt: skip
_PERSONAL_WORDS = re.compile(
    r"na?am|name|voorl|initial|voorv|tussenv|prefix|adres|addr|straat|street|plaats|city|stad|town|postc|zip|huis|toev|geb|birth|born|dob|tel|phone|fax|mob|"
    r"mail|iban|rek|bank|bsn|sofi|kvk|btw|vat|paspoort|passport|id_?bewijs|contact|nummer|number|msisdn|imsi|iccid|land|country|nation|gezin|kind|opm|note|remark|omschr|relig|geloof|etn",
    re.IGNORECASE,
)
_CODE = re.compile(r"[\w+.,/&%€() -]+")
_KIND_SHARE = 0.9
_AMOUNT_TARGETS = {"monthly", "value", "monthly_charge", "total_charge", "tenure_months", "contract_months", "total", "open_amount", "balance"}


@dataclass(slots=True)
class ColumnProfile:
    """
    One column of an export.

    :param place: the list that it belongs to; empty for the record itself
    :param exact: whether `distinct` was counted and not estimated
    :param kind: what nine in ten of its values look like
    :param shapes: the most frequent shapes, with how often
    :param codes: the codes that may be shown, with how often
    :param suspicions: what looks wrong, with how often
    :param years: of a column of days: year → rows, rare years together as `…`
    :param amounts: of a column of amounts: upper bound of a bucket → rows
    """

    name: str
    target: str
    rows: int = 0
    filled: int = 0
    distinct: int = 0
    kind: str = ""
    shapes: list[tuple[str, int]] = field(default_factory=list)
    suspicions: list[tuple[str, int]] = field(default_factory=list)
    place: str = ""
    exact: bool = True
    codes: list[tuple[str, int]] = field(default_factory=list)
    years: list[tuple[str, int]] = field(default_factory=list)
    amounts: list[tuple[str, int]] = field(default_factory=list)
    lengths: tuple[int, int] = (0, 0)
    sketch: frozenset[int] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Give the profile as figures."""
        return {
            "name": self.name,
            "list": self.place,
            "target": self.target,
            "rows": self.rows,
            "filled": self.filled,
            "distinct": self.distinct,
            "distinct_exact": self.exact,
            "kind": self.kind,
            "shapes": dict(self.shapes),
            "codes": dict(self.codes),
            "suspicions": dict(self.suspicions),
            "years": dict(self.years),
            "amounts": dict(self.amounts),
            "lengths": list(self.lengths),
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One export.

    :param digest: of the file, to tell which export this was
    :param encoding: the encoding that was detected, where the mapping says so
    :param distributions: by name, minimum, percentiles and maximum in euros
    """

    source: str
    records: int
    rejected: int
    columns: tuple[ColumnProfile, ...]
    distributions: dict[str, dict[str, str]]
    title: str = ""
    file: str = ""
    digest: str = ""
    encoding: str = ""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the profile as figures."""
        return {
            "source": self.source,
            "file": self.file,
            "digest": self.digest,
            "encoding": self.encoding,
            "notes": list(self.notes),
            "records": self.records,
            "rejected": self.rejected,
            "columns": [column.as_json() for column in self.columns],
            "distributions": self.distributions,
        }


@dataclass(frozen=True, slots=True)
class Join:
    """
    Two columns that seem to hold the same.

    :param share: how much of the smaller one's values the other has too, in percent, estimated
    """

    one: str
    other: str
    share: int


def profile(*, source: Source, today: date, cutover: date, mapping: Mapping | None = None) -> Profile:
    """
    Profile an export by its mapping; nothing is loaded, and nothing is kept.

    :param cutover: from which tenure is counted back
    :param mapping: one that is at hand, such as a proposal, in place of the source's file
    :raises InvalidInput: when the mapping is wrong, or the file is not what it says; the message names file, line and field
    """
    mapping = mapping or read_mapping(source.mapping)
    mapping = msgspec.structs.replace(mapping, assertions=Assertions())  # an export is looked at whatever is asserted of it
    declared = list(_declared(mapping))
    tallies = {path: ColumnTally(keep_hashes=path == mapping.key) for path, _, _, _ in declared}
    tally = Tally()
    for raw in read(mapping=mapping, file=source.input, tally=tally):
        for name, value in _cells(raw):
            tallies[name].add(value)
    for one in tallies.values():
        one.close()
    found = extract(source=source, mapping=mapping, pseudonyms=Pseudonyms(bytes(KEY_BYTES)), today=today, cutover=cutover, plausible_only=False)
    faults: dict[str, Counter[str]] = {}
    for finding in [*found.findings, *(entry.finding for entry in found.rejected)]:
        faults.setdefault(finding.field, Counter())[finding.code] += 1
    columns = tuple(
        _column(place, name, column, tallies[path], faults.get(name, Counter()), is_key=path == mapping.key) for path, place, name, column in declared
    )
    return Profile(
        source=mapping.source,
        records=tally.records,
        rejected=len(found.rejected),
        columns=columns,
        distributions=_distributions(list(found.records), mapping),
        title=mapping.title,
        file=Path(source.input).name,
        digest=found.digest,
        encoding=tally.encoding,
        notes=tuple(code for _, code in tally.notes),
    )


def joins(profiles: Sequence[Profile]) -> list[Join]:
    """
    Find columns that seem to hold the same, within an export and between exports: candidates to join or to match by.

    Values are compared by their hashes, folded as the matching folds them, so that spelling habits do not count.
    """
    columns = [
        (f"{found.source}: {f'{column.place}.' if column.place else ''}{column.name}", column)
        for found in profiles
        for column in found.columns
        if column.distinct >= _JOIN_DISTINCT_MIN and not column.codes and not column.years and not column.amounts  # days and amounts coincide
    ]
    pairs = []
    for at, (one, left) in enumerate(columns):
        for other, right in columns[at + 1 :]:
            share = _shared(left.sketch, right.sketch, left.distinct, right.distinct)
            if share >= _JOIN_SHARE_MIN:
                pairs.append(Join(one, other, min(100, round(share * 100))))
    return sorted(pairs, key=lambda pair: -pair.share)[:_JOINS_MAX]


def day_formats(found: Profile) -> dict[str, str]:
    """Give the format of each column that holds days, as far as its most frequent shape tells."""
    by_shape = {"99-99-9999": "dd-mm-yyyy", "9999-99-99": "iso", "99999999": "yyyymmdd", "9999-99-99A99:99:99A": "local_midnight_utc"}
    by_shape |= {"9999-99-99A99:99:99": "iso_midnight", "9999-99-99 99:99:99": "iso_midnight"}
    return {
        column.name: by_shape[column.shapes[0][0]] for column in found.columns if column.years and column.shapes and column.shapes[0][0] in by_shape
    }


def likely_key(found: Profile) -> str | None:
    """Give the first column that is filled in every record and never the same twice."""
    whole = (column for column in found.columns if not column.place and column.exact and column.rows)
    return next((column.name for column in whole if column.filled == column.rows == column.distinct), None)


def _shared(one: frozenset[int], other: frozenset[int], one_distinct: int, other_distinct: int) -> float:
    """Estimate how much of the smaller set the other holds, from the smallest hashes of both."""
    both = sorted(one | other)[: max(len(one), len(other))]
    if not both:
        return 0.0
    jaccard = sum(number in one and number in other for number in both) / len(both)
    shared = jaccard * (one_distinct + other_distinct) / (1 + jaccard)
    return shared / max(1, min(one_distinct, other_distinct))


def _distributions(records: Any, mapping: Mapping) -> dict[str, dict[str, str]]:
    """How far a source's total is from tenure times charge, and its charges from the list prices that would be estimated."""
    if mapping.services is None or not records:
        return {}
    charges = [record.charges for record in records if record.charges is not None]
    return {
        "total less tenure × charge": distribution([one.total - one.monthly * one.tenure_months for one in charges if one.total is not None]),
        mapping.services.adjustment_name: distribution(estimate(records=records, mapping=mapping).adjustments),
    }


def _declared(mapping: Mapping) -> Iterator[tuple[str, str, str, Column]]:
    """Each column as (path in a record, its list, name in the mapping, what it means)."""
    for name, column in mapping.record_columns.items():
        yield name, "", name, column
    for list_name, child in mapping.lists.items():
        for name, column in child.columns.items():
            yield f"{list_name}.{name}", list_name, name, column


def _cells(raw: RawRecord) -> Iterator[tuple[str, str | None]]:
    rows = raw.children.get(PRODUCT_ROWS, [])
    of_products = set(rows[0][1]) if rows else set()
    for name, value in raw.values.items():
        if name not in of_products:
            yield name, value
    for list_name, entries in raw.children.items():
        for _, entry in entries:
            for name, value in entry.items():
                yield name if list_name == PRODUCT_ROWS else f"{list_name}.{name}", value


def _column(place: str, name: str, column: Column, tally: ColumnTally, faults: Counter[str], *, is_key: bool) -> ColumnProfile:
    kind = _kind(tally)
    codes = [] if is_key else shown_codes(name, column, tally)
    target = "key" if is_key else column.to or "(left behind)"
    of_days = kind in ("day", "instant") or sum(tally.years.values()) >= _KIND_SHARE * max(1, tally.filled)
    return ColumnProfile(
        name=name,
        target=target,
        rows=tally.rows,
        filled=tally.filled,
        distinct=tally.distinct,
        kind=kind,
        shapes=_other_shapes(tally, codes),
        suspicions=_told_once(dict(_suspicions(column, tally, is_key=is_key)), faults),
        place=place,
        exact=tally.exact,
        codes=codes,
        years=_years(tally) if of_days else [],
        amounts=_amounts(tally) if _is_amount(column, kind) else [],
        lengths=(tally.lengths[0], tally.lengths[1]),
        sketch=tally.sketch,
    )


def shown_codes(name: str, column: Column, tally: ColumnTally) -> list[tuple[str, int]]:
    """
    Give the values of a column that may be shown, with how often; none where one of them could be about a person.

    What the mapping's own table of codes holds is no secret. Else a column must not lead to, or be named like, anything of a person, and have
    few different values, all short, each in several rows; one value that is otherwise, and the whole column is shown by its shapes.
    """
    values = tally.values
    if column.codes is not None:
        known = Counter({value: count for value, count in values.items() if value in column.codes})
        return known.most_common(CODES_MAX)
    target = (column.to or "").rpartition(".")[2]
    if target in _PERSONAL_TARGETS or _PERSONAL_WORDS.search(name) or not tally.exact:
        return []
    few = 0 < len(values) <= CODES_MAX and tally.filled >= _CODE_COLUMN_ROWS_MIN
    if not few or any(count < CODE_ROWS_MIN or len(value) > CODE_LENGTH_MAX or not _CODE.fullmatch(value) for value, count in values.items()):
        return []
    return values.most_common(CODES_MAX)


def _other_shapes(tally: ColumnTally, codes: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The shapes of what is not shown as a code."""
    if not codes:
        return tally.shapes.most_common(SHAPES_MAX)
    shown, shapes = dict(codes), Counter[str]()
    for value, count in tally.values.items():
        if value not in shown:
            shapes[shape_of(value)] += count
    return shapes.most_common(SHAPES_MAX)


def _told_once(looks: dict[str, int], faults: Counter[str]) -> list[tuple[str, int]]:
    """What a value looks like and what translating it found is often one thing: then it is told once."""
    for general, found in (("filler day", "filler"), ("impossible day", "impossible_date")):
        if found in faults:
            looks.pop(general, None)
    rest = [(code, count) for code, count in faults.most_common() if not (code == "spreadsheet_damage" and "spreadsheet damage" in looks)]
    return [*looks.items(), *rest]


def _is_amount(column: Column, kind: str) -> bool:
    return (column.to or "").rpartition(".")[2] in _AMOUNT_TARGETS or (column.to is None and kind == "decimal")


def _years(tally: ColumnTally) -> list[tuple[str, int]]:
    """Rows by year, or by ten years where there are many; years with few rows together, for one row is somebody's."""
    counts = tally.years
    if len(counts) > _YEARS_MAX:
        decades: Counter[str] = Counter()
        for year, count in counts.items():
            decades[f"{year[:3]}0-{year[:3]}9"] += count
        counts = decades
    shown = sorted((year, count) for year, count in counts.items() if count >= CODE_ROWS_MIN)
    rest = sum(count for count in counts.values() if count < CODE_ROWS_MIN)
    return [*shown[:_YEARS_MAX], *([("…", rest)] if rest else [])]


def _amounts(tally: ColumnTally) -> list[tuple[str, int]]:
    return [(f"≤ {bound:,}" if bound > 0 else "0" if bound == 0 else f"≥ {bound:,}", count) for bound, count in sorted(tally.amounts.items())]


def _kind(tally: ColumnTally) -> str:
    if not tally.filled:
        return "empty"
    return next((name for name, _ in KINDS if tally.kinds[name] >= _KIND_SHARE * tally.filled), "text")


def _suspicions(column: Column, tally: ColumnTally, *, is_key: bool) -> Iterator[tuple[str, int]]:
    declared_empty = set(column.empty)
    for what, count in tally.suspicions.most_common():
        if what == MIDNIGHT and (column.format == "local_midnight_utc" or count <= _KIND_SHARE * tally.filled):
            continue
        if what in ("filler", "placeholder") and sum(tally.values[value] for value in declared_empty) >= count:
            continue
        yield what, count
    if is_key:
        if tally.again:
            yield "key repeats", tally.again
    elif column.codes is None and tally.distinct > 1:
        value, count = tally.values.most_common(1)[0]
        spread = (tally.filled - count) / (tally.distinct - 1)
        if (
            value not in column.empty
            and count < _KIND_SHARE * tally.filled
            and count >= max(_ONE_VALUE_ROWS_MIN, _ONE_VALUE_SHARE * tally.filled)
            and count > 20 * spread
        ):
            yield "one value stands out", count
