"""What of a standardised record is compared: columns, in memory, for Splink, for the guards and for counting."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.standardise.companies import company_key
from hoeksteen.consolidation.standardise.names import initials_key, surname_keys
from hoeksteen.consolidation.standardise.text import fold, phonetic

# A phone, e-mail, account, door or KvK number that more records share is an office's or a clerk's, and says nothing about a person.
SHARED_BY_MAX = 20
BORN_TOGETHER_ONE_IN = 500  # a day of birth that more than one record in so many have is what a system writes for unknown
_RECORDS_PER_BATCH = 20_000
_TEST_NAMES = {"TEST", "TESTER", "PROEF"}  # people are called so: only with a given name like it, or with nothing but the initial
_TEST_WORDS = {"TESTKLANT", "TESTPERSOON", "TESTACCOUNT", "TESTGEBRUYKER", "TESTCUSTOMER", "TESTUSER", "PROEFKLANT", "PROEFPERSOON", "TESTBEDRYF"}


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the guards look at.

    :param surnames: folded: the whole name first, then each partner's name and the name at birth
    :param dwelling: postcode, house number and addition
    :param test: somebody tried the system out: a record of nobody
    """

    organization: bool
    surnames: tuple[str, ...]
    initials: str
    given_name: str
    gender: str
    suffix: str
    birth_date: str
    dwelling: str
    phones: frozenset[str]
    emails: frozenset[str]
    iban: str
    company: str
    chamber_of_commerce_number: str
    test: bool = False


_SCHEMA = pa.schema(
    [
        ("organization", pa.bool_()),
        ("surnames", pa.list_(pa.string())),
        ("initials", pa.string()),
        ("given_name", pa.string()),
        ("gender", pa.string()),
        ("suffix", pa.string()),
        ("birth_date", pa.string()),
        ("dwelling", pa.string()),
        ("phones", pa.list_(pa.string())),
        ("emails", pa.list_(pa.string())),
        ("iban", pa.string()),
        ("company", pa.string()),
        ("chamber_of_commerce_number", pa.string()),
        ("test", pa.bool_()),
    ]
)
_LISTS = ("surnames", "phones", "emails")


class FactTable(Sequence[Facts]):
    """The facts of all records as columns, a tenth of the size of so many objects; nulls are unknown. A single one is made when it is asked for."""

    def __init__(self, columns: pa.Table) -> None:
        self.columns = columns

    @classmethod
    def of(cls, facts: Sequence[Facts]) -> "FactTable":
        """Lay facts out in columns; what is laid out already stays as it is."""
        if isinstance(facts, FactTable):
            return facts
        rows: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
        for fact in facts:
            for name, values in rows.items():
                value = getattr(fact, name)
                values.append((list(value) if name == "surnames" else sorted(value)) or None if name in _LISTS else value if value != "" else None)
        return cls(pa.table(rows, schema=_SCHEMA))

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FactTable) and bool(self.columns.equals(other.columns))

    @overload
    def __getitem__(self, place: int) -> Facts: ...
    @overload
    def __getitem__(self, place: slice) -> list[Facts]: ...
    def __getitem__(self, place: int | slice) -> Facts | list[Facts]:
        if isinstance(place, slice):
            return self.some(range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self.some([place % len(self)])[0]

    def tests(self) -> list[int]:
        """Give the places of records that somebody made to try the system out."""
        return [int(place) for place in np.flatnonzero(self.columns["test"].to_numpy())]

    def some(self, places: Sequence[int]) -> list[Facts]:
        """Give the facts of some records, in the order of `places`."""
        taken = self.columns.take(pa.array(places, pa.int64()))
        columns = []
        for name in _SCHEMA.names:
            values = taken[name].to_pylist()
            if name == "surnames":
                values = [tuple(value or ()) for value in values]
            elif name in _LISTS:
                values = [frozenset(value or ()) for value in values]
            elif name not in ("organization", "test"):
                values = [value or "" for value in values]
            columns.append(values)
        return [Facts(*row) for row in zip(*columns, strict=True)]

    def for_splink(self, places: Sequence[int]) -> pa.Table:
        """
        Give some records in the columns that are compared.

        :param places: their positions, which become `unique_id`
        """
        taken = self.columns.take(pa.array(places, pa.int64()))
        surname = pc.list_element(pc.if_else(pc.is_null(taken["surnames"]), pa.scalar([None], pa.list_(pa.string())), taken["surnames"]), 0)
        door = pc.split_pattern(taken["dwelling"], "|")
        postcode = pc.list_element(door, 0)
        return pa.table(
            {
                "unique_id": pa.array(places, pa.int64()),
                "surname": surname,
                "surnames": taken["surnames"],
                "sound": _sounds(surname),
                "initials": taken["initials"],
                "initial": pc.utf8_slice_codeunits(taken["initials"], 0, 1),
                "given_name": taken["given_name"],
                "birth_date": taken["birth_date"],
                "birth_year": pc.utf8_slice_codeunits(taken["birth_date"], 0, 4),
                "postcode": postcode,
                "house": pc.binary_join_element_wise(postcode, pc.list_element(door, 1), "|"),
                "dwelling": taken["dwelling"],
                "phones": taken["phones"],
                "mobiles": mobiles_of(taken["phones"].combine_chunks()),
                "emails": taken["emails"],
                "iban": taken["iban"],
                "company": taken["company"],
                "chamber": taken["chamber_of_commerce_number"],
            }
        )


def facts_of(records: Iterable[LegacyRecord]) -> FactTable:
    """Give the facts of each record, in order; what too many records share is left out. Each record is read once."""
    batches = list(_batches(records))
    if not batches:
        return FactTable(_SCHEMA.empty_table())
    columns = pa.Table.from_batches(batches, _SCHEMA).combine_chunks()
    for name in ("dwelling", "iban", "chamber_of_commerce_number"):
        columns = _replaced(columns, name, _unless_shared(columns[name], SHARED_BY_MAX))
    together = max(SHARED_BY_MAX, columns.num_rows // BORN_TOGETHER_ONE_IN)
    columns = _replaced(columns, "birth_date", _unless_shared(columns["birth_date"], together))
    for name in ("phones", "emails"):
        columns = _replaced(columns, name, _not_shared(columns[name].combine_chunks(), SHARED_BY_MAX))
    return FactTable(columns)


def _batches(records: Iterable[LegacyRecord]) -> Iterator[pa.RecordBatch]:
    """Names recur: each is folded once. They are few beside the records, and forgotten at the end."""
    reader = _Reader()
    rows: list[tuple[Any, ...]] = []
    for record in records:
        rows.append(reader.row(record))
        if len(rows) == _RECORDS_PER_BATCH:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)


class _Reader:
    """Reads a record's facts, and remembers what it has folded."""

    def __init__(self) -> None:
        self._surnames: dict[tuple[str, str | None], list[str]] = {}
        self._given: dict[str, str] = {}
        self._initials: dict[str, str | None] = {}

    def row(self, record: LegacyRecord) -> tuple[Any, ...]:
        """Give a record's facts in the order of the schema."""
        name, address = record.name, record.address
        surnames: list[str] | None = None
        initials = given = None
        if name is not None:
            key = (name.family_name, name.maiden_name)
            surnames = self._surnames.get(key)
            if surnames is None:
                surnames = self._surnames[key] = surname_keys(name)
            if name.initials:
                if name.initials not in self._initials:
                    self._initials[name.initials] = initials_key(name.initials)
                initials = self._initials[name.initials]
            if name.given_name:
                if name.given_name not in self._given:
                    self._given[name.given_name] = fold(name.given_name)
                given = self._given[name.given_name] or None
        dwelling = None
        if address is not None and address.postcode and address.house_number:
            # a postcode without a house number is a street: who lives there has no door in common
            dwelling = f"{address.postcode}|{address.house_number}|{address.house_number_addition or ''}"
        born = record.birth_date
        company = company_key(record.trading_name) if record.trading_name else None
        return (
            record.kind == "organization",
            surnames,
            initials,
            given,
            record.gender or None,
            name.suffix if name is not None else None,
            f"{born.year:04d}{born.month:02d}{born.day:02d}" if born else None,
            dwelling,
            sorted({*record.phones, *(product.number for product in record.products if product.number)}) or None,
            sorted(set(record.emails)) or None,
            record.iban or None,
            company or None,
            record.chamber_of_commerce_number or None,
            _is_test(surnames, given, initials, company),
        )


def _is_test(surnames: list[str] | None, given: str | None, initials: str | None, company: str | None) -> bool:
    """Say whether a name is what people type to try a system out, as `Test Test`; a Mrs Test with a given name of her own is none."""
    if company is not None:
        return company in _TEST_NAMES or company in _TEST_WORDS
    if not surnames:
        return False
    whole = surnames[0]
    return whole in _TEST_WORDS or (whole in _TEST_NAMES and (given in _TEST_NAMES if given else initials in (None, "T", "TT")))


def _sounds(surnames: pa.ChunkedArray) -> pa.Array:
    coded = surnames.combine_chunks().dictionary_encode()
    sounds = pa.array([phonetic(name) for name in coded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(coded.indices, sounds).cast(pa.string())


def mobiles_of(phones: pa.ListArray) -> pa.Array:
    """Give the mobile numbers of each list: what belongs to one person, where a line is a household's."""
    return _kept(phones, pc.starts_with(phones.flatten(), "316"))


def _replaced(columns: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return columns.set_column(columns.schema.get_field_index(name), _SCHEMA.field(name), values)


def _too_often(values: pa.Array, at_most: int) -> pa.Array:
    counted = pc.value_counts(values)
    often = counted.field("values").filter(pc.greater(counted.field("counts"), at_most))
    return often.drop_null()


def _unless_shared(values: pa.ChunkedArray, at_most: int) -> pa.Array:
    often = _too_often(values, at_most)
    return pc.if_else(pc.is_in(values, value_set=often), pa.scalar(None, pa.string()), values) if len(often) else values


def _not_shared(lists: pa.ListArray, at_most: int) -> pa.Array:
    """Leave out of each list what more lists hold."""
    often = _too_often(lists.flatten(), at_most)
    if not len(often):
        return lists
    return _kept(lists, pc.invert(pc.is_in(lists.flatten(), value_set=often)))


def _kept(lists: pa.ListArray, keep: pa.Array) -> pa.Array:
    """
    Give each list with some of its values; a list that loses all is unknown.

    :param keep: for each value of all lists whether it stays
    """
    counts = np.bincount(pc.list_parent_indices(lists).filter(keep).to_numpy(), minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten().filter(keep), mask=pa.array(counts == 0))
