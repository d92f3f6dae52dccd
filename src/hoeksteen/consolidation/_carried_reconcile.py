"""Holding what else is here against what records brought: each counted where it is, open items to the cent."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from hoeksteen.care.carried_over import count_notes
from hoeksteen.consolidation import _carried_store
from hoeksteen.consolidation._carried import agreement_id_of, consent_id_of, mandate_id_of, net_of, note_id_of, notes_of
from hoeksteen.consolidation.carried_over import contract_of
from hoeksteen.consolidation.carried_report import CarriedBalance, Counted, Summed
from hoeksteen.consolidation.model import Extract, LegacyRecord
from hoeksteen.party.consents import count_agreements, count_consents
from hoeksteen.receivables.carried_over import CarriedSums, carried_sums, mandates_there
from hoeksteen.storage.postgres import Row, Transaction

_IDS_PER_QUERY = 10_000
_ZERO = Decimal("0.00")
_NOBODY = UUID(int=0)


def carried_balances(*, tx: Transaction, extracts: Sequence[Extract]) -> dict[str, CarriedBalance]:
    """
    Give, per source, what else its records brought and what of it is here.

    A record that changed since it was loaded, or is given no more, counts on neither side.
    """
    sources = [extract.source for extract in extracts]
    without = [record_id for extract in extracts for record_id in (*extract.changed, *extract.gone)]
    sums = carried_sums(tx=tx, sources=sources, without=without)
    rows: dict[str, list[Row]] = {source: [] for source in sources}
    for row in _carried_store.carried(tx, sources, without):
        rows[row["source"]].append(row)
    return {
        extract.source: _balance(tx, extract, sums.get(extract.source, CarriedSums(0, _ZERO, 0, _ZERO)), rows[extract.source]) for extract in extracts
    }


def _balance(tx: Transaction, extract: Extract, out: CarriedSums, rows: Sequence[Row]) -> CarriedBalance:
    found = _Expected()
    for record in extract.records:
        if record.record_id not in extract.changed:
            found.add(record)
    there: set[UUID] = set()
    ids = [mandate_id_of(row["customer_id"]) for row in rows if row["mandate"] == "carried"]
    for some in _slices(ids):
        there |= mandates_there(tx=tx, mandate_ids=some)
    left = found.left
    return CarriedBalance(
        open_items=Summed(found.owed_count, out.owed_count, found.owed, out.owed),
        credits=Summed(found.credit_count, out.credit_count, found.credit, out.credit),
        net_in=found.net,
        net_out=out.net,
        invoices_left_behind=left["invoice"],
        left_behind=found.left_amount,
        mandates=Counted(found.mandates, sum(one in there for one in ids), sum(row["mandate"] == "superseded" for row in rows), left["mandate"]),
        consents=Counted(len(found.consents), _count(lambda some: count_consents(tx=tx, consent_ids=some), found.consents), 0, left["consent"]),
        contacts=Counted(found.contacts, sum(row["contacts"] for row in rows), 0, left["contact"]),
        notes=Counted(len(found.notes), _count(lambda some: count_notes(tx=tx, note_ids=some), found.notes), 0, left["note"]),
        contracts=Counted(
            len(found.agreements), _count(lambda some: count_agreements(tx=tx, agreement_ids=some), found.agreements), 0, left["contract"]
        ),
    )


class _Expected:
    """What the records of a source bring, added up from the records alone."""

    def __init__(self) -> None:
        self.owed_count = self.credit_count = self.mandates = self.contacts = 0
        self.owed = self.credit = self.net = self.left_amount = _ZERO
        self.consents: list[UUID] = []
        self.notes: list[UUID] = []
        self.agreements: list[UUID] = []
        self.left: Counter[str] = Counter()

    def add(self, record: LegacyRecord) -> None:
        carried = record.carried
        for amount in (*(one.open_amount for one in carried.invoices), carried.beside_invoices):
            if amount > 0:
                self.owed_count, self.owed = self.owed_count + 1, self.owed + amount
            elif amount < 0:
                self.credit_count, self.credit = self.credit_count + 1, self.credit + amount
        self.net += net_of(record)
        self.mandates += carried.has_mandate
        self.contacts += len(carried.contacts)
        self.consents += [consent_id_of(record, place) for place in range(len(carried.consents))]
        self.notes += [note_id_of(record, place) for place in range(len(notes_of(record, _NOBODY, "")))]
        if contract_of(record) is not None:
            self.agreements.append(agreement_id_of(record))
        for one in carried.left_behind:
            self.left[one.kind] += 1
            self.left_amount += one.amount or _ZERO


def _slices(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + _IDS_PER_QUERY] for start in range(0, len(ids), _IDS_PER_QUERY))


def _count(count: Callable[[Sequence[UUID]], int], ids: Sequence[UUID]) -> int:
    return sum(count(some) for some in _slices(ids))
