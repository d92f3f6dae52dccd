"""How our records read as TM Forum resources (TMF629, TMF637 and TMF678, all version 5). Attributes that may not be seen are left out and named."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hoeksteen.billing.model import AppliedCustomerBillingRate, CustomerBill, RateKind
from hoeksteen.billing.wording import line_text
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.product.model import ProductHeld, ProductOffering

CUSTOMER = "/tmf-api/customer/v5/customer"
BILL = "/tmf-api/customerBillManagement/v5/customerBill"
BILLING_RATE = "/tmf-api/customerBillManagement/v5/appliedCustomerBillingRate"
PRODUCT = "/tmf-api/productInventory/v5/product"
_CREDITS = (RateKind.CREDIT, RateKind.DISCOUNT)


def to_api_customer(
    customer: Customer,
    billing_accounts: Sequence[BillingAccount],
    *,
    name: str | None,
    contact: Mapping[str, Any] | None,
    payment: Mapping[str, Any] | None,
    masked: Sequence[str],
) -> dict[str, Any]:
    """
    Give a TMF629 Customer.

    :param name: None where it may not be seen or was not asked for, likewise contact and payment
    :param masked: the attributes that were asked for and may not be seen
    """
    kind = "Individual" if customer.party_kind == "individual" else "Organization"
    party = {"@type": "PartyRef", "@referredType": kind, "id": str(customer.party_id)}
    resource: dict[str, Any] = {
        "@type": "Customer", "id": str(customer.customer_id), "href": f"{CUSTOMER}/{customer.customer_id}",
        "role": "Customer", "status": customer.status,
        "engagedParty": party, "validFor": {"startDateTime": _day(customer.customer_since)},
        "account": [
            {"@type": "AccountRef", "@referredType": "BillingAccount", "id": str(one.billing_account_id), "name": one.billing_account_number}
            for one in billing_accounts
        ],
        "characteristic": [
            _characteristic("customerNumber", customer.customer_number),
            _characteristic("segment", customer.segment),
            _characteristic("language", customer.language),
            *([_characteristic("maskedAttributes", ",".join(masked))] if masked else []),
        ],
    }  # fmt: skip
    if name is not None:
        resource["name"] = name
    if contact is not None:
        resource["contactMedium"] = _contact_media(contact)
    if payment is not None:
        resource["paymentMethod"] = [
            {
                "@type": "PaymentMethodRef",
                "@referredType": "BankAccountDebit" if one.payment_method == "direct_debit" else "BankAccountTransfer",
                "id": str(one.billing_account_id),
                "name": payment.get("iban") or "",
            }
            for one in billing_accounts
        ]
    return resource


def to_api_product(held: ProductHeld, offering: ProductOffering, *, now: datetime, language: str = "en") -> dict[str, Any]:
    """
    Give a TMF637 Product as it stands now; the numbers themselves are personal data and are left to the customer's contact media.

    :param now: whose recurring price is given, not one that is still to come
    """
    status, amount_name = str(held.status), "taxIncludedAmount" if offering.tax_included else "dutyFreeAmount"
    resource: dict[str, Any] = {
        "@type": "Product", "id": str(held.product_id), "href": f"{PRODUCT}/{held.product_id}", "name": offering.name(language), "status": status,
        "isBundle": False, "isCustomerVisible": True, "startDate": _day(held.start_day),
        "productOffering": {
            "@type": "ProductOfferingRef", "@referredType": "ProductOffering", "id": offering.product_offering_id, "name": offering.name(language)
        },
        "billingAccount": {"@type": "BillingAccountRef", "@referredType": "BillingAccount", "id": str(held.billing_account_id)},
        "relatedParty": [_customer_party("RelatedPartyOrPartyRole", str(held.customer_id))],
        "realizingResource": [
            {"@type": "ResourceRef", "@referredType": "LogicalResource", "id": str(one.resource_id), "name": one.kind} for one in held.resources
        ],
        "productPrice": [
            {
                "@type": "ProductPrice", "priceType": "recurring", "recurringChargePeriod": "month", "name": price.price_id,
                "price": {"@type": "Price", "taxRate": offering.tax_rate, amount_name: _money(price.amount)},
            }
            for price in offering.prices
            if price.kind == "recurring" and price.valid_from <= now and (price.valid_to is None or now < price.valid_to)
        ],
    }  # fmt: skip
    if status == "terminated":
        resource["terminationDate"] = _instant(held.valid_from)
    return resource


def to_api_bill(bill: CustomerBill, *, remaining: Decimal) -> dict[str, Any]:
    """
    Give a TMF678 CustomerBill.

    :param remaining: euros still to be paid
    """
    period = bill.period.instants()
    state = "settled" if remaining <= 0 else "partiallyPaid" if remaining < bill.gross else "sent"
    return {
        "@type": "CustomerBill", "id": str(bill.customer_bill_id), "href": f"{BILL}/{bill.customer_bill_id}", "billNo": bill.bill_number,
        "billDate": _day(bill.bill_date), "paymentDueDate": _day(bill.due_date), "category": "normal", "runType": "onCycle", "state": state,
        "billingPeriod": {"startDateTime": _instant(period.valid_from), "endDateTime": _instant(period.valid_to or period.valid_from)},
        "billingAccount": {"@type": "BillingAccountRef", "@referredType": "BillingAccount", "id": str(bill.billing_account_id)},
        "relatedParty": [_customer_party("RelatedPartyRefOrPartyRoleRef", str(bill.customer_id))],
        "amountDue": _money(bill.gross), "remainingAmount": _money(remaining),
        "taxExcludedAmount": _money(bill.net), "taxIncludedAmount": _money(bill.gross),
        "taxItem": [
            {"@type": "TaxItem", "taxCategory": tax.tax_category, "taxRate": tax.tax_rate, "taxAmount": _money(tax.tax)} for tax in bill.taxes
        ],
    }  # fmt: skip


def to_api_billing_rate(
    bill: CustomerBill, rate: AppliedCustomerBillingRate, *, offerings: Mapping[str, ProductOffering], language: str = "en"
) -> dict[str, Any]:
    """Give a TMF678 AppliedCustomerBillingRate: a line of a bill, with the billing account that made it, which may be a department."""
    text = line_text(rate=rate, offerings=offerings, language=language)
    identifier = f"{bill.customer_bill_id}.{rate.line}"
    resource = {
        "@type": "AppliedCustomerBillingRate", "id": identifier, "href": f"{BILLING_RATE}/{identifier}", "name": text.description,
        "date": _day(bill.bill_date), "isBilled": True,
        "appliedBillingRateType": "appliedBillingCredit" if rate.kind in _CREDITS else "appliedBillingCharge",
        "taxExcludedAmount": _money(rate.net),
        "appliedTax": [{"@type": "AppliedBillingTaxRate", "taxCategory": rate.tax_category, "taxRate": rate.tax_rate}],
        "bill": {
            "@type": "CustomerBillRef", "@referredType": "CustomerBill", "id": str(bill.customer_bill_id), "href": f"{BILL}/{bill.customer_bill_id}",
        },
        "billingAccount": {
            "@type": "BillingAccountRef", "@referredType": "BillingAccount", "id": str(rate.department or bill.billing_account_id),
        },
    }  # fmt: skip
    if rate.gross is not None:
        resource["taxIncludedAmount"] = _money(rate.gross)
    if rate.product_id is not None:
        product = {"@type": "ProductRef", "@referredType": "Product", "id": str(rate.product_id), "href": f"{PRODUCT}/{rate.product_id}"}
        resource["product"] = product
    if rate.period is not None:
        covered = rate.period.instants()
        resource["periodCoverage"] = {"startDateTime": _instant(covered.valid_from), "endDateTime": _instant(covered.valid_to or covered.valid_from)}
    return {**resource, **({"description": text.quantity} if text.quantity else {})}


def _contact_media(contact: Mapping[str, Any]) -> list[dict[str, Any]]:
    media: list[dict[str, Any]] = []
    for address in contact.get("addresses") or ():
        street = " ".join(str(address[part]) for part in ("street", "house_number", "house_number_addition") if address.get(part))
        media.append({
            "@type": "GeographicAddressContactMedium", "contactType": address.get("role") or "residential", "street1": street,
            "postCode": address.get("postcode") or "", "city": address.get("city") or "", "country": address.get("country") or "NL",
        })  # fmt: skip
    media += [
        {"@type": "PhoneContactMedium", "contactType": phone["kind"], "phoneNumber": f"+{phone['e164']}"} for phone in contact.get("phones") or ()
    ]
    media += [{"@type": "EmailContactMedium", "contactType": "email", "emailAddress": email} for email in contact.get("emails") or ()]
    return media


def _customer_party(type_name: str, customer_id: str) -> dict[str, Any]:
    reference = {"@type": "PartyRoleRef", "@referredType": "Customer", "id": customer_id, "href": f"{CUSTOMER}/{customer_id}"}
    return {"@type": type_name, "role": "Customer", "partyOrPartyRole": reference}


def _characteristic(name: str, value: str) -> dict[str, Any]:
    return {"@type": "StringCharacteristic", "name": name, "valueType": "string", "value": value}


def _money(amount: Decimal) -> dict[str, Any]:
    return {"unit": "EUR", "value": amount}


def _day(day: date) -> str:
    return _instant(start_of_day(day))


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
