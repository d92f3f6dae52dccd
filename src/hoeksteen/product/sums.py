"""What many products are together."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Sums:
    """
    What some products are together.

    :param products: that have a history; `numbers` of them have a number or line, `sims` a SIM
    :param monthly: euros per month
    """

    products: int
    numbers: int
    sims: int
    monthly: Decimal
