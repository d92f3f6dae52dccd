"""The customers' own pages: what is kept about them, what they pay, and who looked at it."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Litestar, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.billing import documents
from hoeksteen.billing import queries as billing
from hoeksteen.billing.model import CustomerBill
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.interfaces.web.assets import Assets
from hoeksteen.interfaces.web.counting import SoFar, so_far
from hoeksteen.interfaces.web.looks import looks
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.sites import site_application
from hoeksteen.interfaces.web.words import Known
from hoeksteen.kernel.errors import AccessDenied, NotFound
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.party.operations import set_itemisation
from hoeksteen.product import queries as product
from hoeksteen.receivables import queries as receivables
from hoeksteen.storage.postgres import Transaction

PURPOSE = "own_data"


@dataclass(frozen=True, slots=True)
class Mine:
    """What a person has as one customer; a person may be several."""

    customer: Customer
    products: list[str]
    bills: list[CustomerBill]
    balance: Decimal
    so_far: SoFar
    billing_accounts: list[BillingAccount]


def mydata_application(*, runtime: Runtime, assets: Assets) -> Litestar:
    """
    Make the customers' own pages.

    :param runtime: opened as the service `mydata`
    :raises Unavailable: when set-up did not fetch the assets or compile the translations
    """
    handlers = [home, choose_itemisation, bill_page, bill_document, export, evidence]
    return site_application(name="mydata", origin=runtime.settings.mydata_origin, runtime=runtime, assets=assets, handlers=handlers)


@get("/", sync_to_thread=True)
def home(visit: NamedDependency[Visit]) -> Response[str]:
    """Show everything on one page."""
    subject = _subject(visit)
    with visit.runtime.database.transaction() as tx:
        known = {category: own(tx=tx, visit=visit, category=category) for category in (Category.IDENTITY, Category.CONTACT, Category.PAYMENT)}
        customers = [_mine(tx, visit, customer) for customer in party.customers_of_parties(tx=tx, party_ids=[subject])]
    entries = disclosure.did_see(keeper=visit.keeper, subject=subject)
    return visit.page(
        "mydata/home.html", identity=known[Category.IDENTITY], contact=known[Category.CONTACT], payment=known[Category.PAYMENT], customers=customers,
        looks=looks(entries),
    )  # fmt: skip


@post("/itemisation/{customer_id:uuid}/{billing_account_id:uuid}", sync_to_thread=True)
def choose_itemisation(
    visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID], billing_account_id: FromPath[UUID]
) -> Response[Any]:
    """Let the visitor choose whether single calls are specified behind their invoices, and how much of each number."""
    with visit.runtime.database.transaction() as tx:
        if customer_id not in {customer.customer_id for customer in party.customers_of_parties(tx=tx, party_ids=[_subject(visit)])}:
            raise NotFound("There is no such billing account.", remedy="Go back to your own page.")
        set_itemisation(tx=tx, customer_id=customer_id, billing_account_id=billing_account_id, itemisation=form["itemisation"])
    return Redirect("/#bills", status_code=303)


@get("/bills/{customer_id:uuid}/{customer_bill_id:uuid}", sync_to_thread=True)
def bill_page(visit: NamedDependency[Visit], customer_id: FromPath[UUID], customer_bill_id: FromPath[UUID]) -> Response[str]:
    """Show one of the visitor's bills line by line."""
    with visit.runtime.database.transaction() as tx:
        bill = _own_bill(tx, visit, customer_id, customer_bill_id)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
        accounts = {one.billing_account_id: one.billing_account_number for one in party.billing_accounts(tx=tx, customer_id=customer_id)}
    return visit.page("mydata/bill.html", bill=bill, offerings=offerings, accounts=accounts)


@get("/bills/{customer_id:uuid}/{customer_bill_id:uuid}/pdf", sync_to_thread=True)
def bill_document(visit: NamedDependency[Visit], customer_id: FromPath[UUID], customer_bill_id: FromPath[UUID]) -> Response[bytes]:
    """Give one of the visitor's bills as a PDF."""
    with visit.runtime.database.transaction() as tx:
        bill = _own_bill(tx, visit, customer_id, customer_bill_id)
        pdf = documents.invoice_pdf(
            tx=tx, keeper=visit.keeper, customer_id=customer_id, customer_bill_id=customer_bill_id, purpose=PURPOSE, context=None,
            lake=visit.runtime.lake,
        )  # fmt: skip
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{bill.bill_number}.pdf"'})


@get("/export", sync_to_thread=True)
def export(visit: NamedDependency[Visit]) -> Response[bytes]:
    """Give everything as JSON, to take elsewhere (GDPR art. 15 and 20)."""
    subject = _subject(visit)
    with visit.runtime.database.transaction() as tx:
        known = {category.value: own(tx=tx, visit=visit, category=category) for category in (Category.IDENTITY, Category.CONTACT, Category.PAYMENT)}
        customers = [_mine(tx, visit, customer) for customer in party.customers_of_parties(tx=tx, party_ids=[subject])]
        bills = {mine.customer.customer_id: [_whole(tx, bill) for bill in mine.bills] for mine in customers}
    content = {
        "made_at": visit.now.isoformat(),
        "personal_data": known,
        "customers": [
            {
                "customer_number": mine.customer.customer_number, "segment": mine.customer.segment, "customer_since": mine.customer.customer_since,
                "products": mine.products, "open_balance": mine.balance, "bills": bills[mine.customer.customer_id],
            }
            for mine in customers
        ],
        "who_looked": disclosure.did_see(keeper=visit.keeper, subject=subject),
    }  # fmt: skip
    body = json.dumps(content, default=_plain, ensure_ascii=False, indent=2).encode()
    return Response(body, media_type="application/json", headers={"Content-Disposition": 'attachment; filename="my-data.json"'})


@get("/evidence", sync_to_thread=True)
def evidence(visit: NamedDependency[Visit]) -> Response[bytes]:
    """Give the proof of who looked, for a verifier that is not ours."""
    proof = disclosure.evidence_bundle(keeper=visit.keeper, subject=_subject(visit))
    return Response(proof, media_type="application/octet-stream", headers={"Content-Disposition": 'attachment; filename="who-looked.bundle"'})


def own(*, tx: Transaction, visit: Visit, category: Category) -> Known:
    """
    Give one category of the visitor's own data; nothing of one that was erased, while the others stay.

    :raises AccessDenied: with the keeper's reason
    """
    subject = _subject(visit)
    try:
        found = disclosure.reveal(tx=tx, keeper=visit.keeper, purpose=PURPOSE, category=category, subjects=[subject]).get(subject)
    except AccessDenied as error:
        if error.reason != "shredded":
            raise
        found = None
    return Known(None if found is None else found.fields)


def _subject(visit: Visit) -> UUID:
    if visit.subject is None:
        raise AccessDenied("This log-in belongs to no customer.", reason="no_role", remedy="Staff use the desk.")
    return visit.subject


def _mine(tx: Transaction, visit: Visit, customer: Customer) -> Mine:
    offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    held = product.products_held(tx=tx, customer_id=customer.customer_id, at=visit.now)
    names = [offerings[one.product_offering_id].name(visit.words.language) for one in held if one.status != "terminated"]
    bills = billing.bills_of(tx=tx, customer_id=customer.customer_id)
    accounts = party.billing_accounts(tx=tx, customer_id=customer.customer_id)
    counted = so_far(tx=tx, customer_id=customer.customer_id, now=visit.now, offerings=offerings, billing_accounts=accounts, held=held)
    return Mine(customer, names, bills, receivables.balance(tx=tx, customer_id=customer.customer_id), counted, accounts)


def _own_bill(tx: Transaction, visit: Visit, customer_id: UUID, customer_bill_id: UUID) -> CustomerBill:
    """Give a bill of the visitor; anybody else's does not exist for them."""
    if customer_id not in {customer.customer_id for customer in party.customers_of_parties(tx=tx, party_ids=[_subject(visit)])}:
        raise NotFound("There is no such bill.", remedy="Go back to your own page.")
    return billing.bill(tx=tx, customer_id=customer_id, customer_bill_id=customer_bill_id)


def _whole(tx: Transaction, listed: CustomerBill) -> dict[str, Any]:
    bill = billing.bill(tx=tx, customer_id=listed.customer_id, customer_bill_id=listed.customer_bill_id)
    lines = [{"kind": rate.kind, "offering": rate.product_offering_id, "detail": dict(rate.detail), "amount": rate.amount} for rate in bill.rates]
    return {
        "bill_number": bill.bill_number, "bill_date": bill.bill_date, "due_date": bill.due_date, "period_from": bill.period.first_day,
        "period_to": bill.period.end_day, "net": bill.net, "vat": bill.vat, "gross": bill.gross, "lines": lines,
    }  # fmt: skip


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
