"""
Waves: customers come over in parts, each planned, copied, frozen, switched and verified, or rolled back.

Each step is one command that may be typed again: what was done is left as it is. Out of order it is refused, with what comes first.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec

from hoeksteen.billing.holding import hold_customers, release_customers
from hoeksteen.consolidation import _wave_store, standing
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carrying import Carried, Work, carry
from hoeksteen.consolidation.model import Cluster, Extract, LegacyRecord
from hoeksteen.consolidation.runs import RunKind
from hoeksteen.consolidation.scope import Scope
from hoeksteen.consolidation.wave_rules import Chooser, Wave
from hoeksteen.kernel.clock import Clock
from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.words import require_said
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product.operations import open_from
from hoeksteen.storage.postgres import Database, Row, Transaction


class WaveState(StrEnum):
    """How far a wave is."""

    PLANNED = "planned"
    COPIED = "copied"
    FROZEN = "frozen"
    SWITCHED = "switched"
    VERIFIED = "verified"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


BEFORE_COPY = (WaveState.PLANNED, WaveState.ROLLED_BACK)
_REMEDIES = {
    WaveState.PLANNED: "Copy it first with `hoeksteen consolidate copy --wave NAME`.",
    WaveState.ROLLED_BACK: "Copy it again with `hoeksteen consolidate copy --wave NAME`.",
    WaveState.COPIED: "Freeze it first with `hoeksteen consolidate freeze --wave NAME`.",
    WaveState.FROZEN: "Switch it first with `hoeksteen consolidate switch --wave NAME`.",
    WaveState.SWITCHED: "Its customers are billed here: change them at the desk, or roll the wave back.",
    WaveState.VERIFIED: "Its customers are billed here: change them at the desk, or roll the wave back.",
    WaveState.ROLLING_BACK: "Let `hoeksteen consolidate rollback --wave NAME` go on first.",
}


@dataclass(frozen=True, slots=True)
class WaveStatus:
    """
    A wave as it stands.

    :param customers: who are here; `records` of theirs
    :param waiting: records of it that wait
    :param steps: (state, by whom, when, run) in order
    """

    wave: str
    state: WaveState
    cutover: date | None
    customers: int
    records: int
    waiting: int
    steps: tuple[tuple[str, str, datetime, UUID | None], ...]

    def as_json(self) -> dict[str, Any]:
        """Give the wave for `--json`."""
        return {
            "wave": self.wave, "state": str(self.state), "cutover": self.cutover.isoformat() if self.cutover else None,
            "customers": self.customers, "records": self.records, "waiting": self.waiting,
            "steps": [
                {"state": state, "by": by, "at": at.isoformat(), "run_id": str(run_id) if run_id else None} for state, by, at, run_id in self.steps
            ],
        }  # fmt: skip


def waves(*, tx: Transaction) -> list[WaveStatus]:
    """Give every wave, in the order of their rules."""
    counts, steps = _wave_store.counts(tx), _wave_store.steps(tx)
    found = []
    for row in _wave_store.waves(tx):
        name = row["wave"]
        count = counts.get(name) or {"customers": 0, "records": 0, "waiting": 0}
        own = tuple((step["state"], step["by_whom"], step["at"], step["run_id"]) for step in steps if step["wave"] == name)
        found.append(WaveStatus(name, WaveState(row["state"]), row["cutover"], count["customers"], count["records"], count["waiting"], own))
    return found


def waiting_in_no_wave(*, tx: Transaction) -> int:
    """Give how many records no rule names: they wait until one does."""
    return _wave_store.count_waiting_nowhere(tx)


def rules(tx: Transaction) -> list[Wave]:
    """Give the rules of the waves, in their order."""
    return [msgspec.convert(row["rule"], Wave) for row in _wave_store.waves(tx)]


def require_state(tx: Transaction, wave: str, *allowed: WaveState) -> Row:
    """
    Give a wave that nobody else moves until commit, once it is in one of these states.

    :raises NotFound: when there is no such wave
    :raises WrongState: with what comes first
    """
    row = _wave_store.lock_wave(tx, wave)
    if row is None:
        raise NotFound(f"There is no wave {wave}.", remedy="Look at the list with `hoeksteen consolidate waves`.")
    state = WaveState(row["state"])
    if state not in allowed:
        raise WrongState(f"The wave {wave} is {state.replace('_', ' ')}.", remedy=_REMEDIES[state].replace("NAME", wave))
    return row


def hold_reason(wave: str) -> str:
    """Give why customers of a wave are not billed yet."""
    return f"wave {wave}: billed by the old system until the switch"


class WaveScope(Scope):
    """
    One wave of the customers, or none of them: then all that is not here waits.

    :param wave: which one is loaded now
    """

    def __init__(self, *, wave: str | None, by: str, now: datetime) -> None:
        super().__init__()
        self.wave, self.by, self.now = wave, by, now
        self.planned: dict[str, dict[str, int]] = {}

    def choose(
        self, *, tx: Transaction, clusters: Sequence[Cluster], records: Staged, extracts: Sequence[Extract],
        owner_of: dict[UUID, UUID],
    ) -> Sequence[Cluster]:  # fmt: skip
        super().choose(tx=tx, clusters=clusters, records=records, extracts=extracts, owner_of=owner_of)
        chooser, in_wave = Chooser(rules(tx)), _wave_store.wave_of_customers(tx)
        stays_in = _wave_store.waiting_in_begun(tx, BEFORE_COPY)
        chosen: list[Cluster] = []
        waiting: list[_wave_store.WaitingRow] = []
        in_order = sorted(extracts, key=lambda found: not found.matched)  # as the records are
        ends = list(accumulate(len(found.records) for found in in_order))
        for cluster in clusters:
            fresh = [place for place in cluster.members if records.record_id(place) not in owner_of]
            if not fresh:
                continue
            wave = self._wave_of(cluster, records, owner_of, in_wave, stays_in, chooser)
            takes = wave is not None and wave == self.wave
            if takes:
                chosen.append(cluster)
            for place in fresh:
                of, record_id = in_order[bisect_right(ends, place)], records.record_id(place)
                waiting.append((of.source, record_id, records.digest(place), records.row(place), wave))
                if not takes:
                    of.waiting.add(record_id)
            self._count(wave, records[cluster.members[0]], len(fresh))
        _wave_store.replace_waiting(tx, [found.source for found in extracts], waiting, self.now)
        return chosen

    def _wave_of(
        self, cluster: Cluster, records: Staged, owner_of: Mapping[UUID, UUID], in_wave: Mapping[UUID, str], stays_in: Mapping[UUID, str],
        chooser: Chooser,
    ) -> str | None:  # fmt: skip
        """
        New records go with the customer whose they are, and else by the rules, by the founder of the cluster.

        Who was in a wave that is copied stays in it, whatever became of what its rule asks: a delta takes customers away to make them anew.
        """
        for place in cluster.members:
            owner = owner_of.get(records.record_id(place))
            if owner is not None and owner in in_wave:
                return in_wave[owner]
        for place in cluster.members:
            if (stays := stays_in.get(records.record_id(place))) is not None:
                return stays
        found = chooser.wave_of(records[cluster.members[0]])
        return None if found is None else found.wave

    def _count(self, wave: str | None, founder: LegacyRecord, records: int) -> None:
        segment = "business" if founder.kind == "organization" else "consumer"
        counts = self.planned.setdefault(wave or "", {"customers": 0, "records": 0, "consumer": 0, "business": 0})
        for name, more in (("customers", 1), ("records", records), (segment, 1)):
            counts[name] += more

    def changed_here(self, *, tx: Transaction, customer_ids: Sequence[UUID]) -> set[UUID]:
        rows = list(_wave_store.standing_of(tx, customer_ids).values())
        return {one.customer_id for one in standing.touched(tx, rows).values() if one.changed}

    def arriving(
        self, *, tx: Transaction, record_ids: Sequence[UUID], customers: list[NewCustomer], billing_accounts: list[NewBillingAccount]
    ) -> None:  # fmt: skip
        _wave_store.forget_waiting(tx, record_ids)
        had = _wave_store.take_kept_numbers(tx, [one.customer_id for one in customers])
        customers[:] = [replace(one, customer_number=had[one.customer_id][0]) if one.customer_id in had else one for one in customers]
        billing_accounts[:] = [
            replace(one, billing_account_number=had[one.customer_id][1]) if one.customer_id in had else one for one in billing_accounts
        ]

    def loaded(self, *, tx: Transaction, customer_ids: Sequence[UUID]) -> None:
        if self.wave is None or not customer_ids:
            return
        hold_customers(tx=tx, customer_ids=customer_ids, by=self.by, why=hold_reason(self.wave), now=self.now)
        _wave_store.put_in_wave(tx, self.wave, customer_ids)
        standing.keep(tx, self.wave, customer_ids)


def plan(*, work: Work, waves: Sequence[Wave]) -> tuple[Carried, dict[str, dict[str, int]]]:
    """
    Plan waves: keep their rules, read all exports, and let every record wait in its wave; give how many customers and records are in each.

    Planning again renews it. The rule of a wave that was copied stays as it is.

    :returns: the run, and per wave (empty for none) its customers and records, consumers and businesses
    :raises WrongState: when a wave that was copied is gone from the file, or has another rule
    """
    require_said(by=work.by)
    with work.database.transaction() as tx:
        begun = {row["wave"]: row["rule"] for row in _wave_store.waves(tx) if row["state"] not in BEFORE_COPY}
        rules_now = {wave.wave: msgspec.to_builtins(wave) for wave in waves}
        for name, rule in begun.items():
            if rules_now.get(name) != rule:
                raise WrongState(
                    f"The wave {name} was copied, and the file has another rule for it, or none.", remedy="Leave its rule as it was, or roll it back."
                )
        _wave_store.replace_waves(tx, [(wave.wave, place, rules_now[wave.wave]) for place, wave in enumerate(waves)], list(begun))
    scope = WaveScope(wave=None, by=work.by, now=work.clock.now())
    carried = carry(work=work, kind=RunKind.PLAN, scope=scope)
    with work.database.transaction() as tx:
        for wave in waves:
            if wave.wave not in begun:
                _wave_store.add_step(tx, wave.wave, WaveState.PLANNED, work.by, work.clock.now(), carried.run.run_id)
    return carried, scope.planned


def rehearse(*, work: Work, wave: str | None = None) -> Carried:
    """
    Do all that a copy of a wave would do, or of everything, and leave nothing of it but the run's own row.

    :raises NotFound: when there is no such wave
    :raises WrongState: when it was copied and frozen already
    """
    if wave is None:
        return carry(work=work, kind=RunKind.REHEARSAL)
    with work.database.transaction() as tx:
        require_state(tx, wave, *BEFORE_COPY, WaveState.COPIED)
    return carry(work=work, kind=RunKind.REHEARSAL, wave=wave, scope=WaveScope(wave=wave, by=work.by, now=work.clock.now()))


def copy(*, work: Work, wave: str) -> Carried:
    """
    Load the customers of a wave, and hold them from being billed here until the switch. Done again it goes on, and takes who is new.

    :raises NotFound: when there is no such wave
    :raises WrongState: when it was frozen already, or is being rolled back
    """
    with work.database.transaction() as tx:
        require_state(tx, wave, *BEFORE_COPY, WaveState.COPIED)
    carried = carry(work=work, kind=RunKind.COPY, wave=wave, scope=WaveScope(wave=wave, by=work.by, now=work.clock.now()))
    with work.database.transaction() as tx:
        require_state(tx, wave, *BEFORE_COPY, WaveState.COPIED)
        _wave_store.set_state(tx, wave, WaveState.COPIED, work.by, work.clock.now(), carried.run.run_id, work.cutover)
    return carried


def switch(*, database: Database, wave: str, cutover: date, by: str, clock: Clock) -> int:
    """
    Let a frozen wave be billed here from the cutover day on, and give how many customers that is; their holds are lifted.

    :raises WrongState: when it is not frozen
    """
    require_said(by=by)
    with database.transaction() as tx:
        row = require_state(tx, wave, WaveState.FROZEN, WaveState.SWITCHED)
        if row["state"] == WaveState.SWITCHED:
            return sum(len(rows) for rows in standing.pages(tx, wave))
        count = 0
        for rows in standing.pages(tx, wave):
            ids = [one["customer_id"] for one in rows]
            changed = {one.customer_id for one in standing.touched(tx, rows).values() if one.changed}
            open_from(tx=tx, customer_ids=ids, was=row["cutover"], becomes=cutover)
            release_customers(tx=tx, customer_ids=ids, by=by, why=hold_reason(wave), now=clock.now())
            standing.keep(tx, wave, [one for one in ids if one not in changed])
            count += len(ids)
        _wave_store.set_state(tx, wave, WaveState.SWITCHED, by, clock.now(), None, cutover)
    return count
