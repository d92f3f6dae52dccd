"""Load on a running keeper: single reveals at a steady rate, and bulk sealing and opening by two clients."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from hoeksteen_keeper._link import Link
from hoeksteen_keeper.client import KeeperClient, SealItem

CLIENTS = 2
CONNECTIONS = 50
BATCH = 10_000
FIELDS = {
    "kind": "individual", "given_name": "Johanna", "initials": "J.M.", "family_name_prefix": "van den", "family_name": "Berg",
    "birth_date": "1970-01-31", "gender": "female", "maiden_name": None,
}  # fmt: skip
Batch = tuple[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Target:
    """
    A keeper that answers on a socket.

    :param key: of the service `bss`, whose standing grants for migration and billing run
    """

    socket: Path
    key: Path

    def client(self) -> KeeperClient:
        return KeeperClient(socket_path=self.socket, service="bss", key_path=self.key)

    def link(self) -> Link:
        """Give a bare connection, for bodies that are packed beforehand."""
        return Link(self.socket, "bss", self.key)


def bulk(target: Target, *, subjects: int) -> dict[str, float]:
    """
    Seal new subjects in batches, then open them all, from `CLIENTS` processes; each first packs its batches, so that the keeper is what is timed.

    :returns: `bulk_seal_per_second` and `bulk_reveal_per_second`, in subjects
    """
    shares = [[os.urandom(16 * BATCH) for _ in range(subjects // BATCH // CLIENTS)] for _ in range(CLIENTS)]
    count = sum(len(share) for share in shares) * BATCH
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(_warm, [target] * CLIENTS))
        began = time.perf_counter()
        sealed = list(pool.map(_seal, [target] * CLIENTS, shares))
        seal_seconds = time.perf_counter() - began
        list(pool.map(_keep, sealed))
        began = time.perf_counter()
        opened = sum(pool.map(_open, [target] * CLIENTS, sealed))
        reveal_seconds = time.perf_counter() - began
    if opened != count:
        raise AssertionError(f"{opened} of {count} subjects came back")
    return {"bulk_seal_per_second": round(count / seal_seconds), "bulk_reveal_per_second": round(count / reveal_seconds)}


def _warm(target: Target) -> None:
    with target.client() as client:
        client.seal(purpose="migration", category="identity", items=[SealItem(UUID(bytes=os.urandom(16), version=4), FIELDS)])


def _keep(_: object) -> None:
    """Let a worker process wake up with its share of the work."""


def _seal(target: Target, share: Sequence[bytes]) -> list[Batch]:
    payload = msgspec.Raw(msgspec.msgpack.encode(FIELDS))
    link = target.link()
    body = {"purpose": "migration", "category": "identity", "fields": [payload] * BATCH, "indexes": dict[str, Any](), "grant": None}
    return [(subjects, link.call("seal", {**body, "subjects": subjects}, "")) for subjects in share]


def _open(target: Target, batches: Sequence[Batch]) -> int:
    link = target.link()
    body = {"purpose": "billing", "category": "identity", "context": dict[str, Any](), "grant": None}
    return sum(len(link.call("reveal", {**body, "subjects": subjects, "blobs": blobs}, "")["fields"]) for subjects, blobs in batches)


def single(target: Target, *, rate: int, seconds: float) -> dict[str, Any]:
    """
    Open one subject per call, at a rate that does not wait for answers, over `CONNECTIONS` connections.

    Latency counts from the instant at which a call was due, so that a slow keeper cannot hide behind a client that waits.

    :returns: `reveal_p50_ms`, `reveal_p99_ms`, `reveals_per_second`, and `reveals_lost`: calls that were not answered with the data
    """
    subjects = [UUID(bytes=os.urandom(16), version=4) for _ in range(2_000)]
    with target.client() as client:
        blobs = client.seal(purpose="migration", category="identity", items=[SealItem(subject, FIELDS) for subject in subjects])
    token = target.link().service_token()
    calls = [_call(token, subject, blob) for subject, blob in zip(subjects, blobs, strict=True)]
    asyncio.run(_steadily(target.socket, calls, rate, 2.0))  # warm: the keeper's pools grow once
    latencies, took, lost = asyncio.run(_steadily(target.socket, calls, rate, seconds))
    latencies.sort()
    return {
        "reveal_p50_ms": round(latencies[len(latencies) // 2] * 1000, 2), "reveal_p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "reveals_per_second": round(len(latencies) / took), "reveals_lost": lost,
    }  # fmt: skip


def _call(token: str, subject: UUID, blob: bytes) -> bytes:
    body = msgspec.msgpack.encode(
        {"purpose": "billing", "category": "identity", "subjects": subject.bytes, "blobs": [blob], "context": {}, "grant": None}
    )
    head = f"POST /v1/reveal HTTP/1.1\r\nHost: keeper\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _steadily(socket: Path, calls: Sequence[bytes], rate: int, seconds: float) -> tuple[list[float], float, int]:
    latencies: list[float] = []
    lost = 0
    queues: list[asyncio.Queue[tuple[float, bytes] | None]] = [asyncio.Queue() for _ in range(CONNECTIONS)]

    async def connection(queue: asyncio.Queue[tuple[float, bytes] | None]) -> None:
        nonlocal lost
        reader, writer = await asyncio.open_unix_connection(str(socket))
        while (item := await queue.get()) is not None:
            due, call = item
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - due)
            lost += b" 200 " not in head[:16]
        writer.close()

    running = [asyncio.create_task(connection(queue)) for queue in queues]
    began, sent = time.perf_counter(), 0
    while sent < rate * seconds:
        while sent < rate * seconds and began + sent / rate <= time.perf_counter():
            queues[sent % CONNECTIONS].put_nowait((began + sent / rate, calls[sent % len(calls)]))
            sent += 1
        await asyncio.sleep(0.0005)
    for queue in queues:
        queue.put_nowait(None)
    await asyncio.gather(*running)
    return latencies, time.perf_counter() - began, lost + sent - len(latencies)
