"""
What is wrong only beside other records: an invoice number that repeats in a source, and one SIM in two records.

Decided from the records alone and before they are matched, so that it stays decided when customers are merged or taken apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from hoeksteen.consolidation import mapping as declared
from hoeksteen.consolidation.carried_over import LeftBehind
from hoeksteen.consolidation.model import Extract, Finding, LegacyProduct, LegacyRecord

Holder = tuple[Extract, int, int]  # whose records, the record's place, the product's place


def settle_across(extracts: Sequence[Extract], mappings: Mapping[str, declared.Mapping]) -> None:
    """Leave behind what repeats, with a finding; the record that had it first, of the most trusted source, keeps it."""
    for found in extracts:
        _invoices(found, _leading_to(mappings[found.source], "invoice_number"))
    _sims(sorted(extracts, key=lambda found: found.trust), mappings)


def _invoices(found: Extract, field: str) -> None:
    seen: set[str] = set()
    for place, record in enumerate(found.records):
        repeated = []
        for one in record.carried.invoices:
            if one.number is not None and one.number in seen:
                repeated.append(one)
            elif one.number is not None:
                seen.add(one.number)
        if repeated:
            kept = tuple(one for one in record.carried.invoices if one not in repeated)
            left = tuple(LeftBehind("invoice", "invoice_number_repeats", one.open_amount) for one in repeated)
            carried = replace(record.carried, invoices=kept, left_behind=record.carried.left_behind + left)
            found.records[place] = replace(record, carried=carried)
            found.findings += [Finding(found.source, _place_of(found, record), field, "invoice_number_repeats")] * len(repeated)


def _sims(extracts: Sequence[Extract], mappings: Mapping[str, declared.Mapping]) -> None:
    """
    A SIM is in one product at a time. Where two records claim it, that in service and first of the most trusted source has it.

    The one after it in the same record, when the first has ended, is the same customer's next contract.
    """
    holders: dict[str, list[Holder]] = {}
    for found in extracts:
        for place, record in enumerate(found.records):
            for number, product in enumerate(record.products):
                if product.iccid:
                    holders.setdefault(product.iccid, []).append((found, place, number))
    for several in holders.values():
        if len(several) > 1:
            for found, place, number in _without_right(several):
                record = found.records[place]
                products = tuple(replace(one, iccid=None) if at == number else one for at, one in enumerate(record.products))
                found.records[place] = replace(record, products=products)
                found.findings.append(Finding(found.source, _place_of(found, record), _leading_to(mappings[found.source], "iccid"), "sim_repeats"))


def _without_right(several: Sequence[Holder]) -> Iterator[Holder]:
    ordered = sorted(several, key=lambda one: _product(one).end is not None)
    kept: list[Holder] = []
    for one in ordered:
        if any(one[:2] != other[:2] or _overlap(_product(one), _product(other)) for other in kept):
            yield one
        else:
            kept.append(one)


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
