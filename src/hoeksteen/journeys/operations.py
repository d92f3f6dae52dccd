"""
Tasks that cross rooms, each in one transaction with the care interaction that it belongs to: all of it happens, or nothing.

The caller commits.
"""

from datetime import date, datetime
from uuid import UUID

from hoeksteen.care import operations as care
from hoeksteen.care.model import Interaction, Reason
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure import operations as disclosure
from hoeksteen.journeys._newcomer import placed
from hoeksteen.journeys.model import Change, Newcomer
from hoeksteen.kernel.errors import InvalidInput, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.party import operations as party
from hoeksteen.party import queries as party_queries
from hoeksteen.party.model import Customer
from hoeksteen.product import operations as product
from hoeksteen.product import queries as product_queries
from hoeksteen.product.model import NewAlteration, PriceAlteration, ProductTerm
from hoeksteen.storage.postgres import Transaction


def change_plan(
    *, tx: Transaction, interaction: Interaction, product_id: UUID, product_offering_id: str, from_day: date, now: datetime
) -> list[ProductTerm]:
    """
    Give a product another plan of its family from a local day on.

    :raises WrongState: when the product is not active on that day
    :raises Conflict: when it has that plan already, or a later change is planned
    """
    return carry_out(
        tx=tx, interaction=interaction, change=Change("change_plan", interaction.customer_id, product_id, from_day, product_offering_id), now=now
    )


def suspend(*, tx: Transaction, interaction: Interaction, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    Suspend a product from a local day on.

    :raises WrongState: when it is not active on that day
    """
    return carry_out(tx=tx, interaction=interaction, change=Change("suspend", interaction.customer_id, product_id, from_day), now=now)


def resume(*, tx: Transaction, interaction: Interaction, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    Resume a suspended product from a local day on.

    :raises WrongState: when it is not suspended on that day
    """
    return carry_out(tx=tx, interaction=interaction, change=Change("resume", interaction.customer_id, product_id, from_day), now=now)


def terminate(*, tx: Transaction, interaction: Interaction, product_id: UUID, from_day: date, now: datetime) -> list[ProductTerm]:
    """
    End a product; `from_day` is the first local day without it.

    :raises WrongState: when it has ended already
    """
    return carry_out(tx=tx, interaction=interaction, change=Change("terminate", interaction.customer_id, product_id, from_day), now=now)


def grant_discount(
    *, tx: Transaction, interaction: Interaction, product_id: UUID, discount_id: str, from_day: date, now: datetime, identifiers: Identifiers
) -> NewAlteration:  # fmt: skip
    """
    Give a product a discount of its offering from a local day on.

    :raises NotFound: when the customer has no such product, or its offering on that day no such discount
    :raises WrongState: when the product is not active on that day
    :raises Conflict: when it has the discount already
    """
    granted = product.grant_discount(
        tx=tx, customer_id=interaction.customer_id, product_id=product_id, discount_id=discount_id, from_day=from_day, now=now,
        identifiers=identifiers,
    )  # fmt: skip
    detail = {"from_day": from_day.isoformat(), "discount_id": discount_id, "price_alteration_id": str(granted.price_alteration_id)}
    care.record_item(tx=tx, interaction=interaction, kind="grant_discount", product_id=product_id, detail=detail, now=now)
    return granted


def end_discount(
    *, tx: Transaction, interaction: Interaction, product_id: UUID, price_alteration_id: UUID, from_day: date, now: datetime
) -> PriceAlteration:  # fmt: skip
    """
    End a discount of a product; `from_day` is the first local day without it.

    :raises NotFound: when the product has no such discount
    :raises WrongState: when it has ended by then
    """
    ended = product.end_discount(
        tx=tx, customer_id=interaction.customer_id, product_id=product_id, price_alteration_id=price_alteration_id, from_day=from_day, now=now
    )  # fmt: skip
    detail = {"from_day": from_day.isoformat(), "price_alteration_id": str(price_alteration_id)}
    care.record_item(tx=tx, interaction=interaction, kind="end_discount", product_id=product_id, detail=detail, now=now)
    return ended


def onboard(
    *, tx: Transaction, keeper: KeeperClient, newcomer: Newcomer, actor: str, reason: Reason, now: datetime, identifiers: Identifiers
) -> Customer:
    """
    Make somebody a customer: party, billing account, products with their numbers, sealed personal data, and the interaction, at once.

    The keeper is asked last, so that a refused order leaves nothing with it.

    :raises NotFound: when an offering does not exist
    :raises InvalidInput: when a product that has a number gets none, or nothing is ordered
    :raises AccessDenied: when the actor may not write personal data
    """
    made = placed(newcomer, offerings={one.product_offering_id: one for one in product_queries.offerings(tx=tx)}, now=now, identifiers=identifiers)
    party.add_customers(tx=tx, customers=[made.customer], now=now)
    party.add_billing_accounts(tx=tx, billing_accounts=[made.billing_account])
    product.add_products(tx=tx, products=made.products)
    interaction = care.record_interaction(tx=tx, customer_id=made.customer.customer_id, actor=actor, reason=reason, now=now, identifiers=identifiers)
    ordered = [one.product_offering_id for one in newcomer.products]
    care.record_item(tx=tx, interaction=interaction, kind="onboard", product_id=None, detail={"product_offering_ids": ordered}, now=now)
    for category, item in made.sealed.items():
        disclosure.store(tx=tx, keeper=keeper, purpose="care", category=category, items=[item])
    return party_queries.customer(tx=tx, customer_id=made.customer.customer_id)


def carry_out(*, tx: Transaction, interaction: Interaction, change: Change, now: datetime) -> list[ProductTerm]:
    """
    Make a change, record it in the interaction, and give the product's history.

    :raises WrongState: when the product's state does not allow it
    :raises Conflict: when a later change is planned
    :raises InvalidInput: when the day has passed, or the plan is missing or of another family
    """
    invariant(interaction.customer_id == change.customer_id, "an interaction is about the customer whose product changes")
    history = apply(tx=tx, change=change, now=now)
    detail = {"from_day": change.from_day.isoformat()}
    if change.product_offering_id is not None:
        detail["product_offering_id"] = change.product_offering_id
    care.record_item(tx=tx, interaction=interaction, kind=change.kind, product_id=change.product_id, detail=detail, now=now)
    return history


def apply(*, tx: Transaction, change: Change, now: datetime) -> list[ProductTerm]:
    """Make a change of a product and nothing else, as `carry_out` and the preview of its effect both do."""
    customer_id, product_id, from_day = change.customer_id, change.product_id, change.from_day
    if change.kind == "change_plan":
        if change.product_offering_id is None:
            raise InvalidInput("The field product_offering_id is missing.", remedy="Choose the new plan.", field="product_offering_id")
        return product.change_offering(
            tx=tx, customer_id=customer_id, product_id=product_id, product_offering_id=change.product_offering_id, from_day=from_day, now=now
        )
    step = {"suspend": product.suspend, "resume": product.resume, "terminate": product.terminate}[change.kind]
    return step(tx=tx, customer_id=customer_id, product_id=product_id, from_day=from_day, now=now)
