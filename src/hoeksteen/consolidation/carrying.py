"""Carrying a run out: under a bulk grant that two people approved, with its row, and with its reconciliation as a document that can be signed off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.operations import CLUSTERS_PER_BATCH, Progress, consolidate
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.report import Report
from hoeksteen.consolidation.runs import Run, RunKind, recorded
from hoeksteen.consolidation.scope import Scope
from hoeksteen.consolidation.signoff import document_of
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.queries import bulk_grant
from hoeksteen.kernel.clock import Clock
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Database

PURPOSE = "migration"
SEALED = (Category.IDENTITY, Category.CONTACT, Category.PAYMENT, Category.NOTE)


@dataclass(frozen=True, slots=True)
class Work:
    """
    What every run is given.

    :param keeper: speaks as the batch service
    :param by: who begins it; a name of the keeper's
    :param truth: which records are one person, for precision and recall
    """

    database: Database
    keeper: KeeperClient
    identifiers: Identifiers
    clock: Clock
    sources: Sequence[Source]
    pseudonyms: Pseudonyms
    cutover: date
    by: str
    progress: Progress | None = None
    truth: Path | None = None
    clusters_per_batch: int = CLUSTERS_PER_BATCH


@dataclass(frozen=True, slots=True)
class Carried:
    """What a run came to; `document` is its report as it is signed off, and `changes` per source what it found new, changed and gone."""

    run: Run
    report: Report
    document: dict[str, Any]
    changes: dict[str, dict[str, int]]


class _Unsealing(KeeperClient):
    """What a rehearsal speaks to instead of the keeper: nothing is sealed, and nothing is found."""

    def __init__(self) -> None:
        """Open no connection."""

    def seal(self, *, purpose: str, category: str, items: Sequence[SealItem], grant: str | None = None) -> list[bytes]:
        return [b"\0"] * len(items)


def carry(*, work: Work, kind: RunKind, wave: str = "", scope: Scope | None = None) -> Carried:
    """
    Bring exports in, or rehearse that, as one run.

    A rehearsal does all that the run would do within one transaction that is rolled back, and seals nothing: same report, same counts.

    :param scope: which customers it takes; all of them where none is given
    :raises AccessDenied: with the reason `no_grant`, before a file is read, when no bulk grant for `migration` runs
    :raises Conflict: when another run is under way
    """
    grant = bulk_grant(keeper=work.keeper, purpose=PURPOSE, categories=SEALED)
    scope = scope or Scope()
    run_id = work.identifiers.new(work.clock.now())
    with recorded(database=work.database, run_id=run_id, kind=kind, wave=wave, by=work.by, grant_id=grant, clock=work.clock) as (run, outcome):
        keeper = scope.keeper = work.keeper.within(grant=grant, reference=str(run_id))
        if kind in (RunKind.REHEARSAL, RunKind.VERIFICATION):
            with work.database.rehearsal() as database:
                report = _consolidated(work, database, _Unsealing(), scope)
        else:
            report = _consolidated(work, work.database, keeper, scope)
        outcome.sources = scope.given
        outcome.figures = {"customers": report.customers, "closes": report.closes, "changes": scope.changes}
        document = document_of(report=report, run=run, sources=scope.given, cutover=work.cutover, made_at=work.clock.now())
        outcome.report = {**document}
    return Carried(run, report, document, scope.changes)


def _consolidated(work: Work, database: Database, keeper: KeeperClient, scope: Scope) -> Report:
    return consolidate(
        database=database, keeper=keeper, sources=work.sources, pseudonyms=work.pseudonyms, cutover=work.cutover, now=work.clock.now(),
        progress=work.progress, truth=work.truth, clusters_per_batch=work.clusters_per_batch, scope=scope,
    )  # fmt: skip
