"""Mandates: who allows direct debit from their bank account, since when, and until when. The IBAN itself stays sealed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hoeksteen.disclosure import KeeperClient, SealItem, Term
from hoeksteen.disclosure.operations import store
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.model import Customer
from hoeksteen.party.queries import billing_accounts, customer
from hoeksteen.receivables import _collection_store, _store, iban
from hoeksteen.receivables.references import our_mandate_reference
from hoeksteen.receivables.sepa import Scheme
from hoeksteen.storage.postgres import Transaction

UNUSED_MONTHS_MAX = 36


@dataclass(frozen=True, slots=True)
class Mandate:
    """
    A mandate for one billing account.

    :param reference: ours, as the payer knows it; None where it was taken over and is sealed with the IBAN
    :param is_first: whether its next collection is the first
    :param state: `lapsed`: unused for 36 months; `used`: one-off, and collected
    :param amended_on: when it last went on with another bank account; `amendment_is_due` whether the next collection tells the bank so
    """

    customer_id: UUID
    mandate_id: UUID
    billing_account_id: UUID
    reference: str | None
    scheme: Scheme
    kind: str
    signed_on: date
    state: str
    is_first: bool
    last_used_on: date | None
    ended_on: date | None
    ended_why: str | None
    amended_on: date | None
    amendment_is_due: bool

    def lapses_before(self, day: date) -> bool:
        """Say whether it was unused for 36 months by a day."""
        since = self.last_used_on or self.signed_on
        index = since.year * 12 + since.month - 1 + UNUSED_MONTHS_MAX
        return (day.year * 12 + day.month - 1, day.day) > (index, since.day)


def add(
    *, tx: Transaction, keeper: KeeperClient, customer_id: UUID, text: str, account_holder: str, signed_on: date, scheme: Scheme = "core",
    one_off: bool = False, billing_account_id: UUID | None = None, by: str, now: datetime, identifiers: Identifiers,
) -> Mandate:  # fmt: skip
    """
    Record a mandate that a customer signed, and have the IBAN sealed; it may be searched for by it from then on.

    :param text: the IBAN
    :param billing_account_id: without it, the customer's first
    :raises InvalidInput: when the IBAN fails its check, the day lies in the future, or a consumer would sign for businesses
    :raises WrongState: when the customer has an active mandate, of whichever billing account
    :raises AccessDenied: when the actor may not write payment data
    """
    plain = iban.checked(text, field="iban")
    whose, account_id = _signing(tx, customer_id, billing_account_id, signed_on, now)
    if scheme == "b2b" and whose.segment == "consumer":
        raise InvalidInput("The field scheme is b2b, which no consumer can sign.", remedy="Use core.", field="scheme")
    mandate_id = identifiers.new(now)
    reference = our_mandate_reference(mandate_id)
    fields = {"iban": plain, "account_holder": account_holder, "mandate_reference": reference, "mandate_date": signed_on.isoformat()}
    item = SealItem(whose.party_id, fields, {"iban": [Term(plain, customer_id)]})
    _insert(tx, customer_id, mandate_id, account_id, reference, scheme, "one_off" if one_off else "recurring", signed_on, by, now)
    store(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, items=[item])
    return active_mandate(tx=tx, billing_account_id=account_id, customer_id=customer_id)


def take_over(
    *, tx: Transaction, keeper: KeeperClient, customer_id: UUID, billing_account_id: UUID | None = None, by: str, now: datetime,
    identifiers: Identifiers,
) -> Mandate:  # fmt: skip
    """
    Make a mandate of what another system had: its reference and day stay sealed beside the IBAN, and its next collection is no first one.

    :raises NotFound: when no mandate is sealed with the customer's payment data
    :raises WrongState: when the customer has an active mandate, of whichever billing account
    """
    whose, account_id = _signing(tx, customer_id, billing_account_id, date.min, now)
    sealed = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, subjects=[whose.party_id]).get(whose.party_id)
    if sealed is None or not sealed.fields.get("mandate_reference") or not sealed.fields.get("mandate_date"):
        raise NotFound("No mandate is sealed with the customer's payment data.", remedy="Have a new one signed: `hoeksteen mandate add`.")
    iban.checked(str(sealed.fields.get("iban") or ""), field="iban")
    signed_on = date.fromisoformat(str(sealed.fields["mandate_date"]))
    mandate_id = identifiers.new(now)
    _insert(tx, customer_id, mandate_id, account_id, None, "core", "recurring", signed_on, by, now)
    _collection_store.use_mandates(tx, [mandate_id], local_day(now))
    return active_mandate(tx=tx, billing_account_id=account_id, customer_id=customer_id)


def _signing(tx: Transaction, customer_id: UUID, billing_account_id: UUID | None, signed_on: date, now: datetime) -> tuple[Customer, UUID]:
    if signed_on > local_day(now):
        raise InvalidInput(f"The field signed_on lies in the future: {signed_on}.", remedy="Give the day of the signature.", field="signed_on")
    whose = customer(tx=tx, customer_id=customer_id)
    _store.lock_customer(tx, customer_id)
    held = [one for one in billing_accounts(tx=tx, customer_id=customer_id) if billing_account_id in (None, one.billing_account_id)]
    if not held:
        raise NotFound("The customer has no such billing account.", remedy="Choose one of the customer's billing accounts.", customer_id=customer_id)
    active = [one for one in mandates_of(tx=tx, customer_id=customer_id) if one.state == "active"]
    if active:  # one IBAN is sealed per party, and both would collect from it
        raise WrongState("The customer has an active mandate.", remedy="Revoke it first: `hoeksteen mandate revoke`.", customer_id=customer_id)
    return whose, held[0].billing_account_id


def _insert(
    tx: Transaction, customer_id: UUID, mandate_id: UUID, account_id: UUID, reference: str | None, scheme: str, kind: str, signed_on: date, by: str,
    now: datetime,
) -> None:  # fmt: skip
    require_said(by=by)
    _collection_store.insert_mandate(tx, (customer_id, mandate_id, account_id, reference, scheme, kind, signed_on, "active", by.strip(), now))


def amend(
    *, tx: Transaction, keeper: KeeperClient, customer_id: UUID, mandate_id: UUID, text: str, account_holder: str | None = None, by: str,
    now: datetime, identifiers: Identifiers,
) -> Mandate:  # fmt: skip
    """
    Let a mandate go on with another bank account of its payer: reference, day and scheme stay, and the next collection tells the bank.

    With another bank that collection is a first one again; with the same bank it is one of many. The customer is told, whoever asked. Of a
    mandate between businesses (B2B) the payer also tells their bank, or it refuses.

    :param text: the new IBAN
    :param account_holder: where it is another name than before
    :raises InvalidInput: when the IBAN fails its check, or nobody is named
    :raises NotFound: when the customer has no such mandate, or nothing is sealed of it
    :raises WrongState: when the mandate is not active
    :raises Conflict: when it is the IBAN of the mandate already
    :raises AccessDenied: when the actor may not see or write payment data
    """
    plain = iban.checked(text, field="iban")
    require_said(by=by)
    whose = customer(tx=tx, customer_id=customer_id)
    _store.lock_customer(tx, customer_id)
    found = _mandate(tx, customer_id, mandate_id)
    if found.state != "active":
        raise WrongState(f"The mandate is {found.state}.", remedy="Have a new one signed: `hoeksteen mandate add`.", mandate_id=mandate_id)
    sealed = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, subjects=[whose.party_id]).get(whose.party_id)
    before = iban.plain(str(sealed.fields.get("iban") or "")) if sealed is not None else ""
    if sealed is None or not before:
        raise NotFound("No IBAN is sealed for this mandate.", remedy="Have a new one signed: `hoeksteen mandate add`.", mandate_id=mandate_id)
    if before == plain:
        raise Conflict("The mandate has this IBAN already.", remedy="Nothing is to be done.", mandate_id=mandate_id)
    to_another_bank = iban.bank_of(before) != iban.bank_of(plain)
    _collection_store.amend_mandate(tx, customer_id, mandate_id, local_day(now), by.strip(), now, to_another_bank=to_another_bank)
    parameters = {"mandate": found.reference or "—"}
    enqueue(tx=tx, messages=[NewMessage(customer_id, identifiers.new(now), MessageKind.MANDATE_AMENDED, parameters, now)])
    fields = {**sealed.fields, "iban": plain, "account_holder": account_holder or sealed.fields.get("account_holder")}
    store(
        tx=tx,
        keeper=keeper,
        purpose="billing",
        category=Category.PAYMENT,
        items=[SealItem(whose.party_id, fields, {"iban": [Term(plain, customer_id)]})],
    )
    return _mandate(tx, customer_id, mandate_id)


def revoke(*, tx: Transaction, customer_id: UUID, mandate_id: UUID, why: str, now: datetime) -> Mandate:
    """
    End a mandate: nothing is collected by it any more, also what was announced already and is in no file yet.

    :raises WrongState: when it is not active
    :raises InvalidInput: without a reason, or with one that seems to hold personal data
    """
    require_said(why=why)
    require_impersonal(why=why)
    found = _mandate(tx, customer_id, mandate_id)
    if not _collection_store.end_mandates(tx, [mandate_id], "revoked", local_day(now), why.strip()):
        raise WrongState(f"The mandate is {found.state}.", remedy="Nothing is to be done.", mandate_id=mandate_id)
    return _mandate(tx, customer_id, mandate_id)


def _mandate(tx: Transaction, customer_id: UUID, mandate_id: UUID) -> Mandate:
    found = next((one for one in mandates_of(tx=tx, customer_id=customer_id) if one.mandate_id == mandate_id), None)
    if found is None:
        raise NotFound("The customer has no such mandate.", remedy="List them: `hoeksteen mandate show`.", mandate_id=mandate_id)
    return found


def mandates_of(*, tx: Transaction, customer_id: UUID) -> list[Mandate]:
    """Give a customer's mandates, ended ones too, the newest first."""
    return [Mandate(**row) for row in _collection_store.mandates(tx, customer_id)]


def active_mandate(*, tx: Transaction, customer_id: UUID, billing_account_id: UUID) -> Mandate:
    """
    Give the active mandate of a billing account.

    :raises NotFound: when there is none
    """
    for one in mandates_of(tx=tx, customer_id=customer_id):
        if one.state == "active" and one.billing_account_id == billing_account_id:
            return one
    raise NotFound("The billing account has no active mandate.", remedy="Have one signed: `hoeksteen mandate add`.", customer_id=customer_id)
