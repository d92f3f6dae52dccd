"""Carrying out a partition that was planned: everything of one transaction, the keeper's part last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _moving_store, _record_store
from hoeksteen.consolidation._billed import as_json, rebill
from hoeksteen.consolidation._carried import carry_mandates_anew, move_carried
from hoeksteen.consolidation._partition import Partition
from hoeksteen.consolidation._records import party_of, sealed_blobs
from hoeksteen.consolidation._survivors import Survivor, survivor, with_changes, write_lineage, write_sealed
from hoeksteen.consolidation.model import RecordState
from hoeksteen.consolidation.pseudonyms import customer_id_of
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.party.operations import add_billing_accounts, add_customers
from hoeksteen.storage.postgres import Transaction


def carry_out(
    *, tx: Transaction, keeper: KeeperClient, partition: Partition, by: str, why: str, now: datetime, identifiers: Identifiers
) -> dict[str, Any]:  # fmt: skip
    """Do what was planned, and give the report of it."""
    survivors = {
        customer_id: survivor(customer_id=customer_id, records=[partition.kept[key] for key in keys])
        for customer_id, keys in partition.records_of.items()
    }
    for customer_id in survivors:
        if customer_id in partition.since:
            survivors[customer_id] = with_changes(survivors[customer_id], partition.since[customer_id], customer_id)
    ceased = {customer_id: partition.since[customer_id] for customer_id in partition.ceasing}
    states = _states(tx, partition)
    _write_customers(tx, partition, survivors)
    for move in partition.moves:
        billed = {line["product_id"] for line in move.lines}
        parts = (
            (tuple(one for one in move.product_ids if one not in billed), True),
            (tuple(one for one in move.product_ids if one in billed), False),
        )
        account_id = survivors[move.new].billing_account.billing_account_id
        for product_ids, with_positions in parts:
            if product_ids:
                _moving_store.move_products(
                    tx, old=move.old, new=move.new, billing_account_id=account_id, product_ids=product_ids, with_positions=with_positions
                )
    left_paid = _move_records(tx, keeper, partition, states, now)
    golden = {customer_id: one.golden for customer_id, one in survivors.items()}
    carry_mandates_anew(tx=tx, golden=golden, former=list(partition.holders), now=now)
    credited, paid = [], []
    for move in partition.moves:
        if move.lines:
            account_id = survivors[move.new].billing_account.billing_account_id
            lines, payments = rebill(
                tx=tx, old=move.old, new=move.new, billing_account_id=account_id, lines=move.lines, why=why, by=by, now=now,
                identifiers=identifiers,
            )  # fmt: skip
            credited += [as_json(one) for one in lines]
            paid += [as_json(one) for one in payments]
    _remember(tx, partition, by, now)
    write_lineage(tx, survivors, list(ceased))
    write_sealed(tx=tx, keeper=keeper, survivors=survivors, ceased=ceased)
    return _report(tx, partition, survivors, credited, paid) | {"carried_items_left": [str(one) for one in left_paid]}


def _write_customers(tx: Transaction, partition: Partition, survivors: dict[UUID, Survivor]) -> None:
    for customer_id, one in survivors.items():
        if customer_id not in partition.existing:
            loaded_at = partition.rows[one.founded_at]["loaded_at"]
            add_customers(tx=tx, customers=[one.customer], now=loaded_at)
            add_billing_accounts(tx=tx, billing_accounts=[one.billing_account])
            continue
        made = one.customer
        values = {"segment": made.segment, "language": made.language, "customer_since": made.customer_since, "party_kind": made.party_kind}
        _moving_store.set_customer(tx, customer_id, values)
        account = one.billing_account
        _moving_store.set_billing_account(tx, customer_id, account.billing_account_id, account.payment_method, account.tax_included)
    for customer_id in partition.ceasing:
        _moving_store.close(tx, customer_id)


def _states(tx: Transaction, partition: Partition) -> dict[UUID, RecordState]:
    """Say what became of each record: the one that founds its customer is loaded, or waits for a decision as it did; the others are merged."""
    found: dict[UUID, RecordState] = {}
    for customer_id, keys in partition.records_of.items():
        founder = _founder(partition, customer_id, keys)
        was = partition.rows[founder]["state"]
        if customer_id in partition.former:
            was = partition.former[customer_id]["state"]
        waits = was == RecordState.IN_REVIEW and _record_store.is_in_review(tx, founder)
        found.update(dict.fromkeys(keys, RecordState.MERGED))
        found[founder] = RecordState.IN_REVIEW if waits else RecordState.LOADED
    return found


def _founder(partition: Partition, customer_id: UUID, keys: Sequence[UUID]) -> UUID:
    return next((key for key in keys if customer_id_of(partition.kept[key].record) == customer_id), keys[0])


def _move_records(
    tx: Transaction, keeper: KeeperClient, partition: Partition, states: dict[UUID, RecordState], now: datetime
) -> list[UUID]:  # fmt: skip
    """
    Note whose each record is; what one said is sealed anew under whom it belongs to, so that erasing them takes it along.

    :returns: items that it brought from a former system, and that stay where something of them was paid
    """
    moved: list[tuple[UUID, UUID]] = []
    for customer_id, keys in partition.records_of.items():
        for key in keys:
            old = partition.rows[key]["customer_id"]
            if (old, partition.rows[key]["state"]) != (customer_id, states[key]):
                _record_store.set_record(tx, key, customer_id, str(states[key]))
            if old != customer_id:
                _moving_store.move_agreement(tx, old, customer_id, derived("agreement", str(key)))
                moved.append((key, customer_id))
    blobs = sealed_blobs(keeper=keeper, records=[(partition.kept[key].record, customer_id) for key, customer_id in moved]) if moved else []
    for (key, customer_id), sealed in zip(moved, blobs, strict=True):
        _record_store.move_sealed(tx, key, customer_id, sealed)
    targets: dict[UUID, list[UUID]] = {}
    for key, customer_id in moved:
        targets.setdefault(customer_id, []).append(key)
    return [
        one
        for customer_id, keys in sorted(targets.items())
        for one in move_carried(tx=tx, keeper=keeper, source_keys=keys, customer_id=customer_id, now=now)
    ]


def _remember(tx: Transaction, partition: Partition, by: str, now: datetime) -> None:
    """Keep what a customer was that ended, so that it can come back as it was."""
    target = {key: customer_id for customer_id, keys in partition.records_of.items() for key in keys}
    for customer_id in partition.ceasing:
        keys = partition.holders[customer_id]
        founder = _founder(partition, customer_id, keys)
        row = (
            customer_id, party_of(customer_id), target[founder], keys, partition.bought.get(customer_id, []), partition.rows[founder]["state"], by,
            now,
        )  # fmt: skip
        _record_store.add_former(tx, row)
    for customer_id, row_of in partition.former.items():
        if customer_id in partition.records_of:
            _record_store.forget_former(tx, customer_id)
        elif row_of["source_keys"][0] in target:
            _record_store.point_former(tx, customer_id, target[row_of["source_keys"][0]])


def _report(
    tx: Transaction, partition: Partition, survivors: dict[UUID, Survivor], credited: list[dict[str, Any]], paid: list[dict[str, Any]]
) -> dict[str, Any]:  # fmt: skip
    concerned = _moving_store.customers(tx, sorted({*partition.holders, *survivors}))
    left = {
        str(customer_id): {
            "open": _moving_store.open_work(tx, customer_id),
            "corrected": partition.since[customer_id].personal,
            "terms": sorted(partition.since[customer_id].terms),
        }
        for customer_id in [*partition.losing, *partition.ceasing]
    }
    return {
        "customers": [
            {
                "customer_id": str(customer_id),
                "customer_number": row["customer_number"],
                "status": row["status"],
                "records": [str(key) for key in partition.records_of.get(customer_id, ())],
            }
            for customer_id, row in sorted(concerned.items())
        ],
        "moved": [{"from": str(move.old), "to": str(move.new), "products": [str(one) for one in move.product_ids]} for move in partition.moves],
        "credited": credited,
        "paid": paid,
        "left": {one: said for one, said in left.items() if any(said.values())},
    }
