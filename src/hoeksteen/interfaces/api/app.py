"""The TM Forum APIs. A bearer token says who asks; the keeper decides which personal attributes they see."""

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.billing import queries as billing
from hoeksteen.billing.model import CustomerBill
from hoeksteen.care.operations import reason_given
from hoeksteen.disclosure import KeeperClient, Session
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.api import resources as tmf
from hoeksteen.interfaces.api.answers import Asked, failure, many, read_asked, read_fields, single
from hoeksteen.interfaces.api.gaps import gap_routes
from hoeksteen.interfaces.api.usage_stream import Sender, batch_by_key, machine_of, send_batch
from hoeksteen.interfaces.problems import PROBLEMS, place_of
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.interfaces.web.login import SESSION_ENDED
from hoeksteen.interfaces.web.sites import registered_once
from hoeksteen.interfaces.web.words import personal_name
from hoeksteen.kernel.errors import AccessDenied, HoeksteenError, InvalidInput, NotFound
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party
from hoeksteen.party.model import Customer
from hoeksteen.product import queries as product
from hoeksteen.receivables import queries as receivables
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.senders import TOKEN_BEGINS

_report = logging.getLogger(__name__)
Api = Request[Any, Any, Any]
_CUSTOMER_FILTER = "relatedParty.partyOrPartyRole.id"
_BILL_FILTER = "bill.id"
_STATE_COOKIE = "login_state"
_NOTHING = Decimal("0.00")
_PURPOSES = {"care_agent": "care", "billing_manager": "billing", "data_subject": "own_data"}
# attributes of a TMF629 Customer that need a disclosure: nothing is asked of the keeper for the others
_PERSONAL = {Category.IDENTITY: "name", Category.CONTACT: "contactMedium", Category.PAYMENT: "paymentMethod"}


class TokenNeeded(Exception):
    """There is no bearer token, or it has ended."""


@dataclass(frozen=True, slots=True)
class Client:
    """
    Who asks.

    :param keeper: the keeper as they see it
    :param purpose: what for, by their role
    :param context: the ticket that they name in `X-Ticket`
    """

    runtime: Runtime
    session: Session
    keeper: KeeperClient
    purpose: str
    context: Mapping[str, str | bool]

    def require_customer(self, customer: Customer) -> None:
        """
        Refuse a customer of whom a data subject is not the party: for them others do not exist.

        :raises NotFound: when it is not theirs
        """
        if self.session.subject is not None and customer.party_id != self.session.subject:
            raise NotFound("There is no such resource.", remedy="Check its id.")


def api_application(*, runtime: Runtime) -> Litestar:
    """
    Make the API.

    :param runtime: opened as the service `api`
    """

    def client(request: Api) -> Client:
        return client_of(runtime, request)

    def sender(request: Api) -> Sender:
        token = bearer_of(request)
        if token.startswith(TOKEN_BEGINS):  # never handed to the keeper
            machine = machine_of(runtime, token)
            if machine is None:
                raise TokenNeeded
            return machine
        asks = client_of(runtime, request)
        if asks.purpose != "billing":
            raise AccessDenied("This token's role sends no usage.", reason="no_role", remedy="Ask as billing.")
        return Sender(runtime)

    @get("/login", sync_to_thread=True)
    def log_in() -> Response[Any]:
        state = secrets.token_urlsafe(24)
        cookie = Cookie(_STATE_COOKIE, value=state, path="/login", httponly=True, samesite="lax", max_age=600)
        where = disclosure.login_url(keeper=runtime.keeper, return_to=f"{runtime.settings.api_origin}/login/back", state=state)
        return Redirect(where, status_code=303, cookies=[cookie])

    @get("/login/back", sync_to_thread=True)
    def back(request: Api) -> Response[bytes]:
        kept, given = request.cookies.get(_STATE_COOKIE, ""), request.query_params.get("state", "")
        if not kept or not hmac.compare_digest(kept.encode(), given.encode()):
            raise InvalidInput("This log-in was not started in this browser.", remedy="Start again from /login.")
        session = disclosure.exchange(keeper=runtime.keeper, code=request.query_params.get("code", ""))
        lasts = int((session.expires_at - runtime.clock.now()).total_seconds())
        body = msgspec.json.encode({"access_token": session.token, "token_type": "Bearer", "expires_in": lasts})
        return Response(body, media_type="application/json", cookies=[Cookie(_STATE_COOKIE, value="", path="/login", max_age=0)])

    return Litestar(
        route_handlers=[registered_once([log_in, back, *_HANDLERS, *gap_routes()])],
        dependencies={"client": Provide(client, sync_to_thread=True), "sender": Provide(sender, sync_to_thread=True)},
        exception_handlers={TokenNeeded: _token_needed, HoeksteenError: _ours, HTTPException: _litestars, Exception: _unforeseen},
        openapi_config=None,
        logging_config=None,
    )


def client_of(runtime: Runtime, request: Api) -> Client:
    """
    Give who asks, as the keeper says at this moment.

    :raises TokenNeeded: without a bearer token that lives
    :raises AccessDenied: with the reason `no_role`, when their role has no purpose here, as a vendor's technician's
    """
    token = bearer_of(request)
    if token.startswith(TOKEN_BEGINS):  # a machine's, which is for sending usage alone
        raise TokenNeeded
    session = disclosure.session(keeper=runtime.keeper, token=token)
    purpose = next((_PURPOSES[role] for role in session.roles if role in _PURPOSES), "")
    if not purpose or (purpose == "own_data") != (session.subject is not None):  # before anything is read: which ids exist is not theirs to know
        raise AccessDenied("This token's role includes no customers.", reason="no_role", remedy="Ask as care or billing.")
    ticket = request.headers.get("x-ticket", "")
    context = reason_given(channel="ticket", ticket=ticket).context if ticket else {}
    return Client(runtime, session, runtime.keeper.as_actor(token), purpose, context)


def bearer_of(request: Api) -> str:
    """
    Give the bearer token of a request.

    :raises TokenNeeded: when there is none
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenNeeded
    return token.strip()


# --- TMF629


@get(tmf.CUSTOMER, sync_to_thread=True)
def customers(client: NamedDependency[Client], request: Api) -> Response[bytes]:
    """List customers; a data subject's own ones only."""
    asked = read_asked(request.query_params)
    with client.runtime.database.transaction() as tx:
        if client.session.subject is not None:
            found = party.customers_of_parties(tx=tx, party_ids=[client.session.subject])
            total, page = len(found), found[asked.offset : asked.offset + asked.limit]
        else:
            total, page = party.count(tx=tx), _customers_at(tx, asked)
        shown = _to_api_customers(tx, client, page, asked.fields)
    return many(shown, asked=asked, total=total, path=tmf.CUSTOMER)


@get(f"{tmf.CUSTOMER}/{{customer_id:uuid}}", sync_to_thread=True)
def customer(client: NamedDependency[Client], request: Api, customer_id: FromPath[UUID]) -> Response[bytes]:
    """Give one customer."""
    fields = read_fields(request.query_params)
    with client.runtime.database.transaction() as tx:
        found = party.customer(tx=tx, customer_id=customer_id)
        client.require_customer(found)
        [shown] = _to_api_customers(tx, client, [found], fields)
    return single(shown, fields)


# --- TMF637


@get(tmf.PRODUCT, sync_to_thread=True)
def products(client: NamedDependency[Client], request: Api) -> Response[bytes]:
    """List the products of the customer that the filter names."""
    asked = read_asked(request.query_params, filters=[_CUSTOMER_FILTER])
    with client.runtime.database.transaction() as tx:
        found = _filtered_customer(tx, client, asked)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
        held = product.products_held(tx=tx, customer_id=found.customer_id, at=client.runtime.clock.now())
    now = client.runtime.clock.now()
    page = [tmf.to_api_product(one, offerings[one.product_offering_id], now=now) for one in held[asked.offset : asked.offset + asked.limit]]
    return many(page, asked=asked, total=len(held), path=tmf.PRODUCT)


@get(f"{tmf.PRODUCT}/{{product_id:uuid}}", sync_to_thread=True)
def product_by_id(client: NamedDependency[Client], request: Api, product_id: FromPath[UUID]) -> Response[bytes]:
    """Give one product."""
    with client.runtime.database.transaction() as tx:
        held = product.product_held(tx=tx, product_id=product_id, at=client.runtime.clock.now())
        client.require_customer(party.customer(tx=tx, customer_id=held.customer_id))
        offering = product.offering(tx=tx, product_offering_id=held.product_offering_id)
    return single(tmf.to_api_product(held, offering, now=client.runtime.clock.now()), read_fields(request.query_params))


# --- TMF678


@get(tmf.BILL, sync_to_thread=True)
def bills(client: NamedDependency[Client], request: Api) -> Response[bytes]:
    """List the bills of the customer that the filter names, the newest first."""
    asked = read_asked(request.query_params, filters=[_CUSTOMER_FILTER])
    with client.runtime.database.transaction() as tx:
        found = _filtered_customer(tx, client, asked)
        listed = billing.bills_of(tx=tx, customer_id=found.customer_id)
        left = {item.customer_bill_id: item.open_amount for item in receivables.open_items(tx=tx, customer_id=found.customer_id)}
        page = [one.customer_bill_id for one in listed[asked.offset : asked.offset + asked.limit]]
        whole = billing.bills_in_full(tx=tx, customer_id=found.customer_id, customer_bill_ids=page)
    return many(
        [tmf.to_api_bill(one, remaining=left.get(one.customer_bill_id, _NOTHING)) for one in whole], asked=asked, total=len(listed), path=tmf.BILL
    )


@get(f"{tmf.BILL}/{{customer_bill_id:uuid}}", sync_to_thread=True)
def bill(client: NamedDependency[Client], request: Api, customer_bill_id: FromPath[UUID]) -> Response[bytes]:
    """Give one bill."""
    with client.runtime.database.transaction() as tx:
        found = billing.bill_by_id(tx=tx, customer_bill_id=customer_bill_id)
        client.require_customer(party.customer(tx=tx, customer_id=found.customer_id))
        left = {item.customer_bill_id: item.open_amount for item in receivables.open_items(tx=tx, customer_id=found.customer_id)}
    return single(tmf.to_api_bill(found, remaining=left.get(customer_bill_id, _NOTHING)), read_fields(request.query_params))


@get(tmf.BILLING_RATE, sync_to_thread=True)
def billing_rates(client: NamedDependency[Client], request: Api) -> Response[bytes]:
    """List the lines of the bill that the filter names, each with the billing account that made it."""
    asked = read_asked(request.query_params, filters=[_BILL_FILTER])
    try:
        customer_bill_id = UUID(asked.filters.get(_BILL_FILTER, ""))
    except ValueError:
        raise InvalidInput(f"This collection is served per bill: {_BILL_FILTER} must be a bill's id.", remedy="Add it to the query.") from None
    with client.runtime.database.transaction() as tx:
        found = _bill(tx, client, customer_bill_id)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    page = found.rates[asked.offset : asked.offset + asked.limit]
    resources = [tmf.to_api_billing_rate(found, rate, offerings=offerings) for rate in page]
    return many(resources, asked=asked, total=len(found.rates), path=tmf.BILLING_RATE)


@get(f"{tmf.BILLING_RATE}/{{billing_rate_id:str}}", sync_to_thread=True)
def billing_rate(client: NamedDependency[Client], request: Api, billing_rate_id: FromPath[str]) -> Response[bytes]:
    """Give one line of a bill."""
    bill_id, _, line = billing_rate_id.partition(".")
    with client.runtime.database.transaction() as tx:
        try:
            found = _bill(tx, client, UUID(bill_id))
            rate = next(one for one in found.rates if str(one.line) == line)
        except (ValueError, StopIteration):
            raise NotFound("There is no such line.", remedy="List the lines of its bill.") from None
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    return single(tmf.to_api_billing_rate(found, rate, offerings=offerings), read_fields(request.query_params))


def _bill(tx: Transaction, client: Client, customer_bill_id: UUID) -> CustomerBill:
    found = billing.bill_by_id(tx=tx, customer_bill_id=customer_bill_id)
    client.require_customer(party.customer(tx=tx, customer_id=found.customer_id))
    return found


def _customers_at(tx: Transaction, asked: Asked) -> list[Customer]:
    if asked.offset + asked.limit > party.PAGE_MAX:
        raise InvalidInput(f"An offset beyond {party.PAGE_MAX} is not served.", remedy="Ask for one customer by id.")
    return party.list_customers(tx=tx, after=None, limit=asked.offset + asked.limit)[asked.offset :]


def _filtered_customer(tx: Transaction, client: Client, asked: Asked) -> Customer:
    try:
        customer_id = UUID(asked.filters.get(_CUSTOMER_FILTER, ""))
    except ValueError:
        raise InvalidInput(
            f"This collection is served per customer: {_CUSTOMER_FILTER} must be a customer's id.", remedy="Add it to the query."
        ) from None
    found = party.customer(tx=tx, customer_id=customer_id)
    client.require_customer(found)
    return found


def _to_api_customers(tx: Transaction, client: Client, page: list[Customer], fields: frozenset[str] | None) -> list[dict[str, Any]]:
    subjects = list(dict.fromkeys(one.party_id for one in page))
    shown = {category: _shown(tx, client, category, subjects, fields) for category in _PERSONAL}
    accounts = party.billing_accounts_of(tx=tx, customer_ids=[one.customer_id for one in page])
    hidden = [attribute for category, attribute in _PERSONAL.items() if shown[category] is None and (fields is None or attribute in fields)]
    made = []
    for one in page:
        of_party = {category: (None if found is None else found.get(one.party_id, {})) for category, found in shown.items()}
        identity = of_party[Category.IDENTITY]
        made.append(
            tmf.to_api_customer(
                one,
                accounts[one.customer_id],
                name=None if identity is None else personal_name(identity),
                contact=of_party[Category.CONTACT],
                payment=of_party[Category.PAYMENT],
                masked=hidden,
            )
        )
    return made


def _shown(
    tx: Transaction, client: Client, category: Category, subjects: list[UUID], fields: frozenset[str] | None
) -> dict[UUID, dict[str, Any]] | None:
    """Give one category per subject; None where it was not asked for or may not be seen."""
    if not subjects or (fields is not None and _PERSONAL[category] not in fields):
        return None
    try:
        opened = disclosure.reveal(tx=tx, keeper=client.keeper, purpose=client.purpose, category=category, subjects=subjects, context=client.context)
    except AccessDenied as error:
        if error.reason in SESSION_ENDED:
            raise
        return None
    return {subject: one.fields for subject, one in opened.items()}


# --- errors


def _token_needed(_: Api, __: Exception) -> Response[bytes]:
    return failure(401, "unauthorized", "A bearer token is needed.", "Get one at /login.")


def _ours(request: Api, error: HoeksteenError) -> Response[bytes]:
    if isinstance(error, AccessDenied) and error.reason in SESSION_ENDED:
        return failure(401, "unauthorized", "The token has ended.", "Get a new one at /login.")
    status = PROBLEMS[error.code].http_status
    if status >= 500:
        return failure(status, error.code, f"The request cannot be served now; incident {_incident(error)}.")
    return failure(status, error.code, error.message, error.remedy)


def _litestars(_: Api, error: HTTPException) -> Response[bytes]:
    known = {404: ("notFound", "There is no such resource."), 405: ("methodNotAllowed", "This method is not served here.")}
    code, reason = known.get(error.status_code, ("invalidRequest", "The request cannot be read."))
    return failure(error.status_code, code, reason)


def _unforeseen(_: Api, error: Exception) -> Response[bytes]:
    return failure(500, "internalError", f"Something broke that should never break; incident {_incident(error)}.")


def _incident(error: Exception) -> str:
    """Log what broke and where; give the number that finds it in the log."""
    number = secrets.token_hex(4)
    _report.error("incident %s: %s", number, place_of(error))
    return number


_HANDLERS = [
    customers, customer, products, product_by_id, bills, bill, billing_rates, billing_rate, send_batch, batch_by_key,
]  # fmt: skip
