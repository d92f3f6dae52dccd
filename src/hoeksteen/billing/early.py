"""What bills of accounts that left have charged for usage before their period's own run, which subtracts it. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing.model import RateKind
from hoeksteen.storage.postgres import Row


class EarlyDiscount(NamedTuple):
    """A discount on usage that such a bill took off: days as ordinals, `cents` below zero, in the account's way of holding tax or not."""

    alteration_id: str
    name: str
    first: int
    end: int
    cents: int


class BilledEarly(NamedTuple):
    """
    A line of usage as usage that is taken away again: it adds up with what rating totals now to what is still to be billed.

    :param on_bill: the number of the bill on which it stands
    :param discount: what was taken off instead, where it is a discount on usage; the units and amounts are nothing then
    """

    product_id: UUID
    product_offering_id: str
    service: str
    zone: str
    price_id: str | None
    records: int
    units: int
    free_units: int
    amount_micro: int
    roaming: str
    period_day: date
    on_bill: str
    corrects: UUID | None = None
    billed_on: date | None = None
    bill_number: str = ""
    late: bool = False
    part_from: date | None = None
    discount: EarlyDiscount | None = None


def billed_early(rows: Iterable[Row]) -> dict[UUID, list[BilledEarly]]:
    """Give lines of bills, as they lie there, by billing account and as what is to be subtracted."""
    found: dict[UUID, list[BilledEarly]] = {}
    for row in rows:
        found.setdefault(row["billing_account_id"], []).append(_discount(row) if row["kind"] == RateKind.DISCOUNT else _usage(row))
    return found


def _usage(row: Row) -> BilledEarly:
    detail = row["detail"]
    prices = detail.get("prices") or [None]
    return BilledEarly(
        product_id=row["product_id"],
        product_offering_id=row["product_offering_id"],
        service=detail["service"],
        zone=detail["zone"],
        price_id=row["price_id"] or prices[0],
        records=-int(row["quantity"]),
        units=-int(detail["units"]),
        free_units=-int(detail["free_units"]),
        amount_micro=-int(detail["amount_micro"]),
        roaming=detail["roaming"],
        period_day=row["period_from"],
        on_bill=row["bill_number"],
        corrects=UUID(detail["corrects"]) if detail.get("corrects") else None,
        billed_on=date.fromisoformat(detail["billed_on"]) if detail.get("billed_on") else None,
        bill_number=detail.get("bill_number", ""),
        late=True,
    )


def _discount(row: Row) -> BilledEarly:
    detail = row["detail"]
    taken = EarlyDiscount(
        detail["alteration_id"], detail["alteration"], row["period_from"].toordinal(), row["period_to"].toordinal(), int(row["amount"].scaleb(2))
    )  # fmt: skip
    return BilledEarly(
        row["product_id"], row["product_offering_id"], "", "", None, 0, 0, 0, 0, "", row["period_from"], row["bill_number"], discount=taken
    )  # fmt: skip
