"""
Collections: bills that are paid by direct debit, from their announcement to what the bank makes of them.

A run is prepared (each collection announced at least 14 days before), then filed once as pain.008. Between the two a mandate may be
revoked and a bill paid: both are looked at again when the file is made, and no more is ever collected than was announced.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from hoeksteen.billing.leaving import last_bills
from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.care.disputes import open_disputes
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.bank_days import bank_day_before, bank_day_on_or_after, is_bank_day
from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.private_files import write_private
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_said
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.queries import customers
from hoeksteen.receivables import _collection_store, _store, iban
from hoeksteen.receivables.mandates import Mandate
from hoeksteen.receivables.matching import OpenBook
from hoeksteen.receivables.model import Allocation, OpenItem, Payment
from hoeksteen.receivables.plans import Plan, active_plans
from hoeksteen.receivables.queries import open_items_of
from hoeksteen.receivables.references import our_end_to_end_id, our_message_id
from hoeksteen.receivables.sepa import DirectDebit, SequenceType, batch_of, pain008
from hoeksteen.storage.postgres import Row, Transaction

SOURCE, REJECTED = "collection", "collection rejected"
ANNOUNCED_BEFORE = timedelta(days=14)
_PAGE = 1_000
_RETRIED = frozenset({"AM04", "MS03"})
_UNDER_WAY = {"rejected": ("sent",), "returned": ("sent", "settled")}
# faults of the file, its amount, day, parties or form, and reasons that say nothing: the payer's mandate holds (docs/billing.md names them)
_NOT_OF_THE_MANDATE = frozenset(
    {"AG02", "AM05", "BE05", "CNOR", "DNOR", "DT01", "FF01", "FF05", "NARR", "RC01", "RR01", "RR02", "RR03", "RR04", "TM01"}
)
_LAST = frozenset({"FNAL", "OOFF"})  # a mandate ends with them
_REFUNDED = frozenset({"MD06"})
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class CollectionRun:
    """
    Collections of one day.

    :param sha256: of its file, hexadecimal; None until it is filed
    :param came_back: rejected, returned or refunded
    """

    collection_run_id: UUID
    collection_day: date
    state: str
    prepared_by: str
    prepared_at: datetime
    filed_at: datetime | None
    sha256: str | None
    count: int
    amount: Decimal
    settled: int
    came_back: int
    withdrawn: int

    @property
    def message_id(self) -> str:
        return our_message_id(self.collection_run_id)


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    What preparing a run did.

    :param passed_by: how many bills or mandates were not taken, by reason
    """

    run: CollectionRun
    passed_by: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Filed:
    """
    What filing a run did.

    :param withdrawn: how many collections were withdrawn, by reason
    :param repeated: whether it was filed before; the file is the same to the byte
    """

    run: CollectionRun
    withdrawn: Mapping[str, int]
    repeated: bool


def runs(*, tx: Transaction, limit: int = 50) -> list[CollectionRun]:
    """Give the collection runs, the newest first."""
    return [_run_of(row) for row in _collection_store.runs(tx, limit=limit)]


def run(*, tx: Transaction, collection_run_id: UUID) -> CollectionRun:
    """
    Give one collection run.

    :raises NotFound: when there is none with this identifier
    """
    found = _collection_store.runs(tx, collection_run_id)
    if not found:
        raise NotFound("There is no such collection run.", remedy="List them: `hoeksteen collect show`.", collection_run_id=collection_run_id)
    return _run_of(found[0])


def _run_of(row: Row) -> CollectionRun:
    return CollectionRun(**{**row, "sha256": None if row["sha256"] is None else bytes(row["sha256"]).hex()})


def prepare(*, tx: Transaction, collection_day: date, by: str, now: datetime, identifiers: Identifiers) -> Prepared:
    """
    Prepare the collection of every open bill that is due by a day and has a mandate, and announce each to its customer.

    A bill is collected once; once more when there was no money in the account the first time. What a customer has to their credit settles
    these bills first, so that no more is collected than is owed.

    :raises InvalidInput: when banks do not settle on that day, it is less than 14 days away, or nobody is named
    :raises WrongState: when nothing is to be collected
    """
    require_said(by=by)
    if not is_bank_day(collection_day):
        raise InvalidInput(f"On {collection_day} banks do not settle.", remedy=f"Take {bank_day_on_or_after(collection_day)}.", field="day")
    if collection_day < local_day(now) + ANNOUNCED_BEFORE:
        first = bank_day_on_or_after(local_day(now) + ANNOUNCED_BEFORE)
        raise InvalidInput(f"{collection_day} is less than 14 days away.", remedy=f"Take {first} or later.", field="day")
    run_id, after = identifiers.new(now), None
    _store.lock_all(tx)
    _collection_store.insert_run(tx, run_id, collection_day, by.strip(), now)
    passed, made = Counter[str](), 0
    while page := _collection_store.active_mandates_after(tx, after, _PAGE):
        after = page[-1]["customer_id"]
        made += _prepare_page(tx, run_id, collection_day, [Mandate(**row) for row in page], passed, now, identifiers)
    if not made:
        raise WrongState(f"Nothing is to be collected on {collection_day}.", remedy="Bills without a mandate are paid by transfer.")
    return Prepared(run(tx=tx, collection_run_id=run_id), passed)


def _prepare_page(
    tx: Transaction, run_id: UUID, day: date, mandates: Sequence[Mandate], passed: Counter[str], now: datetime, identifiers: Identifiers
) -> int:
    lapsed = [one.mandate_id for one in mandates if one.lapses_before(day)]
    _collection_store.end_mandates(tx, lapsed, "lapsed", local_day(now), "unused for 36 months")
    passed["mandate_lapsed"] += len(lapsed)
    usable = {one.billing_account_id: one for one in mandates if one.mandate_id not in lapsed}
    items = open_items_of(tx=tx, customer_ids=[*{one.customer_id for one in usable.values()}])
    bills = [item for found in items.values() for item in found if item.kind == "bill" and item.billing_account_id in usable]
    disputed = {one.customer_bill_id for one in open_disputes(tx=tx, customer_ids=[*items])}
    passed["disputed"] += sum(bill.customer_bill_id in disputed for bill in bills)
    plans = active_plans(tx=tx, customer_ids=[*items])
    planned = {claim for plan in plans for claim in plan.claims}
    passed["in_a_plan"] += sum(bill.customer_bill_id in planned for bill in bills)
    bills = [bill for bill in bills if bill.customer_bill_id not in disputed | planned]
    before: dict[UUID, list[Row]] = {}
    for row in _collection_store.collections_of_bills(tx, [bill.customer_bill_id for bill in bills if bill.customer_bill_id]):
        before.setdefault(row["customer_bill_id"], []).append(row)
    rows, messages = [], []
    attempts = {bill: _attempt(bill, day, before.get(bill.customer_bill_id or run_id, []), passed) for bill in bills}
    taken = [bill for bill in bills if attempts[bill] is not None]
    covered = _use_credit(tx, items, taken, plans)
    for bill in taken:
        amount = bill.open_amount - covered[bill.customer_bill_id]
        if not amount:
            passed["paid_by_credit"] += 1
            continue
        collection_id, mandate = identifiers.new(now), usable[bill.billing_account_id]
        rows.append((
            collection_id, run_id, bill.customer_id, bill.billing_account_id, mandate.mandate_id, bill.customer_bill_id, bill.reference,
            amount, amount, our_end_to_end_id(collection_id, of="D"), attempts[bill], "due",
        ))  # fmt: skip
        facts = {"due_date": day.isoformat(), "mandate": mandate.reference or "—", "creditor": LAGE_LANDEN.creditor_identifier}
        messages.append(_message(MessageKind.PRE_NOTIFICATION, bill.customer_id, bill.reference, amount, now, identifiers, facts))
    _collection_store.insert_collections(tx, rows)
    enqueue(tx=tx, messages=messages)
    return len(rows)


def _use_credit(
    tx: Transaction, items: Mapping[UUID, Sequence[OpenItem]], bills: Sequence[OpenItem], plans: Sequence[Plan]
) -> Mapping[UUID | None, Decimal]:
    """
    Settle bills that are to be collected with what their customers have to their credit, and give how much of each it was.

    The credit of a customer who pays in parts counts for their plan.
    """
    of_customers: dict[UUID, list[OpenItem]] = {}
    for bill in bills:
        of_customers.setdefault(bill.customer_id, []).append(bill)
    in_parts = {plan.customer_id for plan in plans}
    used = [
        (customer_id, one)
        for customer_id, of_customer in of_customers.items() if customer_id not in in_parts
        for one in OpenBook(items[customer_id]).use_credit(of_customer)
    ]  # fmt: skip
    _store.insert_allocations(tx, used)
    covered: defaultdict[UUID | None, Decimal] = defaultdict(lambda: _NOTHING)
    for _, one in used:
        covered[one.customer_bill_id] += one.amount
    return covered


def _attempt(bill: OpenItem, day: date, before: Sequence[Row], passed: Counter[str]) -> int | None:
    """Give whether a bill is collected for the first or second time; None when it is not, counted by why."""
    if bill.due_date is not None and bill.due_date > day:
        passed["not_due_yet"] += 1
    elif any(row["state"] in ("due", "sent", "settled") for row in before):
        passed["under_way"] += 1
    else:
        tried = [row for row in before if row["state"] != "withdrawn" and row["refused_with"] not in ("file", "batch")]
        if not tried:
            return 1
        if len(tried) == 1 and tried[0]["reason"] in _RETRIED:
            return 2
        passed["came_back_before"] += 1
    return None


def file(*, tx: Transaction, keeper: KeeperClient, collection_run_id: UUID, path: Path, now: datetime, identifiers: Identifiers) -> Filed:
    """
    Write the pain.008 of a run, and post what is on its way; asked again for the same run, the file is the same to the byte.

    Withdrawn are collections whose mandate ended, or whose bill was paid, contested or put into a plan meanwhile; who has to pay it by
    transfer is told. IBANs are asked of the keeper, which logs each, and are in the file only, which nobody but its owner may read.

    :raises InvalidInput: when the bank would have it less than a settling day before the collection
    :raises WrongState: when nothing is left to collect, or the books of today are closed
    :raises AccessDenied: when this service may not see payment data for billing
    """
    _store.lock_all(tx)
    _collection_store.lock_run(tx, collection_run_id)
    found = run(tx=tx, collection_run_id=collection_run_id)
    if found.filed_at is not None:
        content, _, _ = _content(tx, keeper, found, found.filed_at, "sent")
        if hashlib.sha256(content).hexdigest() != found.sha256:
            raise Conflict("The file would differ from the one that was made.", remedy="Use the first file; a mandate or IBAN changed since.")
        write_private(path, content)
        return Filed(found, {}, repeated=True)
    if local_day(now) > bank_day_before(found.collection_day):
        raise InvalidInput(f"It is too late for {found.collection_day}.", remedy="Prepare a run for a later day; the customers are told of it.")
    require_open(tx=tx, day=local_day(now), what="the day of the file")
    withdrawn = _withdraw_outdated(tx, found, now, identifiers)
    content, collections, faulty = _content(tx, keeper, found, now, "due")
    withdrawn += _withdraw(tx, [(row, "iban_fails_its_check", row["amount"]) for row in faulty], now, identifiers)
    if not collections:
        raise WrongState("Nothing is left to collect in this run.", remedy="The mandates ended or the bills were paid.")
    digest = hashlib.sha256(content)
    _collection_store.mark_filed(tx, collection_run_id, now, digest.digest())
    _enter(tx, collections, found, now)
    write_private(path, content)
    return Filed(run(tx=tx, collection_run_id=collection_run_id), withdrawn, repeated=False)


def _withdraw_outdated(tx: Transaction, found: CollectionRun, now: datetime, identifiers: Identifiers) -> Counter[str]:
    """Withdraw what may not be collected any more; what customers have to their credit by now settles the rest first."""
    rows = [row for row in _collection_store.collections_of_run(tx, found.collection_run_id) if row["state"] == "due"]
    mandates = _collection_store.mandates_by_id(tx, [row["mandate_id"] for row in rows], lock=True)
    items = open_items_of(tx=tx, customer_ids=[*{row["customer_id"] for row in rows}])
    bills = {item.customer_bill_id: item for many in items.values() for item in many if item.kind == "bill"}
    disputed = {one.customer_bill_id for one in open_disputes(tx=tx, customer_ids=[*items])}
    plans = active_plans(tx=tx, customer_ids=[*items])
    planned = {claim for plan in plans for claim in plan.claims}
    goes_on = [row["customer_bill_id"] for row in rows if mandates[row["mandate_id"]]["state"] == "active"]
    covered = _use_credit(tx, items, [bills[one] for one in goes_on if one in bills and one not in disputed | planned], plans)
    owed = {key: bill.open_amount - covered[key] for key, bill in bills.items()}
    outdated = list[tuple[Row, str, Decimal]]()
    for row in rows:
        mandate = mandates[row["mandate_id"]]
        left = min(row["announced"], owed.get(row["customer_bill_id"], _NOTHING))
        why = f"mandate_{mandate['state']}" if mandate["state"] != "active" else "paid" if left <= 0 else ""
        if row["customer_bill_id"] in disputed | planned:  # nobody is asked to pay at once what they contest, or pay in parts
            why, left = "disputed" if row["customer_bill_id"] in disputed else "in_a_plan", _NOTHING
        if why:
            outdated.append((row, why, left))
    return _withdraw(tx, outdated, now, identifiers)


def _withdraw(tx: Transaction, outdated: Sequence[tuple[Row, str, Decimal]], now: datetime, identifiers: Identifiers) -> Counter[str]:
    """
    Take collections back before they are in a file, ask for a transfer of what is open, and give how many they were, by reason.

    :param outdated: each with why, and what its customer is asked to transfer
    """
    for why, rows in _by_reason([(row, why) for row, why, _ in outdated]).items():
        _collection_store.move_collections(tx, [row["collection_id"] for row in rows], "withdrawn", why, of=("due",))
    enqueue(tx=tx, messages=[
        _message(MessageKind.COLLECTION_WITHDRAWN, row["customer_id"], row["bill_number"], left, now, identifiers, {})
        for row, _, left in outdated if left > 0
    ])  # fmt: skip
    return Counter(why for _, why, _ in outdated)


def _content(
    tx: Transaction, keeper: KeeperClient, found: CollectionRun, made_at: datetime, state: str
) -> tuple[bytes, list[tuple[Row, Mandate, SequenceType]], list[Row]]:
    """Give the file of a run, what is in it, and what cannot be because there is no good IBAN or mandate reference any more."""
    states = {"due"} if state == "due" else {"sent", "settled", "rejected", "returned", "refunded"}
    rows = [row for row in _collection_store.collections_of_run(tx, found.collection_run_id) if row["state"] in states]
    mandates = {key: Mandate(**row) for key, row in _collection_store.mandates_by_id(tx, [row["mandate_id"] for row in rows]).items()}
    whose = {one.customer_id: one for one in customers(tx=tx, customer_ids=[*{row["customer_id"] for row in rows}])}
    parties = sorted({one.party_id for one in whose.values()})
    payments = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, subjects=parties)
    items = open_items_of(tx=tx, customer_ids=[*whose]) if state == "due" else {}
    owed = {item.customer_bill_id: item.open_amount for many in items.values() for item in many if item.kind == "bill"}
    last = _last_collections(tx, rows, items, local_day(made_at)) if state == "due" else set()
    debits, taken, faulty = [], [], list[Row]()
    for row in rows:
        mandate, customer = mandates[row["mandate_id"]], whose[row["customer_id"]]
        if state == "due":
            row["amount"] = min(row["announced"], owed[row["customer_bill_id"]])
        fields = payments[customer.party_id].fields if customer.party_id in payments else {}
        plain = iban.plain(str(fields.get("iban") or ""))
        reference = mandate.reference or str(fields.get("mandate_reference") or "")
        if not iban_holds(plain) or not reference:
            faulty.append(row)
            continue
        sequence: SequenceType = row["sequence_type"] or _sequence(mandate, row["collection_id"] in last or customer.status == "closed")
        debits.append(DirectDebit(
            row["end_to_end_id"], row["amount"], mandate.scheme, sequence, reference, mandate.signed_on,
            str(fields.get("account_holder") or "."), plain, row["bill_number"], mandate.amendment_is_due if state == "due" else row["is_amended"],
        ))  # fmt: skip
        taken.append((row, mandate, sequence))
    if not debits:
        return b"", [], faulty
    content = pain008(
        message_id=found.message_id, creditor=LAGE_LANDEN, collection_day=found.collection_day, made_at=made_at, debits=debits
    )  # fmt: skip
    return content, taken, faulty


def _last_collections(tx: Transaction, rows: Sequence[Row], items: Mapping[UUID, Sequence[OpenItem]], today: date) -> set[UUID]:
    """Give the collections after which nothing more is to be collected, because the account left and all that it owes is in this file."""
    left = last_bills(tx=tx, today=today, customer_ids=sorted({row["customer_id"] for row in rows}))
    open_bills: dict[UUID, set[UUID | None]] = {}
    for one in (item for many in items.values() for item in many if item.kind == "bill"):
        open_bills.setdefault(one.billing_account_id, set()).add(one.customer_bill_id)
    in_file = {row["customer_bill_id"] for row in rows}
    last = {row["billing_account_id"]: row["collection_id"] for row in rows}
    return {last[account_id] for account_id in last if account_id in left and open_bills.get(account_id, set()) <= in_file}


def _sequence(mandate: Mandate, last: bool) -> SequenceType:
    """Give the sequence type: once only, the first, the last of an account that left, or one of many."""
    if mandate.kind == "one_off":
        return "OOFF"
    if mandate.is_first:
        return "FRST"
    return "FNAL" if last else "RCUR"


def _enter(tx: Transaction, collections: Sequence[tuple[Row, Mandate, SequenceType]], found: CollectionRun, now: datetime) -> None:
    """Let each collection settle its bill from now on; it is owed by the bank until it is booked, or comes back."""
    day = local_day(now)
    payments, allocations, entries = [], [], []
    for row, _, _ in collections:
        payment_id = row["collection_id"]
        payments.append(Payment(
            row["customer_id"], payment_id, row["billing_account_id"], row["amount"], day, row["bill_number"], row["end_to_end_id"], now,
        ))  # fmt: skip
        allocations.append((row["customer_id"], Allocation(row["customer_bill_id"], payment_id, row["amount"])))
        postings = (
            Posting(LedgerAccountCode.DIRECT_DEBITS_SENT, row["amount"]),
            Posting(LedgerAccountCode.DEBTORS, -row["amount"], row["customer_id"], row["billing_account_id"]),
        )
        entries.append(JournalEntry(payment_id, day, SOURCE, str(payment_id), now, postings))
    _store.insert_payments(tx, payments)
    _store.insert_allocations(tx, allocations)
    post(tx=tx, entries=entries)
    _collection_store.send_collections(tx, (
        (batch_of(found.message_id, mandate.scheme, sequence), sequence, row["amount"], mandate.amendment_is_due, row["collection_id"])
        for row, mandate, sequence in collections
    ))  # fmt: skip
    _collection_store.tell_amendments(tx, [mandate.mandate_id for _, mandate, _ in collections if mandate.amendment_is_due], is_due=False)
    _collection_store.use_mandates(tx, [mandate.mandate_id for _, mandate, _ in collections], found.collection_day)
    once = [mandate.mandate_id for _, mandate, sequence in collections if sequence in _LAST]
    _collection_store.end_mandates(tx, once, "used", found.collection_day, "last collection")


def came_back(
    *, tx: Transaction, rows: Sequence[tuple[Row, str]], state: str, with_file: bool = False, now: datetime, identifiers: Identifiers
) -> None:
    """
    Let collections that were sent come back: their state, mandates and messages; whoever calls undoes the payments and posts.

    :param rows: each collection as it was, and the bank's reason
    :param state: `rejected` or `returned`
    :param with_file: refused with their whole file or batch: it ends no mandate, is no attempt, and nobody is told
    """
    for reason, of_reason in _by_reason(rows).items():
        ids, mandate_ids = [row["collection_id"] for row in of_reason], [row["mandate_id"] for row in of_reason]
        _collection_store.move_collections(
            tx, ids, "refunded" if reason in _REFUNDED and not with_file else state, reason, of=_UNDER_WAY[state]
        )  # fmt: skip
        if not with_file and reason not in _RETRIED | _REFUNDED | _NOT_OF_THE_MANDATE:
            _collection_store.end_mandates(tx, mandate_ids, "revoked", local_day(now), f"the bank said {reason}", of=("active", "used"))
    _collection_store.tell_amendments(tx, [row["mandate_id"] for row, _ in rows if row["is_amended"]], is_due=True)
    if state == "rejected":
        _collection_store.unuse_mandates(tx, [row["mandate_id"] for row, _ in rows if row["sequence_type"] == "FRST"])
    once_more = [row for row, reason in rows if with_file or (reason in _RETRIED and row["attempt"] == 1)]
    _collection_store.reuse_mandates(tx, [row["mandate_id"] for row in once_more if row["sequence_type"] in _LAST])
    if with_file:
        return
    goes_on = _collection_store.accounts_with_mandate(tx, [row["billing_account_id"] for row in once_more])
    waits = {row["collection_id"] for row in once_more if row["billing_account_id"] in goes_on}
    enqueue(tx=tx, messages=[
        _message(MessageKind.COLLECTION_RETURNED, row["customer_id"], row["bill_number"], row["amount"], now, identifiers, {})
        for row, _ in rows if row["collection_id"] not in waits
    ])  # fmt: skip


def _by_reason(rows: Sequence[tuple[Row, str]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row, reason in rows:
        found.setdefault(reason, []).append(row)
    return found


def reject(*, tx: Transaction, end_to_end_id: str, reason: str, now: datetime, identifiers: Identifiers) -> None:
    """
    Record that the bank refused a collection before it was settled: the bill is open again.

    :param reason: the bank's code, four capital letters and digits
    :raises NotFound: when no collection has this identifier
    :raises InvalidInput: when the reason is no such code
    :raises WrongState: when it is not on its way, or the books of today are closed
    """
    if not re.fullmatch(r"[A-Z0-9]{4}", reason):
        raise InvalidInput("The field reason is no code of the bank.", remedy="Copy its four signs, such as AM04.", field="reason")
    _store.lock_all(tx)
    row = _collection_store.collections_by_end_to_end(tx, [end_to_end_id]).get(end_to_end_id)
    if row is None:
        raise NotFound("No collection has this end-to-end identifier.", remedy="Copy it from the bank's report.")
    if row["state"] != "sent":
        raise WrongState(f"The collection is {row['state']}, not on its way.", remedy="Look at the bank statement.", end_to_end_id=end_to_end_id)
    day = local_day(now)
    require_open(tx=tx, day=day, what="the day of the rejection")
    rejected(tx=tx, refused=[(row, reason)], now=now, identifiers=identifiers)


def rejected(
    *, tx: Transaction, refused: Sequence[tuple[Row, str]], with_file: Sequence[tuple[Row, str]] = (), now: datetime, identifiers: Identifiers
) -> None:
    """
    Let collections that the bank refused before settling them come back; their customers, or all of them, must be locked and the books open.

    :param refused: each with the bank's reason
    :param with_file: those refused with their whole file or batch: it says nothing of their mandates, and is no attempt
    """
    day, entries = local_day(now), []
    for row, _ in (*refused, *with_file):
        postings = (
            Posting(LedgerAccountCode.DEBTORS, row["amount"], row["customer_id"], row["billing_account_id"]),
            Posting(LedgerAccountCode.DIRECT_DEBITS_SENT, -row["amount"]),
        )
        entries.append(JournalEntry(identifiers.new(now), day, REJECTED, str(row["collection_id"]), now, postings))
    for rows, is_whole in ((refused, False), (with_file, True)):
        if rows:
            came_back(tx=tx, rows=rows, state="rejected", with_file=is_whole, now=now, identifiers=identifiers)
    _store.insert_reversals(tx, [(row["customer_id"], row["collection_id"], day, reason, None, now) for row, reason in (*refused, *with_file)])
    post(tx=tx, entries=entries)


def _message(
    kind: MessageKind, customer_id: UUID, bill_number: str, amount: Decimal, now: datetime, identifiers: Identifiers, facts: Mapping[str, str]
) -> NewMessage:
    invariant(amount >= 0, "a message never speaks of less than nothing")
    return NewMessage(customer_id, identifiers.new(now), kind, {"bill_number": bill_number, "amount": str(amount), **facts}, now)
