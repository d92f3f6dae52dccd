"""The categories of personal data: the unit of sealing, of permission and of evidence. The numbers are part of the blob's layout."""

from collections.abc import Mapping

from hoeksteen_keeper.errors import KeeperInvalid

CATEGORIES = {"identity": 1, "contact": 2, "payment": 3, "note": 4, "credential": 5, "traffic": 6, "invoice_party": 7}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "identity": (
        "kind", "given_name", "initials", "family_name_prefix", "family_name", "birth_date", "gender", "maiden_name", "trading_name", "legal_form",
        "chamber_of_commerce_number", "contact_person", "vat_number", "legacy_numbers", "government_number", "electronic_address",
    ),
    "contact": ("addresses", "phones", "sims", "emails", "contact_persons"),
    "payment": ("iban", "account_holder", "mandate_reference", "mandate_date"),
    "note": ("text",),
    "credential": ("puk", "answers"),
    "traffic": ("month", "column", "record", "value"),
    "invoice_party": (
        "name", "attention", "street", "house_number", "house_number_addition", "postcode", "city", "country", "vat_number",
        "chamber_of_commerce_number", "government_number", "electronic_address",
    ),
}  # fmt: skip
PURPOSES = ("care", "billing", "fraud", "migration", "support", "legal_order", "own_data")
ALL_CATEGORIES = 0


def category_number(category: str) -> int:
    """
    Give the number of a category.

    :raises KeeperInvalid: when there is no such category
    """
    if category not in CATEGORIES:
        raise KeeperInvalid("unknown_category", f"There is no such category; there are {', '.join(CATEGORIES)}.")
    return CATEGORIES[category]


def require_purpose(purpose: str) -> str:
    """
    Give the purpose back.

    :raises KeeperInvalid: when there is no such purpose
    """
    if purpose not in PURPOSES:
        raise KeeperInvalid("unknown_purpose", f"There is no such purpose; there are {', '.join(PURPOSES)}.")
    return purpose
