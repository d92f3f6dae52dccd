"""A surviving customer as the keeper seals it: fields per category, and the terms by which it is found again."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from hoeksteen.consolidation.carried_over import ContactPerson
from hoeksteen.consolidation.model import LegacyProduct, LegacyRecord
from hoeksteen.consolidation.pseudonyms import resource_id_of
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.survivorship import Golden
from hoeksteen.disclosure import SealItem, Term
from hoeksteen.kernel.sealed import Category

# What a customer is found by, per category.
INDEXES = {
    Category.IDENTITY: ("customer_number", "surname_postcode", "surname_birth_date"),
    Category.CONTACT: ("phone", "email", "address", "number"),
    Category.PAYMENT: ("iban",),
}


def identity_item(golden: Golden, party_id: UUID, customer_id: UUID) -> SealItem:
    """Who the customer is, with the customer numbers of the legacy systems: people go on quoting them."""
    legacy_numbers = [{"source": record.source, "number": record.source_key} for record in golden.records]
    terms: dict[str, list[Term]] = {"customer_number": [Term(entry["number"], customer_id) for entry in legacy_numbers]}
    postcode = _postcode(golden)
    fields: dict[str, Any]
    if golden.records[0].kind == "organization":
        trading_name = golden.value("identity", "trading_name")
        fields = {
            "kind": "organization",
            "trading_name": trading_name,
            "legal_form": golden.value("identity", "legal_form"),
            "chamber_of_commerce_number": golden.value("identity", "chamber_of_commerce_number"),
            "contact_person": golden.value("identity", "contact_person"),
        }
        surnames = [trading_name] if trading_name else []
        born = None
    else:
        prefix, family_name = golden.value("identity", "family_name") or (None, None)
        born = golden.value("identity", "birth_date")
        fields = {
            "kind": "individual",
            "given_name": golden.value("identity", "given_name"),
            "initials": golden.value("identity", "initials"),
            "family_name_prefix": prefix,
            "family_name": family_name,
            "birth_date": born.isoformat() if born else None,
            "gender": golden.value("identity", "gender"),
            "maiden_name": golden.value("identity", "maiden_name"),
        }
        surnames = _surnames(golden)
    if postcode:
        terms["surname_postcode"] = [Term(f"{name}|{postcode}", customer_id) for name in surnames]
    if born:
        terms["surname_birth_date"] = [Term(f"{name}|{born.isoformat()}", customer_id) for name in surnames]
    return SealItem(party_id, {**fields, "legacy_numbers": legacy_numbers}, terms)


def contact_item(golden: Golden, party_id: UUID, customer_id: UUID) -> SealItem | None:
    """How the customer is reached, with the numbers and SIMs of the products held."""
    addresses = [
        _address_field(role, address)
        for role, address in (
            ("residential", golden.value("contact", "residential_address")),
            ("billing", golden.value("contact", "billing_address")),
        )
        if address is not None
    ]
    own = [
        {"e164": product.number, "kind": product.number_kind, "resource_id": str(resource_id_of(record, product, product.number_kind))}
        for record, product in _products(golden)
        if product.number and product.number_kind
    ]
    numbers = {entry["e164"] for entry in own}
    phones = own + [
        {"e164": number, "kind": "contact", "resource_id": None} for number in golden.value("contact", "phones") or [] if number not in numbers
    ]
    sims = [
        {"iccid": product.iccid, "resource_id": str(resource_id_of(record, product, "sim"))} for record, product in _products(golden) if product.iccid
    ]
    emails = golden.value("contact", "emails") or []
    people: list[ContactPerson] = golden.value("contact", "contact_persons") or []
    if not (addresses or phones or sims or emails or people):
        return None
    terms = {
        "phone": [
            Term(number, customer_id) for number in dict.fromkeys([*(entry["e164"] for entry in phones), *(one.phone for one in people if one.phone)])
        ],
        "email": [Term(found, customer_id) for found in dict.fromkeys([*emails, *(one.email for one in people if one.email)])],
        "address": [Term(f"{a['postcode']}|{a['house_number']}|{a['house_number_addition'] or ''}", customer_id) for a in addresses if a["postcode"]],
        "number": [Term(entry["e164"], UUID(entry["resource_id"])) for entry in own],
    }
    fields: dict[str, Any] = {"addresses": addresses, "phones": phones, "sims": sims, "emails": emails}
    if people:
        fields["contact_persons"] = [asdict(one) for one in people]
    return SealItem(party_id, fields, terms)


def payment_item(golden: Golden, party_id: UUID, customer_id: UUID) -> SealItem | None:
    """How the customer pays."""
    found = golden.value("payment", "payment")
    if found is None:
        return None
    _, iban, reference, signed = found
    fields = {
        "iban": iban,
        "account_holder": _holder(golden),
        "mandate_reference": reference,
        "mandate_date": signed.isoformat() if signed else None,
    }
    return SealItem(party_id, fields, {"iban": [Term(iban, customer_id)]})


def _products(golden: Golden) -> Iterable[tuple[LegacyRecord, LegacyProduct]]:
    """Products that were ever in service: late usage of one that has ended is still found, and its dates tell whose number it was then."""
    return [(record, product) for record in golden.records for product in record.products if product.end is None or product.end > product.start]


def _surnames(golden: Golden) -> list[str]:
    """Every surname by which the customer may be asked for: as it survived, as it stood in any record, and each half of a double name."""
    found: dict[str, None] = {}
    for record in golden.records:
        if record.name is None:
            continue
        for name in (record.name.family_name, record.name.maiden_name):
            if name:
                found[name] = None
                found.update(dict.fromkeys(part.strip() for part in name.split("-") if len(part.strip()) > 1))
    return list(found)


def _postcode(golden: Golden) -> str | None:
    address = golden.value("contact", "residential_address")
    return address.postcode if address else None


def _address_field(role: str, address: Address) -> dict[str, Any]:
    return {
        "role": role,
        "street": address.street,
        "house_number": str(address.house_number) if address.house_number else None,
        "house_number_addition": address.house_number_addition,
        "postcode": address.postcode,
        "city": address.city,
        "country": address.country,
    }


def _holder(golden: Golden) -> str | None:
    if golden.records[0].kind == "organization":
        return str(golden.value("identity", "trading_name"))
    prefix, family_name = golden.value("identity", "family_name") or (None, None)
    return " ".join(part for part in (golden.value("identity", "initials"), prefix, family_name) if part) or None
