"""
Customers as their records make them, beside what they are by now: what differs was changed here since, and is kept.

Which records a customer has decides everything else, so that merging and taking apart are the same thing: other records, survived anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._load import new_customer
from hoeksteen.consolidation._records import PURPOSE, KeptRecord, party_of
from hoeksteen.consolidation._sealing import INDEXES, contact_item, identity_item, payment_item
from hoeksteen.consolidation.survivorship import Golden, survive
from hoeksteen.disclosure import KeeperClient, SealItem, Term
from hoeksteen.disclosure.operations import forget, seal, store
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.model import BillingAccount, NewBillingAccount, NewCustomer
from hoeksteen.storage.postgres import Row, Transaction

CATEGORIES = (Category.IDENTITY, Category.CONTACT, Category.PAYMENT)
_OWN_ACCOUNT = ("payment_method", "tax_included")
_OWN_CUSTOMER = ("segment", "language", "customer_since")
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Survivor:
    """A customer as some records make it: what a load of just these would have written."""

    customer: NewCustomer
    billing_account: NewBillingAccount
    golden: Golden
    items: dict[Category, SealItem]

    @property
    def founded_at(self) -> UUID:
        return self.golden.records[0].record_id


@dataclass(frozen=True, slots=True)
class Since:
    """
    What was changed of a customer here, beside what its records make of it.

    :param fields: per category the fields that differ, as they are by now; of a list what was added and what taken away
    :param terms: of business, such as how bills are paid
    """

    fields: dict[Category, Fields] = field(default_factory=dict)
    terms: Fields = field(default_factory=dict)

    @property
    def personal(self) -> list[str]:
        """What of it is about the person, and was corrected: payment data belong to the mandate that came with them."""
        return [f"{category} ({', '.join(sorted(said))})" for category, said in sorted(self.fields.items()) if category is not Category.PAYMENT]


def survivor(*, customer_id: UUID, records: Sequence[KeptRecord]) -> Survivor:
    """Let a customer survive from its records, best first."""
    ordered = sorted(records, key=lambda one: one.rank)
    trust = {one.record.source: one.trust for one in ordered}
    golden = survive(records=[one.record for one in ordered], trust=trust)
    party_id = party_of(customer_id)
    tax = {one.record.source: one.tax_included for one in ordered}
    customer, billing_account = new_customer(golden=golden, customer_id=customer_id, tax_included=tax)
    made = {
        Category.IDENTITY: identity_item(golden, party_id, customer_id),
        Category.CONTACT: contact_item(golden, party_id, customer_id),
        Category.PAYMENT: payment_item(golden, party_id, customer_id),
    }
    items = {category: item for category, item in made.items() if item is not None}
    return Survivor(customer, billing_account, golden, items)


def changed_since(
    *, made: Survivor, sealed: Mapping[Category, Fields], row: Row, billing_account: BillingAccount | None
) -> Since:  # fmt: skip
    """
    Say what of a customer differs from what its records make of it.

    :param sealed: what is sealed of it by now; a category that is absent was not changed
    """
    fields: dict[Category, Fields] = {}
    for category, said in sealed.items():
        expected = made.items[category].fields if category in made.items else {}
        differs = {name: _difference(expected.get(name), value) for name, value in said.items() if value != expected.get(name)}
        if differs:
            fields[category] = dict(said) if category is Category.PAYMENT else differs
    terms = {name: row[name] for name in _OWN_CUSTOMER if row[name] != getattr(made.customer, name)}
    if billing_account is not None:
        terms |= {
            name: getattr(billing_account, name)
            for name in _OWN_ACCOUNT
            if getattr(billing_account, name) != getattr(made.billing_account, name)
        }  # fmt: skip
    return Since(fields, terms)


def with_changes(made: Survivor, since: Since, customer_id: UUID) -> Survivor:
    """Put what was changed here on top of what records make of a customer."""
    items = dict(made.items)
    for category, changes in since.fields.items():
        before = items.get(category) or SealItem(made.customer.party_id, {}, {index: [] for index in INDEXES[category]})
        fields = {**before.fields, **{name: _changed(before.fields.get(name), change) for name, change in changes.items()}}
        items[category] = replace(before, fields=fields, terms=_terms(category, fields, before.terms, customer_id))
    own = {name: value for name, value in since.terms.items() if name in _OWN_CUSTOMER}
    of_account = {name: value for name, value in since.terms.items() if name in _OWN_ACCOUNT}
    return replace(
        made, customer=replace(made.customer, **own), billing_account=replace(made.billing_account, **of_account), items=items
    )  # fmt: skip


def sealed_now(*, tx: Transaction, keeper: KeeperClient, customer_ids: Sequence[UUID]) -> dict[UUID, dict[Category, Fields]]:
    """Give what is sealed of some customers by now."""
    found: dict[UUID, dict[Category, Fields]] = {customer_id: {} for customer_id in customer_ids}
    for category in CATEGORIES:
        opened = reveal(tx=tx, keeper=keeper, purpose=PURPOSE, category=category, subjects=[party_of(one) for one in customer_ids])
        for customer_id in customer_ids:
            if (one := opened.get(party_of(customer_id))) is not None:
                found[customer_id][category] = dict(one.fields)
    return found


def write_sealed(*, tx: Transaction, keeper: KeeperClient, survivors: Mapping[UUID, Survivor], ceased: Mapping[UUID, Since]) -> None:
    """
    Seal customers as they are now, so that the searches find them and nobody else; of one that ceased only what was changed of it stays sealed.

    Done again, it gives the same.
    """
    gone = {customer_id: SealItem(party_of(customer_id), {}) for customer_id in ceased}
    for category in CATEGORIES:
        empty = {index: list[Term]() for index in INDEXES[category]}
        here = [replace(one.items[category], terms={**empty, **one.items[category].terms}) for one in survivors.values() if category in one.items]
        if here:
            store(tx=tx, keeper=keeper, purpose=PURPOSE, category=category, items=here)
        absent = [SealItem(party_of(customer_id), {}, empty) for customer_id, one in survivors.items() if category not in one.items]
        nobody = [replace(item, terms=empty) for item in gone.values()]
        if absent or nobody:  # sealed for their search terms alone, which go; the blobs are let go of
            seal(keeper=keeper, purpose=PURPOSE, category=category, items=[*absent, *nobody])
        for item in absent:
            forget(tx=tx, subject=item.subject, category=category)
        for customer_id, since in ceased.items():
            if category not in since.fields:
                forget(tx=tx, subject=party_of(customer_id), category=category)


def write_lineage(tx: Transaction, survivors: Mapping[UUID, Survivor], ceased: Sequence[UUID]) -> None:
    """Note anew which record each field came from."""
    rows = (
        (customer_id, category, name, record.source, record.record_id, record.row, kept.rule)
        for customer_id, one in survivors.items()
        for (category, name), kept in one.golden.kept.items()
        for record in kept.records
    )
    _store.replace_lineage(tx, [*survivors, *ceased], rows)


def _difference(before: Any, now: Any) -> Any:
    if isinstance(before, list) and isinstance(now, list):
        return {"added": [one for one in now if one not in before], "removed": [one for one in before if one not in now]}
    return {"now": now}


def _changed(before: Any, change: Any) -> Any:
    if not isinstance(change, dict) or not ("now" in change or "added" in change):
        return change
    if "now" in change:
        return change["now"]
    kept = [one for one in before or [] if one not in change["removed"]]
    return [*kept, *(one for one in change["added"] if one not in kept)]


def _terms(category: Category, fields: Fields, before: Mapping[str, Sequence[Term]], customer_id: UUID) -> dict[str, list[Term]]:
    """Give the terms by which a customer is found whose fields were changed here; names in legacy records go on finding it."""
    if category is Category.PAYMENT:
        return {"iban": [Term(fields["iban"], customer_id)] if fields.get("iban") else []}
    if category is Category.CONTACT:
        doors = [one for one in fields.get("addresses") or () if one.get("postcode")]
        phones, people = fields.get("phones") or (), fields.get("contact_persons") or ()
        return {
            "phone": [Term(number, customer_id) for number in dict.fromkeys([*(one["e164"] for one in phones), *_said(people, "phone")])],
            "email": [Term(one, customer_id) for one in dict.fromkeys([*(fields.get("emails") or ()), *_said(people, "email")])],
            "address": [Term(f"{a['postcode']}|{a['house_number']}|{a.get('house_number_addition') or ''}", customer_id) for a in doors],
            "number": [Term(one["e164"], UUID(one["resource_id"])) for one in phones if one.get("resource_id")],
        }
    found = {index: list(terms) for index, terms in before.items()}
    surname, born = fields.get("family_name") or fields.get("trading_name"), fields.get("birth_date")
    for index, value in (("surname_birth_date", born), *(("surname_postcode", one) for one in _seconds(before.get("surname_postcode", ())))):
        if surname and value:
            term = Term(f"{surname}|{value}", customer_id)
            found.setdefault(index, [])
            found[index] += [] if term in found[index] else [term]
    return found


def _said(people: Sequence[Fields], name: str) -> list[str]:
    return [one[name] for one in people if one.get(name)]


def _seconds(terms: Sequence[Term]) -> list[str]:
    return list(dict.fromkeys(term.value.rpartition("|")[2] for term in terms))
