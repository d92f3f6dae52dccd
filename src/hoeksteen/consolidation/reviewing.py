"""
Pairs of records that people decide: which comes first, what is shown of it, and what was decided by whom.

Nothing is opened here but by whoever looks, under their own token: each look is an entry of the keeper's log per category, before anything is shown.
A decision stands for the pair of records, in every later run; carrying it out (`merging`) is the batch service's work, under its own grant.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from hoeksteen.consolidation import _record_store, _review_store, merging
from hoeksteen.consolidation._records import party_of, record_of
from hoeksteen.consolidation.model import LegacyRecord, Step
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import open_each
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.words import require_said
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Row, Transaction

Decision = Literal["same", "different", "unsure"]
# Why, as a code: what tells, so that reasons can be counted and never say anything about a person.
WHY: Mapping[str, tuple[str, ...]] = {
    "same": ("same_person", "name_changed", "moved", "typing_error", "customer_said", "other"),
    "different": ("relatives", "namesakes", "twins", "other_company", "customer_said", "other"),
    "unsure": ("too_little_known", "ask_the_customer", "other"),
}
MIGRATION_ENGINEER = "migration_engineer"
DECIDE = "decide a doubtful pair of legacy records"
SHOWN_MAX = 1_000
PURPOSE = "migration"
_UNCERTAIN_AT = 8.0  # bits: about where records are merged without being asked
_MERGED_AT_ONCE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Review:
    """
    A pair of records, left and right by pseudonym.

    :param weight: bits for the two being one customer; `steps` how it came about, where that is known
    :param priority: the more, the sooner it is shown
    :param why: a code of `WHY`, once it is decided
    """

    left: UUID
    right: UUID
    weight: Decimal
    reason: str
    state: str
    steps: tuple[Step, ...]
    priority: Decimal
    why: str | None
    decided_by: str | None
    decided_at: datetime | None
    customers: tuple[UUID, UUID]
    sources: tuple[str, str]
    rows: tuple[int, int]

    @property
    def name(self) -> str:
        """What people call the pair: the beginnings of both pseudonyms."""
        return f"{self.left.hex[:8]}-{self.right.hex[:8]}"

    @property
    def is_one_customer(self) -> bool:
        """Whether both records are one customer's by now."""
        return self.customers[0] == self.customers[1]


@dataclass(frozen=True, slots=True)
class Stake:
    """What hangs on a customer: products in service, and euros a month."""

    products: int
    monthly: Decimal

    def __add__(self, other: "Stake") -> "Stake":
        return Stake(self.products + other.products, self.monthly + other.monthly)


NOTHING = Stake(0, Decimal(0))


@dataclass(frozen=True, slots=True)
class Progress:
    """How many pairs wait, and how many were decided how; of those that wait, how many for each reason."""

    open: int
    same: int
    different: int
    unsure: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def decided(self) -> int:
        return self.same + self.different + self.unsure

    @property
    def all(self) -> int:
        return self.open + self.decided


@dataclass(frozen=True, slots=True)
class Seen:
    """
    One record of a pair as somebody sees it.

    :param title: of its source, for people
    :param record: None where what it said is not kept
    """

    source: str
    title: str
    row: int
    customer_id: UUID
    state: str
    record: LegacyRecord | None


def priority_of(*, weight: float, reason: str, stakes: Sequence[Stake]) -> Decimal:
    """
    Say how much a decision teaches and how much hangs on it: the nearer to where nobody is asked, and the more money and products, the sooner.

    Pairs of a record that fits two rivals come first: one decision settles several.
    """
    uncertainty = 1 / (1 + abs(weight - _UNCERTAIN_AT) / 4)
    money = float(sum((one.monthly for one in stakes), Decimal(0)))
    products = sum(one.products for one in stakes)
    rival = 1.5 if reason == "rival" else 1.0
    return Decimal(str(round(uncertainty * rival * (1 + math.log1p(max(money, 0)) / 10 + math.log1p(products) / 10), 6)))


def prioritise(*, tx: Transaction, now: datetime) -> int:
    """Order the pairs that wait, and give how many they are; done again, it takes in what changed since."""
    rows = _review_store.unranked(tx)
    stakes = _stakes(tx, [customer for row in rows for customer in (row["customer_left"], row["customer_right"])], now)
    ranked = [
        (
            row["source_key_left"], row["source_key_right"],
            priority_of(
                weight=float(row["weight"]), reason=row["reason"],
                stakes=[stakes.get(one, NOTHING) for one in {row["customer_left"], row["customer_right"]}],
            ),
        )
        for row in rows
    ]  # fmt: skip
    _review_store.set_priorities(tx, ranked)
    return len(ranked)


def queue(*, tx: Transaction, limit: int, states: Sequence[str] = ("open",)) -> list[Review]:
    """
    Give the pairs of some states, the most telling first.

    :param limit: 1 to 1,000
    :raises InvalidInput: when it lies outside
    """
    if not 1 <= limit <= SHOWN_MAX:
        raise InvalidInput(f"The field limit must lie in 1 to {SHOWN_MAX}, not {limit}.", remedy="Ask for fewer pairs.", field="limit")
    return [_review(row) for row in _review_store.queue(tx, states, limit)]


def progress(*, tx: Transaction) -> Progress:
    """Give how many pairs wait and were decided."""
    counts = _review_store.counts(tx)
    reasons = tuple((row["reason"], row["pairs"]) for row in _review_store.reasons(tx))
    return Progress(counts.get("open", 0), counts.get("same", 0), counts.get("different", 0), counts.get("unsure", 0), reasons)


def pair(*, tx: Transaction, left: UUID, right: UUID) -> Review:
    """
    Give a pair.

    :raises NotFound: when there is none of these records
    """
    row = _review_store.pair(tx, left, right)
    if row is None:
        raise _no_pair()
    return _review(row)


def pair_named(*, tx: Transaction, name: str) -> Review:
    """
    Give the pair that somebody names: both pseudonyms, or their beginnings as `reviews` shows them, with a hyphen between.

    :raises NotFound: when no pair is called so
    :raises InvalidInput: when it is no name of a pair, or several are called so
    """
    left, _, right = name.strip().lower().partition("-") if len(name) < 40 else (name[:36], "-", name[37:])
    left, right = left.replace("-", ""), right.replace("-", "")
    if not (len(left) >= 8 and len(right) >= 8 and all(letter in "0123456789abcdef" for letter in left + right)):
        raise InvalidInput("That is no name of a pair.", remedy="Write it as `hoeksteen consolidate reviews` shows it.", field="pair")
    found = [
        _review(row) for row in _review_store.beginning_with(tx, left[:8], SHOWN_MAX)
        if row["source_key_left"].hex.startswith(left) and row["source_key_right"].hex.startswith(right)
    ]  # fmt: skip
    if not found:
        raise _no_pair()
    if len(found) > 1:
        raise InvalidInput("Several pairs are called so.", remedy="Write both pseudonyms in full; `--json` shows them.", field="pair")
    return found[0]


def neighbours(*, tx: Transaction, review: Review) -> tuple[Review | None, Review | None]:
    """Give the waiting pairs before and behind one in the queue."""
    before, behind = (_review_store.next_after(tx, review.priority, review.left, review.right, back=back) for back in (True, False))
    return (None if before is None else _review(before)), (None if behind is None else _review(behind))


def rivals(*, tx: Transaction, review: Review) -> list[Review]:
    """Give the other waiting pairs that one of its records is in."""
    return [_review(row) for row in _review_store.rivals(tx, review.left, review.right)]


def decisions(*, tx: Transaction, review: Review) -> list[Row]:
    """Give what was decided of a pair, by whom and when, the oldest first."""
    return _review_store.decisions(tx, review.left, review.right)


def stakes(*, tx: Transaction, reviews: Sequence[Review], now: datetime) -> dict[UUID, Stake]:
    """Give what hangs on the customers of some pairs."""
    return _stakes(tx, [customer for review in reviews for customer in review.customers], now)


def see(*, tx: Transaction, keeper: KeeperClient, review: Review) -> tuple[Seen, Seen]:
    """
    Show who the two records say that they are: identity and contact of both, entered in the keeper's log under the name of whoever looks.

    :param keeper: as the one who looks
    :raises AccessDenied: when they may not; nothing of either is shown
    """
    rows = _review_store.records(tx, review.left, review.right)
    kept = [row for row in rows if row["identity"] is not None]
    opened: dict[str, list[Mapping[str, Any]]] = {}
    for category in (Category.IDENTITY, Category.CONTACT):
        blobs = [(party_of(row["customer_id"]), bytes(row[category.value])) for row in kept]
        opened[category.value] = [one.fields for one in open_each(keeper=keeper, purpose=PURPOSE, category=category, blobs=blobs)] if blobs else []
    records = {
        row["source_key"]: record_of(row, identity, contact, {})
        for row, identity, contact in zip(kept, opened["identity"], opened["contact"], strict=True)
    }
    left, right = (
        Seen(row["source"], row["title"], row["source_row"], row["customer_id"], row["state"], records.get(row["source_key"])) for row in rows
    )  # fmt: skip
    return left, right


def decide(
    *, tx: Transaction, left: UUID, right: UUID, decision: Decision, why: str, by: str, now: datetime, digest: bytes | None = None
) -> Review:  # fmt: skip
    """
    Decide a pair; who decided it may think again, and `unsure` is anybody's to settle.

    :param why: a code of `WHY`
    :param by: who decides, as their log-in or their key proves it
    :param digest: of what they signed, where they signed
    :raises InvalidInput: when the decision or the reason is none
    :raises NotFound: when there is no such pair
    :raises Conflict: when somebody else decided otherwise; it names them
    """
    require_said(by=by)
    if decision not in WHY or why not in WHY[decision]:
        choices = WHY.get(decision)
        remedy = f"Choose {', '.join(choices)}." if choices else f"Decide {', '.join(WHY)}."
        raise InvalidInput("The field why is no reason for this." if choices else "That is no decision.", remedy=remedy, field="why")
    row = _review_store.pair(tx, left, right, lock=True)
    if row is None:
        raise _no_pair()
    if row["state"] in ("same", "different") and row["state"] != decision and row["decided_by"] != by:
        raise Conflict(
            f"{row['decided_by']} decided on {row['decided_at']:%Y-%m-%d} that they are {row['state']}.",
            remedy="Talk to them: they can take it back themselves.", decided_by=row["decided_by"],
        )  # fmt: skip
    if (row["state"], row["why"], row["decided_by"]) == (decision, why, by):
        return _review(row)
    _review_store.decide(tx, left, right, decision, why, by, now, digest)
    return pair(tx=tx, left=left, right=right)


def name_pair(*, tx: Transaction, one: UUID, other: UUID) -> Review:
    """
    Put two records on the list that no run was in doubt of, so that they can be decided.

    :raises NotFound: when one of them was not loaded
    :raises InvalidInput: when they are one record
    """
    if one == other:
        raise InvalidInput("That is one record.", remedy="Name two.", field="pair")
    if len(_record_store.owners_of(tx, [one, other])) < 2:
        raise NotFound("One of these records was not loaded.", remedy="`hoeksteen consolidate history CUSTOMER` names the records of a customer.")
    known = next((row for a, b in ((one, other), (other, one)) if (row := _review_store.pair(tx, a, b)) is not None), None)
    if known is not None:
        return _review(known)
    left, right = sorted((one, other))
    _review_store.add_pair(tx, left, right)
    return pair(tx=tx, left=left, right=right)


def merge_decided(
    *, database: Database, keeper: KeeperClient, lake: Lake, by: str, now: datetime, identifiers: Identifiers
) -> tuple[list[merging.Rearranged], list[tuple[Review, str]]]:  # fmt: skip
    """
    Carry out what was decided: let the pairs that are the same customer be one, each in a transaction of its own.

    What stands in the way of one stops no other. A pair is left where somebody decided that other records of the two customers are different.

    :param by: who has it done
    :returns: what was merged, and which pairs were not and why
    """
    done: list[merging.Rearranged] = []
    left: list[tuple[Review, str]] = []
    with database.transaction() as tx:
        waiting = [_review(row) for row in _review_store.to_merge(tx, _MERGED_AT_ONCE_MAX)]
    for review in waiting:
        try:
            with database.transaction() as tx:
                current = pair(tx=tx, left=review.left, right=review.right)
                if current.is_one_customer or current.state != "same":
                    continue
                done.append(
                    merging.merge(
                        tx=tx, keeper=keeper, lake=lake, customer_ids=current.customers, by=by,
                        why=f"pair {current.name}: {current.why}, decided by {current.decided_by}", now=now, identifiers=identifiers,
                    )
                )  # fmt: skip
        except (WrongState, Conflict) as error:
            left.append((review, str(error)))
    return done, left


def _stakes(tx: Transaction, customer_ids: Sequence[UUID], now: datetime) -> dict[UUID, Stake]:
    found = _review_store.stakes(tx, sorted(set(customer_ids)), now)
    return {customer_id: Stake(row["products"], row["monthly"]) for customer_id, row in found.items()}


def _no_pair() -> NotFound:
    return NotFound("There is no such pair.", remedy="`hoeksteen consolidate reviews` lists them.")


def _review(row: Row) -> Review:
    return Review(
        left=row["source_key_left"],
        right=row["source_key_right"],
        weight=row["weight"],
        reason=row["reason"],
        state=row["state"],
        steps=tuple(Step(*step) for step in row["steps"]),
        priority=row["priority"],
        why=row["why"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        customers=(row["customer_left"], row["customer_right"]),
        sources=(row["source_left"], row["source_right"]),
        rows=(row["row_left"], row["row_right"]),
    )
