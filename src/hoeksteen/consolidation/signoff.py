"""
Signing a reconciliation off: the report as a document with a digest, and the people who put their names under it.

The document is JSON. Its `sha256` is that of the same document without this field, written with sorted names and no spaces, so that whoever has
the file can compute it. What a person signs names that digest; the keeper checks whose signature it is and keeps it in its log.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _run_store
from hoeksteen.consolidation.report import Report
from hoeksteen.consolidation.runs import Run
from hoeksteen.disclosure.decisions import Signer
from hoeksteen.kernel.errors import Conflict, Corrupt, InvalidInput, NotFound
from hoeksteen.storage.postgres import Transaction

TYPE = "hoeksteen reconciliation"
VERSION = 1
WHAT = "sign a reconciliation off"
SIGNS = "migration_engineer"


@dataclass(frozen=True, slots=True)
class Signature:
    """That a person signed a report off; `text_sha256` is that of what they signed, under which the keeper's log has it."""

    signed_by: str
    signed_at: datetime
    text_sha256: str


def document_of(*, report: Report, run: Run, sources: list[dict[str, Any]], cutover: date, made_at: datetime) -> dict[str, Any]:
    """
    Give a report as the document that is signed off, with its digest.

    :param sources: per source its name, title, digest and number of records
    """
    titles = {source.name: source.title for source in report.sources}
    figures = report.as_json()
    document = {
        "type": TYPE, "version": VERSION, "made_at": made_at.isoformat(), "cutover": cutover.isoformat(),
        "run": {
            "run_id": str(run.run_id), "kind": str(run.kind), "wave": run.wave, "started_by": run.started_by,
            "started_at": run.started_at.isoformat(), "grant": run.grant_id,
        },
        **figures,
        "sources": [{"title": titles[one["name"]], **_given(sources, one["name"]), **one} for one in figures["sources"]],
    }  # fmt: skip
    return {**document, "sha256": digest_of(document).hex()}


def _given(sources: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = next((one for one in sources if one["name"] == name), None)
    return {} if found is None else {"export_sha256": found["sha256"]}


def digest_of(document: Mapping[str, Any]) -> bytes:
    """Give the SHA-256 of a document, without the field that holds it."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()


def as_text(document: Mapping[str, Any]) -> str:
    """Give a document as it stands in a file, for people to read as well."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read_document(text: str) -> dict[str, Any]:
    """
    Read a report from a file.

    :raises InvalidInput: when it is no such report
    :raises Corrupt: when it says something else than when it was made
    """
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except ValueError as error:
        raise InvalidInput("The file is no JSON.", remedy="Name the file that `hoeksteen consolidate report --out FILE.json` wrote.") from error
    if not isinstance(document, dict) or document.get("type") != TYPE or document.get("version") != VERSION:
        raise InvalidInput(f"The file is no {TYPE}.", remedy="Name the file that `hoeksteen consolidate report --out FILE.json` wrote.")
    if document.get("sha256") != digest_of(document).hex():
        raise Corrupt(
            "The report was changed since it was made: its digest is another one.", remedy="Have it written anew with `hoeksteen consolidate report`."
        )
    return document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Give an object whose names stand once each: of two the last would count, and people read the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Corrupt(
            "The report was changed since it was made: a name stands in it twice.", remedy="Have it written anew with `hoeksteen consolidate report`."
        )
    return found


def facts_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Give what somebody signs with a report: its digest, and in a few words what it says."""
    sources = document["sources"]
    return {
        "report_sha256": document["sha256"],
        "run_id": document["run"]["run_id"],
        "wave": document["run"]["wave"] or "everything",
        "records": str(sum(source["records_in"] for source in sources)),
        "customers": str(document["customers"]),
        "closes": "yes" if document["closes"] else "no",
    }


def ours(*, tx: Transaction, sha256: str) -> dict[str, Any]:
    """
    Give the report that this installation made and that has a digest.

    :raises NotFound: when no run here made it
    """
    found = _run_store.report_with(tx, sha256)
    if found is None:
        raise NotFound("No run here made this report.", remedy="Look at `hoeksteen consolidate runs`, and write the report anew.")
    return found


def sign_off(*, tx: Transaction, document: Mapping[str, Any], signer: Signer, now: datetime) -> None:
    """
    Keep that a person signed a report off; the keeper has entered it into its log before.

    :param document: as `ours` gives it
    :raises Conflict: when they signed it already
    """
    run_id, digest = UUID(document["run"]["run_id"]), bytes.fromhex(document["sha256"])
    if any(row["signed_by"] == signer.actor for row in _run_store.signatures(tx, digest)):
        raise Conflict("You signed this report already.", remedy="Nothing is left to do; `hoeksteen consolidate report --check FILE` shows it.")
    _run_store.insert_signature(tx, digest, signer.actor, now, run_id, signer.digest)


def signatures(*, tx: Transaction, document: Mapping[str, Any]) -> list[Signature]:
    """Give who signed a report off, the first one first."""
    rows = _run_store.signatures(tx, bytes.fromhex(document["sha256"]))
    return [Signature(row["signed_by"], row["signed_at"], bytes(row["text_sha256"]).hex()) for row in rows]


def report_of(*, tx: Transaction, run_id: UUID | None = None) -> dict[str, Any]:
    """
    Give the report of a run, or of the newest one that wrote something.

    :raises NotFound: when there is none
    """
    found = _run_store.report_of(tx, run_id)
    if found is None:
        raise NotFound("No run has a report.", remedy="Bring exports in first; `hoeksteen consolidate runs` lists the runs.")
    return found
