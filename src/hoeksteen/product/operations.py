"""Changing the catalogue and what customers hold; the caller commits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import add_months, local_day, start_of_day
from hoeksteen.product import _block_store, _store, queries
from hoeksteen.product._loading import load_offerings, load_zones
from hoeksteen.product.model import CapLifted, NewAlteration, NewProduct, PriceAlteration, ProductStatus, ProductTerm, RoamingStop
from hoeksteen.product.price_list import SHIPPED, read_directory, read_mapping
from hoeksteen.storage.postgres import Transaction

_TAKEN_BACK_DAYS_MAX = 31


def load_catalogue(*, tx: Transaction, directory: Path | None = None, mapping: Mapping[str, Any] | None = None, now: datetime) -> int:
    """
    Load zones, offerings with their price versions, and kinds of one-off charges beside those that are there, and give the number of offerings.

    Loading the same again changes nothing, and what a file does not name stays. A price version that is loaded may be
    given an end, never another content: bills were made with it. An offering that somebody holds or held becomes no
    other one, and its new price versions begin today or later, so that what was rated and billed stays as it was.

    :param directory: holds *.yaml files; without `directory` and `mapping` the catalogue that is shipped is loaded
    :raises InvalidInput: naming each file, price and field that is wrong
    :raises Conflict: naming the zone, offering or price that would change what was charged, or leave a product without a price
    """
    zones = queries.zones(tx=tx)
    declared = read_mapping(mapping, zones=zones) if mapping is not None else read_directory(directory or SHIPPED, zones=zones)
    load_zones(tx=tx, declared=declared.zones)
    load_offerings(tx=tx, declared=declared.offerings, now=now)
    for entry in declared.charges:  # what was charged by one keeps the name and tax that it had
        _store.upsert_charge_kind(tx, entry.kind.charge_kind_id, dict(entry.declared))
    return len(declared.offerings)


def add_products(*, tx: Transaction, products: Sequence[NewProduct]) -> int:
    """
    Add products with their whole history, alterations and resources, with COPY, and give their number.

    :raises InvalidInput: when a product's terms leave a hole, overlap, or are missing
    :raises Conflict: when a product or resource is there already
    """
    for product in products:
        _require_whole_history(product)
    _store.insert_products(tx, products)
    return len(products)


def _require_whole_history(product: NewProduct) -> None:
    where = f"Product {product.product_id}"
    if not product.terms:
        raise InvalidInput(f"{where}: terms: are missing.", remedy="Give at least one term.")
    for term in product.terms:
        if term.valid_to is not None and term.valid_to <= term.valid_from:
            raise InvalidInput(f"{where}: terms: one ends before it begins.", remedy="Correct valid_from and valid_to.")
    for before, after in zip(product.terms, product.terms[1:], strict=False):
        if before.valid_to != after.valid_from:
            raise InvalidInput(f"{where}: terms: leave a hole or overlap.", remedy="Let each term end where the next one begins, in their order.")


def change_offering(
    *, tx: Transaction, customer_id: UUID, product_id: UUID, product_offering_id: str, from_day: date, now: datetime
) -> list[ProductTerm]:
    """
    Let a product be another offering of its family from a local day on, and give its history.

    :raises NotFound: when the customer has no such product, or the offering does not exist
    :raises WrongState: when the product is not active on that day
    :raises Conflict: when it is that offering already, or a later change is planned
    """
    families = {row["product_offering_id"]: row["definition"] for row in _store.offering_rows(tx)}
    if product_offering_id not in families:
        raise NotFound(f"Offering {product_offering_id} does not exist.", remedy="Choose one of the catalogue.")

    def change(last: ProductTerm) -> tuple[str, ProductStatus]:
        if last.status is not ProductStatus.ACTIVE:
            raise _wrong_state(last, "changed")
        old, new = families[last.product_offering_id], families[product_offering_id]
        if (old["family"], old["segment"]) != (new["family"], new["segment"]):
            raise InvalidInput(
                f"Product {product_id} is {old['family']} for {old['segment']}, and {product_offering_id} is {new['family']} for {new['segment']}.",
                remedy="Terminate this product and add a new one.",
            )
        if last.product_offering_id == product_offering_id:
            raise Conflict(f"Product {product_id} is {product_offering_id} already.", remedy="Choose another offering.")
        return product_offering_id, ProductStatus.ACTIVE

    return _from_day(tx, customer_id, product_id, from_day, now, change)


def suspend(*, tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    Suspend a product from a local day on: no use, no recurring charge; and give its history.

    :raises NotFound: when the customer has no such product
    :raises WrongState: when it is not active on that day
    :raises Conflict: when a later change is planned
    """
    return _from_day(tx, customer_id, product_id, from_day, now, lambda last: _to(last, {ProductStatus.ACTIVE}, ProductStatus.SUSPENDED))


def resume(*, tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    Resume a suspended product from a local day on, also one that was blocked because of late bills, and give its history.

    :raises NotFound: when the customer has no such product
    :raises WrongState: when it is not suspended on that day
    :raises Conflict: when a later change is planned
    """
    history = _from_day(tx, customer_id, product_id, from_day, now, lambda last: _to(last, {ProductStatus.SUSPENDED}, ProductStatus.ACTIVE))
    _block_store.lift(tx, customer_id, product_id, from_day, now)
    return history


def terminate(*, tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    End a product: `from_day` is the first local day on which it is no longer held; and give its history.

    One that is blocked stays so until then, and works again before its end where the block is lifted.

    :raises NotFound: when the customer has no such product
    :raises WrongState: when it has ended already
    :raises Conflict: when a later change is planned
    """
    allowed = {ProductStatus.ACTIVE, ProductStatus.SUSPENDED}
    history = _from_day(tx, customer_id, product_id, from_day, now, lambda last: _to(last, allowed, ProductStatus.TERMINATED))
    if len(history) < 2 or history[-2].status is not ProductStatus.SUSPENDED:  # a block that never begins
        _block_store.lift(tx, customer_id, product_id, from_day, now)
    return history


def resume_before_end(*, tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime) -> bool:
    """
    Resume a suspended product from a local day on, up to the end that is planned of it, and say whether it was to be suspended then.

    :raises NotFound: when the customer has no such product
    """
    if _store.lock_product(tx, customer_id, product_id) is None:
        raise NotFound(f"Customer {customer_id} has no product {product_id}.", remedy="Read the customer's products again.")
    *before, end = _store.terms_of_product(tx, customer_id, product_id)
    begins = start_of_day(from_day)
    if end.status is not ProductStatus.TERMINATED or not before or before[-1].status is not ProductStatus.SUSPENDED:
        return False
    if not before[-1].valid_from <= begins < end.valid_from:
        return False
    *held, last = _cut(before, ProductTerm(customer_id, product_id, begins, None, before[-1].product_offering_id, ProductStatus.ACTIVE))
    _store.replace_terms(tx, customer_id, product_id, [*held, replace(last, valid_to=end.valid_from), end])
    _block_store.lift(tx, customer_id, product_id, from_day, now)
    return True


def take_back_termination(*, tx: Transaction, customer_id: UUID, product_id: UUID, now: datetime) -> list[ProductTerm]:
    """
    Let a product go on as if its end had never been asked for, and give its history.

    One that was blocked until its end is blocked again, also where the bill was paid after it: the next lift lets it work again.

    :raises NotFound: when the customer has no such product
    :raises WrongState: when it has no end, or ended more than 31 days ago
    """
    if _store.lock_product(tx, customer_id, product_id) is None:
        raise NotFound(f"Customer {customer_id} has no product {product_id}.", remedy="Read the customer's products again.")
    *before, last = _store.terms_of_product(tx, customer_id, product_id)
    if last.status is not ProductStatus.TERMINATED or not before:
        raise _wrong_state(last, "taken up again")
    if (local_day(now) - local_day(last.valid_from)).days > _TAKEN_BACK_DAYS_MAX:
        raise WrongState(
            f"Product {product_id} ended on {local_day(last.valid_from)}, more than {_TAKEN_BACK_DAYS_MAX} days ago.", remedy="Add a new product."
        )
    history = [*before[:-1], replace(before[-1], valid_to=None)]
    _store.replace_terms(tx, customer_id, product_id, history)
    if history[-1].status is ProductStatus.SUSPENDED:
        _block_store.reopen(tx, customer_id, product_id, local_day(last.valid_from))
    return history


def grant_discount(
    *, tx: Transaction, customer_id: UUID, product_id: UUID, discount_id: str, from_day: date, now: datetime, identifiers: Identifiers
) -> NewAlteration:
    """
    Give a product a discount of its offering from a local day on; it ends after its periods, or with a change of the offering.

    :param from_day: today or later; a discount of n periods ends on the same day n months later
    :raises NotFound: when the customer has no such product, or its offering on that day no such discount
    :raises InvalidInput: when the day has passed
    :raises WrongState: when the product is not active on that day
    :raises Conflict: when the product has the discount on a day of that time already
    """
    if _store.lock_product(tx, customer_id, product_id) is None:
        raise NotFound(f"Customer {customer_id} has no product {product_id}.", remedy="Read the customer's products again.")
    if from_day < local_day(now):
        raise InvalidInput(f"Product {product_id}: from_day: {from_day} has passed.", remedy="Choose today or a later day.")
    begins = start_of_day(from_day)
    terms = _store.terms_of_product(tx, customer_id, product_id)
    held = next((term for term in terms if term.valid_from <= begins and (term.valid_to is None or begins < term.valid_to)), None)
    if held is None or held.status is not ProductStatus.ACTIVE:
        raise WrongState(f"Product {product_id} is not active on {from_day}.", remedy="Choose a day on which it is.")
    offering = queries.offering(tx=tx, product_offering_id=held.product_offering_id)
    discount = next((one for one in offering.discounts if one.discount_id == discount_id), None)
    if discount is None:
        raise NotFound(f"Offering {held.product_offering_id} has no discount {discount_id}.", remedy="Name a discount of its offering.")
    until = None if discount.periods is None else _months_later(from_day, discount.periods)
    for one in _store.alterations(tx, [customer_id]):
        overlaps = (until is None or one.valid_from < until) and (one.valid_to is None or one.valid_to > max(from_day, one.valid_from))
        if one.product_id == product_id and one.name == discount.name and overlaps:
            raise Conflict(f"Product {product_id} has the discount {discount_id} already.", remedy="Let the new one begin when that has ended.")
    alteration = NewAlteration(
        identifiers.new(now), discount.name, discount.kind, -discount.value, from_day, until, held.product_offering_id, discount.usage_prices
    )  # fmt: skip
    _store.insert_alteration(tx, customer_id, product_id, alteration)
    return alteration


def end_discount(
    *, tx: Transaction, customer_id: UUID, product_id: UUID, price_alteration_id: UUID, from_day: date, now: datetime
) -> PriceAlteration:  # fmt: skip
    """
    End a discount of a product; `from_day` is the first local day without it, and one that begins later never holds.

    :raises NotFound: when the product has no such discount
    :raises InvalidInput: when the day has passed
    :raises WrongState: when it has ended by then
    """
    _store.lock_product(tx, customer_id, product_id)
    known = _store.alterations(tx, [customer_id])
    found = next((one for one in known if (one.product_id, one.price_alteration_id) == (product_id, price_alteration_id)), None)
    if found is None or found.value >= 0:
        raise NotFound(f"Product {product_id} has no discount {price_alteration_id}.", remedy="`hoeksteen discount show` lists those that it has.")
    if from_day < local_day(now):
        raise InvalidInput(f"Product {product_id}: from_day: {from_day} has passed.", remedy="Choose today or a later day.")
    ends = max(from_day, found.valid_from)
    if found.valid_to is not None and found.valid_to <= ends:
        raise WrongState(f"The discount {found.name} of product {product_id} ends on {found.valid_to}.", remedy="Choose an earlier day.")
    _store.end_alteration(tx, customer_id, product_id, price_alteration_id, ends)
    return replace(found, valid_to=ends)


def _months_later(day: date, months: int) -> date:
    """Give the same day of a later month, or its last one where that month is shorter."""
    first = add_months(day.replace(day=1), months)
    return first.replace(day=min(day.day, (add_months(first, 1) - first).days))


def lift_roaming_cap(*, tx: Transaction, customer_id: UUID, product_id: UUID, cap_id: str, now: datetime, until: date | None = None) -> CapLifted:
    """
    Let a product roam beyond a cap, as its customer asked: use that begins from now on is charged in full.

    :param until: the first local day on which the cap holds again; without it, until it is restored
    :raises NotFound: when the customer has no such product, or its offering no such cap
    :raises InvalidInput: when the cap is for use at home too, or `until` is no later day
    :raises Conflict: when it is lifted already
    """
    if _store.lock_product(tx, customer_id, product_id) is None:
        raise NotFound(f"Customer {customer_id} has no product {product_id}.", remedy="Read the customer's products again.")
    held = [term for term in _store.terms_of_product(tx, customer_id, product_id) if term.valid_to is None or term.valid_to > now]
    offerings = {term.product_offering_id for term in held}
    cap = next((cap for one in queries.offerings(tx=tx) if one.product_offering_id in offerings for cap in one.caps if cap.cap_id == cap_id), None)
    if cap is None:
        raise NotFound(f"Product {product_id} has no cap {cap_id}.", remedy="Name a cap of its offering.")
    if not cap.is_roaming:
        raise InvalidInput(f"Cap {cap_id}: roaming: it bounds use at home too.", remedy="Only a cap on use abroad is the customer's to lift.")
    if until is not None and start_of_day(until) <= now:
        raise InvalidInput(f"Product {product_id}: until: {until} is no later day.", remedy="Choose a day after today.")
    for one in _store.caps_lifted(tx, [customer_id]):
        if (one.product_id, one.cap_id) == (product_id, cap_id) and (one.valid_to is None or one.valid_to > now):
            raise Conflict(f"Cap {cap_id} of product {product_id} is lifted already.", remedy="Restore it first to lift it for another time.")
    lifted = CapLifted(customer_id, product_id, cap_id, now, None if until is None else start_of_day(until))
    _store.insert_cap_lifted(tx, lifted)
    return lifted


def restore_roaming_cap(*, tx: Transaction, customer_id: UUID, product_id: UUID, cap_id: str, now: datetime) -> None:
    """Let a cap hold again for use that begins from now on; where it was not lifted, nothing changes."""
    _store.end_cap_lifted(tx, customer_id, product_id, cap_id, now)


def stop_roaming(*, tx: Transaction, customer_id: UUID, product_id: UUID, cap_id: str, period_day: date, now: datetime) -> bool:
    """
    Note that a product roams no more in a bill period, because a cap was reached, and say whether that is new.

    :param period_day: the period's first day
    """
    return _store.insert_roaming_stop(tx, RoamingStop(customer_id, product_id, cap_id, period_day, now))


def resume_roaming(
    *, tx: Transaction, keys: Sequence[tuple[UUID, UUID, str, date]], now: datetime
) -> list[tuple[UUID, UUID, str, date]]:  # fmt: skip
    """
    Let products roam again whose cap is not reached after all, because what was counted was taken back, and give those that were stopped.

    :param keys: customer, product, cap and the first day of the bill period
    """
    return _store.end_roaming_stops(tx, keys, now)


def _to(last: ProductTerm, allowed: set[ProductStatus], status: ProductStatus) -> tuple[str, ProductStatus]:
    if last.status not in allowed:
        raise _wrong_state(last, status)
    return last.product_offering_id, status


def _wrong_state(last: ProductTerm, wanted: str) -> WrongState:
    day = local_day(last.valid_from)
    return WrongState(f"Product {last.product_id} is {last.status} since {day} and cannot be {wanted}.", remedy="Read the product again.")


def _from_day(tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime, change: Any) -> list[ProductTerm]:
    """Cut a product's last term at the beginning of a day and go on with what `change` makes of it."""
    if _store.lock_product(tx, customer_id, product_id) is None:
        raise NotFound(f"Customer {customer_id} has no product {product_id}.", remedy="Read the customer's products again.")
    terms = _store.terms_of_product(tx, customer_id, product_id)
    invariant(bool(terms), "a product has a history")
    last, cut = terms[-1], start_of_day(from_day)
    if from_day < local_day(now):
        raise InvalidInput(f"Product {product_id}: from_day: {from_day} has passed.", remedy="Choose today or a later day.")
    if cut < last.valid_from:
        raise Conflict(f"Product {product_id} has a change planned on {local_day(last.valid_from)}.", remedy="Choose that day or a later one.")
    offering_id, status = change(last)
    history = _cut(terms, ProductTerm(customer_id, product_id, cut, None, offering_id, status))
    _store.replace_terms(tx, customer_id, product_id, history)
    return history


def _cut(terms: Sequence[ProductTerm], new: ProductTerm) -> list[ProductTerm]:
    """Go on with a new term; what is as it was before goes on as one term, so that taking a change back leaves nothing of it."""
    *before, last = [term for term in terms if term.valid_from < new.valid_from] or [new]
    if (last.product_offering_id, last.status) == (new.product_offering_id, new.status):
        return [*before, replace(last, valid_to=None)]
    return [*before, replace(last, valid_to=new.valid_from), new]


def remove_products_of(*, tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    """
    Remove all products of some customers with their history as if they had never been added, and give how many there were.

    A product that ends is terminated, not removed; this is for what was loaded and is taken away again.
    """
    return _store.remove_products_of(tx, customer_ids)


def open_from(*, tx: Transaction, customer_ids: Sequence[UUID], was: date, becomes: date) -> int:
    """Let the products of some customers that another system billed until `was` be billed here from `becomes`, and give how many there were."""
    return _store.open_from(tx, customer_ids, was, becomes)
