"""What a few typical amounts of use cost at each price, before anybody is charged by it: rated by the same pieces, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE, local_day
from hoeksteen.product.model import ProductOffering, Service, UsagePrice
from hoeksteen.product.validation import Combination, in_force, reachable
from hoeksteen.rating import _charges, _engine
from hoeksteen.rating.explaining import explained
from hoeksteen.rating.tariff import END_OF_TIME, band_intervals, tariff_of
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck

_TYPICAL = {
    Service.VOICE: (45, 180, 1_200),
    Service.SMS: (1, 10),
    Service.DATA: (1_000_000, 500_000_000),
    Service.PURCHASE: (2_500_000, 50_000_000),
}
# No record has more, and no price is checked for more.
_MOST = {Service.VOICE: 31 * 86_400, Service.SMS: 1_000_000, Service.DATA: 10**12, Service.PURCHASE: 10**12}
_NOON = time(12)
_WEEK = timedelta(days=8)  # holds every band of a week that has no holiday
_INSTANT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Example:
    """
    What one record would cost that is the first of its period, beyond every allowance and without a cap.

    :param offering_ids: offerings that have this price, all alike
    :param price: its identifier within an offering, `price_from` the first day of the version
    """

    offering_ids: tuple[str, ...]
    price: str
    price_from: date
    service: str
    zone: str
    roaming: str
    units: int
    start: datetime
    amount: Decimal
    sentence_nl: str
    sentence_en: str


@dataclass(frozen=True, slots=True)
class _Use:
    offering: ProductOffering
    offering_ids: tuple[str, ...]
    price: UsagePrice
    kind: Combination
    units: int
    start: datetime

    @property
    def record_id(self) -> UUID:
        return derived("example", self.price.price_id, str(self.price.valid_from), str(self.units), str(self.start))


class _NoLake:
    """Stands for a lake in which nothing lies yet."""

    def files(self, *_: object) -> Sequence[str]:
        return ()


def examples(*, offerings: Sequence[ProductOffering], day: date) -> list[Example]:
    """
    Give example charges of every price version that holds on a day or later, by offering and price.

    A price that several offerings have alike is told once. One in time bands is told for each of them, one in tiers also beyond the last.
    """
    bare = [replace(offering, allowances=(), caps=()) for offering in offerings]
    uses = [use for price, offering, ids in _distinct(bare, day) for use in _uses(price, offering, ids, day)]
    months: dict[date, list[_Use]] = {}
    for use in uses:
        months.setdefault(local_day(use.start).replace(day=1), []).append(use)
    told = {use.record_id: example for month, some in months.items() for use, example in zip(some, _told(month, some), strict=True)}
    return [told[use.record_id] for use in uses]


def _distinct(offerings: Sequence[ProductOffering], day: date) -> Iterable[tuple[UsagePrice, ProductOffering, tuple[str, ...]]]:
    found: dict[UsagePrice, tuple[UsagePrice, ProductOffering, tuple[str, ...]]] = {}
    for offering in offerings:
        for price in offering.usage_prices:
            if price.valid_to is not None and local_day(price.valid_to) <= day:
                continue
            alike = replace(price, product_offering_id="", price_id=price.price_id.rpartition("/")[2])
            first, of, ids = found.get(alike, (price, offering, ()))
            found[alike] = (first, of, (*ids, offering.product_offering_id))
    return found.values()


def _uses(price: UsagePrice, offering: ProductOffering, offering_ids: tuple[str, ...], day: date) -> Iterable[_Use]:
    first = max(day, local_day(price.valid_from))
    starts = [datetime.combine(first, _NOON, OPERATOR_ZONE).astimezone(UTC)]
    if price.bands:
        by_band = {one.band: one.begins_at for one in reversed(band_intervals(price, first_day=first, end_day=first + _WEEK))}
        starts = sorted(max(start, price.valid_from) for start in by_band.values())
    last_bound = max((tier.up_to_units or 0 for tier in price.tiers), default=0)
    amounts = sorted({*_TYPICAL[price.service], *([min(last_bound * 2, _MOST[price.service])] if last_bound else [])})
    for start in starts:
        kind = _kind(price, offering, start)
        if kind is not None:
            yield from (_Use(offering, offering_ids, price, kind, units, start) for units in amounts)


def _kind(price: UsagePrice, offering: ProductOffering, start: datetime) -> Combination | None:
    """Give the first kind of usage that a price version is charged for at an instant."""
    for kind in reachable(price.service, offering.zones):
        for one in in_force(offering, kind):
            if one.price == price and one.begins <= start and (one.ends is None or start < one.ends):
                return kind
    return None


def _told(month: date, uses: Sequence[_Use]) -> list[Example]:
    """Rate uses of one month, each of a product of its own."""
    offerings = {use.offering.product_offering_id: use.offering for use in uses}
    tariff = tariff_of(offerings.values())
    numbers = {offering.product_offering_id: number for number, offering in enumerate(tariff.offerings, start=1)}
    inputs = _engine.Inputs(month, month, {}, tariff, _terms(uses, numbers), (), (), ())
    lake = cast("Lake", _NoLake())
    with Duck() as duck:
        _charges.view_charge_rows(duck, lake, {})
        _engine.load(duck, lake, inputs)
        duck.put("guided_text", pa.Table.from_pylist([_row(use, month) for use in uses], schema=_GUIDED))
        ids = ", ".join(f"{name}::UUID AS {name}" for name in ("record_id", "billing_account_id", "product_id"))
        duck.execute(f"CREATE TABLE guided AS SELECT * REPLACE ({ids}), NULL::UUID AS usage_file_id FROM guided_text")
        _engine.rate(duck, inputs, everything=True)
        return [_example(use, duck, inputs) for use in uses]


def _example(use: _Use, duck: Duck, inputs: _engine.Inputs) -> Example:
    told = explained(duck, inputs, use.record_id)
    return Example(
        use.offering_ids, use.price.price_id.rpartition("/")[2], local_day(use.price.valid_from), str(use.kind.service), str(use.kind.zone),
        str(use.kind.roaming), use.units, use.start, euros(told.amount_micro), told.sentence_nl, told.sentence_en,
    )  # fmt: skip


def _terms(uses: Sequence[_Use], numbers: dict[str, int]) -> pa.Table:
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([use.record_id.bytes for use in uses], pa.binary(16)))
    return pa.table(
        {
            "product_id": ids,
            "product_no": pa.array(range(1, len(uses) + 1), pa.int32()),
            "billing_account_id": ids,
            "offering_no": pa.array([numbers[use.offering.product_offering_id] for use in uses], pa.int32()),
            "valid_from": pa.array([datetime(2000, 1, 1, tzinfo=UTC)] * len(uses), _INSTANT),
            "valid_to": pa.array([END_OF_TIME] * len(uses), _INSTANT),
        }
    )


def _row(use: _Use, month: date) -> dict[str, Any]:
    one = str(use.record_id)
    return {
        "record_id": one, "billing_account_id": one, "product_id": one, "line": 1, "bucket": 0, "start": use.start, "generation": 0,
        "period_day": month, "bill_day": month, "units": use.units, "service": str(use.kind.service), "zone": str(use.kind.zone),
        "roaming": str(use.kind.roaming),
    }  # fmt: skip


_GUIDED = pa.schema(
    [
        *((name, pa.string()) for name in ("record_id", "billing_account_id", "product_id", "service", "zone", "roaming")),
        *((name, pa.int32()) for name in ("line", "bucket", "generation")),
        ("start", _INSTANT),
        ("period_day", pa.date32()),
        ("bill_day", pa.date32()),
        ("units", pa.int64()),
    ]
)
