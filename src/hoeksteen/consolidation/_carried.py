"""Loading what records bring beside customer and products, into the rooms that own it; within the transaction of their batch."""

import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from hoeksteen.care.carried_over import CarriedNote, carry_notes, contest_carried, move_contested, move_notes
from hoeksteen.care.carried_over import take_back_carried as take_back_notes
from hoeksteen.consolidation import _carried_store
from hoeksteen.consolidation.carried_over import contract_of, mandates_of
from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.survivorship import Golden
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.consents import Consent, add_consents, move_consents, take_back_consents
from hoeksteen.party.model import Agreement
from hoeksteen.party.operations import add_agreements
from hoeksteen.receivables.carried_over import (
    CarriedItem,
    CarriedMandate,
    carry_items,
    carry_mandates,
    items_of_records,
    move_items,
    take_back,
    take_back_mandates,
)
from hoeksteen.storage.postgres import Transaction

PURPOSE = "migration"
BY = "consolidation"
_REFERENCE_MAX = 35


def load_carried(
    *, tx: Transaction, keeper: KeeperClient, golden: Mapping[UUID, Golden], fresh: Set[UUID], titles: Mapping[str, str], cutover: date, now: datetime
) -> None:
    """
    Carry over what the new records of some customers bring: open items, mandates, consents, notes, contracts.

    :param golden: the customers of a batch, with all their records
    :param fresh: the records of them that are new; what others brought is here
    :param titles: of the sources, for people
    """
    items: list[CarriedItem] = []
    contested: list[tuple[UUID, UUID]] = []
    consents: list[Consent] = []
    notes: list[CarriedNote] = []
    agreements: list[Agreement] = []
    for customer_id, survived in golden.items():
        for record in survived.records:
            if record.record_id not in fresh:
                continue
            own = items_of(record, customer_id, titles[record.source], cutover)
            items += own
            disputed = {item_id_of(record, str(one.place)) for one in record.carried.invoices if one.disputed}
            contested += [(customer_id, one.carried_item_id) for one in own if one.carried_item_id in disputed]
            consents += consents_of(record, customer_id, titles[record.source], min(start_of_day(cutover), now))
            notes += notes_of(record, customer_id, titles[record.source])
            if (contract := contract_of(record)) is not None:
                agreements.append(Agreement(customer_id, agreement_id_of(record.record_id), contract.months, contract.valid_from, contract.valid_to))
    add_agreements(tx=tx, agreements=agreements)
    carry_items(tx=tx, items=items, cutover=cutover, now=now)
    contest_carried(tx=tx, claims=contested, by=BY, now=now)
    add_consents(tx=tx, consents=consents, now=now)
    carry_notes(tx=tx, keeper=keeper, notes=notes, purpose=PURPOSE)
    _mandates(tx, golden, now)


def _mandates(tx: Transaction, golden: Mapping[UUID, Golden], now: datetime) -> None:
    """Carry over the mandate of the payment that survived, and note what became of each record's."""
    mandates = list[CarriedMandate]()
    noted = list[tuple[UUID, LegacyRecord, bool | None]]()
    for customer_id, survived in golden.items():
        kept = survived.kept.get(("payment", "payment"))
        collected = kept is not None and kept.value[0] == "direct_debit"
        chosen = mandates_of(survived.records, kept.records if kept is not None and collected else ())
        if kept is not None and any(chosen.values()):
            used = any(record.carried.mandate_was_used for record in kept.records)
            account_id = derived("billing_account", str(customer_id))
            mandates.append(CarriedMandate(customer_id, mandate_id_of(customer_id), account_id, kept.value[3], used))
        for place, record in enumerate(survived.records):
            if record.carried.contacts or place in chosen:
                noted.append((customer_id, record, chosen.get(place)))
    others = carry_mandates(tx=tx, mandates=mandates, by=BY, now=now)
    _carried_store.replace_carried(tx, list(golden), (
        (
            whose, record.source, record.record_id, len(record.carried.contacts),
            None if is_chosen is None else "carried" if is_chosen and whose not in others else "superseded", record.carried.mandate_was_used,
        )
        for whose, record, is_chosen in noted
    ))  # fmt: skip


def items_of(record: LegacyRecord, customer_id: UUID, title: str, cutover: date) -> list[CarriedItem]:
    """Give what is open of a record: its invoices, and what of its balance no invoice explains."""
    account_id = derived("billing_account", str(customer_id))
    found = []
    for one in record.carried.invoices:
        kind: Literal["invoice", "balance"] = "invoice" if one.number else "balance"
        found.append(CarriedItem(
            customer_id, item_id_of(record, str(one.place)), account_id, record.source, record.record_id, title, kind,
            one.number or f"invoice of {one.bill_date}", one.bill_date, one.due_date, one.total, one.open_amount,
        ))  # fmt: skip
    beside = record.carried.beside_invoices
    if beside:
        reference = re.sub(r"[^A-Za-z0-9 ./-]", "-", f"balance {record.source}")[:_REFERENCE_MAX]
        found.append(CarriedItem(
            customer_id, item_id_of(record, "balance"), account_id, record.source, record.record_id, title, "balance", reference, cutover, cutover,
            beside, beside,
        ))  # fmt: skip
    return found


def consents_of(record: LegacyRecord, customer_id: UUID, title: str, unknown: datetime) -> list[Consent]:
    """
    Give a record's decisions.

    :param unknown: the instant of a withdrawal whose day nobody knows: late, so that it is not lost behind an earlier consent
    """
    return [
        Consent(
            customer_id, consent_id_of(record.record_id, place), one.purpose, one.decision, start_of_day(one.day) if one.day else unknown,
            one.channel, title, record.record_id,
        )
        for place, one in enumerate(record.carried.consents)
    ]  # fmt: skip


def notes_of(record: LegacyRecord, customer_id: UUID, title: str) -> list[CarriedNote]:
    """Give a record's notes, and what its source said of open invoices: that may be about a person too."""
    party_id = derived("party", str(customer_id))
    found = [(one.day, one.author, one.text) for one in record.carried.notes]
    found += [(one.bill_date, "billing", f"{one.number or ''} {one.text}".strip()) for one in record.carried.invoices if one.text]
    return [
        CarriedNote(customer_id, note_id_of(record.record_id, place), party_id, author, title, start_of_day(day), text, record.record_id)
        for place, (day, author, text) in enumerate(found)
    ]


def move_carried(*, tx: Transaction, keeper: KeeperClient, source_keys: Sequence[UUID], customer_id: UUID, now: datetime) -> list[UUID]:
    """
    Let what some records brought be another customer's: items with their money, disputes about them, consents and notes.

    Mandates belong to the payment that survives: `carry_mandates_anew` sees to them.

    :returns: the items of which something is settled; they stay where they were paid
    """
    items = items_of_records(tx=tx, source_keys=source_keys)
    account_id = derived("billing_account", str(customer_id))
    stayed = move_items(tx=tx, carried_item_ids=items, customer_id=customer_id, billing_account_id=account_id, now=now)
    move_contested(tx=tx, claim_ids=[one for one in items if one not in stayed], customer_id=customer_id)
    move_consents(tx=tx, source_keys=source_keys, customer_id=customer_id)
    party_id = derived("party", str(customer_id))
    move_notes(tx=tx, keeper=keeper, source_keys=source_keys, customer_id=customer_id, subject=party_id, purpose=PURPOSE)
    return stayed


def carry_mandates_anew(*, tx: Transaction, golden: Mapping[UUID, Golden], former: Sequence[UUID], now: datetime) -> None:
    """
    Let customers who were merged or taken apart have the mandate of the payment that survives now.

    :param golden: the customers as they are now; `former` those that they were
    """
    take_back_mandates(tx=tx, mandate_ids=[mandate_id_of(one) for one in (*former, *golden)])
    _carried_store.replace_carried(tx, former, ())
    _mandates(tx, golden, now)


def take_back_carried(*, tx: Transaction, customer_ids: Sequence[UUID], now: datetime) -> None:
    """
    Take away all that was carried over of customers who are taken back, and post against what was posted of it.

    :raises WrongState: when something of their items is settled: they have to stay
    """
    items = take_back(tx=tx, customer_ids=customer_ids, mandate_ids=[mandate_id_of(one) for one in customer_ids], now=now)
    take_back_notes(tx=tx, customer_ids=customer_ids, claim_ids=items)
    take_back_consents(tx=tx, customer_ids=customer_ids)
    _carried_store.replace_carried(tx, customer_ids, ())


def item_id_of(record: LegacyRecord, place: str) -> UUID:
    return derived("carried item", str(record.record_id), place)


def consent_id_of(record_id: UUID, place: int) -> UUID:
    return derived("consent", str(record_id), str(place))


def note_id_of(record_id: UUID, place: int) -> UUID:
    return derived("note", str(record_id), str(place))


def agreement_id_of(record_id: UUID) -> UUID:
    return derived("agreement", str(record_id))


def mandate_id_of(customer_id: UUID) -> UUID:
    return derived("mandate", str(customer_id))
