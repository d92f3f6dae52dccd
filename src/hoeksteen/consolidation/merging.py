"""
Merging customers, and taking apart what was merged: another partition of the same records, from which everything else follows.

Survivorship is a pure function of a customer's records, and identifiers come from the record that founds it. So a customer that is taken apart is, to
the byte that is sealed and to the cent, what a load would have made that had never merged it. What was changed here since stays on the side that it
belongs to, where that can be told; else it is refused, and says why. Until the first final bill nothing else is done; after it, what was billed
is credited and billed again, and the report says so line by line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, product
from typing import Any, Literal
from uuid import UUID

from hoeksteen.consolidation import _record_store, _review_store, _store
from hoeksteen.consolidation._partition import Partition, plan_partition
from hoeksteen.consolidation._rearranging import carry_out
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Row, Transaction

CUSTOMERS_MAX = 24
Kind = Literal["merge", "unmerge"]


@dataclass(frozen=True, slots=True)
class Rearranged:
    """
    What became of some customers.

    :param customers: per customer the records that it has now; one that ceased has none
    :param report: the same, with what was moved, credited, charged, and left where it was; without personal data
    """

    rearrangement_id: UUID
    customers: dict[UUID, tuple[UUID, ...]]
    report: dict[str, Any]


def rearrange(
    *, tx: Transaction, keeper: KeeperClient, lake: Lake, customer_ids: Sequence[UUID], groups: Sequence[Sequence[UUID]], kind: Kind, by: str,
    why: str, now: datetime, identifiers: Identifiers, leave_rest: bool = False, credit: bool = False, rearrangement_id: UUID | None = None,
) -> Rearranged:  # fmt: skip
    """
    Let the records of some customers be other customers, with all that is theirs, in the caller's transaction.

    What the keeper does is the same when it is done again; so a transaction that is cut off leaves nothing, and the same call does all of it.

    :param customer_ids: whose records are all of those in `groups`
    :param groups: per customer that there will be the pseudonyms of its records
    :param by: who decided; :param why: for the record, never about a person
    :param leave_rest: leave what cannot be told apart (corrections, products bought here, work that is open) with the customer that has it
    :param credit: credit what final bills have of products that move, and have it charged to whom they belong
    :param rearrangement_id: its identifier, where it was chosen before; it is used once
    :raises InvalidInput: when the groups are not exactly the records of the customers
    :raises WrongState: when a record is not kept, something stands in the way that is named, or a bill run holds a billing account
    :raises Conflict: when a consolidation is running
    :raises AccessDenied: when the grant for `migration` does not cover this, or one of the customers was erased
    """
    require_said(by=by, why=why)
    require_impersonal(why=why)
    if not _store.lock(tx):
        raise Conflict("A consolidation is running.", remedy="Wait until it is done, then do this again.")
    partition = plan_partition(tx=tx, keeper=keeper, customer_ids=customer_ids, groups=groups, now=now)
    partition.require_nothing_in_the_way(tx=tx, lake=lake, leave_rest=leave_rest, credit=credit)
    report = carry_out(tx=tx, keeper=keeper, partition=partition, by=by.strip(), why=why.strip(), now=now, identifiers=identifiers)
    rearrangement_id = rearrangement_id or identifiers.new(now)
    everybody = sorted({*customer_ids, *partition.records_of})
    _record_store.add_rearrangement(tx, rearrangement_id, kind, everybody, report, by.strip(), why.strip(), now)
    return Rearranged(rearrangement_id, _outcome(partition), report)


def merge(
    *, tx: Transaction, keeper: KeeperClient, lake: Lake, customer_ids: Sequence[UUID], by: str, why: str, now: datetime, identifiers: Identifiers,
    leave_rest: bool = False, credit: bool = False, rearrangement_id: UUID | None = None,
) -> Rearranged:  # fmt: skip
    """
    Let two or more customers be one: whose founding record comes first in trust goes on, the others are closed and remembered.

    :raises InvalidInput: when fewer than two, or more than 24, are named
    :raises Conflict: when somebody decided that two of their records are different; it names them
    :raises NotFound: when one of them has no record of a legacy system

    What else it raises, and its parameters, are those of `rearrange`.
    """
    named = list(dict.fromkeys(customer_ids))
    if not 2 <= len(named) <= CUSTOMERS_MAX:
        raise InvalidInput(f"{len(named)} customers are named.", remedy=f"Name 2 to {CUSTOMERS_MAX} different ones.", field="customer_ids")
    group = [row["source_key"] for row in _records(tx, named)]
    if (apart := _review_store.apart_within(tx, named)) is not None:
        raise _decided_otherwise(apart)
    return rearrange(
        tx=tx, keeper=keeper, lake=lake, customer_ids=named, groups=[group], kind="merge", by=by, why=why, now=now, identifiers=identifiers,
        leave_rest=leave_rest, credit=credit, rearrangement_id=rearrangement_id,
    )  # fmt: skip


def unmerge(
    *, tx: Transaction, keeper: KeeperClient, lake: Lake, customer_id: UUID, source_keys: Sequence[UUID] | None, by: str, why: str, now: datetime,
    identifiers: Identifiers, leave_rest: bool = False, credit: bool = False, rearrangement_id: UUID | None = None, different: bool = False,
) -> Rearranged:  # fmt: skip
    """
    Take records out of a customer, to be one of their own together; without any named, let each of its records be a customer.

    :param different: note for later runs that the records of different customers are different people, where nobody decided about them
    :raises InvalidInput: when a record is not the customer's, all of them are named, or it has one only
    :raises Conflict: with `different`, when somebody else decided that two of the records are one customer; it names them
    :raises NotFound: when the customer has no record of a legacy system

    What else it raises, and its parameters, are those of `rearrange`.
    """
    held = [row["source_key"] for row in _records(tx, [customer_id])]
    if source_keys is None:
        groups = [[one] for one in held]
    else:
        strange = [one for one in source_keys if one not in held]
        if strange or not source_keys:
            raise InvalidInput(
                f"The customer has no record {strange[0]}." if strange else "No record is named.",
                remedy="`hoeksteen consolidate history` lists its records.", field="record",
            )  # fmt: skip
        groups = [list(dict.fromkeys(source_keys)), [one for one in held if one not in source_keys]]
    if len([group for group in groups if group]) < 2:
        raise InvalidInput(
            "There is nothing to take apart: one customer of these records is what there is.", remedy="Name some of its records.", field="record"
        )  # fmt: skip
    across = [pair for one, other in combinations([group for group in groups if group], 2) for pair in product(one, other)]
    if different and (together := _review_store.together_across(tx, across, by.strip())) is not None:
        raise _decided_otherwise(together)
    done = rearrange(
        tx=tx, keeper=keeper, lake=lake, customer_ids=[customer_id], groups=groups, kind="unmerge", by=by, why=why, now=now,
        identifiers=identifiers, leave_rest=leave_rest, credit=credit, rearrangement_id=rearrangement_id,
    )  # fmt: skip
    if different:
        for left, right in across:
            _review_store.note_different(tx, left, right, by.strip(), now)
    return done


def history(*, tx: Transaction, customer_id: UUID) -> dict[str, list[Row]]:
    """Give a customer's records, the customers that were merged into it, and each merge and taking apart that it took part in; nothing personal."""
    return {
        "records": _store.records_of_customer(tx, customer_id),
        "merged": _record_store.former_of(tx, customer_id),
        "rearrangements": _record_store.rearrangements_of(tx, customer_id),
    }


def merged_into(*, tx: Transaction, customer_id: UUID) -> UUID | None:
    """Give the customer that one was merged into, the last of a chain; None for one that goes on by itself."""
    found: UUID | None = None
    current = customer_id
    for _ in range(CUSTOMERS_MAX):
        row = _record_store.former(tx, [current]).get(current)
        if row is None:
            return found
        found = current = row["merged_into"]
    return found


def forget_records(*, tx: Transaction, party_id: UUID) -> tuple[list[UUID], int]:
    """
    Let go of what the records of a person said, once the keeper destroyed their keys.

    :returns: the parties of customers that were merged into this person's, which are the same person; and how many records there were
    """
    customers = _record_store.customers_of_party(tx, party_id)
    return _record_store.parties_merged_into(tx, party_id), _record_store.forget_sealed(tx, customers)


def _records(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    rows = _record_store.records_of(tx, customer_ids)
    without = [one for one in customer_ids if one not in {row["customer_id"] for row in rows}]
    if without:
        raise NotFound(
            f"Customer {without[0]} has no record of a legacy system.",
            remedy="Name a customer that came from one and was not merged into another: `hoeksteen consolidate history` tells.",
        )
    return rows


def _decided_otherwise(row: Row) -> Conflict:
    return Conflict(
        f"{row['decided_by']} decided on {row['decided_at']:%Y-%m-%d} that two of these records are {row['state']}.",
        remedy="Talk to them: they can take it back themselves, with `hoeksteen consolidate review`.", decided_by=row["decided_by"],
    )  # fmt: skip


def _outcome(partition: Partition) -> dict[UUID, tuple[UUID, ...]]:
    ceased: dict[UUID, tuple[UUID, ...]] = dict.fromkeys(partition.ceasing, ())
    return {**ceased, **{customer_id: tuple(keys) for customer_id, keys in partition.records_of.items()}}
