"""Changing what a customer has: choose, see the effect on the next bill, confirm."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.interfaces.desk.customers import holdings, monthly_price
from hoeksteen.interfaces.desk.looking import CARE_AGENT, Shown, look_at
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.words import Known
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
def change_page(visit: NamedDependency[Visit], customer_id: FromPath[UUID], product_id: FromPath[UUID], kind: FromPath[str]) -> Response[str]:
    """Show what can be chosen."""
    visit.require(CARE_AGENT)
    chosen = _kind(kind)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        if look_at(tx=tx, visit=visit, customer_id=customer_id) is None:
            return visit.page("desk/reason.html", customer=customer)
        shown_choices = _choices(tx, visit, customer_id, product_id)
    return visit.page("desk/change.html", customer=customer, kind=chosen, change=None, effect=None, problem=None, **shown_choices)


@post("/customers/{customer_id:uuid}/products/{product_id:uuid}/{kind:str}/effect", sync_to_thread=True, status_code=200)
def effect(
    visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID], product_id: FromPath[UUID], kind: FromPath[str]
) -> Response[str]:
    """Show what a change does to the next bill; nothing is stored."""
    visit.require(CARE_AGENT)
    problem, shown_effect, change = None, None, None
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        if look_at(tx=tx, visit=visit, customer_id=customer_id) is None:
            return visit.page("desk/reason.html", customer=customer)
    try:
        change = _change(form, customer_id, product_id, _kind(kind))
        shown_effect = journey_queries.effect(database=visit.runtime.database, lake=visit.runtime.lake, change=change, now=visit.now)
    except Refused as error:
        problem = error
    with visit.runtime.database.transaction() as tx:
        shown_choices = _choices(tx, visit, customer_id, product_id)
    template = "desk/effect.html" if visit.partial else "desk/change.html"
    status = 200 if problem is None else 422
    return visit.page(template, status=status, customer=customer, kind=kind, change=change, effect=shown_effect, problem=problem, **shown_choices)


@post("/customers/{customer_id:uuid}/products/{product_id:uuid}/{kind:str}", sync_to_thread=True)
def confirm(
    visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID], product_id: FromPath[UUID], kind: FromPath[str]
) -> Response[Any]:
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


def _choices(tx: Transaction, visit: Visit, customer_id: UUID, product_id: UUID) -> dict[str, Any]:
    """Give what the page of a change shows: the product, the offerings that it could become with their prices, and today."""
    held = holdings(tx=tx, visit=visit, customer_id=customer_id, contact=Shown(Known()))
    found = next((one for one in held if one.held.product_id == product_id), None)
    if found is None:
        raise NotFound("The customer has no such product.", remedy="Go back to the customer's page.")
    offerings = {one.product_offering_id: one for one in product.offerings(tx=tx)}
    own = found.planned_offering or found.offering
    like = [(monthly_price(one, visit.now), one) for one in offerings.values() if is_like(one, own)]
    choices = sorted(like, key=lambda priced: (priced[0], priced[1].product_offering_id))
    return {"holding": found, "choices": choices, "offerings": offerings, "today": local_day(visit.now)}


def is_like(one: ProductOffering, other: ProductOffering) -> bool:
    """Say whether a product can become another: of one family and segment, and of one line of it (internet, or television)."""
    line, other_line = (offering.product_offering_id.partition("-")[0] for offering in (one, other))
    return (one.family, one.segment, line) == (other.family, other.segment, other_line) and one.product_offering_id != other.product_offering_id


HANDLERS = [change_page, effect, confirm]
