"""
Costs of collecting out of court, by Dutch law: the scale of Stb. 2012, 141 (article 2), mandatory towards consumers.

No VAT is on top: the operator reclaims what it pays (article 2, third paragraph).
"""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hoeksteen.kernel.bank_days import bank_day_on_or_after
from hoeksteen.kernel.money import CENT

COSTS_MIN, COSTS_MAX = Decimal("40.00"), Decimal("6775.00")
_SCALE = (
    (Decimal(2_500), Decimal("0.15")), (Decimal(2_500), Decimal("0.10")), (Decimal(5_000), Decimal("0.05")), (Decimal(190_000), Decimal("0.01")),
    (Decimal("Infinity"), Decimal("0.005")),
)  # fmt: skip
_DELIVERY = timedelta(days=2)
_TERM = timedelta(days=15)


def collection_costs(principal: Decimal) -> Decimal:
    """
    Give what collecting may cost over the principals together that one letter names (article 6:96 of the civil code, seventh paragraph).

    :param principal: euros, more than nothing
    """
    left, costs = principal, Decimal(0)
    for width, share in _SCALE:
        part = min(left, width)
        costs += part * share
        left -= part
    return max(COSTS_MIN, min(COSTS_MAX, costs.quantize(CENT, ROUND_HALF_UP)))


def last_day_to_pay(sent_on: date) -> date:
    """
    Give the last day on which a consumer pays without costs after the letter of article 6:96, sixth paragraph.

    The term is fourteen days that begin on the day after delivery; the letter says fifteen days after delivery, which no court has read as
    too short. Two days are counted for delivery, and the term never ends on a day on which banks do not settle.
    """
    return bank_day_on_or_after(sent_on + _DELIVERY + _TERM)
