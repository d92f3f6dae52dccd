"""
Suspended records that somebody guided to a product, because their number does not lead to it by itself.

Collection finds a record's product by its number. A record that was guided by hand is held by a key instead, which is no number, so that every
later step is the same for both. What somebody says is checked when it is said, and again whenever the record is tried: a product that is suspended or
terminated at its start by then lets it wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductStatus
from hoeksteen.storage.columns import uuids
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage._guiding import Holders

_FIRST_KEY = 10**18  # beyond every number of E.164


class Waits(Protocol):
    """What must be known of a suspended record to say whether a product fits it."""

    @property
    def record_id(self) -> UUID: ...
    @property
    def start(self) -> datetime: ...
    @property
    def service(self) -> str: ...


def require_fitting(*, tx: Transaction, value: str, records: Sequence[Waits]) -> UUID:
    """
    Check that records can belong to a product, and give its identifier.

    :raises InvalidInput: when the value is no identifier
    :raises NotFound: when there is no such product
    :raises WrongState: naming the first record at whose start the product was not active, had no number or line, or had a plan without a price
        for its service
    """
    try:
        product_id = UUID(value)
    except ValueError:
        raise InvalidInput(f"product: {value} is no identifier.", remedy="`hoeksteen products CUSTOMER` lists them.", field="product") from None
    customer_id = product.product_held(tx=tx, product_id=product_id).customer_id
    active = [
        term
        for term in product.terms(tx=tx, customer_ids=[customer_id])
        if term.product_id == product_id and term.status is ProductStatus.ACTIVE
    ]  # fmt: skip
    resources = [one for one in product.resources_of_customer(tx=tx, customer_id=customer_id) if one.product_id == product_id]
    offerings = product.offerings(tx=tx, offering_ids=sorted({term.product_offering_id for term in active}))
    services = {one.product_offering_id: {price.service for price in one.usage_prices} for one in offerings}
    for record in records:
        at, named = record.start, f"when record {record.record_id} began on {local_day(record.start)}"
        then = next((one for one in active if one.valid_from <= at and (one.valid_to is None or at < one.valid_to)), None)
        if then is None:
            raise WrongState(
                f"Product {product_id} was not active {named}.", remedy="Name a product that was, or mend its history.", misfit="not_active"
            )
        if not any(one.valid_from <= at and (one.valid_to is None or at < one.valid_to) for one in resources):
            raise WrongState(f"Product {product_id} had no number or line {named}.", remedy="Name the product that had one.", misfit="no_number")
        if record.service not in services[then.product_offering_id]:
            raise WrongState(
                f"Product {product_id} had plan {then.product_offering_id} {named}, which has no price for {record.service}.",
                remedy="Name a product whose plan has one, or add it to the price list.",
                misfit="no_price",
            )
    return product_id


def keys(said: Mapping[UUID, Mapping[str, str]]) -> dict[UUID, int]:
    """Give each product that was said of any record the key by which it is held."""
    product_ids = sorted({UUID(fields["product"]) for fields in said.values() if "product" in fields})
    return {product_id: _FIRST_KEY + place for place, product_id in enumerate(product_ids)}


def holders(*, tx: Transaction, keys: Mapping[UUID, int]) -> Holders:
    """Give what is known of these products in the shape of what is known of numbers: each is the one resource of its key."""
    terms = product.product_terms(tx=tx, product_ids=list(keys))
    customers = {row["product_id"]: row["customer_id"] for row in terms.to_pylist()}
    subjects = {one.customer_id: one.party_id for one in party.customers(tx=tx, customer_ids=sorted(set(customers.values())))}
    cycles = party.cycle_days(tx=tx, billing_account_ids=b"".join({one.bytes for one in terms["billing_account_id"].to_pylist()}))
    found = {
        "own_number": pa.array([str(keys[one]) for one in customers], pa.string()),
        "subject": uuids(b"".join(subjects[customer].bytes for customer in customers.values())),
        "resource_id": uuids(b"".join(one.bytes for one in customers)),
    }
    return Holders(pa.table(found), terms.append_column("resource_id", terms["product_id"]), cycles)
