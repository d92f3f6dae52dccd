"""
What a bill shows of a sale that is paid in monthly parts. Pure, in whole cents.

VAT of goods is due when they are delivered, whenever they are paid (VAT directive art. 63 and 64(1)). So the next bill has the sale with all of its
VAT, and takes off what is asked for later; each part after that is out of the scope of VAT. The parts come to the price with its tax, to the cent.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from hoeksteen.billing.granted import INSTALMENT, INSTALMENT_FAMILY, Granted
from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import OfferingPrices
from hoeksteen.billing.recurring import cycle_begin
from hoeksteen.billing.tax import TaxKey

Role = Literal["sale", "deferred", "part", "returned", "waived", "undone"]
OnEnd = Literal["goes_on", "falls_due", "stops"]
Ending = Literal["settled", "returned", "withdrawn"]

_KINDS = {"sale": RateKind.ONE_TIME, "returned": RateKind.CREDIT, "waived": RateKind.CREDIT}  # the others are no supply
_OUT_OF_SCOPE = OfferingPrices("", INSTALMENT_FAMILY, TaxKey("O", 0), True, (), "")


class Plan(NamedTuple):
    """
    A sale in parts.

    :param taxed: the tax of the sale, and whether `cents` hold it
    :param cents: the price; `total` what the parts come to: the price with its tax
    :param agreed: when the goods were delivered
    :param first_day: on which the first part falls due; the others in the months after it
    :param on_end: what becomes of the rest when the product ends
    :param ending: what somebody decided about the rest: it is paid at once, or the goods came back
    """

    plan_id: UUID
    nl: str
    en: str
    taxed: OfferingPrices
    cents: int
    total: int
    parts: int
    agreed: date
    first_day: date
    on_end: OnEnd
    ending: Ending | None = None


class Billed(NamedTuple):
    """What a final bill has of a plan; `cents` as its line has them."""

    role: Role
    part: int
    last_part: int
    cents: int


def part_of(total: int, parts: int, part: int) -> int:
    """Give one part of a total in cents, counted from 1; the last one takes what does not divide."""
    even = total // parts
    return even if part < parts else total - even * (parts - 1)


def lines_of_plan(plan: Plan, billed: Sequence[Billed], *, end_day: date, product_ended: bool, day_max: date, last: bool = False) -> list[Granted]:
    """
    Give what a bill has to show of a plan, in the order of the bill: nothing twice, and everything that an earlier bill missed.

    :param billed: what earlier final bills have of it
    :param end_day: the day after the bill's usage period: what falls due before it is asked for
    :param product_ended: whether the product that it belongs to has ended by then
    :param day_max: the last day that a line of this bill may name
    :param last: whether it is the last bill of an account that leaves: its products have ended, and nobody would bill what is left
    """
    roles = {one.role for one in billed}
    asked = sum(one.cents for one in billed if one.role == "part")
    following = 1 + max((one.last_part for one in billed if one.role == "part"), default=0)
    if roles & {"returned", "waived"} or following > plan.parts:
        return []
    found: list[Granted] = []

    def add(role: Role, cents: int, day: date, *, taxed: OfferingPrices = _OUT_OF_SCOPE, part: int = 0, last_part: int = 0) -> None:
        detail: dict[str, Any] = {"id": str(plan.plan_id), "role": role, "nl": plan.nl, "en": plan.en, "of": plan.parts}
        detail |= {"part": part, "last": last_part} if part else {}
        kind = _KINDS.get(role, RateKind.INSTALMENT)
        ordinal = min(day, day_max).toordinal()
        found.append(Granted(INSTALMENT, plan.plan_id, (part, last_part), kind, taxed, {INSTALMENT: detail}, ordinal, cents))

    if "sale" not in roles:
        add("sale", plan.cents, plan.agreed, taxed=plan.taxed)
        add("deferred", -plan.total, plan.agreed)
    last_day, rest = max(end_day - timedelta(days=1), plan.agreed), plan.total - asked
    if plan.ending == "returned":
        add("returned", -plan.cents, last_day, taxed=plan.taxed)
        add("undone", rest, last_day)
    elif (product_ended or last) and plan.on_end == "stops" and plan.ending is None:
        add("waived", -rest, last_day, taxed=plan.taxed._replace(tax_included=True))  # a price that fell: its VAT falls with it
        add("undone", rest, last_day)
    elif plan.ending == "settled" or last or (product_ended and plan.on_end == "falls_due"):
        add("part", rest, last_day, part=following, last_part=plan.parts)
    else:
        for part in range(following, plan.parts + 1):
            due = cycle_begin(plan.first_day, part - 1, plan.first_day.day)
            if due >= end_day:
                break
            add("part", part_of(plan.total, plan.parts, part), due, part=part, last_part=part)
    return found


def is_last(line: Granted) -> bool:
    """Say whether nothing of a plan follows a line."""
    said = line.detail[INSTALMENT]
    return said["role"] in ("returned", "waived") or line.parts[1] == said["of"]
