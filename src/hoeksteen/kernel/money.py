"""
Money without floats: integer micro-euros inside rating, decimals of two places on bills.

Every rounding is half-up, which here means half away from zero, so that a reversal is the exact negative
(docs/rating.md, "Units and rounding").
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

MICRO_PER_EURO = 1_000_000
CENT = Decimal("0.01")


def round_half_up(amount: Decimal, *, places: int = 2) -> Decimal:
    """Round to `places` decimals, half away from zero."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def euros(micro: int) -> Decimal:
    """Give the exact euro amount of an integer number of micro-euros."""
    return Decimal(micro).scaleb(-6)


def micros(amount: Decimal) -> int:
    """
    Give the integer micro-euros of a euro amount.

    :raises ValueError: when the amount has more than six decimals
    """
    scaled = amount.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount has more than six decimals")
    return int(scaled)


def to_cents(micro: int) -> Decimal:
    """Round micro-euros to euros with two decimals, half away from zero."""
    return round_half_up(euros(micro))


def divide_half_up(numerator: int, denominator: int) -> int:
    """
    Divide two integers and round half away from zero, without leaving the integers.

    :param denominator: positive
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def spread_cents(total: Decimal, shares: Sequence[Decimal]) -> list[Decimal]:
    """
    Round each share to a cent so that the parts add up to `total` exactly.

    Missing cents go to the shares that lost most by rounding, ties by position (docs/rating.md, "Invoice, tax").

    :param total: euros with two decimals
    :param shares: exact euro amounts whose sum lies within half a cent per share of `total`
    """
    rounded = [round_half_up(share) for share in shares]
    missing = int((total - sum(rounded, Decimal(0))) / CENT)
    if abs(missing) > len(shares):
        raise ValueError("the total is too far from the sum of its shares")
    step = CENT if missing > 0 else -CENT
    sign = 1 if missing > 0 else -1
    order = sorted(range(len(shares)), key=lambda i: (-sign * (shares[i] - rounded[i]), i))
    for i in order[: abs(missing)]:
        rounded[i] += step
    return rounded
