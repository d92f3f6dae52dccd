"""The first page, and finding a customer. What is typed travels in the body of a request and stands in no address and no log."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.billing import queries as billing
from hoeksteen.care import operations as care
from hoeksteen.care.model import Reason
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER, CARE_AGENT, Look, Shown, shown
from hoeksteen.interfaces.desk.question import Question, read_question
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party
from hoeksteen.party.model import Customer
from hoeksteen.storage.postgres import Transaction

SHOWN_MAX = 10
_HITS_MAX = 50


@dataclass(frozen=True, slots=True)
class Match:
    """A customer that fits the question, with what tells them from the others."""

    customer: Customer
    identity: Shown
    contact: Shown


@get("/", sync_to_thread=True)
def home(visit: NamedDependency[Visit]) -> Response[str]:
    """Show the first page of the visitor's work."""
    run = None
    if visit.may(BILLING_MANAGER):
        with visit.runtime.database.transaction() as tx:
            run = next(iter(billing.runs(tx=tx, limit=1)), None)
    return visit.page("desk/home.html", run=run)


@post("/search", sync_to_thread=True, status_code=200)
def search(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Find customers by what a caller says, and open the one when there is only one."""
    visit.require(CARE_AGENT, BILLING_MANAGER)
    try:
        reason = care.reason_given(channel=form["channel"], ticket=form["ticket"]) if visit.may(CARE_AGENT) else None
        question = read_question(form["q"])
    except InvalidInput as error:
        return visit.page("desk/found.html", status=422, problem=error, matches=[], too_many=0, reason=None)
    look = Look("billing", {}) if reason is None else Look("care", reason.context)
    with visit.runtime.database.transaction() as tx:
        customers = party.customers_of_parties(tx=tx, party_ids=_subjects(tx, visit, question, look))
        if len(customers) == 1:
            return _open(tx, visit, customers[0].customer_id, reason)
        too_many = len(customers) if len(customers) > SHOWN_MAX else 0
        matches = [] if too_many else _matches(tx, visit, customers, look)
    return visit.page("desk/found.html", problem=None, matches=matches, too_many=too_many, reason=reason)


@post("/customers/{customer_id:uuid}/interactions", sync_to_thread=True)
def begin(visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID]) -> Response[Any]:
    """Note why the visitor looks at a customer, and open the customer's page."""
    visit.require(CARE_AGENT)
    reason = care.reason_given(channel=form["channel"], ticket=form["ticket"])
    with visit.runtime.database.transaction() as tx:
        return _open(tx, visit, party.customer(tx=tx, customer_id=customer_id).customer_id, reason)


def _open(tx: Transaction, visit: Visit, customer_id: UUID, reason: Reason | None) -> Response[Any]:
    if reason is not None:
        care.record_interaction(
            tx=tx, customer_id=customer_id, actor=visit.person.actor, reason=reason, now=visit.now, identifiers=visit.runtime.identifiers
        )
    where = f"/customers/{customer_id}"
    if visit.partial:
        return Response("", status_code=200, headers={"HX-Redirect": where})
    return Redirect(where, status_code=303)


def _subjects(tx: Transaction, visit: Visit, question: Question, look: Look) -> list[UUID]:
    """Give the parties that fit; our own customer numbers are no personal data and need no question to the keeper."""
    if question.index == "customer_number":
        own = party.customer_by_number(tx=tx, customer_number=question.value)
        if own is not None:
            return [own.party_id]
    hits = disclosure.search(
        keeper=visit.keeper, purpose=look.purpose, index=question.index, value=question.value, context=look.context, limit=_HITS_MAX
    )
    return list(dict.fromkeys(hit.subject for hit in hits))


def _matches(tx: Transaction, visit: Visit, customers: list[Customer], look: Look) -> list[Match]:
    subjects = list(dict.fromkeys(customer.party_id for customer in customers))
    identity = shown(tx=tx, visit=visit, look=look, category=Category.IDENTITY, subjects=subjects)
    contact = shown(tx=tx, visit=visit, look=look, category=Category.CONTACT, subjects=subjects)
    return [Match(customer, identity[customer.party_id], contact[customer.party_id]) for customer in customers]


HANDLERS = [home, search, begin]
