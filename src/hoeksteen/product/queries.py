"""Reading the catalogue and what customers hold."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.errors import NotFound, invariant
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import _columns, _store
from hoeksteen.product.definition import Faults, Fields, from_file_offering
from hoeksteen.product.model import (
    CapLifted,
    NamedZone,
    PriceAlteration,
    PriceKind,
    Product,
    ProductHeld,
    ProductHistory,
    ProductOffering,
    ProductTerm,
    RecurringPrice,
    Resource,
    RoamingStop,
)
from hoeksteen.product.named_zones import from_file_zone
from hoeksteen.product.sums import Groups, Sums
from hoeksteen.storage import by_customer
from hoeksteen.storage.columns import Fixed, table_of, uuid_list
from hoeksteen.storage.postgres import Row, Transaction

_RESOURCE_TERM = {
    "resource_id": Fixed.UUID, "customer_id": Fixed.UUID, "billing_account_id": Fixed.UUID, "product_id": Fixed.UUID, "suspended": Fixed.INTEGER,
    "valid_from": Fixed.INSTANT, "valid_to": Fixed.INSTANT,
}  # fmt: skip
_PRODUCT_TERM = {
    "product_id": Fixed.UUID, "customer_id": Fixed.UUID, "billing_account_id": Fixed.UUID, "suspended": Fixed.INTEGER, "valid_from": Fixed.INSTANT,
    "valid_to": Fixed.INSTANT,
}  # fmt: skip

_OF_A_CUSTOMER = (
    "product.product", "product.product_term", "product.price_alteration", "product.resource", "product.cap_lifted", "product.roaming_stop",
    "product.block",
)  # fmt: skip


def offerings(*, tx: Transaction, offering_ids: Sequence[str] | None = None) -> list[ProductOffering]:
    """Give every offering, or some, with all versions of their prices, by identifier."""
    faults = Faults("catalogue")
    found = read_offerings(tx=tx, faults=faults, offering_ids=offering_ids)
    invariant(not faults.found, "the loaded catalogue is valid")
    return found


def zones(*, tx: Transaction) -> list[NamedZone]:
    """Give the zones that the catalogue names beside the built-in ones, by identifier."""
    return _zones(_store.zone_rows(tx))


def _zones(rows: Sequence[Row]) -> list[NamedZone]:
    faults = Faults("catalogue")
    found = [from_file_zone(fields=Fields(faults, row["zone_id"], row["definition"])) for row in rows]
    invariant(not faults.found, "the loaded zones are valid")
    return found


def read_offerings(*, tx: Transaction, faults: Faults, offering_ids: Sequence[str] | None = None) -> list[ProductOffering]:
    """Read every offering, or some, from their loaded declaration, noting faults."""
    wanted = None if offering_ids is None else set(offering_ids)
    offering_rows, zone_rows = _store.catalogue_rows(tx)
    named = _zones(zone_rows)
    prices: dict[str, dict[str, dict[str, Any]]] = {}
    for row in _store.price_rows(tx):
        of_offering = prices.setdefault(row["product_offering_id"], {})
        entry = of_offering.setdefault(row["price_id"], {**row["definition"], "versions": []})
        entry["versions"] += row["definition"]["versions"]
    found = []
    for row in offering_rows:
        offering_id = row["product_offering_id"]
        if wanted is not None and offering_id not in wanted:
            continue
        declared = {**row["definition"], "prices": list(prices.get(offering_id, {}).values())}
        found.append(from_file_offering(fields=Fields(faults, offering_id, declared), price_lists={}, zones=named))
    return found


def offering(*, tx: Transaction, product_offering_id: str) -> ProductOffering:
    """
    Give one offering.

    :raises NotFound: when there is none
    """
    found = next((entry for entry in offerings(tx=tx) if entry.product_offering_id == product_offering_id), None)
    if found is None:
        raise NotFound(f"Offering {product_offering_id} does not exist.", remedy="Choose one of the catalogue.")
    return found


def recurring_prices(*, tx: Transaction) -> list[RecurringPrice]:
    """Give every version of every recurring price."""
    return [price for entry in offerings(tx=tx) for price in entry.prices if price.kind is PriceKind.RECURRING]


def products_held(*, tx: Transaction, customer_id: UUID, at: datetime | None = None) -> list[ProductHeld]:
    """
    Give a customer's products as they stand at an instant, terminated ones too.

    :param at: without it the last known state, planned changes included
    """
    return _store.held(tx, customer_id, at)


def product_held(*, tx: Transaction, product_id: UUID, at: datetime | None = None) -> ProductHeld:
    """
    Give one product, whoever holds it, as it stands at an instant.

    :raises NotFound: when there is none at that instant
    """
    customer_id = _store.customer_of_product(tx, product_id)
    held = [] if customer_id is None else _store.held(tx, customer_id, at)
    found = next((one for one in held if one.product_id == product_id), None)
    if found is None:
        raise NotFound("No product has this identifier.", remedy="Read the customer's products again.", product_id=product_id)
    return found


def products(*, tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[Product]:
    """Give the lasting part of the products of some customers, or of all."""
    return _store.all_products(tx) if customer_ids is None else _store.products(tx, customer_ids)


def terms(*, tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[ProductTerm]:
    """Give the history of the products of some customers, or of all, by product and time."""
    return _store.terms(tx, customer_ids)


def histories(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[ProductHistory]:
    """Give the products of some customers, each with all that it was and will be, by identifier."""
    return _store.histories(tx, customer_ids)


def active_terms_of_offerings(*, tx: Transaction, offering_ids: Sequence[str], begin: datetime, end: datetime) -> list[ProductTerm]:
    """Give the terms in which products were active under some offerings between two instants, by product and begin."""
    return _store.active_terms_of_offerings(tx, offering_ids, begin, end)


def active_terms(*, tx: Transaction, offering_ids: Sequence[str], customer_ids: Sequence[UUID] | None) -> pa.Table:
    """
    Give when the products of some customers, or of all, were active, as columns: a million of them in a second.

    :param offering_ids: an offering's place in this list, from 1, is its `offering_no`
    :returns: product_id, product_no (the same for all terms of a product, and for no other), billing_account_id, offering_no, valid_from, valid_to
    """
    return _columns.terms_table(_store.active_terms_binary(tx, offering_ids, customer_ids))


def alterations(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[PriceAlteration]:
    """Give the discounts and surcharges of some customers' products."""
    return _store.alterations(tx, customer_ids)


def sums_by_group(*, tx: Transaction, groups: Groups, day: date) -> dict[str, Sums]:
    """
    Give what groups of products are together, by name: a million products in some seconds, and nothing of them in this process.

    :param day: the local day whose recurring charges are summed: by catalogue and alterations, of what is active at its beginning
    """
    at = start_of_day(day)
    prices = {
        price.product_offering_id: price.amount
        for price in recurring_prices(tx=tx)
        if price.valid_from <= at and (price.valid_to is None or at < price.valid_to)
    }
    return {row.pop("name"): Sums(**row) for row in _store.sums(tx, groups, prices, at, day)}


def usage_discount_days(*, tx: Transaction) -> list[tuple[UUID, date]]:
    """Give the products that have a discount on usage, and each local day on which one begins or ends; between two of them nothing changes."""
    return _store.usage_discount_days(tx)


def caps_lifted(*, tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[CapLifted]:
    """Give the caps that some customers, or all, lifted, and for how long."""
    return _store.caps_lifted(tx, customer_ids)


def roaming_stops(*, tx: Transaction, customer_id: UUID, since: date) -> list[RoamingStop]:
    """Give the products of a customer whose roaming is stopped, in bill periods that begin on a day or later; not those lifted or resumed since."""
    return _store.roaming_stops(tx, customer_id, since)


def resources_by_id(*, tx: Transaction, resource_ids: Sequence[UUID]) -> list[Resource]:
    """Give numbers, lines and SIMs by identifier, in no particular order; unknown ones are absent."""
    return _store.resources_by_id(tx, resource_ids)


def resource_terms(*, tx: Transaction, resource_ids: bytes) -> pa.Table:
    """
    Give what product some numbers, lines or SIMs were of and what it was then, as columns: many thousands of them at once.

    :param resource_ids: 16 bytes each, one after the other
    :returns: resource_id, customer_id, billing_account_id, product_id, suspended (0 or 1), valid_from, valid_to: each stretch of time in which the
        resource was the product's and the product was what it was; none in which it was terminated; in no particular order
    """
    return table_of(_store.resource_terms_binary(tx, uuid_list(resource_ids)), _RESOURCE_TERM)


def product_terms(*, tx: Transaction, product_ids: Sequence[UUID]) -> pa.Table:
    """
    Give what some products were when, whatever numbers they had, as columns.

    :returns: product_id, customer_id, billing_account_id, suspended (0 or 1), valid_from, valid_to; none in which a product was terminated
    """
    return table_of(_store.product_terms_binary(tx, product_ids), _PRODUCT_TERM)


def resources_of_customer(*, tx: Transaction, customer_id: UUID) -> list[Resource]:
    """Give a customer's numbers, lines and SIMs."""
    return _store.resources_of_customer(tx, customer_id)


def first_day(*, tx: Transaction) -> date | None:
    """Give the first local day whose recurring charges of any product are ours; None while nobody holds anything."""
    return _store.first_day(tx)


def count(*, tx: Transaction) -> int:
    """Give the number of products ever held."""
    return _store.count_products(tx)


def fingerprints(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Give a digest of all products of each customer with their history, to see whether somebody changed it since."""
    return by_customer.fingerprints(tx, _OF_A_CUSTOMER, customer_ids)
