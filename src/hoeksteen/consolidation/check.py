"""
What would come of bringing an export in, before anything is: columns, codes, failing rows, the mapping's own tests, and what would be loaded.

No value is shown but codes: those that a mapping translates, and of those only what stands in several rows, for a moved column can put a
name where a code belongs.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import msgspec

from hoeksteen.consolidation.examples import ExampleFault, failing_examples
from hoeksteen.consolidation.list_prices import estimate
from hoeksteen.consolidation.mapping import Assertions, Column, Mapping, read_mapping
from hoeksteen.consolidation.model import Extract, Finding, Source
from hoeksteen.consolidation.pseudonyms import KEY_BYTES, Pseudonyms
from hoeksteen.consolidation.reader_kinds import JsonLines, Xml
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, Tally, columns_of_source, read_asserted
from hoeksteen.consolidation.readers.assertions import Assessor, Verdict
from hoeksteen.consolidation.report import FindingCount
from hoeksteen.consolidation.shapes import shape_of
from hoeksteen.consolidation.standardise.text import is_placeholder, tidy
from hoeksteen.consolidation.translate import extract
from hoeksteen.kernel.errors import HoeksteenError

CODE_ROWS_MIN = 3
CODES_MAX = 50
_CARRIED = ("invoices", "consents", "contacts", "notes")


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """
    A value that a table of codes does not know.

    :param code: the value itself where several rows hold it, else its shape
    :param rows: how many rows hold it
    """

    column: str
    code: str
    rows: int
    first_row: int


@dataclass(slots=True)
class Check:
    """
    What would come of one export.

    :param unmapped: columns that the mapping does not know; of a list as `list.column`
    :param missing: columns that the export does not have
    :param failing: records that would be rejected, by field and reason
    :param findings: what would be found without stopping a record
    :param loads: what would be loaded: records, organizations, products, numbers, SIMs, discounts, and what else there is
    :param refusals: why a run would be refused; none when it would not
    """

    source: str
    title: str
    file: str
    records: int = 0
    encoding: str = ""
    unmapped: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failing: list[FindingCount] = field(default_factory=list)
    findings: list[FindingCount] = field(default_factory=list)
    unknown_codes: list[UnknownCode] = field(default_factory=list)
    examples: int = 0
    example_faults: list[ExampleFault] = field(default_factory=list)
    assertions: list[Verdict] = field(default_factory=list)
    loads: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        """Whether a run would begin to load it."""
        return not self.refusals

    def as_json(self) -> dict[str, Any]:
        """Give the check as figures."""
        return {**asdict(self), "passes": self.passes}


def check(*, source: Source, today: date, cutover: date) -> Check:
    """
    Say what would come of an export; nothing is loaded, and nothing is kept.

    :raises NotFound: when there is no mapping, or no export
    :raises InvalidInput: when the mapping itself is wrong; what is wrong with the export stands in the check
    """
    mapping = read_mapping(source.mapping)
    found = Check(mapping.source, mapping.title, source.input.name, examples=len(mapping.tests))
    found.example_faults = failing_examples(mapping=mapping, today=today, cutover=cutover)
    if found.example_faults:
        found.refusals.append(f"{len(found.example_faults)} of the mapping's own tests do not hold.")
    try:
        _compare_columns(found, mapping, columns_of_source(mapping=mapping, file=source.input))
        if found.unmapped or (found.missing and not isinstance(mapping.reader, JsonLines | Xml)):
            found.refusals.append("The columns are not those of the mapping.")
            return found
        _look_at_rows(found, mapping, source)
        _translate(found, mapping, source, today, cutover)
    except HoeksteenError as error:
        found.refusals.append(str(error))
    return found


def _compare_columns(found: Check, mapping: Mapping, columns: dict[str, list[str]]) -> None:
    for name, have in columns.items():
        if name and name not in mapping.lists:
            found.unmapped.append(f"{name}.*")
            continue
        known = mapping.lists[name].file_columns if name else list(mapping.columns)
        prefix = f"{name}." if name else ""
        found.unmapped += [f"{prefix}{column[:64]}" for column in have if column not in known]
        found.missing += [f"{prefix}{column}" for column in known if column not in have]


def _look_at_rows(found: Check, mapping: Mapping, source: Source) -> None:
    """Hold assertions and tables of codes against every row."""
    assessor, tally = Assessor(mapping), Tally()
    coded = {name: column for name, column in mapping.record_columns.items() if column.codes is not None}
    of_lists = {
        list_name: {name: column for name, column in child.columns.items() if column.codes is not None} for list_name, child in mapping.lists.items()
    }
    if mapping.row_columns:
        of_lists[PRODUCT_ROWS] = {name: column for name, column in coded.items() if (column.to or "").startswith("product.")}
        coded = {name: column for name, column in coded.items() if name not in of_lists[PRODUCT_ROWS]}
    unknown: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[str, str], int] = {}
    for raw in read_asserted(mapping=mapping, file=source.input, tally=tally, assessor=assessor):
        _count_codes(raw, coded, of_lists, unknown, first)
    found.records, found.encoding = tally.records, tally.encoding
    found.unknown_codes = [code for name, values in unknown.items() for code in _told(name, values, first)]
    found.assertions = assessor.verdicts()
    if wrong := [verdict for verdict in found.assertions if not verdict.holds]:
        found.refusals.append(f"{len(wrong)} of the mapping's assertions do not hold.")


def _count_codes(
    raw: RawRecord,
    coded: dict[str, Column],
    of_lists: dict[str, dict[str, Column]],
    unknown: dict[str, Counter[str]],
    first: dict[tuple[str, str], int],
) -> None:
    if raw.fault is not None:
        return
    places = [(raw.row, "", raw.values, coded)]
    for list_name, columns in of_lists.items():
        prefix = "" if list_name == PRODUCT_ROWS else f"{list_name}."
        places += [(row, prefix, values, columns) for row, values in raw.children.get(list_name, ())]
    for row, prefix, values, columns in places:
        for name, column in columns.items():
            value = tidy(values.get(name) or "")
            if value and value not in (column.codes or {}) and value not in column.empty and not is_placeholder(value, of_a_name=True):
                unknown[f"{prefix}{name}"][value] += 1
                first.setdefault((f"{prefix}{name}", value), row)


def _told(name: str, values: Counter[str], first: dict[tuple[str, str], int]) -> list[UnknownCode]:
    """Codes that several rows hold as they are; what stands in one or two rows by its shape, and all of them where there are too many to be codes."""
    too_many = len(values) > CODES_MAX
    told: dict[str, tuple[int, int]] = {}
    for value, rows in values.most_common():
        shown = shape_of(value) if too_many or rows < CODE_ROWS_MIN else value
        count, row = told.get(shown, (0, first[name, value]))
        told[shown] = (count + rows, min(row, first[name, value]))
    entries = [UnknownCode(name, shown, rows, row) for shown, (rows, row) in told.items()]
    return sorted(entries, key=lambda one: -one.rows)[:CODES_MAX]


def _translate(found: Check, mapping: Mapping, source: Source, today: date, cutover: date) -> None:
    pseudonyms = Pseudonyms(bytes(KEY_BYTES))
    mapping = msgspec.structs.replace(mapping, assertions=Assertions())  # those were looked at, and would stop the reading here
    try:
        result = extract(source=source, mapping=mapping, pseudonyms=pseudonyms, today=today, cutover=cutover)
    except HoeksteenError as error:
        found.refusals.append(str(error))
        result = extract(source=source, mapping=mapping, pseudonyms=pseudonyms, today=today, cutover=cutover, plausible_only=False)
    found.failing = _counted([entry.finding for entry in result.rejected])
    found.findings = _counted(result.findings)
    found.loads = _loads(result)
    if mapping.services is not None and result.records:
        estimate(records=result.records, mapping=mapping)


def _loads(result: Extract) -> dict[str, int]:
    loads: Counter[str] = Counter()
    for record in result.records:
        loads["records"] += 1
        loads["organizations"] += record.kind == "organization"
        for name in _CARRIED:
            loads[name] += len(getattr(record.carried, name))
        loads["mandates"] += record.carried.has_mandate
        for product in record.products:
            loads["products"] += 1
            loads["numbers"] += product.number is not None
            loads["SIMs"] += product.iccid is not None
            loads["discounts"] += len(product.discounts)
    always = ("records", "organizations", "products", "numbers", "SIMs", "discounts")
    return {name: loads[name] for name in (*always, "mandates", *_CARRIED) if name in always or loads[name]}


def _counted(findings: Sequence[Finding]) -> list[FindingCount]:
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    for finding in findings:
        what = (finding.source, finding.field, finding.code)
        counts[what] += 1
        first.setdefault(what, finding.place)
    return [FindingCount(*what, count, first[what]) for what, count in counts.most_common()]
