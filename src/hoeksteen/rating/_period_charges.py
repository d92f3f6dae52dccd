"""
What is due for a period whatever was used in it: the flat fee of a price's first tier, or of the volume tier that its use reached.

It is charged to every product that held such a price on a day of the period, also when nothing was used, and is settled with
generation 0: what arrives late changes nothing of it (docs/rating.md, "Tiers and caps").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day, start_of_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import Product, ProductTerm, UsagePrice
from hoeksteen.rating import _store
from hoeksteen.rating.tables import PERIOD_CHARGE
from hoeksteen.rating.tariff import END_OF_TIME, Tariff, tariff_of
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.tables import bucket_of, month_number

_IDS_PER_QUERY = 20_000
_CHARGES = """
WITH reached AS (
    SELECT CASE WHEN tiers_shared THEN billing_account_id ELSE product_id END AS scope_id, period_day, tier_no, sum(priced_units) AS units
    FROM priced WHERE tier_mode = 'volume' AND generation = 0
    GROUP BY scope_id, period_day, tier_no
)
SELECT {month} AS month, h.bucket, h.billing_account_id::UUID AS billing_account_id, h.product_id::UUID AS product_id,
    h.customer_id::UUID AS customer_id, f.product_offering_id, f.service, f.zone, f.roaming, f.price_id, h.period_day, t.flat_micro AS amount_micro
FROM flat_holder h
JOIN (
    SELECT price_no, any_value(product_offering_id) AS product_offering_id, any_value(service) AS service, min(zone) AS zone,
        min(roaming) AS roaming, any_value(price_id) AS price_id, any_value(tier_no) AS tier_no, any_value(tier_mode) AS tier_mode
    FROM tariff WHERE tier_mode IS NOT NULL GROUP BY price_no
) f ON f.price_no = h.price_no
LEFT JOIN reached r ON r.scope_id = h.scope_id::UUID AND r.period_day = h.period_day AND r.tier_no = f.tier_no
JOIN tier t ON t.price_no = h.price_no
    AND CASE WHEN f.tier_mode = 'graduated' OR coalesce(r.units, 0) = 0 THEN t.from_units = 0
             ELSE r.units > t.from_units AND r.units <= t.to_units END
WHERE t.flat_micro > 0 AND h.bucket IN ({buckets})
"""


@dataclass(frozen=True, slots=True)
class FlatHolder:
    """
    A product that a price with flat fees holds for in a period.

    :param scope_id: whose use the price's tiers count: the product, or the billing account
    :param price_no: of the version that is in force on the last day on which the product is held in the period
    """

    customer_id: UUID
    billing_account_id: UUID
    product_id: UUID
    scope_id: UUID
    period_day: date
    price_no: int

    @property
    def bucket(self) -> int:
        return bucket_of(self.billing_account_id)


def flat_holders(*, tx: Transaction, month: date, tariff: Tariff) -> list[FlatHolder]:
    """Give who is due flat fees in the bill periods that begin in a month."""
    priced: dict[str, dict[str, list[tuple[int, UsagePrice]]]] = {}
    for number, price in enumerate(tariff.prices, start=1):
        if any(tier.flat for tier in price.tiers):
            priced.setdefault(price.product_offering_id, {}).setdefault(price.price_id, []).append((number, price))
    if not priced:
        return []
    begin, end = start_of_day(month), start_of_day(add_months(month, 2))  # of whatever cycle, a period that begins in the month lies within
    concerned = product.active_terms_of_offerings(tx=tx, offering_ids=sorted(priced), begin=begin, end=end)
    products = {one.product_id: one for one in product.products(tx=tx, customer_ids=sorted({term.customer_id for term in concerned}))}
    cycle_days = _cycle_days(tx, {products[term.product_id].billing_account_id for term in concerned})
    found: dict[tuple[UUID, str], FlatHolder] = {}
    for term in sorted(concerned, key=lambda one: (one.product_id, one.valid_from)):
        held = products[term.product_id]
        for price_id, versions in priced[term.product_offering_id].items():
            holder = _holder(term, held, versions, month, cycle_days[held.billing_account_id])
            first = found.get((holder.scope_id, price_id)) if holder is not None else None
            if holder is not None and (first is None or first.product_id == holder.product_id):
                found[holder.scope_id, price_id] = holder
    return list(found.values())


def _cycle_days(tx: Transaction, billing_account_ids: set[UUID]) -> Mapping[UUID, int]:
    ids = sorted(billing_account_ids)
    slices = [ids[start : start + _IDS_PER_QUERY] for start in range(0, len(ids), _IDS_PER_QUERY)]
    return {one.billing_account_id: one.cycle_day for some in slices for one in party.billing_accounts_by_id(tx=tx, billing_account_ids=some)}


def _holder(term: ProductTerm, held: Product, versions: Sequence[tuple[int, UsagePrice]], month: date, cycle_day: int) -> FlatHolder | None:
    period = bill_period(month.replace(day=cycle_day), cycle_day=cycle_day)
    begin, end = max(local_day(term.valid_from), period.first_day), min(local_day(term.valid_to or END_OF_TIME), period.end_day)
    if begin >= end or held.recurring_billed_to >= period.end_day:
        return None
    last: datetime = start_of_day(date.fromordinal(end.toordinal() - 1))
    number, price = next((one for one in versions if one[1].valid_from <= last < (one[1].valid_to or END_OF_TIME)), (0, None))
    if price is None:
        return None
    scope = held.billing_account_id if price.tiers_shared else held.product_id
    return FlatHolder(held.customer_id, held.billing_account_id, held.product_id, scope, period.first_day, number)


def unrated_flats(*, tx: Transaction, lake: Lake, period: BillPeriod) -> int:
    """
    Give how many flat fees of a period no rating has charged yet.

    What a volume tier with a fee asks for is known only to a rating of the month; where none was made, each of them is counted.
    """
    month = period.first_day.replace(day=1)
    tariff = tariff_of(product.offerings(tx=tx))
    due = [one for one in flat_holders(tx=tx, month=month, tariff=tariff) if one.period_day == period.first_day]
    if not due:
        return 0
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("period_charge", PERIOD_CHARGE, lake.files(PERIOD_CHARGE, {"month": [month_number(month)]}))
        rows = duck.rows(f"SELECT DISTINCT billing_account_id, product_id, price_id FROM period_charge WHERE period_day = DATE '{period.first_day}'")
    charged = {(row["billing_account_id"], row["product_id"], row["price_id"]) for row in rows}
    never = not _store.is_rated(tx, month)
    return sum(
        never or _is_always_due(tariff.prices[one.price_no - 1])
        for one in due
        if (one.billing_account_id, one.product_id, tariff.prices[one.price_no - 1].price_id) not in charged
    )


def _is_always_due(price: UsagePrice) -> bool:
    """Say whether a price has a fee whatever was used: that of its first tier where each tier prices its own units, or one in each tier."""
    return bool(price.tiers[0].flat) if price.tier_mode == "graduated" else all(tier.flat for tier in price.tiers)


def write_period_charges(*, duck: Duck, holders: Sequence[FlatHolder], month: int, buckets: Sequence[int], folder: Path) -> list[Path]:
    """
    Write what holders are due, after the pieces of rating have run over the same buckets, and give the files.

    :param month: the lake's number of the month
    """
    ids = ("customer_id", "billing_account_id", "product_id", "scope_id")
    columns = {name: pa.array([str(getattr(holder, name)) for holder in holders], pa.string()) for name in ids}
    columns |= {
        "period_day": pa.array([holder.period_day for holder in holders], pa.date32()),
        "price_no": pa.array([holder.price_no for holder in holders], pa.int32()),
        "bucket": pa.array([holder.bucket for holder in holders], pa.int32()),
    }
    duck.put("flat_holder", pa.table(columns))
    query = _CHARGES.format(month=month, buckets=", ".join(str(int(bucket)) for bucket in buckets))
    return duck.write_parquet(PERIOD_CHARGE, query, folder)
