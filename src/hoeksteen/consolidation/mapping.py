"""
Mappings: what a legacy export looks like, and which of its columns means what. One YAML file per source, nothing else.

A fault is found before the export is opened, and is named with the mapping's file, line and field.
"""

import re
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from hoeksteen.consolidation import carried_targets as carried
from hoeksteen.consolidation.code_tables import CodeTableFault, read_code_table
from hoeksteen.consolidation.expressions import parse
from hoeksteen.consolidation.mapping_checks import Faults, check_assertions, check_child_expressions, check_expressions, check_reader
from hoeksteen.consolidation.reader_kinds import OF_ROWS, Csv, DatabaseDsn, Excel, JsonLines, Parquet, Sqlite, Xml
from hoeksteen.consolidation.standardise.dates import FORMATS, day
from hoeksteen.consolidation.standardise.names import ORDERS
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

SHIPPED = Path(__file__).parent / "mappings"
_ADDRESS = ("street_line", "street", "house_number", "addition", "postcode", "city")
RECORD_TARGETS = {
    "kind", "name", "company_name", "initials", "given_name", "prefix", "family_name", "maiden_name", "gender", "birth_date", "language",
    "legal_form",
    "chamber_of_commerce_number", "phone", "email", "iban", "payment_method", "mandate_reference", "mandate_date", "customer_since",
    "tenure_months", "contract_months", "monthly_charge", "total_charge", "service",
    *(f"{role}.{part}" for role in ("residential", "billing") for part in _ADDRESS), *carried.RECORD,
}  # fmt: skip
CHILD_TARGETS = {
    "product": {"key", "offering", "number", "iccid", "status", "start", "end", "suspended", "billed_to", "monthly"},
    "address": {"role", *_ADDRESS},
    "discount": {"product_key", "name", "kind", "value", "valid_from", "valid_to"},
    **carried.CARRIED,
}
DAYS = {"birth_date", "mandate_date", "customer_since", "start", "end", "suspended", "billed_to", "valid_from", "valid_to", *carried.DAYS}
_NEEDED = {"product": {"key", "offering", "start", "monthly"}, "discount": {"product_key", "kind", "value"}, **carried.NEEDED}
_CODED = {
    "kind": {"individual", "organization"},
    "gender": {"male", "female", ""},
    "language": {"nl", "en"},
    "payment_method": {"direct_debit", "transfer"},
    "product.status": {"active", "suspended", "terminated"},
    "address.role": {"residential", "billing"},
    "discount.kind": {"percentage", "amount"},
    "contract_months": {"1", "12", "24"},
    **carried.CODED,
}


Type = Literal["whole_number", "decimal", "day", "instant", "truth", "email", "phone", "iban"]


class Column(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"expression": "from"}):
    """
    What one column means: `to` a target, or `ignore` with the reason why it is left behind; neither where only an expression reads it.

    :param expression: `from` in the file: computes the value that counts, from the columns of the record
    :param type: a test: the value, where there is one, is written as this kind of value
    :param format: of a day, one of `standardise.dates.FORMATS`
    :param decimal: how an amount is written: `point`, `comma` or `cents`
    :param codes_from: a file with codes, beside the mapping: a line `code,word` each, under a heading
    :param codes: legacy code → our word; a code that is missing here is a finding, of an offering, a status or a kind a rejection
    :param default: what is read in place of an unknown value, as the file would write it
    :param empty: values that mean `unknown`, beside the empty text and the usual placeholders
    :param required: the reason with which a record is rejected when this is empty
    :param order: of a name in one field
    :param matches: a test: the value, where there is one, must match this regular expression whole
    """

    to: str | None = None
    ignore: str | None = None
    format: str | None = None
    decimal: Literal["point", "comma", "cents"] = "point"
    codes: dict[str, str] | None = None
    default: str | None = None
    empty: list[str] = []
    required: str | None = None
    order: str = ORDERS[0]
    matches: str | None = None
    expression: str | None = None
    type: Type | None = None
    codes_from: str | None = None


class Child(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    A list inside a record: of products, addresses, discounts, open invoices, consents, contact persons or notes.

    :param derived: values that stand in no column of their own: each has a `from` and a `to`
    :param query: of a database: its first column is the record's key
    :param sheet: of a workbook: its first column is the record's key
    :param path: of XML: where its entries stand in the record, as in `sims/sim`
    """

    of: Literal["product", "address", "discount", "invoice", "consent", "contact", "note"]
    columns: dict[str, Any]
    derived: dict[str, Any] = {}
    query: str | None = None
    sheet: str | None = None
    path: str | None = None

    @property
    def file_columns(self) -> list[str]:
        """The columns that the source has, in its order."""
        return [name for name in self.columns if name not in self.derived]


class Service(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A product that a record holds when a `service` column has this value, and the offering that it becomes."""

    column: str
    value: str
    offering: str
    name: dict[Literal["nl", "en"], str]


class Services(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    Products that stand as columns, without list prices: the prices are estimated from `monthly_charge` by least squares.

    :param adjustment_at_most: euros; a larger difference between list prices and charge stops the run
    :param tax_rate: percent
    """

    family: str
    segment: Literal["consumer", "business"]
    tax_included: bool
    tax_category: str
    tax_rate: str
    valid_from: str
    adjustment_name: str
    adjustment_at_most: str
    offerings: list[Service]


class KindRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When a record is an organisation: any of these columns is filled, ends with a legal form, or has one of these values."""

    filled: list[str] = []
    legal_form_in: list[str] = []
    one_of: dict[str, list[str]] = {}


class Example(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    A test of the mapping itself: what a record with these columns becomes.

    :param given: column → value; a list is a list of such entries
    :param expect: what of the record → value, by the names of `examples.shown`
    :param rejected: the reason why it cannot be loaded
    :param findings: what is found without stopping it
    """

    name: str
    given: dict[str, Any]
    expect: dict[str, Any] = {}
    rejected: str | None = None
    findings: list[str] | None = None


class Assertions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    Tests of a whole export; a column of a list is named `list.column`, and `records` and lists are counted.

    :param unique: columns in which no value stands twice
    :param filled_percent_min: column → percent of its rows that have a value, at least
    :param sum_equals: column → sum of its amounts in euros
    :param count_between: `records` or a list → smallest and largest number
    """

    unique: list[str] = []
    filled_percent_min: dict[str, int] = {}
    sum_equals: dict[str, str] = {}
    count_between: dict[str, tuple[int, int]] = {}


class Mapping(msgspec.Struct, forbid_unknown_fields=True):
    """
    A whole mapping.

    :param derived: values that stand in no column of their own: each has a `from` and a `to`
    :param tests: worked examples, and `assertions` about the whole export: a run in which one fails loads nothing
    :param trust: 1 is believed first where sources differ
    :param match: whether its records may be the same customers as others'
    :param tax_included: whether the amounts of its individuals hold VAT
    :param balance: what counts where a record's balance is another than the sum of its open invoices: the invoices (`informative`) or the balance
    :param rejected_percent_max: more rejected records than this mean that the mapping is wrong, not the data
    """

    source: str
    title: str
    trust: int
    reader: Csv | JsonLines | Sqlite | Excel | Xml | Parquet | DatabaseDsn
    key: str
    columns: dict[str, Any]
    children: dict[str, Any] = {}
    derived: dict[str, Any] = {}
    tests: list[Example] = []
    assertions: Assertions = Assertions()
    organization_when: KindRule = KindRule()
    match: bool = True
    tax_included: bool = True
    rejected_percent_max: int = 5
    services: Services | None = None
    balance: Literal["informative", "authoritative"] = "informative"
    file: Path = Path()

    @property
    def record_columns(self) -> dict[str, Column]:
        """The record's columns, in the order of the file, and behind them what is derived."""
        return {**self.columns, **self.derived}

    @property
    def row_columns(self) -> list[str]:
        """The columns that belong to a product where each row is one: those that lead to it, and those that only its expressions read."""
        read = {name for column in self.record_columns.values() if _of_product(column) for name in columns_of(column)}
        of_record = {name for column in self.record_columns.values() if not _of_product(column) for name in columns_of(column)}
        plain = {name for name, column in self.columns.items() if column.to is None and column.ignore is None and name != self.key}
        return [name for name, column in self.columns.items() if _of_product(column) or (name in read - of_record and name in plain)]

    @property
    def lists(self) -> dict[str, Child]:
        """The lists inside a record."""
        return self.children


def _of_product(column: Column) -> bool:
    return (column.to or "").startswith("product.")


def columns_of(column: Column) -> frozenset[str]:
    """Give the columns that a column's expression reads; none where it has none."""
    return parse(column.expression).columns if column.expression is not None else frozenset()


def read_mapping(file: Path) -> Mapping:
    """
    Read and check a mapping; a bare name such as `fixed` that is no file here is looked up among those that are shipped.

    :raises NotFound: when there is no such file
    :raises InvalidInput: naming the mapping's file, line and field
    """
    path = file if file.is_file() or file.parent != Path() else SHIPPED / file.with_suffix(".yaml")
    if not path.is_file():
        raise NotFound(f"There is no mapping file {file}.", remedy=f"Name a file, or one of those shipped in {SHIPPED}.")
    try:
        return mapping_of_text(path.read_text("utf-8"), path)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: byte {error.start} is not UTF-8.", remedy="Save the mapping as UTF-8.") from error


def mapping_of_text(text: str, path: Path) -> Mapping:
    """
    Read and check a mapping that is at hand as text.

    :param path: how messages name it, and where its tables of codes lie beside it
    :raises InvalidInput: naming line and field
    """
    try:
        content = read_yaml(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except NoYaml as error:
        where = "" if error.line is None else f" line {error.line}"
        raise InvalidInput(f"{path}{where}: {error}.", remedy="Mend the indentation or the quotes there; put dates and numbers in quotes.") from error
    faults = Faults(path, node)
    mapping = _converted(content, faults, path.parent)
    faults.stop()
    assert mapping is not None  # for the type checker: stop() raised otherwise
    mapping.file = path
    _check(mapping, faults)
    faults.stop()
    return mapping


def _converted(content: Any, faults: Faults, folder: Path) -> Mapping | None:
    if not isinstance(content, dict):
        faults.add([], "must be a mapping of fields")
        return None
    mapping: Mapping | None = _struct(content, Mapping, [], faults)
    if mapping is None:
        return None
    mapping.columns = _columns(mapping.columns, ["columns"], faults, folder)
    mapping.derived = _columns(mapping.derived, ["derived"], faults, folder)
    children: dict[str, Child] = {}
    for name, value in mapping.children.items():
        child = _struct(value, Child, ["children", name], faults)
        if child is not None:
            columns = _columns(child.columns, ["children", name, "columns"], faults, folder)
            derived = _columns(child.derived, ["children", name, "derived"], faults, folder)
            for twice in sorted(set(columns) & set(derived)):
                faults.add(["children", name, "derived", twice], "is a column already")
            children[name] = msgspec.structs.replace(child, columns={**columns, **derived}, derived=derived)
    mapping.children = children
    return mapping


def _columns(raw: dict[str, Any], place: list[str], faults: Faults, folder: Path) -> dict[str, Column]:
    found = {}
    for name, value in raw.items():
        column = _struct(value, Column, [*place, name], faults)
        if column is not None and column.codes_from is not None:
            column = _with_codes(column, [*place, name], faults, folder)
        if column is not None:
            found[name] = column
    return found


def _with_codes(column: Column, place: list[str], faults: Faults, folder: Path) -> Column:
    """Read a column's table of codes; codes in the mapping itself come first."""
    try:
        table = read_code_table(folder / (column.codes_from or ""))
    except CodeTableFault as error:
        faults.add([*place, "codes_from"], str(error))
        table = {}
    return msgspec.structs.replace(column, codes={**table, **(column.codes or {})})


def _struct(value: Any, kind: type[Any], place: list[str], faults: Faults) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        steps = [step for step in path.rstrip("`").replace("[", ".").replace("]", "").split(".") if step and step != "..."]
        faults.add([*place, *steps], what[0].lower() + what[1:])
        return None


def _check(mapping: Mapping, faults: Faults) -> None:
    if mapping.key not in mapping.columns:
        faults.add(["key"], f"the column {mapping.key} is not among columns")
    for twice in sorted(set(mapping.columns) & set(mapping.derived)):
        faults.add(["derived", twice], "is a column already")
    targets = RECORD_TARGETS
    if isinstance(mapping.reader, OF_ROWS):
        targets = RECORD_TARGETS | {f"product.{name}" for name in CHILD_TARGETS["product"]}
    check_reader(mapping, faults)
    read = check_expressions(mapping, faults)
    for name, column in mapping.record_columns.items():
        place = ["derived" if name in mapping.derived else "columns", name]
        _check_column(place, column, targets, "", faults, free=name == mapping.key or name in read)
    for list_name, child in mapping.lists.items():
        place = ["children", list_name]
        read = check_child_expressions(mapping, list_name, child, faults)
        for name, column in child.columns.items():
            where = [*place, "derived" if name in child.derived else "columns", name]
            _check_column(where, column, CHILD_TARGETS[child.of], f"{child.of}.", faults, free=name in read)
    _check_lists(mapping, faults)
    if not 0 <= mapping.rejected_percent_max <= 100:
        faults.add(["rejected_percent_max"], "must lie in 0 to 100")
    for names in (mapping.organization_when.filled, mapping.organization_when.legal_form_in, list(mapping.organization_when.one_of)):
        for name in names:
            if name not in mapping.record_columns:
                faults.add(["organization_when"], f"the column {name} is not among columns")
    check_assertions(mapping, faults)
    _check_services(mapping, faults)
    invoices = any(child.of == "invoice" for child in mapping.lists.values()) or any(
        (column.to or "").startswith("invoice.") for column in mapping.record_columns.values()
    )
    if mapping.balance == "informative" and not invoices and any(column.to == "balance" for column in mapping.record_columns.values()):
        faults.add(["balance"], "must be authoritative where no column leads to an open invoice: nothing would be carried over")


def _check_lists(mapping: Mapping, faults: Faults) -> None:
    """A product without key, offering, start or price, and a discount of no product, say nothing that could be loaded."""
    lists = [
        (child.of, ["children", name, "columns"], {column.to or "" for column in child.columns.values()}) for name, child in mapping.lists.items()
    ]
    leading = {column.to or "" for column in mapping.record_columns.values()}
    of_rows = {target.removeprefix("product.") for target in leading if target.startswith("product.")}
    if of_rows:
        lists.append(("product", ["columns"], of_rows))
    for of, place, targets in lists:
        missing = sorted(_NEEDED.get(of, set()) - targets)
        if missing:
            faults.add(place, f"no column leads to {', '.join(missing)} of the {of}")


def _check_column(place: list[str], column: Column, targets: set[str], group: str, faults: Faults, *, free: bool) -> None:
    if column.matches is not None and (fault := _regular_expression_fault(column.matches)):
        faults.add([*place, "matches"], fault)
    if column.to is None:
        if column.ignore is None and not free:
            faults.add(place, "needs `to` (a target) or `ignore` (the reason why it is left behind), or an expression that reads it")
        return
    if column.ignore is not None:
        faults.add(place, "has both `to` and `ignore`")
    if column.to not in targets:
        faults.add([*place, "to"], f"{column.to} is no target; known are {', '.join(sorted(targets))}")
        return
    bare = column.to.rpartition(".")[2]
    if bare in DAYS and column.format not in FORMATS:
        faults.add([*place, "format"], f"a day needs one of {', '.join(FORMATS)}")
    if column.order not in ORDERS:
        faults.add([*place, "order"], f"must be one of {', '.join(ORDERS)}")
    words = _CODED.get(column.to if "." in column.to else f"{group}{column.to}")
    if words is not None and not (column.to == "contract_months" and column.codes is None):
        wrong = sorted(set((column.codes or {}).values()) - words)
        if column.codes is None or wrong:
            faults.add([*place, "codes"], f"must lead to {', '.join(sorted(word or 'empty' for word in words))}")


def _regular_expression_fault(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error}"
    return ""


def _check_services(mapping: Mapping, faults: Faults) -> None:
    used = {column.to for column in mapping.record_columns.values()}
    if mapping.services is None:
        if used & {"service", "monthly_charge"}:
            faults.add(["services"], "is needed when columns lead to service or monthly_charge")
        return
    if not {"service", "monthly_charge", "tenure_months"} <= used:
        faults.add(["services"], "needs columns that lead to service, monthly_charge and tenure_months")
    for service in mapping.services.offerings:
        column = mapping.record_columns.get(service.column)
        if column is None or column.to != "service":
            faults.add(["services", "offerings"], f"the column {service.column} does not lead to service")
    for name, right in (("adjustment_at_most", _is_amount), ("tax_rate", _is_amount), ("valid_from", _is_day)):
        if not right(getattr(mapping.services, name)):
            faults.add(["services", name], "must be an amount such as 5.00" if right is _is_amount else "must be a day such as 2026-01-31")


def _is_amount(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) is not None


def _is_day(text: str) -> bool:
    return day(text, "iso") is not None
