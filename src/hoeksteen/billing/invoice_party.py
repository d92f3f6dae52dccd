"""The buyer as a final bill freezes it (EN 16931 BG-7): drawn from identity and contact, sealed as `invoice_party`."""

from collections.abc import Mapping
from typing import Any

from hoeksteen.party.model import Customer
from hoeksteen.party.names import full_name

_CUSTOMER = {"nl": "Klant", "en": "Customer"}
# KVK number, OIN of a government body, and the address in an electronic network as scheme and number: `0106:12345678`.
_REGISTERED = ("vat_number", "chamber_of_commerce_number", "government_number", "electronic_address")
_ADDRESS = ("street", "house_number", "house_number_addition", "postcode", "city", "country")


def invoice_party(
    *, identity: Mapping[str, Any], contact: Mapping[str, Any] | None, customer: Customer, needs_vat_number: bool = False
) -> dict[str, Any] | None:
    """
    Give the fields to seal; None when an organisation has no name, for then a bill cannot say who is to pay (VAT directive art. 226(5)).
    So it is without the VAT number of who accounts for the tax (art. 226(4)).

    An individual whose name is not known, or was erased, is called by the customer number: a bill to a consumer needs no name.

    :param identity: revealed fields, empty where nothing is known; so is `contact`, which may be None
    """
    name = full_name(identity)
    if name is None and customer.party_kind == "individual":
        name = f"{_CUSTOMER[customer.language]} {customer.customer_number}"
    if name is None or (needs_vat_number and not identity.get("vat_number")):
        return None
    addresses = {address.get("role"): address for address in (contact or {}).get("addresses") or ()}
    address = addresses.get("billing") or addresses.get("residential") or {}
    return {
        "name": name,
        "attention": identity.get("contact_person"),
        **{field: address.get(field) for field in _ADDRESS},
        **{field: identity[field] for field in _REGISTERED if identity.get(field)},
    }
