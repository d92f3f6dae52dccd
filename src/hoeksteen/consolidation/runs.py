"""
Runs: each time that exports are read, with who began it, within which grant, what was given, and what came of it.

A run's row is there before the first file is read, so that one that was killed is seen as `running`, or as `failed` once it said so.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _run_store
from hoeksteen.kernel.clock import Clock
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.words import require_said
from hoeksteen.storage.postgres import Database, Row, Transaction

RUNS_LISTED_MAX = 1_000


class RunKind(StrEnum):
    """What a run was for."""

    PLAN = "plan"
    REHEARSAL = "rehearsal"
    COPY = "copy"
    DELTA = "delta"
    VERIFICATION = "verification"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run.

    :param wave: empty when it was about everything at once
    :param grant_id: the keeper's bulk grant within which it ran
    :param sources: per source its name, the SHA-256 of what was given and the number of records
    :param figures: what came of it
    """

    run_id: UUID
    kind: RunKind
    wave: str
    state: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None = None
    grant_id: str = ""
    sources: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the run for `--json`."""
        return {
            "run_id": str(self.run_id), "kind": str(self.kind), "wave": self.wave, "state": self.state, "started_by": self.started_by,
            "started_at": self.started_at.isoformat(), "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "grant": self.grant_id, "sources": list(self.sources), "figures": dict(self.figures),
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What a run hands to its row when it ends; `report` is the reconciliation as it is signed off."""

    sources: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] | None = None


@contextmanager
def recorded(
    *, database: Database, run_id: UUID, kind: RunKind, wave: str = "", by: str, grant_id: str = "", clock: Clock
) -> Iterator[tuple[Run, Outcome]]:  # fmt: skip
    """
    Keep the row of a run while the block runs: it begins as `running` and ends as `done`, or as `failed` when the block raises.

    :param by: who began it; a name of the keeper's, never a customer's
    """
    require_said(by=by)
    began = clock.now()
    with database.transaction() as tx:
        _run_store.insert_run(tx, run_id, str(kind), wave, by, began, grant_id)
    outcome = Outcome()
    try:
        yield Run(run_id, kind, wave, "running", by, began, None, grant_id), outcome
    except Exception:
        with database.transaction() as tx:
            _run_store.end_run(tx, run_id, "failed", clock.now())
        raise
    with database.transaction() as tx:
        _run_store.keep_outcome(tx, run_id, outcome.sources, outcome.figures, outcome.report)
        _run_store.end_run(tx, run_id, "done", clock.now())


def runs(*, tx: Transaction, limit: int = 50) -> list[Run]:
    """
    Give the newest runs.

    :param limit: 1 to 1,000
    :raises InvalidInput: when `limit` lies outside its bounds
    """
    if not 1 <= limit <= RUNS_LISTED_MAX:
        raise InvalidInput(f"The field limit must lie in 1 to {RUNS_LISTED_MAX}, not {limit}.", remedy="Ask for fewer runs.")
    return [_from_row(row) for row in _run_store.runs(tx, limit)]


def run(*, tx: Transaction, run_id: UUID) -> Run:
    """
    Give one run.

    :raises NotFound: when there is none with this identifier
    """
    row = _run_store.run(tx, run_id)
    if row is None:
        raise NotFound("No run has this identifier.", remedy="Look at the list with `hoeksteen consolidate runs`.", run_id=run_id)
    return _from_row(row)


def _from_row(row: Row) -> Run:
    return Run(**{**row, "kind": RunKind(row["kind"])})
