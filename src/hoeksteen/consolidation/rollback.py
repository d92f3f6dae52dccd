"""
Rolling a wave back: its customers are taken away as if they had never come, and its records wait again.

What was sealed is withdrawn, not shredded: the same customers come again with the next copy, under the same identifiers. In batches, each in one
transaction, so that after any interruption the same command goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hoeksteen.billing.credit_notes import credit_bill, credit_notes_of
from hoeksteen.billing.holding import forget_trials_and_holds, hold_customers
from hoeksteen.billing.queries import bill_by_number, bills_of
from hoeksteen.consolidation import _record_store, _store, _wave_store, standing
from hoeksteen.consolidation._carried import take_back_carried
from hoeksteen.consolidation._sealing import INDEXES
from hoeksteen.consolidation.carrying import PURPOSE, SEALED
from hoeksteen.consolidation.runs import RunKind, recorded
from hoeksteen.consolidation.standing import Touched
from hoeksteen.consolidation.waves import WaveState, require_state
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import withdraw
from hoeksteen.disclosure.queries import bulk_grant
from hoeksteen.kernel.clock import Clock
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.party.operations import remove_customers
from hoeksteen.party.queries import billing_accounts_of, customers
from hoeksteen.product.operations import remove_products_of
from hoeksteen.storage.postgres import Database, Transaction

CUSTOMERS_PER_BATCH = 1_000
_BEGINS_FROM = tuple(state for state in WaveState if state is not WaveState.ROLLED_BACK)


@dataclass(slots=True)
class RolledBack:
    """
    What a roll back came to.

    :param customers: who were taken away, and `records` of theirs that wait again
    :param kept: who stayed because something happened with them meanwhile
    :param credited: the credit notes on final bills of theirs; the old system bills them again
    :param not_credited: final bills that a person has to look at, such as those of a sale in parts
    """

    run_id: UUID
    customers: int = 0
    records: int = 0
    kept: list[Touched] = field(default_factory=list)
    credited: list[str] = field(default_factory=list)
    not_credited: list[str] = field(default_factory=list)


def roll_back(
    *, database: Database, keeper: KeeperClient, wave: str, by: str, force: bool, clock: Clock, identifiers: Identifiers,
    customers_per_batch: int = CUSTOMERS_PER_BATCH,
) -> RolledBack:  # fmt: skip
    """
    Take the customers of a wave away, so that all is as it was before it was copied.

    Customers with whom something happened here meanwhile (who called, paid, were billed, or were changed at the desk) stop it.

    :param force: keep those customers, and take the others away; what was billed of them is credited whole, and they are held from being billed
    :raises NotFound: when there is no such wave
    :raises WrongState: when it was rolled back already
    :raises Conflict: with who stops it; nothing was taken away
    :raises AccessDenied: when no bulk grant for `migration` runs
    """
    grant = bulk_grant(keeper=keeper, purpose=PURPOSE, categories=SEALED)
    run_id = identifiers.new(clock.now())
    with recorded(database=database, run_id=run_id, kind=RunKind.ROLLBACK, wave=wave, by=by, grant_id=grant, clock=clock) as (_, outcome):
        with database.transaction() as tx:
            if not _store.lock(tx):
                raise Conflict("Another consolidation is running.", remedy="Wait until it is done, then run this again.")
            ours = keeper.within(grant=grant, reference=str(run_id))
            done = _taken_away(database, ours, wave, by, force, clock, run_id, customers_per_batch)
            for one in done.kept:
                if one.billed:
                    _credit(database, wave, one.customer_id, by, clock, identifiers, done)
        outcome.figures = {
            "customers": done.customers, "records": done.records, "kept": len(done.kept), "credited": done.credited,
            "not_credited": done.not_credited,
        }  # fmt: skip
    return done


def _credit(
    database: Database, wave: str, customer_id: UUID, by: str, clock: Clock, identifiers: Identifiers, done: RolledBack
) -> None:  # fmt: skip
    """A final bill is never taken away: credit what is left of it, and bill nothing more here. Done again it credits nothing twice."""
    with database.transaction() as tx:
        hold_customers(tx=tx, customer_ids=[customer_id], by=by, why=f"wave {wave}: rolled back, the old system bills again", now=clock.now())
        numbers = [bill.bill_number for bill in bills_of(tx=tx, customer_id=customer_id) if bill.gross > 0 and bill.bill_number is not None]
    for number in numbers:
        try:
            with database.transaction() as tx:
                notes = credit_notes_of(tx=tx, customer_id=customer_id, customer_bill_id=bill_by_number(tx=tx, bill_number=number).customer_bill_id)
                why = f"wave {wave} was rolled back"
                if any(note.why == why for note in notes):
                    continue
                note = credit_bill(tx=tx, number=number, lines=None, why=why, by=by, now=clock.now(), identifiers=identifiers)
                done.credited.append(str(note.bill_number))
        except WrongState:  # credited by somebody before, sold in parts, or the books are closed: named, and left to people
            done.not_credited.append(number)


def who_stops(tx: Transaction, wave: str) -> list[Touched]:
    """Give the customers of a wave with whom something happened since they were taken over."""
    return [one for rows in standing.pages(tx, wave) for one in standing.touched(tx, rows).values()]


def _taken_away(
    database: Database, keeper: KeeperClient, wave: str, by: str, force: bool, clock: Clock, run_id: UUID, batch: int
) -> RolledBack:  # fmt: skip
    done = RolledBack(run_id)
    with database.transaction() as tx:
        row = require_state(tx, wave, *_BEGINS_FROM)
        done.kept = who_stops(tx, wave)
        if done.kept and not force:
            raise _stopped(wave, done.kept)
        if row["state"] != WaveState.ROLLING_BACK:
            _wave_store.set_state(tx, wave, WaveState.ROLLING_BACK, by, clock.now(), run_id, None)
    stay = {one.customer_id for one in done.kept}
    after: UUID | None = None
    while True:
        with database.transaction() as tx:
            rows = _wave_store.standing(tx, wave, after, batch)
            if not rows:
                _wave_store.set_state(tx, wave, WaveState.ROLLED_BACK, by, clock.now(), run_id, None)
                return done
            after = rows[-1]["customer_id"]
            late = [one for one in standing.touched(tx, rows).values() if one.customer_id not in stay]  # who called just now stays, too
            done.kept += late
            stay |= {one.customer_id for one in late}
            ids = [one["customer_id"] for one in rows if one["customer_id"] not in stay]
            done.records += take_away(tx, keeper, ids, now=clock.now())
            done.customers += len(ids)


def take_away(tx: Transaction, keeper: KeeperClient, customer_ids: Sequence[UUID], *, now: datetime, with_holds: bool = True) -> int:
    """
    Take some customers away with everything of theirs, and give how many records wait again.

    :param with_holds: their holds and trial bills go, too; not when the same customers come again at once
    """
    found = customers(tx=tx, customer_ids=customer_ids)
    accounts = billing_accounts_of(tx=tx, customer_ids=customer_ids)
    _wave_store.keep_numbers(
        tx, [(one.customer_id, one.customer_number, accounts[one.customer_id][0].billing_account_number) for one in found]
    )  # fmt: skip
    for category, indexes in INDEXES.items():
        withdraw(tx=tx, keeper=keeper, purpose=PURPOSE, category=category, subjects=[one.party_id for one in found], indexes=indexes)
    if with_holds:
        forget_trials_and_holds(tx=tx, customer_ids=customer_ids)
    _record_store.forget_sealed(tx, customer_ids)
    take_back_carried(tx=tx, customer_ids=customer_ids, now=now)
    remove_products_of(tx=tx, customer_ids=customer_ids)
    remove_customers(tx=tx, customer_ids=customer_ids)
    return _wave_store.records_wait_again(tx, customer_ids)


def _stopped(wave: str, kept: Sequence[Touched]) -> Conflict:
    shown = "; ".join(f"{one.customer_id} ({', '.join((*one.changed, *one.happened))})" for one in kept[:20])
    more = f", and {len(kept) - 20:,} more" if len(kept) > 20 else ""
    return Conflict(
        f"Something happened with {len(kept):,} customers of the wave {wave} since they came: {shown}{more}.",
        remedy="Add --force to keep those customers and take the others away; final bills of theirs are credited then.",
    )
