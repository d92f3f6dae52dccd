"""Payments that nobody could be found for, for the billing manager; and what a customer owes, for whoever looks at the customer."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from hoeksteen.care.disputes import disputes_of
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER, Look, look_at, shown
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.words import marked
from hoeksteen.journeys.blocking import lift
from hoeksteen.kernel.errors import InvalidInput, Refused
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party import queries as party
from hoeksteen.receivables import bank, dunning, mandates, plans
from hoeksteen.receivables import queries as receivables

SHOWN_MAX = 100


@get("/unmatched", sync_to_thread=True)
def queue(visit: NamedDependency[Visit], done: FromQuery[str] = "") -> Response[str]:
    """Show the payments that wait, the oldest first; whose they are is asked for one by one."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        waiting, found = bank.waiting(tx=tx), bank.unmatched(tx=tx, limit=SHOWN_MAX)
        known = party.customers(tx=tx, customer_ids=[one.customer_id for one in found if one.customer_id])
    numbers = {one.customer_id: one.customer_number for one in known}
    return visit.page("desk/unmatched.html", waiting=waiting, found=found, numbers=numbers, shown_max=SHOWN_MAX, done=done == "assigned")


@get("/unmatched/{entry_id:uuid}", sync_to_thread=True)
def one_payment(visit: NamedDependency[Visit], entry_id: FromPath[UUID]) -> Response[str]:
    """Show one payment that waits, with who paid it: a look that stands in the keeper's log."""
    visit.require(BILLING_MANAGER)
    return _payment(visit, entry_id)


def _payment(visit: Visit, entry_id: UUID, *, problem: str = "", remedy: str = "", status: int = 200) -> Response[str]:
    with visit.runtime.database.transaction() as tx:
        entry = bank.entry(tx=tx, bank_entry_id=entry_id)
        payer = shown(tx=tx, visit=visit, look=Look("billing", {}), category=Category.PAYMENT, subjects=[entry_id])[entry_id]
        known = party.customers(tx=tx, customer_ids=[entry.customer_id] if entry.customer_id else [])
    perhaps = known[0].customer_number if known else ""
    return visit.page(
        "desk/unmatched_payment.html", status=status, entry=entry, payer=payer, perhaps=perhaps, problem=problem, remedy=remedy
    )  # fmt: skip


@post("/unmatched/{entry_id:uuid}/assign", sync_to_thread=True)
def assign(visit: NamedDependency[Visit], form: NamedDependency[Form], entry_id: FromPath[UUID]) -> Response[Any]:
    """Give a payment to a customer, whose bills it then settles."""
    visit.require(BILLING_MANAGER)
    try:
        with visit.runtime.database.transaction() as tx:
            customer = party.customer_by_number(tx=tx, customer_number=form["customer"].strip())
            if customer is None:
                raise InvalidInput(marked("No customer has this number."), remedy=marked("Nothing was changed."), field="customer")
            bank.assign(
                tx=tx, bank_entry_id=entry_id, customer_id=customer.customer_id, reference=form["reference"], by=visit.person.actor, now=visit.now,
                identifiers=visit.runtime.identifiers,
            )  # fmt: skip
            lift(
                tx=tx, customer_ids=[customer.customer_id], day=local_day(visit.now), now=visit.now, identifiers=visit.runtime.identifiers
            )  # fmt: skip
    except Refused as error:
        status = 422 if isinstance(error, InvalidInput) else PROBLEMS[error.code].http_status
        return _payment(visit, entry_id, problem=error.message, remedy=error.remedy, status=status)
    return Redirect("/unmatched?done=assigned", status_code=303)


@get("/customers/{customer_id:uuid}/receivables", sync_to_thread=True)
def of_customer(visit: NamedDependency[Visit], customer_id: FromPath[UUID]) -> Response[str]:
    """Show what a customer has not settled, how they pay, and what was asked of them; no personal data is on it."""
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        if look_at(tx=tx, visit=visit, customer_id=customer_id) is None:
            return visit.page("desk/reason.html", customer=customer)
        found: dict[str, Any] = {
            "items": receivables.open_items(tx=tx, customer_id=customer_id),
            "balance": receivables.balance(tx=tx, customer_id=customer_id),
            "mandates": mandates.mandates_of(tx=tx, customer_id=customer_id),
            "plans": plans.plans_of(tx=tx, customer_id=customer_id),
            "cases": dunning.cases_of(tx=tx, customer_id=customer_id),
            "exceptions": dunning.exceptions_of(tx=tx, customer_id=customer_id),
            "disputes": disputes_of(tx=tx, customer_id=customer_id),
        }
    return visit.page("desk/receivables.html", customer=customer, **found)


HANDLERS = [queue, one_payment, assign, of_customer]
