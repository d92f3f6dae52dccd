"""What a month would have brought at other prices: rated into memory, compared, and forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product import queries as product
from hoeksteen.product.price_list import read_directory, read_mapping
from hoeksteen.rating import _engine
from hoeksteen.rating._comparing import compare
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction

CUSTOMERS_MAX = 20
# Upper bounds of what customers pay more or less, in micro-euros.
_BOUNDS = (-50_000_000, -10_000_000, -1_000_000, -1, 0, 1_000_000, 10_000_000, 50_000_000)

_REVENUE = """
SELECT h.product_offering_id, c.service, sum(c.records_after)::BIGINT AS records, sum(c.micro_before)::BIGINT AS micro_before,
    sum(c.micro_after)::BIGINT AS micro_after
FROM compared c
JOIN (SELECT product_id, max(product_offering_id) AS product_offering_id FROM compared GROUP BY product_id) h ON h.product_id = c.product_id
GROUP BY h.product_offering_id, c.service ORDER BY h.product_offering_id, c.service
"""
_PER_CUSTOMER = """
CREATE OR REPLACE TABLE per_customer AS
SELECT customer_id, sum(micro_before)::BIGINT AS micro_before, sum(micro_after)::BIGINT AS micro_after FROM compared GROUP BY customer_id
"""
_MOST = """
SELECT * FROM per_customer WHERE micro_after <> micro_before ORDER BY abs(micro_after - micro_before) DESC, customer_id LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class Revenue:
    """
    Usage charges of one offering and service, in 1e-6 euro.

    :param records: that would be rated
    """

    product_offering_id: str
    service: str
    records: int
    micro_before: int
    micro_after: int


@dataclass(frozen=True, slots=True)
class CustomerDifference:
    """What one customer's usage costs before and after, in 1e-6 euro."""

    customer_id: UUID
    micro_before: int
    micro_after: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    A month at other prices beside the month as it was charged.

    :param customers: with usage; `cheaper` and `dearer` of them would pay less and more
    :param spread: how many customers' difference is at most so many micro-euros, and more than the bound before; None for all above
    :param most: the customers whose usage changes most
    """

    month: date
    revenue: tuple[Revenue, ...]
    customers: int
    cheaper: int
    dearer: int
    spread: tuple[tuple[int | None, int], ...]
    most: tuple[CustomerDifference, ...]

    @property
    def micro_before(self) -> int:
        return sum(line.micro_before for line in self.revenue)

    @property
    def micro_after(self) -> int:
        return sum(line.micro_after for line in self.revenue)


def what_if(*, tx: Transaction, lake: Lake, month: date, catalogue: Mapping[str, Any] | Path, customers_max: int = CUSTOMERS_MAX) -> WhatIf:
    """
    Rate the bill periods of a month at changed prices, and compare with what was charged. Nothing is written.

    :param catalogue: a file of the catalogue, a directory of them, or what one holds; each offering takes the place of the one of its name, all
        others stay as they are
    :raises InvalidInput: naming what is wrong in it, or an offering or zone that nobody knows
    """
    month = month.replace(day=1)
    now = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    zones = product.zones(tx=tx)
    declared = read_directory(catalogue, zones=zones) if isinstance(catalogue, Path) else read_mapping(catalogue, zones=zones)
    if made_up := sorted({entry.zone.zone_id for entry in declared.zones} - {zone.zone_id for zone in zones}):
        raise InvalidInput(f"Zone {made_up[0]}: is not in the catalogue, so no usage was found in it.", remedy="Price zones that are there.")
    changed = {entry.offering.product_offering_id: entry.offering for entry in declared.offerings}
    unknown = sorted(changed.keys() - now.keys())
    if unknown:
        raise InvalidInput(f"Offering {unknown[0]}: is not in the catalogue, so nobody holds it.", remedy="Change offerings that are there.")
    inputs = _engine.read_inputs(tx=tx, month=month, bill_month=month, offerings=[*(now | changed).values()])
    with Duck(spill=lake.spill, ordered=False) as duck:
        compare(duck, lake, inputs, _engine.batches(lake, inputs))
        return _told(duck, month, customers_max)


def _told(duck: Duck, month: date, customers_max: int) -> WhatIf:
    duck.execute(_PER_CUSTOMER)
    [counts] = duck.rows(
        "SELECT count(*) AS customers, count(*) FILTER (micro_after < micro_before) AS cheaper,"
        " count(*) FILTER (micro_after > micro_before) AS dearer FROM per_customer"
    )
    most = duck.rows(_MOST.format(limit=int(customers_max)))
    return WhatIf(
        month=month,
        revenue=tuple(Revenue(**{**row, "product_offering_id": row["product_offering_id"] or ""}) for row in duck.rows(_REVENUE)),
        spread=tuple(_spread(duck)),
        most=tuple(CustomerDifference(**row) for row in most),
        **counts,
    )


def _spread(duck: Duck) -> Sequence[tuple[int | None, int]]:
    found, below = [], 0
    for bound in (*_BOUNDS, None):
        condition = "true" if bound is None else f"micro_after - micro_before <= {bound}"
        count = int(duck.value(f"SELECT count(*) FROM per_customer WHERE {condition}"))
        found.append((bound, count - below))
        below = count
    return found
