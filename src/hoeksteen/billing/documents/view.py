"""Everything that an invoice shows, gathered: frozen amounts, the catalogue's names, and a fresh, logged disclosure of the buyer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from hoeksteen.billing import _store
from hoeksteen.billing.documents import _store as documents_store
from hoeksteen.billing.documents.profiles import Profile, electronic_address, profile_of
from hoeksteen.billing.itemisation import Specification, specifications
from hoeksteen.billing.legal_entity import LAGE_LANDEN, LegalEntity
from hoeksteen.billing.model import DEPARTMENT, AppliedCustomerBillingRate, CustomerBill
from hoeksteen.billing.prices import PriceBook
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import open_each, reveal
from hoeksteen.kernel.errors import AccessDenied, NotFound, WrongState
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.party.queries import billing_accounts_by_id, customers
from hoeksteen.product.model import ProductOffering
from hoeksteen.product.queries import offerings, resources_by_id
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Transaction

Context = Mapping[str, str | bool]


class EarlierBill(NamedTuple):
    """A bill that a credit note refers to (EN 16931 BG-3)."""

    bill_number: str
    bill_date: date


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """
    A final bill ready to be shown.

    :param buyer: the fields of `invoice_party`, revealed
    :param refers_to: the bills that a credit note corrects
    :param mandate_reference: of who pays by direct debit and receives invoices over a network; where it was disclosed
    :param specification: the records behind the bill, where its billing account chose to have them
    :param departments: whose lines stand on it beside the account's own
    :param only: the one of them that this is the specification for, without anything to pay; None of an invoice
    :param numbers: the telephone number of a product, as digits, where it has one and it was disclosed
    """

    bill: CustomerBill
    seller: LegalEntity
    customer: Customer
    billing_account: BillingAccount
    buyer: Mapping[str, Any]
    numbers: Mapping[UUID, str]
    offerings: Mapping[str, ProductOffering]
    refers_to: tuple[EarlierBill, ...] = ()
    mandate_reference: str | None = None
    specification: Specification | None = None
    departments: Mapping[UUID, BillingAccount] = field(default_factory=dict)
    only: BillingAccount | None = None

    @property
    def language(self) -> str:
        return self.customer.language

    @property
    def profile(self) -> Profile:
        """Which rules its UBL keeps."""
        by_debit = self.billing_account.payment_method == "direct_debit" and self.bill.gross > 0
        return profile_of(
            self.buyer,
            debit_without_mandate=by_debit and not self.mandate_reference,
            refers_to_nothing=self.bill.gross < 0 and not self.refers_to,
        )

    @property
    def rates(self) -> tuple[AppliedCustomerBillingRate, ...]:
        """Its lines: those of the whole invoice, or of the one department that it is for."""
        only = self.only
        return self.bill.rates if only is None else tuple(rate for rate in self.bill.rates if rate.department == only.billing_account_id)

    def groups(self) -> Iterator[tuple[UUID | None, list[AppliedCustomerBillingRate]]]:
        """Give the lines product by product, in the order of the bill."""
        group: list[AppliedCustomerBillingRate] = []
        for rate in self.rates:
            if group and (group[-1].product_id, group[-1].department) != (rate.product_id, rate.department):
                yield group[-1].product_id, group
                group = []
            group.append(rate)
        if group:
            yield group[-1].product_id, group


def department_name(department: BillingAccount) -> str:
    """Give what the customer calls a department, and its number where that is nothing."""
    return department.buyer_reference or department.billing_account_number


def invoice_views(
    *, tx: Transaction, keeper: KeeperClient, bills: Sequence[tuple[UUID, UUID]], purpose: str, context: Context | None = None,
    lake: Lake | None = None, withhold_if_denied: bool = False,
) -> list[InvoiceView]:  # fmt: skip
    """
    Gather final bills for showing, in the order asked; a fixed number of queries and disclosures, whatever their number.

    :param bills: pairs of customer and customer bill identifiers
    :param lake: where single records lie; without it no specification is made
    :param withhold_if_denied: who may see the bill and not the numbers called gets the bill with a specification that says so
    :raises NotFound: when one of the bills does not exist
    :raises WrongState: when one of them is a trial bill, which is no invoice
    :raises AccessDenied: when the actor may not see `invoice_party` for this purpose
    """
    customer_ids, bill_ids = list({one[0] for one in bills}), [one[1] for one in bills]
    found = {bill.customer_bill_id: bill for bill in _store.bills(tx, customer_ids, bill_ids)}
    parties = _store.invoice_parties(tx, customer_ids, bill_ids)
    for bill_id in bill_ids:
        if bill_id not in found:
            raise NotFound("There is no such bill.", remedy="Open the list of bills again.", customer_bill_id=bill_id)
        if bill_id not in parties:
            raise WrongState("A trial bill is no invoice.", remedy="Finalise the bill run first.", customer_bill_id=bill_id)
    known = {customer.customer_id: customer for customer in customers(tx=tx, customer_ids=customer_ids)}
    blobs = [(known[customer_id].party_id, parties[bill_id]) for customer_id, bill_id in bills]
    opened = open_each(keeper=keeper, purpose=purpose, category=Category.INVOICE_PARTY, blobs=blobs, context=context)
    numbers = _numbers(tx, keeper, list(known.values()), purpose, context)
    refers_to = _refers_to(tx, [found[bill_id] for bill_id in bill_ids])
    catalogue = {offering.product_offering_id: offering for offering in offerings(tx=tx)}
    billing_account_ids = [found[bill_id].billing_account_id for bill_id in bill_ids]
    of_departments = {one for bill in found.values() for one in _made_by(bill)}
    billing_account_ids += of_departments
    held = {one.billing_account_id: one for one in billing_accounts_by_id(tx=tx, billing_account_ids=billing_account_ids)}
    revealed = dict(zip(bill_ids, (one.fields for one in opened), strict=True))
    by_debit = {
        known[found[bill_id].customer_id].party_id
        for bill_id in bill_ids
        if held[found[bill_id].billing_account_id].payment_method == "direct_debit" and electronic_address(revealed[bill_id]) is not None
    }
    specified = _specified(
        tx,
        keeper,
        [found[bill_id] for bill_id in bill_ids],
        list(held.values()),
        list(catalogue.values()),
        purpose,
        context,
        lake,
        withhold_if_denied,
    )
    mandates = _mandates(tx, keeper, sorted(by_debit), purpose, context)
    return [
        InvoiceView(
            bill=found[bill_id],
            seller=LAGE_LANDEN,
            customer=known[customer_id],
            billing_account=held[found[bill_id].billing_account_id],
            buyer=revealed[bill_id],
            numbers=numbers,
            offerings=catalogue,
            refers_to=refers_to.get(bill_id, ()),
            mandate_reference=mandates.get(known[customer_id].party_id),
            specification=specified.get(bill_id),
            departments={one: held[one] for one in of_departments if one in {rate.department for rate in found[bill_id].rates}}
            if of_departments
            else {},
        )
        for customer_id, bill_id in bills
    ]


def _made_by(bill: CustomerBill) -> set[UUID]:
    """Give the departments whose lines stand on a bill."""
    return {rate.department for rate in bill.rates if DEPARTMENT in rate.detail and rate.department is not None}


def _specified(
    tx: Transaction, keeper: KeeperClient, bills: Sequence[CustomerBill], held: Sequence[BillingAccount], catalogue: Sequence[ProductOffering],
    purpose: str, context: Context | None, lake: Lake | None, withhold_if_denied: bool,
) -> dict[UUID, Specification]:  # fmt: skip
    choices = {one.billing_account_id: one.itemisation for one in held if one.itemisation != "none"}
    if lake is None or not choices:
        return {}
    return specifications(
        tx=tx, lake=lake, keeper=keeper, bills=bills, choices=choices, book=PriceBook(catalogue), purpose=purpose, context=context,
        withhold_if_denied=withhold_if_denied,
    )  # fmt: skip


def _refers_to(tx: Transaction, bills: Sequence[CustomerBill]) -> dict[UUID, tuple[EarlierBill, ...]]:
    """Give the bills that credit notes refer to."""
    credits = [bill for bill in bills if bill.gross < 0]
    if not credits:
        return {}
    rows = documents_store.earlier_bills(tx, [bill.customer_id for bill in credits], [bill.customer_bill_id for bill in credits])
    return {bill_id: (EarlierBill(number, day),) for bill_id, number, day in rows}


def _mandates(tx: Transaction, keeper: KeeperClient, parties: Sequence[UUID], purpose: str, context: Context | None) -> dict[UUID, str]:
    """Give the mandate references that invoices over a network have to name; who may not see them gets invoices without."""
    if not parties:
        return {}
    with suppress(AccessDenied):
        payments = reveal(tx=tx, keeper=keeper, purpose=purpose, category=Category.PAYMENT, subjects=parties, context=context)
        return {party: str(one.fields["mandate_reference"]) for party, one in payments.items() if one.fields.get("mandate_reference")}
    return {}


def _numbers(tx: Transaction, keeper: KeeperClient, known: Sequence[Customer], purpose: str, context: Context | None) -> dict[UUID, str]:
    """Give the number of each product; who may see the bill and not the contact data gets the bill without numbers."""
    by_resource: dict[UUID, str] = {}
    with suppress(AccessDenied):
        parties = [customer.party_id for customer in known]
        contacts = reveal(tx=tx, keeper=keeper, purpose=purpose, category=Category.CONTACT, subjects=parties, context=context)
        for contact in contacts.values():
            for phone in contact.fields.get("phones") or ():
                if phone.get("resource_id"):
                    by_resource[UUID(str(phone["resource_id"]))] = str(phone["e164"])
    return {resource.product_id: by_resource[resource.resource_id] for resource in resources_by_id(tx=tx, resource_ids=list(by_resource))}
