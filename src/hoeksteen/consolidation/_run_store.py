"""SQL of runs, and of the reports that people signed off."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_RUN = "SELECT run_id, kind, wave, state, started_by, started_at, finished_at, grant_id, sources, figures FROM consolidation.run"


def insert_run(tx: Transaction, run_id: UUID, kind: str, wave: str, by: str, now: datetime, grant_id: str) -> None:
    sql = """
        INSERT INTO consolidation.run (run_id, kind, wave, state, started_by, started_at, grant_id) VALUES (%s, %s, %s, 'running', %s, %s, %s)
    """
    tx.execute(sql, (run_id, kind, wave, by, now, grant_id))


def end_run(tx: Transaction, run_id: UUID, state: str, now: datetime) -> None:
    tx.execute("UPDATE consolidation.run SET state = %s, finished_at = %s WHERE run_id = %s", (state, now, run_id))


def keep_outcome(
    tx: Transaction, run_id: UUID, sources: Sequence[Mapping[str, Any]], figures: Mapping[str, Any], report: Mapping[str, Any] | None
) -> None:  # fmt: skip
    sql = "UPDATE consolidation.run SET sources = %s, figures = %s, report = %s WHERE run_id = %s"
    tx.execute(sql, (json.dumps(list(sources)), json.dumps(dict(figures)), None if report is None else json.dumps(report), run_id))


def runs(tx: Transaction, limit: int) -> list[Row]:
    return tx.rows(_RUN + " ORDER BY started_at DESC, run_id LIMIT %s", (limit,))


def run(tx: Transaction, run_id: UUID) -> Row | None:
    return tx.row(_RUN + " WHERE run_id = %s", (run_id,))


def report_of(tx: Transaction, run_id: UUID | None) -> dict[str, Any] | None:
    """Give the report of a run, or of the newest one that has any and was no rehearsal."""
    sql = """
        SELECT report FROM consolidation.run
        WHERE report IS NOT NULL AND CASE WHEN %(run)s::uuid IS NULL THEN kind <> 'rehearsal' ELSE run_id = %(run)s END
        ORDER BY started_at DESC LIMIT 1
    """
    found: dict[str, Any] | None = tx.value(sql, {"run": run_id})
    return found


def report_with(tx: Transaction, sha256: str) -> dict[str, Any] | None:
    """Give the report with a digest."""
    found: dict[str, Any] | None = tx.value("SELECT report FROM consolidation.run WHERE report ->> 'sha256' = %s LIMIT 1", (sha256,))
    return found


def insert_signature(tx: Transaction, report_sha256: bytes, by: str, now: datetime, run_id: UUID, text_sha256: bytes) -> None:
    sql = """
        INSERT INTO consolidation.report_signature (report_sha256, signed_by, signed_at, run_id, text_sha256) VALUES (%s, %s, %s, %s, %s)
    """
    tx.execute(sql, (report_sha256, by, now, run_id, text_sha256))


def signatures(tx: Transaction, report_sha256: bytes) -> list[Row]:
    sql = """
        SELECT signed_by, signed_at, run_id, text_sha256 FROM consolidation.report_signature WHERE report_sha256 = %s ORDER BY signed_at, signed_by
    """
    return tx.rows(sql, (report_sha256,))
