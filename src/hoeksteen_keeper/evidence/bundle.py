"""
Evidence bundles: one file by which somebody can check, with a tool that is not ours, what was done with their data.

The bundle holds the leaves of every entry of a range, bound to a signed checkpoint by one range proof; the subject's
key, by which the verifier finds the subject's entries among them; and the bodies of those entries only. What the keeper
left out would show as a leaf that carries the subject's tag and has no body. Layout: docs/evidence.md.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import read_entry
from hoeksteen_keeper.evidence.errors import InvalidNote, TooMuch, WitnessRefused
from hoeksteen_keeper.evidence.find import about, period
from hoeksteen_keeper.evidence.merkle import Node, inclusion_proof, range_proof
from hoeksteen_keeper.evidence.model import JSON
from hoeksteen_keeper.evidence.notes import Checkpoint, to_base64
from hoeksteen_keeper.evidence.replay import StateAt, state_at
from hoeksteen_keeper.evidence.witness import cosign

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log

FORMAT = "hoeksteen.evidence.bundle.v1"
ENTRIES_MAX = 1_000_000


def export_bundle(log: "Log", *, subject: UUID, since: datetime | None = None, until: datetime | None = None) -> bytes:
    """
    Give everything that proves what happened to a subject's data in [since, until), and that nothing is left out.

    The entry before and the one after the period are in it too, so that its borders are proven. The log's witnesses are
    asked to cosign; one that does not answer leaves the bundle with one cosignature less.

    :raises TooMuch: when the period holds more than `ENTRIES_MAX` entries
    """
    state = state_at(log, None)
    note = log.checkpoint()
    for key, add_checkpoint in log.witnesses:
        with suppress(WitnessRefused, InvalidNote, OSError):
            note = cosign(log, note, key=key, add_checkpoint=add_checkpoint)
    checkpoint = Checkpoint.parse(note)
    tree = log.tiles.tree(checkpoint.size)
    subject_key = log.scribe.subject_key(subject)
    with _store.connected(log.pool) as tx:
        first, last = period(tx, since, until)
        first, last = max(0, min(first, checkpoint.size) - 1), min(checkpoint.size, last + 1)
        if last - first > ENTRIES_MAX:
            raise TooMuch("too_much", f"The period holds {last - first} entries; ask for a shorter one.")
        rows = _store.entries(tx, first, last)
        opened = {row.index: row for row in _store.rows_of(tx, about(tx, subject_key, first, last))}
        facts = _store.rows_of(tx, sorted(set(_facts(state, opened.values())) - set(opened)))
    bundle: dict[str, JSON] = {
        "format": FORMAT,
        "log": str(log.signer.verifier),
        "witnesses": [str(key) for key, _ in log.witnesses],
        "checkpoint": note.decode(),
        "subject_key": to_base64(subject_key),
        "first": first,
        "leaves": [to_base64(row.leaf) for row in rows],
        "proof": [to_base64(item) for item in range_proof(tree, first, last, checkpoint.size)] if rows else [],
        "chunks": {str(row.index): to_base64(row.chunk) for row in rows if row.chunk is not None},
        "bodies": {str(row.index): to_base64(row.body) for row in opened.values()},
        "facts": [_fact(row, tree, checkpoint.size) for row in facts],
    }
    return json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _facts(state: StateAt, rows: Iterable[_store.Row]) -> Iterable[int]:
    """Give the entries that say who the actors, their organisations and their grants were."""
    actors: set[str] = set()
    for row in rows:
        event = read_entry(row.index, row.leaf, row.body, row.chunk).event
        actors.add(event.actor)
        if grant := state.grant(event.grant):
            actors |= {grant.grant.get("asker", ""), *(approval.get("approver", "") for approval in grant.approvals)}
            yield from grant.indexes
    for actor in actors & state.actors.keys():
        yield state.actors[actor]["index"]
        organisation = state.actors[actor].get("organisation", "")
        if organisation in state.organisations:
            yield state.organisations[organisation]["index"]


def _fact(row: _store.Row, tree: Node, size: int) -> JSON:
    proof = [to_base64(item) for item in inclusion_proof(tree, row.index, size)]
    return {"index": row.index, "leaf": to_base64(row.leaf), "body": to_base64(row.body), "proof": proof}
