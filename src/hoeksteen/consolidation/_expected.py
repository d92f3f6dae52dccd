"""What each record holds by its own source: what must be found again, to the cent, once it is loaded."""

from array import array
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from hoeksteen.consolidation.model import LegacyProduct, LegacyRecord
from hoeksteen.kernel.money import round_half_up

_ZERO = Decimal("0.00")
Alterations = Iterable[tuple[str, Decimal, date, date | None]]


class Held(NamedTuple):
    """
    What some records hold together.

    :param monthly: euros per month on the cutover day, after discounts
    """

    products: int
    numbers: int
    sims: int
    monthly: Decimal


class Expected:
    """Per record of a source what it holds; four figures each, so that a million of them take 20 MB."""

    __slots__ = ("_cents", "_numbers", "_products", "_sims")

    def __init__(self) -> None:
        self._products, self._numbers, self._sims, self._cents = array("I"), array("I"), array("I"), array("q")

    def add(self, record: LegacyRecord, cutover: date) -> None:
        """Add what one record holds on the cutover day."""
        numbers = sims = 0
        monthly = _ZERO
        for product in record.products:
            monthly += monthly_in(product, cutover)
            if product.end is not None and product.end <= product.start:
                continue
            numbers += bool(product.number and product.number_kind)
            sims += bool(product.iccid)
        self._products.append(len(record.products))
        self._numbers.append(numbers)
        self._sims.append(sims)
        self._cents.append(int(monthly.scaleb(2)))

    def put(self, place: int, record: LegacyRecord, cutover: date) -> None:
        """Note anew what the record in a place holds."""
        one = expected_of([record], cutover)
        for name in self.__slots__:
            getattr(self, name)[place] = getattr(one, name)[0]

    def extend(self, other: "Expected") -> None:
        """Add the records of another."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))

    def sums(self, ids: Iterable[UUID], without: Collection[UUID]) -> Held:
        """
        Give what all records hold together.

        :param ids: of the records, in their order
        :param without: records that do not count
        """
        left_out = [place for place, record_id in enumerate(ids) if record_id in without] if without else []

        def total(values: "array[int]") -> int:
            return sum(values) - sum(values[place] for place in left_out)

        return Held(total(self._products), total(self._numbers), total(self._sims), Decimal(total(self._cents)).scaleb(-2))


def expected_of(records: Iterable[LegacyRecord], cutover: date) -> Expected:
    """Give what each of these records holds."""
    found = Expected()
    for record in records:
        found.add(record, cutover)
    return found


def monthly_in(product: LegacyProduct, day: date) -> Decimal:
    """Give what a legacy product costs per month on a day, after discounts, in euros; nothing when it is not in service."""
    ended = product.end is not None and product.end <= day
    suspended = product.suspended is not None and product.suspended <= day
    if product.start > day or ended or suspended:
        return _ZERO
    return altered(product.monthly, ((found.kind, found.value, found.valid_from, found.valid_to) for found in product.discounts), day)


def altered(amount: Decimal, alterations: Alterations, day: date) -> Decimal:
    """Each percentage is of the amount before any other alteration (docs/rating.md, and as the bill run reckons)."""
    total = amount
    for kind, value, valid_from, valid_to in alterations:
        if valid_from <= day and (valid_to is None or day < valid_to):
            total += round_half_up(amount * value / 100) if kind == "percentage" else value
    return total
