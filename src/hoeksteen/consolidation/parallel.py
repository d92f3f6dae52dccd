"""
A parallel run: the bills of a month, as a trial made them here, against the invoices of the legacy systems, line by line.

Lines are compared per customer and product. Each difference has one cause, and the differences add up to what the two sides differ in all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hoeksteen.consolidation.invoice_lines import InvoiceLine
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import BillPeriod

_ZERO = Decimal("0.00")
_ANY_PERIOD = 10_000


class Cause(StrEnum):
    """Why a line differs, the commonest first."""

    PRICE = "price"
    PRORATION = "proration"
    DISCOUNT = "discount"
    VAT = "vat"
    ROUNDING = "rounding"
    USAGE = "usage"
    TIMING = "timing"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    EXTRA_PRODUCT = "extra_product"


@dataclass(frozen=True, slots=True)
class LineDifference:
    """
    One line that differs.

    :param theirs: the legacy line; None where there is none, as `ours`
    """

    cause: Cause
    theirs: InvoiceLine | None
    ours: InvoiceLine | None

    @property
    def net(self) -> Decimal:
        """Euros without VAT: ours less theirs."""
        return (self.ours.net if self.ours else _ZERO) - (self.theirs.net if self.theirs else _ZERO)

    @property
    def vat(self) -> Decimal:
        """Euros of VAT: ours less theirs; nothing where theirs is not said."""
        if self.theirs is not None and self.theirs.vat is None:
            return _ZERO
        return (self.ours.vat or _ZERO if self.ours else _ZERO) - (self.theirs.vat or _ZERO if self.theirs else _ZERO)

    def explain(self) -> list[tuple[str, str]]:
        """Say what each side rests on: amounts, days, and of ours the price and what altered it."""
        said = [("cause", self.cause.replace("_", " "))]
        for side, line in (("theirs", self.theirs), ("ours", self.ours)):
            if line is None:
                said.append((side, "no such line"))
                continue
            said.append((side, f"{line.net} net" + ("" if line.vat is None else f", {line.vat} VAT") + f", {line.kind}, {line.place}"))
            if line.first is not None and line.end is not None:
                said.append((f"{side}, days", f"{line.first} to {line.end}, {(line.end - line.first).days} days"))
            said += [(f"{side}, {name}", value) for name, value in line.why]
        return said

    def as_json(self) -> dict[str, Any]:
        """Give the difference as figures; no word of an invoice is in it."""
        product = (self.ours or self.theirs or InvoiceLine("", None, _ZERO, None, None, None, "")).product_id
        return {
            "cause": str(self.cause), "product_id": str(product) if product else None, "net": str(self.net), "vat": str(self.vat),
            "theirs": _line_as_json(self.theirs), "ours": _line_as_json(self.ours), "explain": [list(pair) for pair in self.explain()],
        }  # fmt: skip


def _line_as_json(line: InvoiceLine | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "kind": line.kind, "net": str(line.net), "vat": None if line.vat is None else str(line.vat),
        "from": line.first.isoformat() if line.first else None, "to": line.end.isoformat() if line.end else None, "place": line.place,
    }  # fmt: skip


@dataclass(slots=True)
class Compared:
    """What the lines of one customer came to: how many are the same, and each that is not."""

    same: int = 0
    differences: list[LineDifference] = field(default_factory=list)


def compare_lines(*, theirs: Sequence[InvoiceLine], ours: Sequence[InvoiceLine], period: BillPeriod) -> Compared:
    """
    Compare the lines of one customer.

    A legacy system that shows no discount of a product has it in the price: then ours counts with the price, too. Usage counts per product.

    :param period: the usage period of our bill; charges in advance are for the period after it
    """
    found = Compared()
    held_there, held_here = ({line.product_id for line in side} for side in (theirs, ours))
    for product_id in sorted(held_there | held_here, key=str):
        left = [line for line in theirs if line.product_id == product_id]
        right = [line for line in ours if line.product_id == product_id]
        left, right = _gathered(left), _gathered(_folded(right, left))
        for kind in sorted({line.kind for line in left} | {line.kind for line in right}):
            _pair(
                found, [one for one in left if one.kind == kind], [one for one in right if one.kind == kind], period,
                extra=bool(theirs) and product_id not in held_there,
            )  # fmt: skip
    return found


def _folded(ours: list[InvoiceLine], theirs: list[InvoiceLine]) -> list[InvoiceLine]:
    """Add our discounts to the charges that they lower, where the legacy system shows none of this product."""
    discounts = [line for line in ours if line.kind == "discount"]
    charges = [line for line in ours if line.kind == "recurring"]
    if not discounts or not charges or not theirs or any(line.kind == "discount" for line in theirs):
        return ours
    rest = [line for line in ours if line.kind not in ("discount", "recurring")]
    sums = dict(enumerate(charges))
    for discount in discounts:
        place = next((at for at, line in sums.items() if (line.first, line.end) == (discount.first, discount.end)), 0)
        sums[place] = _sum([sums[place], discount], "recurring")
    return [*sums.values(), *rest]


def _gathered(lines: list[InvoiceLine]) -> list[InvoiceLine]:
    usage = [line for line in lines if line.kind == "usage"]
    return [line for line in lines if line.kind != "usage"] + ([_sum(usage, "usage")] if usage else [])


def _sum(lines: Sequence[InvoiceLine], kind: str) -> InvoiceLine:
    vats = [line.vat for line in lines]
    return InvoiceLine(
        kind, lines[0].product_id, sum((line.net for line in lines), _ZERO),
        None if None in vats else sum((vat for vat in vats if vat is not None), _ZERO), lines[0].first, lines[0].end,
        " + ".join(line.place for line in lines), tuple(pair for line in lines for pair in line.why),
    )  # fmt: skip


def _pair(found: Compared, theirs: list[InvoiceLine], ours: list[InvoiceLine], period: BillPeriod, *, extra: bool) -> None:
    """Put each line beside the one that is nearest to it: the same days and amount, the same days, the same amount, else in their order."""
    for alike in (
        lambda one, other: (one.first, one.end, one.net) == (other.first, other.end, other.net),
        lambda one, other: one.first is not None and (one.first, one.end) == (other.first, other.end),
        lambda one, other: one.net == other.net,
        lambda one, other: True,
    ):
        for line in list(theirs):
            other = next((one for one in ours if alike(line, one)), None)
            if other is None:
                continue
            theirs.remove(line)
            ours.remove(other)
            cause = _cause(line, other)
            if cause is None:
                found.same += 1
            else:
                found.differences.append(LineDifference(cause, line, other))
    for line in theirs:
        outside = line.first is not None and not period.first_day <= line.first < period.next().end_day
        found.differences.append(LineDifference(Cause.TIMING if outside else Cause.MISSING_HERE, line, None))
    for line in ours:
        found.differences.append(LineDifference(Cause.EXTRA_PRODUCT if extra else Cause.MISSING_THERE, None, line))


def _cause(theirs: InvoiceLine, ours: InvoiceLine) -> Cause | None:
    """Give why two lines for the same thing differ, None when they do not."""
    apart = abs(ours.net - theirs.net)
    vat = _ZERO if theirs.vat is None else abs((ours.vat or _ZERO) - theirs.vat)
    days = _ANY_PERIOD if theirs.first is None or ours.first is None else (theirs.first, theirs.end) == (ours.first, ours.end)
    if not apart:
        if vat:
            return Cause.ROUNDING if vat <= CENT else Cause.VAT
        return None if days else Cause.TIMING
    if apart <= CENT:
        return Cause.ROUNDING
    if theirs.kind in ("usage", "discount"):
        return Cause(theirs.kind)
    return Cause.PRORATION if not days and _length(theirs) != _length(ours) else Cause.PRICE


def _length(line: InvoiceLine) -> int:
    return (line.end - line.first).days if line.first is not None and line.end is not None else 0


@dataclass(frozen=True, slots=True)
class CauseSum:
    """How many lines differ for one cause, and what that comes to in euros, ours less theirs."""

    cause: Cause
    lines: int
    net: Decimal
    vat: Decimal


def sums_of(differences: Iterable[LineDifference]) -> tuple[CauseSum, ...]:
    """Add differences up by cause, those without any left out."""
    by_cause: dict[Cause, list[LineDifference]] = {}
    for one in differences:
        by_cause.setdefault(one.cause, []).append(one)
    return tuple(
        CauseSum(cause, len(some), sum((one.net for one in some), _ZERO), sum((one.vat for one in some), _ZERO))
        for cause in Cause
        if (some := by_cause.get(cause))
    )
