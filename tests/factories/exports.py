"""Three invented exports, and what a consolidation of them needs."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.operations import consolidate
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.report import Report
from hoeksteen.disclosure import KeeperClient
from hoeksteen.storage.postgres import Database
from hoeksteen.synth.operator import invent

MONTH, CUTOVER = date(2026, 10, 1), date(2026, 11, 1)
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
FILES = {"fixed": "fixed.csv", "mobile": "mobile.jsonl", "broadband": "broadband.sqlite"}


def invent_exports(folder: Path, *, customers: int, seed: int) -> Path:
    """The exports of an invented operator, in a folder that does not exist yet."""
    invent(directory=folder, customers=customers, seed=seed, month=MONTH, records_per_line=1)
    return folder


def sources(folder: Path, names: Sequence[str] = tuple(FILES)) -> list[Source]:
    """The shipped mappings with these exports."""
    return [Source(Path(name), folder / FILES[name]) for name in names]


def key_of(name: str) -> Pseudonyms:
    """A pseudonym key of the test's own, so that tests that share a keeper share no subject."""
    return Pseudonyms(hashlib.sha256(name.encode()).digest())


def bring_in(
    database: Database, keeper: KeeperClient, folder: Path, key: str, names: Sequence[str] = tuple(FILES), *,
    given: Sequence[Source] | None = None, progress: Callable[[str, int, int], None] | None = None, batch: int = 100,
    pseudonyms: Pseudonyms | None = None, processes: int | None = None,
) -> Report:  # fmt: skip
    """Consolidate these exports and hold the outcome against the truth."""
    return consolidate(
        database=database,
        keeper=keeper,
        sources=sources(folder, names) if given is None else given,
        pseudonyms=pseudonyms or key_of(key),
        cutover=CUTOVER,
        now=NOW,
        truth=folder / "truth.parquet" if (folder / "truth.parquet").exists() else None,
        clusters_per_batch=batch,
        progress=progress,
        processes=processes,
    )


TABLES = (
    "party.party", "party.customer", "party.billing_account", "party.agreement", "product.product", "product.product_term",
    "product.price_alteration",
    "product.resource", "disclosure.sealed", "consolidation.source_record", "consolidation.source_product",
    "consolidation.review", "consolidation.finding", "consolidation.carried_record", "party.consent", "care.note", "care.dispute",
    "receivables.carried_item", "receivables.mandate",
)  # fmt: skip


def rows_of(database: Database) -> dict[str, set[str]]:
    """Every row that a consolidation writes, as text, without what differs between runs: sealed bytes, and numbers from a sequence."""
    found: dict[str, set[str]] = {}
    drop = {"disclosure.sealed": "blob", "care.note": "blob", "party.customer": "customer_number", "party.billing_account": "billing_account_number"}
    with database.transaction() as tx:
        for table in (*TABLES, "consolidation.lineage"):
            without = f" - '{drop[table]}'" if table in drop else ""
            rows: list[dict[str, Any]] = tx.rows(f"SELECT (to_jsonb(t){without})::text AS line FROM {table} t")
            found[table] = {row["line"] for row in rows}
    return found
