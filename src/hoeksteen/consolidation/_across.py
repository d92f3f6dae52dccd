"""
What is wrong only beside other records: an invoice number that repeats in a source, and one SIM in two records.

Decided from the records alone and before they are matched, so that it stays decided when customers are merged or taken apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from hoeksteen.consolidation import mapping as declared
from hoeksteen.consolidation._beside import beside_of, repeated
from hoeksteen.consolidation.carried_over import LeftBehind
from hoeksteen.consolidation.model import Extract, Finding, LegacyProduct, LegacyRecord

Holder = tuple[Extract, int, int]  # whose records, the record's place, the product's place


def settle_across(extracts: Sequence[Extract], mappings: Mapping[str, declared.Mapping], cutover: date) -> None:
    """Leave behind what repeats, with a finding; the record that had it first, of the most trusted source, keeps it."""
    for found in extracts:
        if found.beside is None:
            found.beside = beside_of(found.records)
        _invoices(found, _leading_to(mappings[found.source], "invoice_number"), cutover)
    _sims(sorted(extracts, key=lambda found: found.trust), mappings, cutover)


def _invoices(found: Extract, field: str, cutover: date) -> None:
    assert found.beside is not None  # settle_across saw to it
    seen: set[str] = set()
    for place in found.beside.invoices_that_repeat():
        record = found.records[place]
        again = []
        for one in record.carried.invoices:
            if one.number is not None and one.number in seen:
                again.append(one)
            elif one.number is not None:
                seen.add(one.number)
        if again:
            kept = tuple(one for one in record.carried.invoices if one not in again)
            left = tuple(LeftBehind("invoice", "invoice_number_repeats", one.open_amount) for one in again)
            carried = replace(record.carried, invoices=kept, left_behind=record.carried.left_behind + left)
            _put(found, place, replace(record, carried=carried), cutover)
            found.findings += [Finding(found.source, _place_of(found, record), field, "invoice_number_repeats")] * len(again)


def _sims(extracts: Sequence[Extract], mappings: Mapping[str, declared.Mapping], cutover: date) -> None:
    """
    A SIM is in one product at a time. Where two records claim it, that in service and first of the most trusted source has it.

    The one after it in the same record, when the first has ended, is the same customer's next contract.
    """
    marks = [(mark, number, place) for number, found in enumerate(extracts) if found.beside is not None for mark, place in found.beside.sim_marks()]
    several = repeated(mark for mark, _, _ in marks)
    holders: dict[str, list[Holder]] = {}
    for which, place in dict.fromkeys((which, place) for mark, which, place in marks if mark in several):
        for number, product in enumerate(extracts[which].records[place].products):
            if product.iccid:
                holders.setdefault(product.iccid, []).append((extracts[which], place, number))
    for claimed in holders.values():
        for found, place, number in _without_right(claimed) if len(claimed) > 1 else ():
            record = found.records[place]
            products = tuple(replace(one, iccid=None) if at == number else one for at, one in enumerate(record.products))
            _put(found, place, replace(record, products=products), cutover)
            found.findings.append(Finding(found.source, _place_of(found, record), _leading_to(mappings[found.source], "iccid"), "sim_repeats"))


def _put(found: Extract, place: int, record: LegacyRecord, cutover: date) -> None:
    assert found.beside is not None  # settle_across saw to it
    found.records.put(place, record)
    found.expected.put(place, record, cutover)
    found.beside.put(place, record)


def _without_right(claimed: Sequence[Holder]) -> Iterator[Holder]:
    ordered = sorted(claimed, key=lambda one: _product(one).end is not None)
    kept: list[Holder] = []
    lost: list[Holder] = []
    for one in ordered:
        rivals = [other for other in kept if one[0] is not other[0] or one[1] != other[1] or _overlap(_product(one), _product(other))]
        (lost if rivals else kept).append(one)
    return iter(lost)


def _product(holder: Holder) -> LegacyProduct:
    found, place, number = holder
    return found.records[place].products[number]


def _overlap(one: LegacyProduct, other: LegacyProduct) -> bool:
    return one.start < (other.end or date.max) and other.start < (one.end or date.max)


def _place_of(found: Extract, record: LegacyRecord) -> str:
    return f"{found.file.name}:{record.row}"


def _leading_to(mapping: declared.Mapping, target: str) -> str:
    """Give the column of a mapping that leads to a target, wherever it stands."""
    columns = [mapping.record_columns, *(child.columns for child in mapping.lists.values())]
    return next((name for some in columns for name, column in some.items() if (column.to or "").rpartition(".")[2] == target), target)
