"""Changing what a customer has: choose, see the effect on the next bill, confirm."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect

from hoeksteen.interfaces.desk.customers import Holding, holdings
from hoeksteen.interfaces.desk.looking import CARE_AGENT, Shown, look_at
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.journeys import operations as journeys
from hoeksteen.journeys import queries as journey_queries
from hoeksteen.journeys.model import CHANGE_KINDS, Change, ChangeKind
from hoeksteen.kernel.errors import NotFound, Refused
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductOffering
from hoeksteen.storage.postgres import Transaction


@get("/customers/{customer_id:uuid}/products/{product_id:uuid}/{kind:str}", sync_to_thread=True)
def change_page(visit: Visit, customer_id: UUID, product_id: UUID, kind: str) -> Response[str]:
    """Show what can be chosen."""
    visit.require(CARE_AGENT)
    chosen = _kind(kind)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        if look_at(tx=tx, visit=visit, customer_id=customer_id) is None:
            return visit.page("desk/reason.html", customer=customer)
        holding, choices = _choices(tx, visit, customer_id, product_id)
    return visit.page(
        "desk/change.html", customer=customer, holding=holding, choices=choices, kind=chosen, today=local_day(visit.now), effect=None, problem=None
    )


@post("/customers/{customer_id:uuid}/products/{product_id:uuid}/{kind:str}/effect", sync_to_thread=True, status_code=200)
def effect(visit: Visit, form: Form, customer_id: UUID, product_id: UUID, kind: str) -> Response[str]:
    """Show what a change does to the next bill; nothing is stored."""
    visit.require(CARE_AGENT)
    problem, shown_effect, change = None, None, None
    try:
        change = _change(form, customer_id, product_id, _kind(kind))
        shown_effect = journey_queries.effect(database=visit.runtime.database, lake=visit.runtime.lake, change=change, now=visit.now)
    except Refused as error:
        problem = error
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        holding, choices = _choices(tx, visit, customer_id, product_id)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    template = "desk/effect.html" if visit.partial else "desk/change.html"
    return visit.page(
        template, status=200 if problem is None else 422, customer=customer, holding=holding, choices=choices, kind=kind, today=local_day(visit.now),
        effect=shown_effect, change=change, problem=problem, offerings=offerings,
    )  # fmt: skip


@post("/customers/{customer_id:uuid}/products/{product_id:uuid}/{kind:str}", sync_to_thread=True)
def confirm(visit: Visit, form: Form, customer_id: UUID, product_id: UUID, kind: str) -> Response[Any]:
    """Make the change that was shown."""
    visit.require(CARE_AGENT)
    change = _change(form, customer_id, product_id, _kind(kind))
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is None or look.interaction is None:
            return visit.page("desk/reason.html", customer=customer)
        journeys.carry_out(tx=tx, interaction=look.interaction, change=change, now=visit.now)
    return Redirect(f"/customers/{customer_id}?done={change.kind}", status_code=303)


def _kind(kind: str) -> ChangeKind:
    for known in CHANGE_KINDS:
        if kind == known:
            return known
    raise NotFound("There is no such change.", remedy="Go back to the customer's page.")


def _change(form: Form, customer_id: UUID, product_id: UUID, kind: ChangeKind) -> Change:
    return Change(kind, customer_id, product_id, form.day("from_day"), form["product_offering_id"] or None)


def _choices(tx: Transaction, visit: Visit, customer_id: UUID, product_id: UUID) -> tuple[Holding, list[ProductOffering]]:
    """Give the product, and the offerings that it could become."""
    found = next((one for one in holdings(tx=tx, visit=visit, customer_id=customer_id, contact=Shown({})) if one.held.product_id == product_id), None)
    if found is None:
        raise NotFound("The customer has no such product.", remedy="Go back to the customer's page.")
    own = found.planned_offering or found.offering
    like = [
        one
        for one in product.offerings(tx=tx)
        if (one.family, one.segment) == (own.family, own.segment) and one.product_offering_id != own.product_offering_id
    ]
    return found, sorted(like, key=lambda one: (monthly_price(one), one.product_offering_id))


def monthly_price(offering: ProductOffering) -> Any:
    """Give the sum of an offering's recurring prices in force last, in euros per month."""
    return sum(price.amount for price in offering.prices if price.kind == "recurring" and price.valid_to is None)


HANDLERS = [change_page, effect, confirm]
