"""The categories of personal data: the unit of sealing, of permission and of evidence. The numbers are part of the blob's layout."""

from hoeksteen_keeper.errors import KeeperInvalid

CATEGORIES = {"identity": 1, "contact": 2, "payment": 3, "note": 4, "credential": 5, "traffic": 6, "invoice_party": 7}
PURPOSES = ("care", "billing", "fraud", "migration", "support", "legal_order", "own_data")
ALL_CATEGORIES = 0


def category_number(category: str) -> int:
    """
    Give the number of a category.

    :raises KeeperInvalid: when there is no such category
    """
    if category not in CATEGORIES:
        raise KeeperInvalid("unknown_category", f"There is no category {category[:40]!r}; there are {', '.join(CATEGORIES)}.")
    return CATEGORIES[category]


def require_purpose(purpose: str) -> str:
    """
    Give the purpose back.

    :raises KeeperInvalid: when there is no such purpose
    """
    if purpose not in PURPOSES:
        raise KeeperInvalid("unknown_purpose", f"There is no purpose {purpose[:40]!r}; there are {', '.join(PURPOSES)}.")
    return purpose
