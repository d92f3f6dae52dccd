"""Holding what else is here against what records brought: each counted where it is, open items to the cent."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from uuid import UUID

from hoeksteen.care.carried_over import count_notes
from hoeksteen.consolidation import _carried_store
from hoeksteen.consolidation._beside import beside_of
from hoeksteen.consolidation._carried import agreement_id_of, consent_id_of, mandate_id_of, note_id_of
from hoeksteen.consolidation.carried_report import CarriedBalance, Counted, Summed
from hoeksteen.consolidation.model import Extract
from hoeksteen.party.consents import count_agreements, count_consents
from hoeksteen.receivables.carried_over import CarriedSums, carried_sums, mandates_there
from hoeksteen.storage.postgres import Row, Transaction

_IDS_PER_QUERY = 10_000
_ZERO = Decimal("0.00")


def carried_balances(*, tx: Transaction, extracts: Sequence[Extract]) -> dict[str, CarriedBalance]:
    """
    Give, per source, what else its records brought and what of it is here.

    A record that changed since it was loaded, is given no more, or waits for its wave counts on neither side.
    """
    sources = [extract.source for extract in extracts]
    without = [record_id for extract in extracts for record_id in (*extract.changed, *extract.gone)]
    sums = carried_sums(tx=tx, sources=sources, without=without)
    rows: dict[str, list[Row]] = {source: [] for source in sources}
    for row in _carried_store.carried(tx, sources, without):
        rows[row["source"]].append(row)
    nothing = CarriedSums(0, _ZERO, 0, _ZERO)
    return {extract.source: _balance(tx, extract, sums.get(extract.source, nothing), rows[extract.source]) for extract in extracts}


def _balance(tx: Transaction, extract: Extract, out: CarriedSums, rows: Sequence[Row]) -> CarriedBalance:
    elsewhere = extract.changed | extract.waiting
    beside = extract.beside if extract.beside is not None else beside_of(extract.records)
    found = beside.sums(extract.records.record_ids(), elsewhere)
    there: set[UUID] = set()
    ids = [mandate_id_of(row["customer_id"]) for row in rows if row["mandate"] == "carried"]
    for some in _slices(iter(ids)):
        there |= mandates_there(tx=tx, mandate_ids=some)

    def here(figure: str, count: Callable[[Sequence[UUID]], int], id_of: Callable[[UUID, int], UUID]) -> Counted:
        wanted = (
            id_of(record_id, number)
            for place, many in beside.having(figure)
            if (record_id := extract.records.record_id(place)) not in elsewhere
            for number in range(many)
        )
        return Counted(found[figure], sum(count(some) for some in _slices(wanted)), 0, found[f"left_{figure.removesuffix('s')}"])

    return CarriedBalance(
        open_items=Summed(found["owed_count"], out.owed_count, _euros(found["owed"]), out.owed),
        credits=Summed(found["credit_count"], out.credit_count, _euros(found["credit"]), out.credit),
        net_in=_euros(found["net"]),
        net_out=out.net,
        invoices_left_behind=found["left_invoice"],
        left_behind=_euros(found["left_amount"]),
        mandates=Counted(
            found["mandates"], sum(one in there for one in ids), sum(row["mandate"] == "superseded" for row in rows), found["left_mandate"]
        ),
        consents=here("consents", lambda some: count_consents(tx=tx, consent_ids=some), consent_id_of),
        contacts=Counted(found["contacts"], sum(row["contacts"] for row in rows), 0, found["left_contact"]),
        notes=here("notes", lambda some: count_notes(tx=tx, note_ids=some), note_id_of),
        contracts=here("contracts", lambda some: count_agreements(tx=tx, agreement_ids=some), lambda record_id, _: agreement_id_of(record_id)),
    )


def _slices(ids: Iterator[UUID]) -> Iterator[list[UUID]]:
    while some := list(islice(ids, _IDS_PER_QUERY)):
        yield some


def _euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
