"""Which customer each record is to be, what moves with it, and what stands in the way: everything is found out before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.charges import require_no_run
from hoeksteen.consolidation import _moving_store, _record_store
from hoeksteen.consolidation._records import KeptRecord, open_records
from hoeksteen.consolidation._survivors import Since, Survivor, changed_since, sealed_now, survivor
from hoeksteen.consolidation._usage_of import unbilled_usage
from hoeksteen.consolidation.pseudonyms import customer_id_of
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import billing_accounts
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Row, Transaction


@dataclass(frozen=True, slots=True)
class Move:
    """Products that go from one customer to another, and the lines of final bills about them."""

    old: UUID
    new: UUID
    product_ids: tuple[UUID, ...]
    lines: tuple[Row, ...] = ()


@dataclass(slots=True)
class Partition:
    """
    A new partition of records among customers.

    :param kept: every record, opened; `rows` what is known of it in the clear
    :param records_of: per customer that there will be its records, best first
    :param before: what the records of each customer that there was made of it; of one that was closed, the records that it had then
    :param since: what was changed of it here
    :param former: those that were closed by an earlier merge and come back, or are concerned
    :param bought: products without a record, by the customer that holds them
    """

    kept: dict[UUID, KeptRecord]
    rows: dict[UUID, Row]
    records_of: dict[UUID, list[UUID]]
    existing: dict[UUID, Row]
    accounts: dict[UUID, list[BillingAccount]]
    former: dict[UUID, Row]
    holders: dict[UUID, list[UUID]]
    before: dict[UUID, Survivor] = field(default_factory=dict)
    since: dict[UUID, Since] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    bought: dict[UUID, list[UUID]] = field(default_factory=dict)
    now: datetime = field(kw_only=True)

    @property
    def ceasing(self) -> list[UUID]:
        """Customers that will have no record."""
        return [one for one in self.holders if one not in self.records_of]

    @property
    def losing(self) -> list[UUID]:
        """Customers that go on with fewer records."""
        return [one for one, keys in self.holders.items() if one in self.records_of and not set(keys) <= set(self.records_of[one])]

    def require_nothing_in_the_way(self, *, tx: Transaction, lake: Lake, leave_rest: bool, credit: bool) -> None:
        """
        Refuse what cannot be told apart, or must not be done now.

        :raises WrongState: naming it
        """
        for account in [one for accounts in self.accounts.values() for one in accounts]:
            if account.customer_id in self.holders or account.customer_id in self.records_of:
                require_no_run(tx=tx, billing_account_id=account.billing_account_id)
        for customer_id in self.ceasing:
            self._require_closable(tx, customer_id, leave_rest)
        for customer_id in self.losing:
            if not leave_rest:
                self._require_told_apart(tx, customer_id)
        self._require_billed(tx, lake, credit)

    def _require_closable(self, tx: Transaction, customer_id: UUID, leave_rest: bool) -> None:
        named = f"Customer {self.existing[customer_id]['customer_number']}"
        if open_work := _moving_store.open_work(tx, customer_id):
            if open_work == ["a hold"] and (wave := next((why for why in _moving_store.holds(tx, customer_id) if why.startswith("wave ")), "")):
                raise WrongState(f"{named} ends with the merge, and is held ({wave}).", remedy="Merge it after the switch of its wave.")
            raise WrongState(f"{named} ends with the merge, and has {', '.join(open_work)}.", remedy="Settle or withdraw that first.")
        if len(self.accounts[customer_id]) > 1:
            raise WrongState(f"{named} ends with the merge, and has several billing accounts.", remedy="Merge it into no other; end it by hand.")
        if (changed := self.since[customer_id].personal) and not leave_rest:
            raise WrongState(
                f"{named} ends with the merge, and was corrected here: {'; '.join(changed)}.",
                remedy="Correct the customer that goes on, then merge with --leave-rest: the correction stays with the one that ends.",
            )

    def _require_told_apart(self, tx: Transaction, customer_id: UUID) -> None:
        """What was done here with a customer of several records is nobody's in particular, unless it came by a merge."""
        rest = _moving_store.open_work(tx, customer_id)
        rest += [f"corrected {what}" for what in self.since[customer_id].personal]
        returning = {one for row in self.former.values() for one in row["product_ids"]}
        rest += ["a product that was bought here"] if set(self.bought.get(customer_id, ())) - returning else []
        if rest:
            raise WrongState(
                f"Customer {self.existing[customer_id]['customer_number']} has {', '.join(rest)}, and no record tells whose it is.",
                remedy="With --leave-rest it stays with this customer.",
            )

    def _require_billed(self, tx: Transaction, lake: Lake, credit: bool) -> None:
        lines = [line for move in self.moves for line in move.lines]
        if lines and not credit:
            bills = len({line["bill_number"] for line in lines})
            total = sum((line["amount"] for line in lines), Decimal(0))
            raise WrongState(
                f"{bills} final {'bill has' if bills == 1 else 'bills have'} {total} euros of the products that would move.",
                remedy="With --credit that is credited, and charged to the customer whom the products belong to.",
            )
        moving = [one for move in self.moves for one in move.product_ids]
        holders = [one.billing_account_id for move in self.moves for one in self.accounts[move.old]]
        if unbilled := unbilled_usage(tx=tx, lake=lake, billing_account_ids=holders, product_ids=moving, today=local_day(self.now)):
            raise WrongState(
                f"{unbilled} records of usage of the products that would move are on no final bill yet.",
                remedy="Do this again once their period is billed.",
            )


def plan_partition(
    *, tx: Transaction, keeper: KeeperClient, customer_ids: Sequence[UUID], groups: Sequence[Sequence[UUID]], now: datetime
) -> Partition:  # fmt: skip
    """
    Find out what a new partition of customers' records means.

    :raises InvalidInput: when the groups are not exactly the records of the customers
    :raises WrongState: when a record is not kept
    """
    rows = {row["source_key"]: row for row in _record_store.records_of(tx, customer_ids)}
    wanted = [key for group in groups for key in group]
    if len(wanted) != len(rows) or set(wanted) != set(rows):
        raise InvalidInput("The groups are not exactly the records of the customers.", remedy="Name each record once.", field="groups")
    kept = open_records(tx=tx, keeper=keeper, source_keys=list(rows))
    for key, row in rows.items():
        if key not in kept:
            raise WrongState(
                f"What the record of {row['source']}, row {row['source_row']}, said is not kept.",
                remedy="Decide on a pair with it, then run `hoeksteen consolidate` with the same exports: it is kept then, if it did not change.",
            )
    founded = {key: customer_id_of(one.record) for key, one in kept.items()}
    existing = _moving_store.customers(tx, sorted({*customer_ids, *founded.values()}))
    holders = {one: [key for key, row in rows.items() if row["customer_id"] == one] for one in customer_ids}
    former = _record_store.former(tx, list(founded.values()))
    records_of = _named(groups, kept, founded, holders, existing)
    accounts: dict[UUID, list[BillingAccount]] = {one: [] for one in existing}
    for customer_id in existing:
        accounts[customer_id] = billing_accounts(tx=tx, customer_id=customer_id)
    partition = Partition(kept, rows, records_of, existing, accounts, former, holders, now=now)
    _compare(tx, keeper, partition)
    _plan_moves(tx, partition)
    return partition


def _named(
    groups: Sequence[Sequence[UUID]], kept: dict[UUID, KeptRecord], founded: dict[UUID, UUID], holders: dict[UUID, list[UUID]],
    existing: dict[UUID, Row],
) -> dict[UUID, list[UUID]]:  # fmt: skip
    """Say which customer each group is: one that goes on, one that comes back, or one that its best record founds."""
    found: dict[UUID, list[UUID]] = {}
    for group in groups:
        if not group:
            continue
        ordered = sorted(group, key=lambda key: kept[key].rank)
        candidates = [founded[key] for key in ordered]
        going_on = next((one for one in candidates if one in holders), None)
        coming_back = next((one for one in candidates if one in existing), None)
        found[going_on or coming_back or candidates[0]] = ordered
    return found


def _compare(tx: Transaction, keeper: KeeperClient, partition: Partition) -> None:
    """Find out what was changed here of each customer that is concerned."""
    returning = [one for one in partition.records_of if one in partition.former]
    of_records = {**partition.holders, **{one: list(partition.former[one]["source_keys"]) for one in returning}}
    sealed = sealed_now(tx=tx, keeper=keeper, customer_ids=list(of_records))
    for customer_id, keys in of_records.items():
        if customer_id not in partition.existing:
            raise NotFound(f"There is no customer {customer_id}.", remedy="Check the identifier.")
        records = [partition.kept[key] for key in keys if key in partition.kept]
        made = partition.before[customer_id] = survivor(customer_id=customer_id, records=records)
        account_id = made.billing_account.billing_account_id
        own = next((one for one in partition.accounts[customer_id] if one.billing_account_id == account_id), None)
        row = partition.existing[customer_id]
        partition.since[customer_id] = changed_since(made=made, sealed=sealed[customer_id], row=row, billing_account=own)


def _plan_moves(tx: Transaction, partition: Partition) -> None:
    target = {key: customer_id for customer_id, keys in partition.records_of.items() for key in keys}
    returning = {
        one: customer_id for customer_id, row in partition.former.items() if customer_id in partition.records_of for one in row["product_ids"]
    }
    moving: dict[tuple[UUID, UUID], list[UUID]] = {}
    for row in _moving_store.products_of(tx, list(partition.holders)):
        old, product_id = row["customer_id"], row["product_id"]
        new: UUID = target.get(row["source_key"]) or returning.get(product_id) or old
        if row["source_key"] is None:
            partition.bought.setdefault(old, []).append(product_id)
            if new == old and old not in partition.records_of:  # it ends: what it bought goes where its founding record goes
                new = target[partition.holders[old][0]]
        if new != old:
            moving.setdefault((old, new), []).append(product_id)
    for (old, new), product_ids in sorted(moving.items()):
        lines = tuple(_moving_store.billed_lines(tx, old, product_ids))
        partition.moves.append(Move(old, new, tuple(product_ids), lines))
