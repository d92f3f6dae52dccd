"""The tests inside a mapping: a record as the legacy system writes it, and what it must become."""

from collections.abc import Mapping as AnyMapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import msgspec

from hoeksteen.consolidation.mapping import Column, Example, Mapping, columns_of
from hoeksteen.consolidation.model import LegacyProduct, LegacyRecord, Rejected
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord
from hoeksteen.consolidation.readers.shaping import shaper_of
from hoeksteen.consolidation.translate import translate_one
from hoeksteen.kernel.errors import InvalidInput

_NAMES = {"name", "family_name", "company_name"}


@dataclass(frozen=True, slots=True)
class ExampleFault:
    """
    A test of a mapping that does not hold.

    :param what: what was expected and what came; an example is no personal data, so that values may be shown
    """

    test: str
    what: str


def failing_examples(*, mapping: Mapping, today: date, cutover: date) -> list[ExampleFault]:
    """Run the tests of a mapping and give those that do not hold, in the order of the mapping."""
    faults = []
    for example in mapping.tests:
        faults += [ExampleFault(example.name, what) for what in _faults_of(example, mapping, today, cutover)]
    return faults


def require_examples(*, mapping: Mapping, today: date, cutover: date) -> None:
    """
    Refuse a mapping whose own tests do not hold.

    :raises InvalidInput: naming the first test and what came of it
    """
    faults = failing_examples(mapping=mapping, today=today, cutover=cutover)
    if faults:
        first = faults[0]
        more = f", and {len(faults) - 1} more faults" if len(faults) > 1 else ""
        raise InvalidInput(
            f"{mapping.file}, test `{first.test}`: {first.what}{more}.",
            remedy="Correct the mapping or its test; `hoeksteen consolidate check` shows each.",
        )


def shown(record: LegacyRecord) -> dict[str, Any]:
    """Give what a test may expect of a record: texts by name, an unknown one as the empty text; and lists of the same."""
    name = record.name
    found: dict[str, Any] = {
        "key": record.source_key,
        "kind": record.kind,
        "family_name": name and name.family_name,
        "prefix": name and name.family_name_prefix,
        "initials": name and name.initials,
        "given_name": name and name.given_name,
        "maiden_name": name and name.maiden_name,
        "suffix": name and name.suffix,
        "gender": record.gender,
        "company_name": record.trading_name,
        "legal_form": record.legal_form,
        "chamber_of_commerce_number": record.chamber_of_commerce_number,
        "birth_date": record.birth_date,
        "language": record.language,
        "phone": ", ".join(record.phones),
        "email": ", ".join(record.emails),
        "iban": record.iban,
        "payment_method": record.payment_method,
        "mandate_reference": record.mandate_reference,
        "mandate_date": record.mandate_date,
        "customer_since": record.customer_since,
        "contract_months": record.contract_months,
        "monthly_charge": record.charges and record.charges.monthly,
        "total_charge": record.charges and record.charges.total,
        "tenure_months": record.charges and record.charges.tenure_months,
    }
    for role in ("residential", "billing"):
        address = record.addresses.get(role)
        found[f"{role}.street"] = address and address.street
        found[f"{role}.house_number"] = address and address.house_number
        found[f"{role}.addition"] = address and address.house_number_addition
        found[f"{role}.postcode"] = address and address.postcode
        found[f"{role}.city"] = address and address.city
    texts: dict[str, Any] = {key: _text(value) for key, value in found.items()}
    carried = record.carried
    texts |= {"balance": _text(carried.balance), "has_mandate": "yes" if carried.has_mandate else "no"}
    lists = {name: [_texts(entry) for entry in getattr(carried, name)] for name in ("invoices", "consents", "contacts", "notes")}
    return {**texts, "products": [_product(product) for product in record.products], **lists}


def _texts(entry: Any) -> dict[str, str]:
    return {name: _text(value) for name, value in asdict(entry).items()}


def _product(product: LegacyProduct) -> dict[str, str]:
    return {
        "key": product.item_key,
        "offering": product.product_offering_id,
        "number": _text(product.number),
        "iccid": _text(product.iccid),
        "start": _text(product.start),
        "end": _text(product.end),
        "suspended": _text(product.suspended),
        "billed_to": _text(product.billed_to),
        "monthly": _text(product.monthly),
        "discounts": "; ".join(f"{one.name} {one.kind} {one.value}".strip() for one in product.discounts),
    }


def _faults_of(example: Example, mapping: Mapping, today: date, cutover: date) -> list[str]:
    raw = _raw(example, mapping)
    if isinstance(raw, str):
        return [raw]
    tested = _lenient(example, mapping)
    if (shaper := shaper_of(tested)) is not None:
        shaper.shape(raw)
    record, findings = translate_one(raw=raw, mapping=tested, today=today, cutover=cutover)
    faults = []
    codes = sorted(finding.code for finding in findings)
    if example.findings is not None and codes != sorted(example.findings):
        faults.append(f"findings {', '.join(sorted(example.findings)) or 'none'} are expected, and came: {', '.join(codes) or 'none'}")
    if isinstance(record, Rejected):
        if record.finding.code != example.rejected:
            faults.append(f"the record is rejected: {record.finding.code} in field {record.finding.field}")
        return faults
    if example.rejected is not None:
        faults.append(f"a rejection is expected ({example.rejected}), and the record is taken")
    return faults + _differences(example.expect, shown(record), "")


def _not_given(column: Column) -> Column:
    """A column of the record that a test does not give is not there at all; a product is whole or none."""
    if (column.to or "").startswith("product.") or column.default is not None or column.expression is not None:
        return column
    return msgspec.structs.replace(column, to=None, ignore="not given", required=None, matches=None)


def _lenient(example: Example, mapping: Mapping) -> Mapping:
    """A test of one field needs no others: what is not given may be missing, also a name."""
    columns = {name: column if name in example.given else _not_given(column) for name, column in mapping.columns.items()}
    names = {name for name, column in mapping.record_columns.items() if column.to in _NAMES}
    read = {name for one in names for name in columns_of(mapping.record_columns[one])}
    return msgspec.structs.replace(mapping, columns=columns, match=mapping.match and bool((names | read) & set(example.given)))


def _differences(expected: AnyMapping[str, Any], found: AnyMapping[str, Any], place: str) -> list[str]:
    faults = []
    for name, want in expected.items():
        if name not in found:
            faults.append(f"{place}{name} is nothing that a record has; there are {', '.join(found)}")
        elif isinstance(found[name], list):
            entries = want if isinstance(want, list) and all(isinstance(one, dict) for one in want) else None
            if entries is None:
                faults.append(f"{name} must be a list of names and values")
            elif len(entries) != len(found[name]):
                faults.append(f"{len(entries)} {name} are expected, and came: {len(found[name])}")
            for number, (one, other) in enumerate(zip(entries or [], found[name], strict=False), start=1):
                faults += _differences(one, other, f"{name} {number} ")
        elif _text(want) != found[name]:
            faults.append(f"{place}{name}: {_text(want) or 'nothing'} is expected, and came: {found[name] or 'nothing'}")
    return faults


def _raw(example: Example, mapping: Mapping) -> RawRecord | str:
    """Give the record that an example describes, or what is wrong with its `given`; what is not given is empty."""
    unknown = next((name for name in example.given if name not in mapping.columns and name not in mapping.lists), None)
    if unknown is not None:
        return f"given: the column {unknown} is not among columns"
    values = {name: _given(example.given[name]) if name in example.given else None for name in mapping.columns}
    values[mapping.key] = values[mapping.key] or "1"
    raw = RawRecord(values[mapping.key], 1, values)
    for name, child in mapping.lists.items():
        entries = example.given.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"given: {name} must be a list of entries"
        wrong = next((column for entry in entries for column in entry if column not in child.file_columns), None)
        if wrong is not None:
            return f"given: {name} has no column {wrong}"
        raw.children[name] = [
            (number, {column: _given(entry.get(column)) for column in child.file_columns}) for number, entry in enumerate(entries, 1)
        ]
    rows = mapping.row_columns
    if set(rows) & set(example.given):
        raw.children[PRODUCT_ROWS] = [(1, {name: values[name] for name in rows})]
    return raw


def _given(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
