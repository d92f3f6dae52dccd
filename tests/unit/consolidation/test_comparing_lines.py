"""Each line that differs has one cause, and the causes add up to the whole difference."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from hoeksteen.consolidation.invoice_lines import InvoiceLine
from hoeksteen.consolidation.parallel import Cause, compare_lines, sums_of
from hoeksteen.kernel.time_period import BillPeriod

PERIOD = BillPeriod(date(2026, 10, 1), date(2026, 11, 1))
NOVEMBER, DECEMBER = (date(2026, 11, 1), date(2026, 12, 1)), (date(2026, 12, 1), date(2027, 1, 1))
OCTOBER, FROM_16 = (date(2026, 10, 1), date(2026, 11, 1)), (date(2026, 11, 16), date(2026, 12, 1))
JANUARY = (date(2027, 1, 1), date(2027, 2, 1))


def _line(
    net: str, vat: str | None = None, *, kind: str = "recurring", product: int | None = 1, days: tuple[date, date] | None = NOVEMBER
) -> InvoiceLine:
    amount = Decimal(net)
    tax = (amount * Decimal("0.21")).quantize(Decimal("0.01")) if vat is None else Decimal(vat)
    return InvoiceLine(kind, UUID(int=product) if product else None, amount, tax, *(days or (None, None)), "x:1")


@pytest.mark.parametrize(
    ("theirs", "ours", "causes"),
    [
        ([_line("20.00")], [_line("20.00")], []),
        ([_line("20.00", days=None)], [_line("20.00")], []),
        ([_line("20.00")], [_line("21.00")], [Cause.PRICE]),
        ([_line("20.00")], [_line("10.00", days=FROM_16)], [Cause.PRORATION]),
        ([_line("20.00", "4.20")], [_line("20.00", "1.80")], [Cause.VAT]),
        ([_line("20.00", "4.20")], [_line("20.00", "4.21")], [Cause.ROUNDING]),
        ([_line("20.00")], [_line("20.01", "4.20")], [Cause.ROUNDING]),
        ([_line("20.00", days=OCTOBER)], [_line("20.00")], [Cause.TIMING]),
        ([_line("20.00"), _line("20.00", days=JANUARY)], [_line("20.00")], [Cause.TIMING]),
        ([_line("20.00")], [], [Cause.MISSING_HERE]),
        ([], [_line("20.00")], [Cause.MISSING_THERE]),
        ([_line("20.00")], [_line("20.00"), _line("9.00", product=2)], [Cause.EXTRA_PRODUCT]),
        ([_line("20.00")], [_line("20.00"), _line("9.00", kind="one_time")], [Cause.MISSING_THERE]),
        ([_line("20.00"), _line("-2.00", kind="discount")], [_line("20.00"), _line("-3.00", kind="discount")], [Cause.DISCOUNT]),
        # a system that shows no discount has it in its price
        ([_line("18.00")], [_line("20.00"), _line("-2.00", kind="discount")], []),
        ([_line("17.00")], [_line("20.00"), _line("-2.00", kind="discount")], [Cause.PRICE]),
        # usage counts per product, whatever the lines are that it is spread over
        ([_line("3.00", kind="usage", days=OCTOBER)], [_line("1.00", kind="usage", days=OCTOBER), _line("2.00", kind="usage", days=OCTOBER)], []),
        ([_line("3.00", kind="usage")], [_line("1.00", kind="usage")], [Cause.USAGE]),
        ([_line("5.00", product=None, kind="one_time")], [_line("5.00", product=None, kind="one_time")], []),
    ],
)
def test_each_difference_has_its_cause(theirs: list[InvoiceLine], ours: list[InvoiceLine], causes: list[Cause]) -> None:
    found = compare_lines(theirs=theirs, ours=ours, period=PERIOD)
    assert [one.cause for one in found.differences] == causes
    apart = sum((line.net for line in ours), Decimal(0)) - sum((line.net for line in theirs), Decimal(0))
    assert sum((one.net for one in sums_of(found.differences)), Decimal(0)) == apart
    for one in found.differences:
        assert dict(one.explain())["cause"] == one.cause.replace("_", " ")
        assert one.as_json()["net"] == str(one.net)


def test_lines_meet_the_ones_that_are_nearest() -> None:
    theirs = [_line("20.00"), _line("20.00", days=DECEMBER), _line("7.00")]
    ours = [_line("7.50"), _line("20.00", days=DECEMBER), _line("20.00")]
    found = compare_lines(theirs=theirs, ours=ours, period=PERIOD)
    assert (found.same, [(one.cause, one.net) for one in found.differences]) == (2, [(Cause.PRICE, Decimal("0.50"))])
