"""The keeper's parts by themselves, and the physical limit beside them: bare ciphers, the log, its proofs, its verifier, could-see."""

import hashlib
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.access.decisions import Who
from hoeksteen_keeper.access.over_time import permissions, permissions_between
from hoeksteen_keeper.access.policies import digest_of, shipped
from hoeksteen_keeper.bench.service import BATCH, CLIENTS
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log, connections
from hoeksteen_keeper.evidence.merkle import HASH_BYTES, inclusion_proof, perfect_root
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.tiles import TILE_WIDTH, TileStore, tile_path
from hoeksteen_keeper.store.database import Store, migrate
from hoeksteen_keeper.verify.formats import read_key
from hoeksteen_keeper.verify.tilelog import check_log

_ORIGIN, _SIGNING = "bench.example/log", "bench-signing"
_PAYLOAD_BYTES = 160
_APPEND = 5_000
_GRANT_DAYS = 100
_START = datetime(2021, 11, 1, tzinfo=UTC)


def bare(*, subjects: int) -> dict[str, float]:
    """Do the ciphers of `seal` and `reveal` alone, on as many processes as there are clients: unwrap a key, work with it, make a tag."""
    with ProcessPoolExecutor(CLIENTS) as pool:
        list(pool.map(_bare_reveal, [1] * CLIENTS))
        share = subjects // CLIENTS
        began = time.perf_counter()
        list(pool.map(_bare_seal, [share] * CLIENTS))
        seal_seconds = time.perf_counter() - began
        began = time.perf_counter()
        list(pool.map(_bare_reveal, [share] * CLIENTS))
        reveal_seconds = time.perf_counter() - began
    return {"bare_seal_per_second": round(subjects / seal_seconds), "bare_reveal_per_second": round(subjects / reveal_seconds)}


def _bare_seal(count: int) -> None:
    epoch, key, nonce, payload, tagged = AESGCM(bytes(32)), os.urandom(32), os.urandom(12), bytes(_PAYLOAD_BYTES), hashlib.sha256
    for _ in range(count):
        epoch.encrypt(nonce, key, nonce)
        AESGCM(key).encrypt(nonce, payload, nonce)
        tagged(key + nonce).digest()


def _bare_reveal(count: int) -> None:
    epoch, key, nonce, tagged = AESGCM(bytes(32)), os.urandom(32), os.urandom(12), hashlib.sha256
    wrapped, sealed = epoch.encrypt(nonce, key, nonce), AESGCM(key).encrypt(nonce, bytes(_PAYLOAD_BYTES), nonce)
    for _ in range(count):
        AESGCM(epoch.decrypt(nonce, wrapped, nonce)).decrypt(nonce, sealed, nonce)
        tagged(key + nonce).digest()


def log(*, dsn: str, folder: Path, entries: int) -> dict[str, float]:
    """
    Append entries in batches to a new log, from as many processes as there are clients, as the keeper's workers do.

    Beside it a plain COPY of as many bytes; then the verifier checks it all.
    """
    signer, store = NoteSigner.generate(_ORIGIN), Store(dsn)
    signer.save(folder / _SIGNING)
    store.open()
    migrate(store)
    made = _log(dsn, folder)
    try:
        with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
            list(pool.map(_append, [(dsn, folder, 1)] * CLIENTS))
            began = time.perf_counter()
            list(pool.map(_append, [(dsn, folder, entries // _APPEND // CLIENTS)] * CLIENTS))
            append_seconds = time.perf_counter() - began
        copy_seconds = _plain_copy(store, entries)
        made.checkpoint()
        began = time.perf_counter()
        head, _ = check_log(folder / "tiles", [read_key(str(signer.verifier))], [])
        verify_seconds = time.perf_counter() - began
    finally:
        made.pool.close()
        store.close()
    appended = entries // _APPEND // CLIENTS * CLIENTS * _APPEND
    return {
        "log_entries_per_second": round(appended / append_seconds), "copy_rows_per_second": round(entries / copy_seconds),
        "verify_entries_per_second": round(head.size / verify_seconds), "log_entries": appended,
    }  # fmt: skip


def _log(dsn: str, folder: Path) -> Log:
    pool = connections(dsn)
    pool.open()
    return Log(
        pool=pool, home=folder, origin=_ORIGIN, signer=NoteSigner.load(folder / _SIGNING), log_key=bytes(32), now=lambda: datetime.now(UTC),  # noqa: TID251 a benchmark's log
        random_bytes=os.urandom,
    )  # fmt: skip


def _append(task: tuple[str, Path, int]) -> None:
    dsn, folder, batches = task
    made = _log(dsn, folder)
    batch = [_look(number) for number in range(_APPEND)]  # the same events each time: every entry gets a nonce of its own
    for _ in range(batches):
        made.append(batch)
    made.pool.close()


def _look(number: int) -> Event:
    detail = {"masked": False, "ticket": "T", "medium": "desk", "count": 1, "session": "s", "customer_on_the_line": True}
    return Event(
        "disclosure", f"agent{number % 100}", "lage-landen", "reveal", "identity", "care", subjects=(UUID(int=number % 100_000 + 1),), detail=detail
    )


def _plain_copy(store: Store, rows: int) -> float:
    row = (b"x" * 330, b"y" * 360)
    with store.transaction() as tx:
        tx.execute("CREATE TABLE plain (index bigint, leaf bytea, body bytea)")
        began = time.perf_counter()
        with tx.cursor() as cursor, cursor.copy("COPY plain FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("int8", "bytea", "bytea"))
            for index in range(rows):
                copy.write_row((index, *row))
        took = time.perf_counter() - began
        tx.execute("DROP TABLE plain")
    return took


def proof(*, folder: Path, size: int) -> dict[str, float]:
    """Give the time of one inclusion proof, from the tiles of a tree of `size` entries, of which no node is in memory."""
    home = folder / "large"
    level, count = 0, size
    hashes = hashlib.sha256(b"leaf").digest() * TILE_WIDTH
    while count:
        full, rest = divmod(count, TILE_WIDTH)
        for number in range(full + (rest > 0)):
            path = home / tile_path(f"tile/{level}", number, TILE_WIDTH if number < full else rest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(hashes if number < full else hashes[: rest * HASH_BYTES])
        hashes = perfect_root(hashes) * TILE_WIDTH
        level, count = level + 1, full
    store, tries = TileStore(Files(home)), 200
    began = time.perf_counter()
    for number in range(tries):
        inclusion_proof(store.tree(size), number * 49_999_999 % size, size)
    took = time.perf_counter() - began
    shutil.rmtree(home)
    return {"inclusion_proof_ms": round(took / tries * 1000, 2), "inclusion_proof_log_size": size}


def could_see(*, dsn: str, folder: Path, actors: int) -> dict[str, float]:
    """Ask who could see one subject, now and ever, of a log that holds many actors and five years of grants that began and ended."""
    store = Store(dsn)
    store.open()
    migrate(store)
    pool = connections(dsn)
    pool.open()
    try:
        clock = [_START]
        made = Log(
            pool=pool, home=folder / "five-years", origin=_ORIGIN, signer=NoteSigner.generate(_ORIGIN), log_key=bytes(32),
            now=lambda: clock[0], random_bytes=os.urandom,
        )  # fmt: skip
        events = _five_years(actors)
        for start in range(0, len(events), BATCH):
            clock[0] += timedelta(days=5 * 365 * BATCH // max(len(events), 1))
            made.append(events[start : start + BATCH])
        began = time.perf_counter()
        answer = permissions(queries.state_at(made, clock[0]), UUID(int=7))
        took = time.perf_counter() - began
        began = time.perf_counter()
        ever = permissions_between(queries.state_at(made, clock[0]), UUID(int=7), Who(), since=_START)
        took_ever = time.perf_counter() - began
    finally:
        pool.close()
        store.close()
    return {
        "could_see_seconds": round(took, 3), "could_ever_see_seconds": round(took_ever, 3), "could_see_actors": actors,
        "could_see_facts": len(events), "could_see_answers": len(answer), "could_ever_see_answers": len(ever),
    }  # fmt: skip


def _five_years(actors: int) -> list[Event]:
    policies = shipped()
    roles = ("care_agent", "billing_manager", "migration_engineer", "technician")
    events = [
        Event(
            "organisation", organisation=name, action="add", detail={"organisation": name, "name": name, "country": country, "operator": name == "op"}
        )
        for name, country in (("op", "NL"), ("vendor", "SG"))
    ]
    events.append(Event("policy", action="in_force", detail={"version": 1, "digest": policies.digest, "text": policies.text}))
    for number in range(actors):
        role = roles[number % 4]
        detail = {"actor": f"a{number}", "name": f"A{number}", "organisation": "vendor" if role == "technician" else "op", "roles": [role],
                  "kind": "person", "status": "active"}  # fmt: skip
        events.append(Event("actor", action="add", detail=detail))
    until = _START + timedelta(days=5 * 365)
    for day in range(5 * 365):  # a grant a day, over after some weeks; every three days somebody leaves, every quarter the policies change
        asker, grant = f"a{day * 4 % actors + 3}", f"{day:032x}"
        facts = {
            "id": grant, "asker": asker, "organisation": "vendor", "purpose": "support", "categories": ["identity"], "ticket": "T", "unmasked": False,
            "subjects": "listed", "subjects_max": 10, "per_hour": 5, "per_day": 10, "valid_from": _START.isoformat(), "valid_to": until.isoformat(),
        }  # fmt: skip
        about = (UUID(int=7),)
        events += [Event("grant", action=event, subjects=about, detail={"event": event, "grant": facts}) for event in ("requested", "running")]
        if day >= _GRANT_DAYS:
            over = {"event": "revoked", "grant": {"id": f"{day - _GRANT_DAYS:032x}"}}
            events.append(Event("grant", action="revoked", subjects=about, detail=over))
        if day % 3 == 0:
            events.append(Event("kill", action="kill", detail={"scope": "actor", "target": f"a{day * 5 % actors}"}))
        if day % 91 == 90:
            text = f"{policies.text}\n// as of day {day}\n"
            events.append(Event("policy", action="in_force", detail={"version": 2 + day // 91, "digest": digest_of(text), "text": text}))
    return events
