"""A new customer as the rooms keep them: pseudonymous rows for ours, fields and search terms for the keeper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.disclosure import SealItem, Term
from hoeksteen.journeys.model import Newcomer, Ordered
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.model import NewBillingAccount, NewCustomer, PartyKind
from hoeksteen.product.model import NewProduct, NewResource, NewTerm, ProductOffering


@dataclass(frozen=True, slots=True)
class Placed:
    """
    What is to be stored.

    :param sealed: what the keeper seals, by category
    """

    customer: NewCustomer
    billing_account: NewBillingAccount
    products: Sequence[NewProduct]
    sealed: Mapping[Category, SealItem]


def placed(newcomer: Newcomer, *, offerings: Mapping[str, ProductOffering], now: datetime, identifiers: Identifiers) -> Placed:
    """
    Give everything that a new customer consists of.

    :raises NotFound: when an offering does not exist
    :raises InvalidInput: when a product that has a number gets none, or nothing is ordered
    """
    if not newcomer.products:
        raise InvalidInput("Nothing is ordered.", remedy="Choose at least one product.", field="products")
    customer_id, party_id, billing_account_id = (identifiers.new(now) for _ in range(3))
    kind: PartyKind = "organization" if newcomer.identity.get("kind") == "organization" else "individual"
    products = [_product(newcomer, one, offerings, (customer_id, billing_account_id), now, identifiers) for one in newcomer.products]
    numbers = [
        (resource.resource_id, resource.kind, one.number)
        for one, made in zip(newcomer.products, products, strict=True)
        for resource in made.resources
        if one.number is not None
    ]
    return Placed(
        NewCustomer(customer_id, party_id, kind, newcomer.segment, newcomer.start_day, language=newcomer.language),
        NewBillingAccount(
            customer_id, billing_account_id, "transfer" if newcomer.payment is None else "direct_debit", tax_included=newcomer.segment == "consumer"
        ),
        products,
        _sealed(newcomer, party_id, customer_id, numbers),
    )


def _product(
    newcomer: Newcomer, ordered: Ordered, offerings: Mapping[str, ProductOffering], of: tuple[UUID, UUID], now: datetime, identifiers: Identifiers
) -> NewProduct:
    offering = offerings.get(ordered.product_offering_id)
    if offering is None:
        raise NotFound(f"Offering {ordered.product_offering_id} does not exist.", remedy="Choose one of the catalogue.")
    if offering.segment != newcomer.segment:
        raise InvalidInput(f"Offering {ordered.product_offering_id} is for {offering.segment}.", remedy="Choose another one.", field="products")
    if (offering.resource_kind is None) != (ordered.number is None):
        wanted = "has no number" if offering.resource_kind is None else "needs a number"
        raise InvalidInput(f"Offering {ordered.product_offering_id} {wanted}.", remedy="Correct the order.", field="products")
    starts = start_of_day(newcomer.start_day)
    resources = () if offering.resource_kind is None else (NewResource(identifiers.new(now), offering.resource_kind, starts),)
    customer_id, billing_account_id = of
    terms = (NewTerm(starts, None, ordered.product_offering_id),)
    return NewProduct(customer_id, identifiers.new(now), billing_account_id, newcomer.start_day, newcomer.start_day, terms, resources=resources)


def _sealed(newcomer: Newcomer, subject: UUID, customer_id: UUID, numbers: Sequence[tuple[UUID, str, str]]) -> dict[Category, SealItem]:
    identity, contact = newcomer.identity, newcomer.contact
    own = [{"e164": number, "kind": kind, "resource_id": str(resource_id)} for resource_id, kind, number in numbers]
    phones = [*own, *(phone for phone in contact.get("phones") or () if phone["e164"] not in {number for _, _, number in numbers})]
    contact_terms = {
        "phone": [Term(phone["e164"], customer_id) for phone in phones],
        "email": [Term(email, customer_id) for email in contact.get("emails") or ()],
        "address": [Term(_address(address), customer_id) for address in contact.get("addresses") or ()],
        "number": [Term(number, resource_id) for resource_id, _, number in numbers],
    }
    sealed = {
        Category.IDENTITY: SealItem(subject, identity, _identity_terms(identity, contact, customer_id)),
        Category.CONTACT: SealItem(subject, {"addresses": [], "sims": [], "emails": [], **contact, "phones": phones}, contact_terms),
    }
    if newcomer.payment is not None:
        sealed[Category.PAYMENT] = SealItem(subject, newcomer.payment, {"iban": [Term(newcomer.payment["iban"], customer_id)]})
    return sealed


def _identity_terms(identity: Mapping[str, Any], contact: Mapping[str, Any], customer_id: UUID) -> dict[str, list[Term]]:
    names = [name for name in (identity.get("family_name"), identity.get("maiden_name"), identity.get("trading_name")) if name]
    postcodes = [address["postcode"] for address in contact.get("addresses") or () if address.get("role") == "residential"]
    terms = {"surname_postcode": [Term(f"{name}|{postcode}", customer_id) for name in names for postcode in postcodes]}
    if identity.get("birth_date"):
        terms["surname_birth_date"] = [Term(f"{name}|{identity['birth_date']}", customer_id) for name in names]
    return terms


def _address(address: Mapping[str, Any]) -> str:
    return f"{address['postcode']}|{address['house_number']}|{address.get('house_number_addition') or ''}"
