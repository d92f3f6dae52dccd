"""The customer's page: who they are, what they have, used and owe, what was talked about, and who looked."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from hoeksteen.billing import documents
from hoeksteen.billing import queries as billing
from hoeksteen.billing.model import CustomerBill
from hoeksteen.care import operations as care_operations
from hoeksteen.care import queries as care
from hoeksteen.care.model import Interaction, Note
from hoeksteen.consolidation.merging import merged_into
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER, CARE_AGENT, Look, Shown, look_at, shown
from hoeksteen.interfaces.web.looks import looks
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.journeys.model import CHANGE_KINDS, ChangeKind
from hoeksteen.kernel.errors import AccessDenied
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import TimePeriod
from hoeksteen.party import queries as party
from hoeksteen.party.consents import Consent, standing_consents
from hoeksteen.party.model import Agreement, BillingAccount, Customer
from hoeksteen.party.operations import set_itemisation
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductHeld, ProductOffering
from hoeksteen.receivables import queries as receivables
from hoeksteen.receivables.model import OpenItem
from hoeksteen.storage.postgres import Transaction

BILLS_SHOWN_MAX = 24


@dataclass(frozen=True, slots=True)
class Holding:
    """
    A product as it stands, and what it will become.

    :param numbers: its own numbers and lines, as far as the contact data shows them
    """

    held: ProductHeld
    offering: ProductOffering
    planned: ProductHeld | None
    planned_offering: ProductOffering | None
    numbers: tuple[str, ...]
    at: datetime

    @property
    def monthly(self) -> Decimal:
        """Euros per month by the recurring prices in force, as the price list has them."""
        return monthly_price(self.offering, self.at)

    @property
    def changes(self) -> tuple[ChangeKind, ...]:
        """What can be done with it, given what is planned already."""
        status = (self.planned or self.held).status
        if status == "active":
            return ("change_plan", "suspend", "terminate")
        return ("resume", "terminate") if status == "suspended" else ()


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """
    Everything that the page shows at once.

    :param merged_into: who goes on for this one, where it was merged
    :param carried: open items that came from former systems
    :param consents: the decision that holds, per purpose; `agreements` what binds the customer, ended ones too
    """

    customer: Customer
    merged_into: Customer | None
    look: Look
    identity: Shown
    contact: Shown
    payment: Shown
    billing_accounts: list[BillingAccount]
    holdings: list[Holding]
    bills: list[CustomerBill]
    balance: Decimal
    open_by_bill: dict[UUID | None, Decimal]
    carried: list[OpenItem]
    consents: list[Consent]
    agreements: list[Agreement]
    interactions: list[Interaction]
    notes: list[Note]
    notes_refused: str

    @property
    def timeline(self) -> list[Interaction | Note]:
        """Notes and interactions, the newest first."""
        both: list[Interaction | Note] = [*self.interactions, *self.notes]
        return sorted(both, key=lambda one: one.written_at if isinstance(one, Note) else one.opened_at, reverse=True)


@get("/customers/{customer_id:uuid}", sync_to_thread=True)
def customer_page(visit: NamedDependency[Visit], customer_id: FromPath[UUID], done: FromQuery[str] = "") -> Response[str]:
    """Show a customer, or ask for the reason first."""
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is None:
            return visit.page("desk/reason.html", customer=customer)
        gathered = gather(tx=tx, visit=visit, customer=customer, look=look)
    return visit.page("desk/customer.html", it=gathered, done=done if done in CHANGE_KINDS else "")


def gather(*, tx: Transaction, visit: Visit, customer: Customer, look: Look) -> CustomerPage:
    """Read everything that the customer's page shows, in one transaction and with one question per category to the keeper."""
    customer_id, subject = customer.customer_id, customer.party_id
    of_category = {
        category: shown(tx=tx, visit=visit, look=look, category=category, subjects=[subject])[subject]
        for category in (Category.IDENTITY, Category.CONTACT, Category.PAYMENT)
    }
    open_items = receivables.open_items(tx=tx, customer_id=customer_id)
    notes, refused = _notes(tx, visit, look)
    goes_on = merged_into(tx=tx, customer_id=customer_id)
    return CustomerPage(
        customer=customer,
        merged_into=party.customer(tx=tx, customer_id=goes_on) if goes_on is not None else None,
        look=look,
        identity=of_category[Category.IDENTITY],
        contact=of_category[Category.CONTACT],
        payment=of_category[Category.PAYMENT],
        billing_accounts=party.billing_accounts(tx=tx, customer_id=customer_id),
        holdings=holdings(tx=tx, visit=visit, customer_id=customer_id, contact=of_category[Category.CONTACT]),
        bills=billing.bills_of(tx=tx, customer_id=customer_id)[:BILLS_SHOWN_MAX],
        balance=sum((item.open_amount for item in open_items), Decimal("0.00")),
        open_by_bill={item.customer_bill_id: item.open_amount for item in open_items},
        carried=[item for item in open_items if item.origin],
        consents=standing_consents(tx=tx, customer_ids=[customer_id]),
        agreements=party.agreements(tx=tx, customer_id=customer_id),
        interactions=care.interactions(tx=tx, customer_id=customer_id),
        notes=notes,
        notes_refused=refused,
    )


def holdings(*, tx: Transaction, visit: Visit, customer_id: UUID, contact: Shown) -> list[Holding]:
    """Give the products of a customer, those that ended last, with their numbers."""
    offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
    now = {held.product_id: held for held in product.products_held(tx=tx, customer_id=customer_id, at=visit.now)}
    last = {held.product_id: held for held in product.products_held(tx=tx, customer_id=customer_id, at=None)}
    numbers: dict[UUID, list[str]] = {}
    by_resource = {phone["resource_id"]: visit.words.phone(phone["e164"]) for phone in contact.fields.get("phones") or () if phone.get("resource_id")}
    for held in (now | last).values():
        numbers[held.product_id] = [by_resource[str(own.resource_id)] for own in held.resources if str(own.resource_id) in by_resource]
    found = []
    for product_id, final in last.items():
        held = now.get(product_id, final)
        planned = final if (final.product_offering_id, final.status) != (held.product_offering_id, held.status) else None
        becomes = None if planned is None else offerings[planned.product_offering_id]
        found.append(Holding(held, offerings[held.product_offering_id], planned, becomes, tuple(numbers[product_id]), visit.now))
    return sorted(
        found,
        key=lambda one: (
            one.held.status == "terminated",
            one.offering.family,
            one.offering.product_offering_id,
            one.held.start_day,
            one.held.product_id,
        ),
    )


def monthly_price(offering: ProductOffering, at: datetime) -> Decimal:
    """Give the sum of an offering's recurring prices in force at an instant: euros per month, as the price list has them."""
    in_force = (price for price in offering.prices if price.kind == "recurring" and TimePeriod(price.valid_from, price.valid_to).contains(at))
    return sum((price.amount for price in in_force), Decimal("0.00"))


def _notes(tx: Transaction, visit: Visit, look: Look) -> tuple[list[Note], str]:
    if look.interaction is None:
        return [], ""
    try:
        return care.notes(tx=tx, keeper=visit.keeper, interaction=look.interaction), ""
    except AccessDenied as error:
        return [], error.reason


@post("/customers/{customer_id:uuid}/notes", sync_to_thread=True)
def add_note(visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID]) -> Response[Any]:
    """Add a note about the customer."""
    visit.require(CARE_AGENT)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is not None and look.interaction is not None:
            care_operations.add_note(
                tx=tx, keeper=visit.keeper, interaction=look.interaction, subject=customer.party_id, text=form["text"], now=visit.now,
                identifiers=visit.runtime.identifiers,
            )  # fmt: skip
    return Redirect(f"/customers/{customer_id}", status_code=303)


@post("/customers/{customer_id:uuid}/itemisation/{billing_account_id:uuid}", sync_to_thread=True)
def choose_itemisation(
    visit: NamedDependency[Visit], form: NamedDependency[Form], customer_id: FromPath[UUID], billing_account_id: FromPath[UUID]
) -> Response[Any]:
    """Note the customer's choice whether single calls are specified behind their invoices."""
    visit.require(CARE_AGENT)
    with visit.runtime.database.transaction() as tx:
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is not None and look.interaction is not None:
            set_itemisation(tx=tx, customer_id=customer_id, billing_account_id=billing_account_id, itemisation=form["itemisation"])
    return Redirect(f"/customers/{customer_id}", status_code=303)


@get("/customers/{customer_id:uuid}/looked", sync_to_thread=True)
def who_looked(visit: NamedDependency[Visit], customer_id: FromPath[UUID]) -> Response[str]:
    """Show who looked at the customer's data, as a part of the customer's page."""
    visit.require(CARE_AGENT, BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
    entries = disclosure.did_see(keeper=visit.keeper, subject=customer.party_id)
    return visit.page("desk/looked.html", looks=looks(entries), entries=len(entries))


@get("/customers/{customer_id:uuid}/bills/{customer_bill_id:uuid}", sync_to_thread=True)
def bill_page(visit: NamedDependency[Visit], customer_id: FromPath[UUID], customer_bill_id: FromPath[UUID]) -> Response[str]:
    """Show a bill line by line."""
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is None:
            return visit.page("desk/reason.html", customer=customer)
        bill = billing.bill(tx=tx, customer_id=customer_id, customer_bill_id=customer_bill_id)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
        accounts = {one.billing_account_id: one.billing_account_number for one in party.billing_accounts(tx=tx, customer_id=customer_id)}
    return visit.page("desk/bill.html", customer=customer, bill=bill, offerings=offerings, accounts=accounts)


@get("/customers/{customer_id:uuid}/bills/{customer_bill_id:uuid}/pdf", sync_to_thread=True)
def bill_document(visit: NamedDependency[Visit], customer_id: FromPath[UUID], customer_bill_id: FromPath[UUID]) -> Response[bytes]:
    """Give a bill as the customer got it; drawn anew from the frozen amounts and a fresh disclosure, which stands in the log."""
    with visit.runtime.database.transaction() as tx:
        look = look_at(tx=tx, visit=visit, customer_id=customer_id)
        if look is None:
            raise AccessDenied("Say why you look first.", reason="no_reason", remedy="Open the customer's page.")
        bill = billing.bill(tx=tx, customer_id=customer_id, customer_bill_id=customer_bill_id)
        pdf = documents.invoice_pdf(
            tx=tx, keeper=visit.keeper, customer_id=customer_id, customer_bill_id=customer_bill_id, purpose=look.purpose, context=look.context,
            lake=visit.runtime.lake, withhold_if_denied=True,
        )  # fmt: skip
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{bill.bill_number}.pdf"'})


HANDLERS = [customer_page, add_note, choose_itemisation, who_looked, bill_page, bill_document]
