"""Who leaves: the products of a billing account end, it gets its final bill, deposits are set off, and it is closed once nothing is owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.leaving import bill_who_leaves, last_bills, left, require_settled
from hoeksteen.billing.model import BillRunResult
from hoeksteen.care import operations as care
from hoeksteen.care.model import Interaction
from hoeksteen.disclosure import KeeperClient
from hoeksteen.journeys.model import Change
from hoeksteen.journeys.operations import carry_out
from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import bill_period, local_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import billing_account, billing_accounts, billing_accounts_by_id
from hoeksteen.product import operations as product
from hoeksteen.product.model import ProductStatus, ProductTerm
from hoeksteen.product.queries import products, terms
from hoeksteen.receivables.queries import open_items
from hoeksteen.receivables.settling import deposits_of, release_deposit
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage.queries import last_closed

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Departure:
    """
    What became of a billing account that left.

    :param runs: what was billed, mostly one bill
    :param deposits: euros of deposits that were set off
    :param balance: euros that the account owes now; below zero, what it is to get back
    :param closed: whether the account is closed
    :param why_open: why it is not, in a sentence
    """

    billing_account_id: UUID
    runs: Sequence[BillRunResult]
    deposits: Decimal
    balance: Decimal
    closed: bool
    why_open: str


def end_products(*, tx: Transaction, interaction: Interaction, billing_account_id: UUID, from_day: date, now: datetime) -> int:
    """
    End every product of a billing account that has no end yet, and give how many; `from_day` is the first local day without them.

    :raises WrongState: when all of them have ended
    :raises Conflict: when a later change of one is planned
    :raises InvalidInput: when the day has passed
    """
    customer = interaction.customer_id
    ended = {one.product_id for one in terms(tx=tx, customer_ids=[customer]) if one.status is ProductStatus.TERMINATED}
    held = [one for one in products(tx=tx, customer_ids=[customer]) if one.billing_account_id == billing_account_id and one.product_id not in ended]
    if not held:
        raise WrongState("Every product of the billing account has an end.", remedy="Make its final bill on that day or later.")
    for one in held:
        carry_out(tx=tx, interaction=interaction, change=Change("terminate", customer, one.product_id, from_day), now=now)
    return len(held)


def take_back_termination(*, tx: Transaction, interaction: Interaction, product_id: UUID, now: datetime) -> list[ProductTerm]:
    """
    Let a product go on as if its end had never been asked for, give its history, and open its billing account again where that was closed.

    What a final bill gave back is charged again on the next bill.

    :raises NotFound: when the customer has no such product
    :raises WrongState: when it has no end, ended more than 31 days ago, or the bill period of that day is closed
    """
    customer = interaction.customer_id
    whose = {one.product_id: one.billing_account_id for one in products(tx=tx, customer_ids=[customer])}
    if product_id not in whose:
        raise NotFound(f"Customer {customer} has no product {product_id}.", remedy="Read the customer's products again.")
    account = billing_account(tx=tx, billing_account_id=whose[product_id])
    ends = [local_day(one.valid_from) for one in terms(tx=tx, customer_ids=[customer]) if one.product_id == product_id]
    closed = last_closed(tx=tx).get(account.cycle_day)
    if closed is not None and bill_period(ends[-1], cycle_day=account.cycle_day).first_day <= closed:
        raise WrongState(f"The bill period of {ends[-1]} is closed: what was used in it is rated for good.", remedy="Add a new product.")
    history = product.take_back_termination(tx=tx, customer_id=customer, product_id=product_id, now=now)
    if account.status == "closed":
        party.open_billing_account(tx=tx, billing_account_id=account.billing_account_id)
    detail = {"from_day": ends[-1].isoformat(), "taken_back": True}
    care.record_item(tx=tx, interaction=interaction, kind="resume", product_id=product_id, detail=detail, now=now)
    return history


def depart(
    *, database: Database, keeper: KeeperClient, lake: Lake, billing_account_id: UUID, bill_date: date, by: str, now: datetime,
    identifiers: Identifiers,
) -> Departure:  # fmt: skip
    """
    Bill an account whose every product has ended, set its deposits off, and close it where nothing is owed and nothing more can come.

    Each step is whole by itself: cut off between two, the same call goes on.

    :param by: who wants it, for the record
    :raises NotFound: when there is no such billing account
    :raises WrongState: when a product of it is held still, its cycle is being billed, or the books of the day are closed
    :raises Conflict: when the cycle's run has begun meanwhile
    """
    runs = bill_who_leaves(
        database=database, keeper=keeper, lake=lake, billing_account_id=billing_account_id, bill_date=bill_date, by=by, now=now,
        identifiers=identifiers,
    )  # fmt: skip
    with database.transaction() as tx:
        account = billing_account(tx=tx, billing_account_id=billing_account_id)
        held = any(one.held for one in runs)
        deposits = _NOTHING if held else _set_off_deposits(tx, account, by, now, identifiers)
        why = "It is held: its last bill is still to be made." if held else _close(tx, account, now)
        balance = _balance(tx, account)
    return Departure(billing_account_id, runs, deposits, balance, not why, why)


def close_departed(*, database: Database, now: datetime) -> list[UUID]:
    """Close the billing accounts that had their final bill, owe nothing and wait for nothing, and give them; the rest stay as they are."""
    done: list[UUID] = []
    with database.transaction() as tx:
        found = last_bills(tx=tx, today=local_day(now))
        accounts = billing_accounts_by_id(tx=tx, billing_account_ids=sorted(found))
    for account in accounts:
        if account.status == "active":
            with database.transaction() as tx:
                if not _close(tx, account, now):
                    done.append(account.billing_account_id)
    return done


def _close(tx: Transaction, billing_account: BillingAccount, now: datetime) -> str:
    """Close an account, and give an empty text, or why it stays open."""
    customer_id, account_id = billing_account.customer_id, billing_account.billing_account_id
    try:
        require_settled(tx=tx, billing_account=billing_account)
    except WrongState as error:
        return error.message
    if account_id not in left(tx=tx, customers=[customer_id], today=local_day(now)):
        return "It has a product."
    if any(one.billing_account_id == account_id for one in open_items(tx=tx, customer_id=customer_id)):
        return "Something of it is not settled."
    if any(one.billing_account_id == account_id and one.released_at is None for one in deposits_of(tx=tx, customer_id=customer_id)):
        return "A deposit of it is held."
    party.close_billing_account(tx=tx, billing_account_id=account_id)
    return ""


def _set_off_deposits(tx: Transaction, billing_account: BillingAccount, by: str, now: datetime, identifiers: Identifiers) -> Decimal:
    """Release the deposits of the account; all of the customer's, where nothing is held on any account of theirs."""
    customer_id, account_id = billing_account.customer_id, billing_account.billing_account_id
    gone = left(tx=tx, customers=[customer_id], today=local_day(now))
    everything = all(one.billing_account_id in gone or one.status == "closed" for one in billing_accounts(tx=tx, customer_id=customer_id))
    total = _NOTHING
    for one in deposits_of(tx=tx, customer_id=customer_id):
        if one.released_at is None and (everything or one.billing_account_id == account_id):
            release_deposit(tx=tx, customer_id=customer_id, deposit_id=one.deposit_id, by=by, now=now, identifiers=identifiers)
            total += one.amount
    return total


def _balance(tx: Transaction, billing_account: BillingAccount) -> Decimal:
    items = open_items(tx=tx, customer_id=billing_account.customer_id)
    return sum((one.open_amount for one in items if one.billing_account_id == billing_account.billing_account_id), _NOTHING)
