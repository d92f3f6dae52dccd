"""What the business side holds of a person: sealed blobs, one per data subject and category."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Category(StrEnum):
    """The unit of sealing, of permission and of evidence (docs/formats.md)."""

    IDENTITY = "identity"
    CONTACT = "contact"
    PAYMENT = "payment"
    NOTE = "note"
    CREDENTIAL = "credential"
    TRAFFIC = "traffic"
    INVOICE_PARTY = "invoice_party"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A blob that only the keeper can open; its subject and category are bound into it."""

    subject: UUID
    category: Category
    blob: bytes
