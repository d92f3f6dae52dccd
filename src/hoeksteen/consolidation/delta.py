"""
Taking over what changed in the old systems after the first copy of a wave, until it is frozen.

What a customer is follows from their records alone. So whoever has a record that changed is taken away and made again from what is given now, under
the same identifiers and numbers. Whom people changed here meanwhile is left as they are, and named: what was done here wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from hoeksteen.consolidation import _store, _wave_store, standing
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carrying import Carried, Work, carry
from hoeksteen.consolidation.model import Cluster, Extract
from hoeksteen.consolidation.rollback import take_away
from hoeksteen.consolidation.runs import RunKind
from hoeksteen.consolidation.waves import WaveScope, WaveState, require_state, rules
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.model import ProductStatus
from hoeksteen.product.operations import terminate
from hoeksteen.product.queries import terms
from hoeksteen.receivables.carried_over import customers_with_settled_items
from hoeksteen.storage.postgres import Transaction


@dataclass(slots=True)
class TakenOver:
    """
    What a delta did, as pseudonyms of customers.

    :param renewed: who were made again from what is given now
    :param ended: whose products ended, because their record is given no more
    :param removed: who were taken away for that, or lost what that record held
    :param changed_here: who changed there and were changed here as well: they stay, and somebody looks
    :param left: who changed there in a way that cannot be taken over: a record is rejected by now, or another is gone
    """

    renewed: list[UUID] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)
    removed: list[UUID] = field(default_factory=list)
    changed_here: list[UUID] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)

    def as_json(self) -> dict[str, list[str]]:
        """Give the lists for `--json`."""
        return {name: [str(one) for one in getattr(self, name)] for name in self.__dataclass_fields__}


class _DeltaScope(WaveScope):
    """A wave of which what changed comes anew."""

    def __init__(self, *, wave: str, work: Work) -> None:
        super().__init__(wave=wave, by=work.by, now=work.clock.now())
        self._today: date = local_day(self.now)
        self.taken = TakenOver()

    def choose(
        self, *, tx: Transaction, clusters: Sequence[Cluster], records: Staged, extracts: Sequence[Extract],
        owner_of: dict[UUID, UUID],
    ) -> Sequence[Cluster]:  # fmt: skip
        changes = {
            found.source: {
                "new": sum(record_id not in owner_of for record_id in found.records.record_ids()),
                "changed": len(found.changed),
                "gone": len(found.gone),
            }
            for found in extracts
        }
        self._renew(tx, extracts, owner_of)
        chosen = super().choose(tx=tx, clusters=clusters, records=records, extracts=extracts, owner_of=owner_of)
        self.changes = changes
        return chosen

    def _renew(self, tx: Transaction, extracts: Sequence[Extract], owner_of: dict[UUID, UUID]) -> None:
        given = {record_id for found in extracts for record_id in found.records.record_ids()}
        changed = {record_id for found in extracts for record_id in found.changed}
        gone = {record_id for found in extracts for record_id in found.gone}
        owners = sorted({owner_of[record_id] for record_id in changed | gone})
        rows = [row for row in _wave_store.standing_of(tx, owners).values() if row["wave"] == self.wave]
        here = {one.customer_id for one in standing.touched(tx, rows).values() if one.changed or one.billed}
        here |= customers_with_settled_items(tx=tx, customer_ids=[row["customer_id"] for row in rows])  # what was paid stays
        mine: dict[UUID, set[UUID]] = {row["customer_id"]: set() for row in rows}
        for record_id, owner in owner_of.items():
            if owner in mine:
                mine[owner].add(record_id)
        rule = next(one for one in rules(tx) if one.wave == self.wave)
        anew: list[UUID] = []
        for customer_id in sorted(mine):
            lost, differs = mine[customer_id] & gone, mine[customer_id] & changed
            if customer_id in here:
                self.taken.changed_here.append(customer_id)
            elif differs - given or (lost and differs and rule.gone == "end"):
                self.taken.left.append(customer_id)
            elif lost and rule.gone == "end":
                self._end(tx, customer_id, lost)
            else:
                anew.append(customer_id)
                (self.taken.removed if lost else self.taken.renewed).append(customer_id)
        self._take_anew(tx, anew, mine, gone, extracts, owner_of)

    def _take_anew(
        self, tx: Transaction, anew: Sequence[UUID], mine: dict[UUID, set[UUID]], gone: set[UUID], extracts: Sequence[Extract],
        owner_of: dict[UUID, UUID],
    ) -> None:  # fmt: skip
        assert self.keeper is not None  # for the type checker: a run has one before it loads
        take_away(tx, self.keeper, anew, now=self.now, with_holds=False)
        released = {record_id for customer_id in anew for record_id in mine[customer_id]}
        _wave_store.forget_waiting(tx, sorted(released & gone))
        for record_id in released:
            del owner_of[record_id]
        for found in extracts:
            settled = (found.changed | found.gone) & released
            if settled:
                rows = {found.records.row(place) for place, record_id in enumerate(found.records.record_ids()) if record_id in settled}
                found.changed -= settled
                found.gone -= settled
                found.findings = [
                    one
                    for one in found.findings
                    if not (one.code == "changed_since_loaded" and int(one.place.rpartition(":")[2]) in rows)
                    and not (one.code == "gone_since_loaded" and not found.gone)
                ]
                _store.replace_findings(tx, found.source, found.findings)

    def _end(self, tx: Transaction, customer_id: UUID, lost: set[UUID]) -> None:
        """End what a record held that is given no more; whoever has nothing left stays a customer, for their last bill."""
        products = _wave_store.products_of_records(tx, customer_id, sorted(lost))
        last = {term.product_id: term.status for term in sorted(terms(tx=tx, customer_ids=[customer_id]), key=lambda term: term.valid_from)}
        running = [product_id for product_id in products if last.get(product_id) not in (None, ProductStatus.TERMINATED)]
        for product_id in running:
            terminate(tx=tx, customer_id=customer_id, product_id=product_id, from_day=self._today, now=self.now)
        if running:
            self.taken.ended.append(customer_id)
            standing.keep(tx, self.wave or "", [customer_id])


def delta(*, work: Work, wave: str) -> tuple[Carried, TakenOver]:
    """
    Take over what changed since a wave was copied: who is new, changed, or gone.

    :raises NotFound: when there is no such wave
    :raises WrongState: when it was not copied yet, or is frozen already
    """
    with work.database.transaction() as tx:
        require_state(tx, wave, WaveState.COPIED)
    scope = _DeltaScope(wave=wave, work=work)
    carried = carry(work=work, kind=RunKind.DELTA, wave=wave, scope=scope)
    with work.database.transaction() as tx:
        _wave_store.add_step(tx, wave, "delta", work.by, work.clock.now(), carried.run.run_id)
    return carried, scope.taken


def freeze(*, work: Work, wave: str) -> tuple[Carried, TakenOver]:
    """
    Take the last delta of a wave, and refuse any more.

    :raises WrongState: when it was not copied yet, or is frozen already
    """
    carried, taken = delta(work=work, wave=wave)
    with work.database.transaction() as tx:
        require_state(tx, wave, WaveState.COPIED)
        _wave_store.set_state(tx, wave, WaveState.FROZEN, work.by, work.clock.now(), carried.run.run_id, None)
    return carried, taken
