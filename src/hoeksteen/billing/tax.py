"""
Value added tax on a bill, in whole cents (docs/rating.md, "Invoice, tax"; EN 16931 BR-CO-10, 14, 15, 16, 17).

Consumers pay exactly their prices: the tax is split out of the gross amount, what is lost by rounding goes to the
rounding amount (BT-114), and the lines' nets are spread so that they add up. Businesses pay tax on the sum of the nets.
"""

from collections.abc import Sequence
from typing import NamedTuple

from hoeksteen.kernel.money import divide_half_up

HUNDRED_PERCENT = 10_000


class TaxKey(NamedTuple):
    """
    A tax category and rate.

    :param category: EN 16931 BT-151
    :param rate: hundredths of a percent: 2100 is 21 %
    """

    category: str
    rate: int


class TaxedPart(NamedTuple):
    """What a bill taxes at one category and rate, in cents (EN 16931 BG-23)."""

    key: TaxKey
    taxable: int
    tax: int


class Taxation(NamedTuple):
    """
    The tax of a whole bill, in cents; net + vat + rounding = gross.

    :param line_nets: one per line, in the order of the lines
    """

    line_nets: list[int]
    parts: list[TaxedPart]
    net: int
    vat: int
    rounding: int
    gross: int


def tax_bill(*, keys: Sequence[TaxKey], amounts: Sequence[int], tax_included: bool) -> Taxation:
    """
    Compute the tax of a bill from its lines.

    :param keys: the tax of each line
    :param amounts: cents of each line, with tax where `tax_included`
    """
    distinct = sorted(set(keys))
    nets = list(amounts)
    parts: list[TaxedPart] = []
    rounding = 0
    for key in distinct:
        members = range(len(keys)) if len(distinct) == 1 else [i for i, one in enumerate(keys) if one == key]
        total = sum(amounts[i] for i in members)
        taxable = net_of_gross(total, key.rate) if tax_included else total
        tax = divide_half_up(taxable * key.rate, HUNDRED_PERCENT)
        parts.append(TaxedPart(key, taxable, tax))
        if tax_included:
            rounding += total - taxable - tax
            for i, net in zip(members, spread_net(taxable, [amounts[i] for i in members], key.rate), strict=True):
                nets[i] = net
    net, vat = sum(part.taxable for part in parts), sum(part.tax for part in parts)
    return Taxation(nets, parts, net, vat, rounding, net + vat + rounding)


def net_of_gross(gross: int, rate: int) -> int:
    """Take the tax out of an amount in cents, half away from zero."""
    return divide_half_up(gross * HUNDRED_PERCENT, HUNDRED_PERCENT + rate)


def spread_net(taxable: int, grosses: Sequence[int], rate: int) -> list[int]:
    """
    Give each line's net in cents, so that they add up to `taxable` exactly (BR-CO-10).

    Missing cents go to the lines that lost most by rounding, ties by line order; the comparison is exact, in integers.
    """
    divisor = HUNDRED_PERCENT + rate
    nets = [divide_half_up(gross * HUNDRED_PERCENT, divisor) for gross in grosses]
    missing = taxable - sum(nets)
    if missing:
        step = 1 if missing > 0 else -1
        lost = [gross * HUNDRED_PERCENT - net * divisor for gross, net in zip(grosses, nets, strict=True)]
        for i in sorted(range(len(nets)), key=lambda i: (-step * lost[i], i))[: abs(missing)]:
            nets[i] += step
    return nets
