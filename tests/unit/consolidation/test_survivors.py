"""What was changed of a customer here is put on top of what its records make of it, and is found by it."""

from datetime import date
from typing import Any, cast
from uuid import UUID

from hoeksteen.consolidation._survivors import Since, Survivor, with_changes
from hoeksteen.disclosure import SealItem
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.model import NewBillingAccount, NewCustomer

CUSTOMER, PARTY, ACCOUNT = UUID(int=1), UUID(int=2), UUID(int=3)


def test_contact_persons_are_found_also_after_contact_data_were_corrected() -> None:
    fields: dict[str, Any] = {
        "addresses": [], "sims": [], "emails": ["old@post.example"], "phones": [],
        "contact_persons": [{"name": "A. Smit", "role": "", "phone": "31612345678", "email": "smit@post.example"}],
    }  # fmt: skip
    made = Survivor(
        NewCustomer(CUSTOMER, PARTY, "organization", "business", date(2020, 1, 1), "nl"),
        NewBillingAccount(CUSTOMER, ACCOUNT, "transfer", False),
        cast(Any, None),
        {Category.CONTACT: SealItem(PARTY, fields, {})},
    )
    changed = Since({Category.CONTACT: {"emails": {"added": ["new@post.example"], "removed": ["old@post.example"]}}})
    terms = with_changes(made, changed, CUSTOMER).items[Category.CONTACT].terms
    assert [term.value for term in terms["email"]] == ["new@post.example", "smit@post.example"]
    assert [term.value for term in terms["phone"]] == ["31612345678"]
