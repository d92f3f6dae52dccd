"""What many products are together."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Groups:
    """
    Which products are summed together.

    :param sql: a query that gives `product_id` and `name`; from the code, never from input
    :param values: of its named placeholders
    """

    sql: str
    values: dict[str, Any]


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
