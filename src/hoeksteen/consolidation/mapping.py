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
from hoeksteen.consolidation.standardise.dates import FORMATS, day
from hoeksteen.consolidation.standardise.names import ORDERS
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

SHIPPED = Path(__file__).parent / "mappings"
_FAULTS_SHOWN_MAX = 20
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


class Column(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    What one column means: `to` a target, or `ignore` with the reason why it is left behind.

    :param format: of a day, one of `standardise.dates.FORMATS`
    :param decimal: how an amount is written: `point`, `comma` or `cents`
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


class Csv(msgspec.Struct, tag="csv", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    Delimited text whose first line names the columns, which must be those of `columns`, in their order.

    :param quote: the quoting character, or none
    :param rows_per_record: `many`: adjacent rows with one key are one record with several products
    """

    encoding: str
    delimiter: str
    quote: str | None = None
    rows_per_record: Literal["one", "many"] = "one"


class JsonLines(msgspec.Struct, tag="jsonl", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """One JSON object a line; nested columns are named with dots, lists are `children`."""

    encoding: str = "utf-8"


class Sqlite(msgspec.Struct, tag="sqlite", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    An SQLite file.

    :param tables: every table with all its columns, as they are expected
    :param query: gives one row per record, whose columns are those of `columns`
    """

    tables: dict[str, list[str]]
    query: str


class Child(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    A list inside a record: of products, addresses, discounts, open invoices, consents, contact persons or notes. In SQLite its `query` names
    the record's key first.
    """

    of: Literal["product", "address", "discount", "invoice", "consent", "contact", "note"]
    columns: dict[str, Any]
    query: str | None = None


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


class Mapping(msgspec.Struct, forbid_unknown_fields=True):
    """
    A whole mapping.

    :param trust: 1 is believed first where sources differ
    :param match: whether its records may be the same customers as others'
    :param tax_included: whether the amounts of its individuals hold VAT
    :param balance: what counts where a record's balance is another than the sum of its open invoices: the invoices (`informative`) or the balance
    :param rejected_percent_max: more rejected records than this mean that the mapping is wrong, not the data
    """

    source: str
    title: str
    trust: int
    reader: Csv | JsonLines | Sqlite
    key: str
    columns: dict[str, Any]
    children: dict[str, Any] = {}
    organization_when: KindRule = KindRule()
    match: bool = True
    tax_included: bool = True
    rejected_percent_max: int = 5
    services: Services | None = None
    balance: Literal["informative", "authoritative"] = "informative"
    file: Path = Path()

    @property
    def record_columns(self) -> dict[str, Column]:
        """The record's columns, in the order of the file."""
        return self.columns

    @property
    def lists(self) -> dict[str, Child]:
        """The lists inside a record."""
        return self.children


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
        text = path.read_text("utf-8")
        content = read_yaml(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: byte {error.start} is not UTF-8.", remedy="Save the mapping as UTF-8.") from error
    except NoYaml as error:
        where = "" if error.line is None else f" line {error.line}"
        raise InvalidInput(f"{path}{where}: {error}.", remedy="Mend the indentation or the quotes there; put dates and numbers in quotes.") from error
    faults = _Faults(path, node)
    mapping = _converted(content, faults)
    faults.stop()
    assert mapping is not None  # for the type checker: stop() raised otherwise
    mapping.file = path
    _check(mapping, faults)
    faults.stop()
    return mapping


class _Faults:
    """The faults of one mapping, each with its line."""

    def __init__(self, path: Path, node: Any) -> None:
        self._path, self._node, self._found = path, node, list[str]()

    def add(self, place: list[str], what: str) -> None:
        self._found.append(f"{self._path} line {self._line(place)}, field {'.'.join(place) or 'of the file'}: {what}")

    def stop(self) -> None:
        if self._found:
            shown = "; ".join(self._found[:_FAULTS_SHOWN_MAX])
            raise InvalidInput(
                f"The mapping is wrong: {shown}.", remedy="Correct the mapping; src/hoeksteen/consolidation/README.md explains its fields."
            )

    def _line(self, place: list[str]) -> int:
        node = self._node
        line = node.start_mark.line if node is not None else 0
        for step in place:
            found = next((pair for pair in node.value if pair[0].value == step), None) if isinstance(node, yaml.MappingNode) else None
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return int(line) + 1


def _converted(content: Any, faults: _Faults) -> Mapping | None:
    if not isinstance(content, dict):
        faults.add([], "must be a mapping of fields")
        return None
    mapping: Mapping | None = _struct(content, Mapping, [], faults)
    if mapping is None:
        return None
    mapping.columns = _columns(mapping.columns, ["columns"], faults)
    children: dict[str, Child] = {}
    for name, value in mapping.children.items():
        child = _struct(value, Child, ["children", name], faults)
        if child is not None:
            children[name] = msgspec.structs.replace(child, columns=_columns(child.columns, ["children", name, "columns"], faults))
    mapping.children = children
    return mapping


def _columns(raw: dict[str, Any], place: list[str], faults: _Faults) -> dict[str, Column]:
    found = {}
    for name, value in raw.items():
        column = _struct(value, Column, [*place, name], faults)
        if column is not None:
            found[name] = column
    return found


def _struct(value: Any, kind: type[Any], place: list[str], faults: _Faults) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        steps = [step for step in path.rstrip("`").replace("[", ".").replace("]", "").split(".") if step and step != "..."]
        faults.add([*place, *steps], what[0].lower() + what[1:])
        return None


def _check(mapping: Mapping, faults: _Faults) -> None:
    if mapping.key not in mapping.columns:
        faults.add(["key"], f"the column {mapping.key} is not among columns")
    targets = RECORD_TARGETS
    if isinstance(mapping.reader, Csv):
        if len(mapping.reader.delimiter) != 1:
            faults.add(["reader", "delimiter"], "must be one character")
        targets = RECORD_TARGETS | {f"product.{name}" for name in CHILD_TARGETS["product"]}
        if mapping.children:
            faults.add(["children"], "a CSV file has none; write its product columns as product.*")
    if not isinstance(mapping.reader, Sqlite):
        _check_encoding(mapping.reader.encoding, faults)
    for name, column in mapping.record_columns.items():
        _check_column(["columns", name], column, targets, "", faults, key=name == mapping.key)
    for list_name, child in mapping.lists.items():
        if (child.query is None) == isinstance(mapping.reader, Sqlite):
            faults.add(["children", list_name, "query"], "is needed for sqlite, and only there")
        for name, column in child.columns.items():
            _check_column(["children", list_name, "columns", name], column, CHILD_TARGETS[child.of], f"{child.of}.", faults, key=False)
    _check_lists(mapping, faults)
    if not 0 <= mapping.rejected_percent_max <= 100:
        faults.add(["rejected_percent_max"], "must lie in 0 to 100")
    for place in (mapping.organization_when.filled, mapping.organization_when.legal_form_in, list(mapping.organization_when.one_of)):
        for name in place:
            if name not in mapping.columns:
                faults.add(["organization_when"], f"the column {name} is not among columns")
    _check_services(mapping, faults)
    invoices = any(child.of == "invoice" for child in mapping.lists.values()) or any(
        (column.to or "").startswith("invoice.") for column in mapping.record_columns.values()
    )
    if mapping.balance == "informative" and not invoices and any(column.to == "balance" for column in mapping.record_columns.values()):
        faults.add(["balance"], "must be authoritative where no column leads to an open invoice: nothing would be carried over")


def _check_lists(mapping: Mapping, faults: _Faults) -> None:
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


def _check_encoding(encoding: str, faults: _Faults) -> None:
    try:
        plain = "\r\n".encode(encoding) == b"\r\n"
    except LookupError:
        plain = False
    if not plain:
        faults.add(["reader", "encoding"], "is no encoding that Python knows, or one whose lines do not end as in ASCII, such as UTF-16")


def _check_column(place: list[str], column: Column, targets: set[str], group: str, faults: _Faults, *, key: bool) -> None:
    if column.matches is not None and (fault := _regular_expression_fault(column.matches)):
        faults.add([*place, "matches"], fault)
    if column.to is None:
        if column.ignore is None and not key:
            faults.add(place, "needs `to` (a target) or `ignore` (the reason why it is left behind)")
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


def _check_services(mapping: Mapping, faults: _Faults) -> None:
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
