"""
What each record brings beside customer and products, in figures, and which SIMs and invoice numbers it names, as marks: some 90 bytes a record.

So that reconciling and finding what repeats need not unpack every record again.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from hashlib import blake2b
from uuid import UUID

from hoeksteen.consolidation.carried_over import contract_of
from hoeksteen.consolidation.model import LegacyRecord

_ZERO = Decimal("0.00")
_MARK_BYTES = 8
LEFT = ("invoice", "mandate", "consent", "contact", "note", "contract")
_FIGURES = (
    "owed_count", "owed", "credit_count", "credit", "net", "mandates", "contacts", "consents", "notes", "contracts", "left_amount",
    *(f"left_{kind}" for kind in LEFT),
)  # fmt: skip
_CENTS = {"owed", "credit", "net", "left_amount"}


class Beside:
    """Per record of a source, in their order."""

    __slots__ = ("_figures", "_invoices", "_sims", "count")

    def __init__(self) -> None:
        self.count = 0
        self._figures = {name: array("q" if name in _CENTS else "I") for name in _FIGURES}
        self._sims, self._invoices = _Marks(), _Marks()

    def add(self, record: LegacyRecord) -> None:
        """Add what one record brings."""
        for figures in self._figures.values():
            figures.append(0)
        for name, value in _figures_of(record):
            self._figures[name][-1] = value
        for product in record.products:
            if product.iccid:
                self._sims.add(product.iccid, self.count)
        for one in record.carried.invoices:
            if one.number:
                self._invoices.add(one.number, self.count)
        self.count += 1

    def put(self, place: int, record: LegacyRecord) -> None:
        """Note the figures of a record anew, of which something was left behind."""
        for figures in self._figures.values():
            figures[place] = 0
        for name, value in _figures_of(record):
            self._figures[name][place] = value

    def extend(self, other: "Beside") -> None:
        """Add the records of another."""
        for name, values in self._figures.items():
            values.extend(other._figures[name])
        self._sims.extend(other._sims, self.count)
        self._invoices.extend(other._invoices, self.count)
        self.count += other.count

    def sums(self, ids: Iterable[UUID], without: Collection[UUID]) -> Counter[str]:
        """
        Add the figures up; amounts are in cents.

        :param ids: of the records, in their order
        :param without: records that do not count
        """
        left_out = [place for place, record_id in enumerate(ids) if record_id in without] if without else []
        return Counter({name: sum(values) - sum(values[place] for place in left_out) for name, values in self._figures.items()})

    def having(self, name: str) -> Iterator[tuple[int, int]]:
        """Give the places of the records that have some of a figure, with how many."""
        return ((place, count) for place, count in enumerate(self._figures[name]) if count)

    def invoices_that_repeat(self) -> list[int]:
        """Give, in order, the places of records that name an invoice number which another entry names too; or seem to."""
        several = self._invoices.several()
        return sorted({place for mark, place in self._invoices if mark in several})

    def sim_marks(self) -> "Iterator[tuple[int, int]]":
        """Give the mark of each SIM with the place of its record."""
        return iter(self._sims)


class _Marks:
    """Texts, each as eight bytes that stand for it, with the place of its record. Two texts may have one mark; whoever looks decides."""

    __slots__ = ("_marks", "_places")

    def __init__(self) -> None:
        self._marks, self._places = array("Q"), array("L")

    def add(self, text: str, place: int) -> None:
        self._marks.append(mark_of(text))
        self._places.append(place)

    def extend(self, other: "_Marks", offset: int) -> None:
        self._marks.extend(other._marks)
        self._places.extend(place + offset for place in other._places)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._marks, self._places, strict=True)

    def several(self) -> set[int]:
        return repeated(self._marks)


def mark_of(text: str) -> int:
    """Give eight bytes that stand for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_MARK_BYTES).digest(), "little")


def repeated(marks: Iterable[int]) -> set[int]:
    """Give the marks that come more than once."""
    ordered = sorted(marks)
    return {one for one, other in zip(ordered, ordered[1:], strict=False) if one == other}


def beside_of(records: Iterable[LegacyRecord]) -> Beside:
    """Give what each of these records brings."""
    found = Beside()
    for record in records:
        found.add(record)
    return found


def _figures_of(record: LegacyRecord) -> Iterable[tuple[str, int]]:
    """Give what a record has of each figure, where it has any."""
    carried = record.carried
    found = Counter[str]()
    for amount in (*(one.open_amount for one in carried.invoices), carried.beside_invoices):
        kind = "owed" if amount > 0 else "credit"
        if amount:
            found[f"{kind}_count"] += 1
            found[kind] += int(amount.scaleb(2))
    found["net"] = int(carried.net.scaleb(2))
    found["mandates"] = int(carried.has_mandate)
    found["contacts"], found["consents"] = len(carried.contacts), len(carried.consents)
    found["notes"] = len(carried.notes) + sum(bool(one.text) for one in carried.invoices)
    found["contracts"] = int(contract_of(record) is not None)
    for left in carried.left_behind:
        found[f"left_{left.kind}"] += 1
        found["left_amount"] += int((left.amount or _ZERO).scaleb(2))
    return found.items()
