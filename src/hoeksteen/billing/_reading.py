"""Reading what a batch of bills needs: a handful of set-based queries, whatever the number of billing accounts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from hoeksteen.billing import _leaving_store, _store
from hoeksteen.billing.assembly import ProductInputs, Usage
from hoeksteen.billing.bundles import BundleDiscount, Offered, with_bundles
from hoeksteen.billing.early import BilledEarly, billed_early
from hoeksteen.billing.minimum_spend import MinimumBilled, month_of
from hoeksteen.billing.model import RateKind, RunKind
from hoeksteen.billing.prices import FOREVER, PriceBook
from hoeksteen.billing.recurring import Alteration, Calendar, Charge, ChargeKey, HeldProduct, Move, Position, Term, fingerprint
from hoeksteen.billing.usage_discounts import UsageDiscount
from hoeksteen.kernel.money import micros
from hoeksteen.kernel.time_period import BillPeriod, local_day
from hoeksteen.party.departments import tops_of
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import cycle_moves
from hoeksteen.product.model import PriceAlteration
from hoeksteen.product.queries import alterations, histories
from hoeksteen.rating.model import UsageTotal
from hoeksteen.rating.queries import usage_totals
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Row, Transaction

UsageOf = Callable[[BillPeriod, Sequence[UUID]], dict[UUID, list[Usage]]]


def read_products(
    *, tx: Transaction, billing_accounts: Sequence[BillingAccount], book: PriceBook, calendar: Calendar, kind: RunKind = "final"
) -> dict[UUID, list[ProductInputs]]:
    """
    Give the products of each billing account, oldest first, with what earlier runs billed where something changed since.

    :param kind: of the run, which says what it subtracts, as of `read_early`
    """
    wanted = {one.billing_account_id for one in billing_accounts}
    customer_ids = list({one.customer_id for one in billing_accounts})
    alterations_of: dict[UUID, list[Alteration]] = {}
    discounts_of: dict[UUID, list[UsageDiscount]] = {}
    for alteration in alterations(tx=tx, customer_ids=customer_ids):
        if alteration.usage_prices is None:
            alterations_of.setdefault(alteration.product_id, []).append(_alteration(alteration))
        else:
            discounts_of.setdefault(alteration.product_id, []).append(_usage_discount(alteration, alteration.usage_prices))
    positions = {product_id: Position(day.toordinal(), known) for product_id, (day, known) in _store.positions(tx, customer_ids).items()}
    held: list[tuple[UUID, HeldProduct, Position | None]] = []
    for row in histories(tx=tx, customer_ids=customer_ids):
        if row.billing_account_id in wanted:
            altered, discounts = tuple(alterations_of.get(row.product_id, ())), tuple(discounts_of.get(row.product_id, ()))
            start, opening = row.start_day.toordinal(), row.recurring_billed_to.toordinal()
            product = HeldProduct(row.customer_id, row.product_id, start, opening, _terms(row.terms), altered, discounts)
            held.append((row.billing_account_id, product, positions.get(row.product_id)))
    if offered := _offered(book):
        held = _together(held, offered)
    changed = [product for _, product, position in held if position is not None and fingerprint(product, book) != position.fingerprint]
    moved = read_moves(tx=tx, billing_accounts=billing_accounts) if changed else {}
    own = {product.product_id: calendar.moved(moved[account_id]) for account_id, product, _ in held if account_id in moved}
    billed = _billed_before(tx, changed, calendar, own)
    minimums = _minimums_before(tx, held, book, calendar, kind)
    inputs: dict[UUID, list[ProductInputs]] = {}
    for billing_account_id, product, position in sorted(held, key=lambda one: one[1].start):  # and, as they were read, by identifier
        known = (product, position, billed.get(product.product_id), minimums.get(product.product_id, ()))
        inputs.setdefault(billing_account_id, []).append(ProductInputs(*known))
    return inputs


def _minimums_before(
    tx: Transaction, held: Sequence[tuple[UUID, HeldProduct, Position | None]], book: PriceBook, calendar: Calendar, kind: RunKind
) -> dict[UUID, list[MinimumBilled]]:  # fmt: skip
    """Give what earlier bills have of the minimum spend of the products that have one; nothing is asked for where none has."""
    if not book.minimums:
        return {}
    some = [
        product for _, product, position in held if position is not None and any(term.product_offering_id in book.minimums for term in product.terms)
    ]
    if not some:
        return {}
    ids, customer_ids = [one.product_id for one in some], sorted({one.customer_id for one in some})
    found: dict[UUID, dict[tuple[str, int], MinimumBilled]] = {}
    first_day = date.fromordinal(calendar.months[-2].first)
    for row in _store.minimums_before(tx, customer_ids, ids, calendar.since, first_day=first_day, earlier=kind != "leaving"):
        month = month_of(row["period_from"].toordinal(), calendar)
        of_product, key = found.setdefault(row["product_id"], {}), (row["product_offering_id"], month.first)
        before = of_product.get(key, MinimumBilled(*key, 0, month.end - month.first, 0, 0))
        cents = int(row["amount"].scaleb(2))
        if row["noted"]:
            of_product[key] = before._replace(noted=before.noted + cents)
        else:
            early = before.early + (row["spent"] - before.spent if row["early"] else 0)
            of_product[key] = before._replace(days=row["days"], spent=row["spent"], cents=before.cents + cents, early=early)
    return {product_id: list(of_product.values()) for product_id, of_product in found.items()}


def _offered(book: PriceBook) -> dict[str, Offered]:
    return {
        offering_id: Offered(
            offering.family,
            tuple(
                BundleDiscount(
                    one.bundle_id, one.name, one.together, one.kind == "percentage",
                    int(one.value * 100) if one.kind == "percentage" else micros(one.value),
                )
                for one in offering.bundles
            ),
        )
        for offering_id, offering in book.bundled.items()
    }  # fmt: skip


def _together(
    held: Sequence[tuple[UUID, HeldProduct, Position | None]], offered: dict[str, Offered]
) -> list[tuple[UUID, HeldProduct, Position | None]]:
    """Give the products with the discounts that each billing account's have because they are held together."""
    of_account: dict[UUID, list[tuple[HeldProduct, Position | None]]] = {}
    for billing_account_id, product, position in held:
        of_account.setdefault(billing_account_id, []).append((product, position))
    return [
        (billing_account_id, product, position)
        for billing_account_id, some in of_account.items()
        for product, (_, position) in zip(with_bundles([product for product, _ in some], offered), some, strict=True)
    ]


def read_usage(*, tx: Transaction, period: BillPeriod, billing_account_ids: Sequence[UUID], usage_of: UsageOf) -> dict[UUID, list[Usage]]:
    """Give the usage that each billing account's bill of a period has to show, also that of earlier periods in which it was passed by."""
    usage = usage_of(period, billing_account_ids)
    waiting: dict[BillPeriod, list[UUID]] = {}
    for billing_account_id, missed in _store.missed_periods(tx, billing_account_ids, period.first_day):
        waiting.setdefault(missed, []).append(billing_account_id)
    for missed, ids in sorted(waiting.items(), key=lambda one: one[0].first_day, reverse=True):
        for billing_account_id, totals in usage_of(missed, ids).items():
            usage[billing_account_id] = [*totals, *usage.get(billing_account_id, ())]
    return _with_bill_numbers(tx, usage)


def read_moves(*, tx: Transaction, billing_accounts: Sequence[BillingAccount]) -> dict[UUID, tuple[Move, ...]]:
    """Give the moves to other cycle days of those billing accounts that moved, or are to."""
    found = cycle_moves(tx=tx, billing_account_ids=[one.billing_account_id for one in billing_accounts])
    return {account_id: tuple(Move(one.from_day, one.day_before, one.day_after) for one in moves) for account_id, moves in found.items()}


def read_early(
    *, tx: Transaction, period: BillPeriod, kind: RunKind, billing_account_ids: Sequence[UUID]
) -> dict[UUID, list[BilledEarly]]:  # fmt: skip
    """Give what bills of accounts that left have charged of the usage that a run of a period finds, and its earlier runs passed by."""
    return billed_early(_leaving_store.open_lines(tx, billing_account_ids, period.first_day, kind != "leaving"))


def _with_bill_numbers(tx: Transaction, usage: dict[UUID, list[Usage]]) -> dict[UUID, list[Usage]]:
    """Name the bills on which charges stood that are taken back now."""
    days = {account_id: {one.billed_on for one in totals if one.billed_on is not None} for account_id, totals in usage.items()}
    wanted = [(account_id, day) for account_id, some in days.items() for day in sorted(some)]
    if not wanted:
        return usage
    numbers = _store.bill_numbers(tx, wanted)
    for day in {day for account_id, day in wanted if (account_id, day) not in numbers}:  # departments stood on the bill of another account
        tops = tops_of(tx=tx, billing_account_ids=[account_id for account_id, billed_on in wanted if billed_on == day], day=day)
        on_top = _store.bill_numbers(tx, [(top, day) for top in set(tops.values())])
        numbers |= {(account_id, day): on_top[top, day] for account_id, top in tops.items() if (top, day) in on_top}
    for account_id in {account_id for account_id, _ in wanted}:
        usage[account_id] = [
            one if not isinstance(one, UsageTotal) or one.billed_on is None
            else one._replace(bill_number=numbers.get((account_id, one.billed_on), ""))
            for one in usage[account_id]
        ]  # fmt: skip
    return usage


def usage_of(
    period: BillPeriod, billing_account_ids: Sequence[UUID], *, lake: Lake, divided: Sequence[tuple[UUID, date]] = ()
) -> dict[UUID, list[Usage]]:  # fmt: skip
    """
    Give the rated usage that appears on the bills of a period.

    :param divided: products, and the days on which discounts on their usage begin or end
    """
    found: dict[UUID, list[Usage]] = {}
    for total in usage_totals(lake=lake, period=period, billing_account_ids=billing_account_ids, divided=divided):
        found.setdefault(total.billing_account_id, []).append(total)
    return found


def _billed_before(
    tx: Transaction, changed: Sequence[HeldProduct], calendar: Calendar, own: Mapping[UUID, Calendar]
) -> dict[UUID, list[Charge]]:  # fmt: skip
    billed: dict[UUID, list[Charge]] = {product.product_id: [] for product in changed}
    if changed:
        customer_ids = list({product.customer_id for product in changed})
        since = min(calendar.since, *(one.since for one in own.values())) if own else calendar.since
        for row in _store.billed_before(tx, customer_ids, list(billed), since):
            its = own.get(row["product_id"], calendar)
            if row["period_from"].toordinal() < its.end:  # what a bill of somebody who left charges for later periods is theirs to compare
                billed[row["product_id"]].append(_charge(row, its))
    return billed


def _charge(row: Row, calendar: Calendar) -> Charge:
    first, end = row["period_from"].toordinal(), row["period_to"].toordinal()
    month = calendar.months[calendar.index(first)].first
    key = ChargeKey(row["product_offering_id"], row["price_id"], row["alteration_id"], month)
    return Charge(
        key, first, end, end - first, 1, int(row["amount"].scaleb(2)), row["kind"] == RateKind.ONE_TIME, row["alteration"], noted=row["noted"]
    )


@lru_cache(maxsize=65_536)
def _terms(terms: tuple[tuple[datetime, datetime | None, str, bool], ...]) -> tuple[Term, ...]:
    return tuple(Term(_day(valid_from), _end(valid_to), offering_id, active) for valid_from, valid_to, offering_id, active in terms)


def _alteration(alteration: PriceAlteration) -> Alteration:
    percentage = alteration.kind == "percentage"
    value = int(alteration.value * 100) if percentage else micros(alteration.value)
    end = FOREVER if alteration.valid_to is None else alteration.valid_to.toordinal()
    return Alteration(str(alteration.price_alteration_id), alteration.name, percentage, value, alteration.valid_from.toordinal(), end)


def _usage_discount(alteration: PriceAlteration, prices: tuple[str, ...]) -> UsageDiscount:
    one = _alteration(alteration)
    return UsageDiscount(one.alteration_id, one.name, one.percentage, -one.value, one.first, one.end, prices)


def _end(instant: datetime | None) -> int:
    return FOREVER if instant is None else _day(instant)


@lru_cache(maxsize=65_536)
def _day(instant: datetime) -> int:
    return local_day(instant).toordinal()
