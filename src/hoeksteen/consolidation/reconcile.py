"""Holding what is here against what came in, source by source: records, products, numbers, SIMs, and recurring revenue to the cent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._carried_reconcile import carried_balances
from hoeksteen.consolidation.model import Extract, RecordState
from hoeksteen.consolidation.report import SourceBalance
from hoeksteen.product.queries import sums_by_group
from hoeksteen.product.sums import Sums
from hoeksteen.storage.postgres import Transaction

_NOTHING = Sums(0, 0, 0, Decimal("0.00"))


def balances(*, tx: Transaction, extracts: Sequence[Extract], titles: dict[str, str], cutover: date) -> list[SourceBalance]:
    """
    Give each source's balance, read back from what was loaded, and summed by the database.

    Records that are given no more count on neither side; what a record that changed since holds is not compared: both are findings.

    :param cutover: the day whose recurring revenue is compared
    """
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for row in _store.counts(tx, [record_id for extract in extracts for record_id in extract.gone]):
        states[row["source"]][row["state"]] = row["records"]
    without = [record_id for extract in extracts for record_id in extract.gone | extract.changed]
    here = sums_by_group(tx=tx, groups=_store.compared_products([extract.source for extract in extracts], without), day=cutover)
    carried = carried_balances(tx=tx, extracts=extracts)
    found = [_balance(extract, titles[extract.source], states[extract.source], here.get(extract.source, _NOTHING)) for extract in extracts]
    return [replace(one, carried=carried[one.name]) for one in found]


def _balance(extract: Extract, title: str, states: dict[str, int], here: Sums) -> SourceBalance:
    came_in = extract.expected.sums(extract.records.record_ids(), extract.changed | extract.waiting)
    return SourceBalance(
        name=extract.source,
        title=title,
        records_in=len(extract.records) + len(extract.rejected),
        states={str(state): states.get(state, 0) for state in RecordState},
        products_in=came_in.products,
        products_out=here.products,
        numbers_in=came_in.numbers,
        numbers_out=here.numbers,
        sims_in=came_in.sims,
        sims_out=here.sims,
        monthly_in=came_in.monthly,
        monthly_out=here.monthly.quantize(Decimal("0.01")),
    )
