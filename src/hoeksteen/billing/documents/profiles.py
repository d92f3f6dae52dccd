"""
Which rules an invoice keeps beside the European ones, chosen by its buyer.

A consumer's keeps EN 16931 alone. A Dutch body that is registered gets the Dutch usage NLCIUS, which asks for its number
and its whole address (BR-NL-10, BR-NL-4). Who receives invoices over the Peppol network has an electronic address, and gets Peppol BIS Billing 3.0.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

# Electronic address schemes (ISO 6523 and Peppol's list) of numbers that a buyer may have.
CHAMBER_OF_COMMERCE = "0106"
GOVERNMENT = "0190"


class Profile(StrEnum):
    """The specification identifier (BT-24) of an invoice."""

    EN_16931 = "urn:cen.eu:en16931:2017"
    NLCIUS = "urn:cen.eu:en16931:2017#compliant#urn:fdc:nen.nl:nlcius:v1.0"
    PEPPOL_BIS_3 = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"


PEPPOL_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"


class Identifier(NamedTuple):
    """A number with the scheme that gives it out."""

    scheme: str
    number: str


def electronic_address(buyer: Mapping[str, Any]) -> Identifier | None:
    """Give where the buyer receives invoices (BT-49), from `scheme:number`; None when it is not known."""
    scheme, _, number = str(buyer.get("electronic_address") or "").partition(":")
    return Identifier(scheme, number) if scheme and number else None


def registration(buyer: Mapping[str, Any]) -> Identifier | None:
    """Give by which the buyer is registered (BT-47): the OIN of a government body, else the number at the Chamber of Commerce."""
    for scheme, field in ((GOVERNMENT, "government_number"), (CHAMBER_OF_COMMERCE, "chamber_of_commerce_number")):
        if buyer.get(field):
            return Identifier(scheme, str(buyer[field]))
    return None


def profile_of(buyer: Mapping[str, Any], *, debit_without_mandate: bool = False, refers_to_nothing: bool = False) -> Profile:
    """
    Give the profile of an invoice.

    What Peppol refuses goes out by the European rules alone, and not with something invented in it.

    :param debit_without_mandate: a direct debit whose mandate is not known (PEPPOL-EN16931-R061)
    :param refers_to_nothing: a credit note that names no invoice (NL-R-001)
    """
    dutch = (buyer.get("country") or "NL") == "NL"
    known = registration(buyer) is not None and all(buyer.get(field) for field in ("street", "postcode", "city"))
    if electronic_address(buyer) is not None and not debit_without_mandate and not refers_to_nothing and (known or not dutch):
        return Profile.PEPPOL_BIS_3
    return Profile.NLCIUS if dutch and known else Profile.EN_16931
