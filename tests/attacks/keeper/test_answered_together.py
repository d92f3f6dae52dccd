"""Reveals that come together are answered as one group: nobody gets another's data, a bad call spoils no other, no answer lacks its entry."""

import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from fixtures.keeper import RunningKeeper, new_subject
from fixtures.waiting import wait_until
from hoeksteen_keeper.client import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused, KeeperUnavailable, SealItem

AT_ONCE = 40
ANSWERED_MIN = 100  # before the keeper is struck down


def _sealed(keeper: RunningKeeper, count: int) -> list[tuple[UUID, bytes]]:
    items = [SealItem(subject := new_subject(), {"given_name": str(subject)}) for _ in range(count)]
    return list(zip([item.subject for item in items], keeper.client("bss").seal(purpose="migration", category="identity", items=items), strict=True))


def _entries(keeper: RunningKeeper) -> int:
    return int(keeper.sql("SELECT count(*) FROM evidence.entry WHERE kind = 'disclosure' AND actor = 'bss'"))


def test_a_bad_call_among_many_spoils_no_other(keeper: RunningKeeper) -> None:
    bss, held, seeded = keeper.client("bss"), _sealed(keeper, AT_ONCE), random.Random(5)
    expected = {
        "shifted": (KeeperInvalid, "blob_invalid|unknown_key"), "cut": (KeeperInvalid, "blob_invalid"),
        "category": (KeeperInvalid, "unknown_category"),
        "grant": (KeeperInvalid, "unknown_grant"), "token": (KeeperRefused, "token_expired"), "purpose": (KeeperRefused, "no_grant"),
    }  # fmt: skip

    def call(number: int) -> str:
        subject, blob = held[number]
        kind = seeded.choice(["good", "good", "good", *expected]) if number % 2 else "good"
        wanted = {
            "shifted": {"items": [(held[number - 1][0], blob)]}, "cut": {"items": [(subject, blob[:-1])]}, "category": {"category": "secrets"},
            "grant": {"grant": "none"}, "purpose": {"purpose": "care"},
        }.get(kind, {})  # fmt: skip
        client = bss.as_actor("not a token") if kind == "token" else bss
        asked = {"purpose": "billing", "category": "identity", "items": [(subject, blob)], **wanted}
        if kind == "good":
            (found,) = client.reveal(**asked)
            assert found.fields == {"given_name": str(subject)}
        else:
            with pytest.raises(expected[kind][0], match=expected[kind][1]):
                client.reveal(**asked)
        return kind

    before = _entries(keeper)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [kind for _ in range(8) for kind in pool.map(call, range(AT_ONCE))]
    assert done.count("good") > 100 and set(done) == {"good", *expected}
    assert _entries(keeper) - before >= done.count("good") + done.count("purpose")  # a refusal is an entry too


def test_who_hangs_up_stops_nobody(keeper: RunningKeeper) -> None:
    [(subject, blob)], bss = _sealed(keeper, 1), keeper.client("bss")
    body = msgspec.msgpack.encode(
        {"purpose": "billing", "category": "identity", "subjects": subject.bytes, "blobs": [blob], "context": {}, "grant": None}
    )
    head = f"POST /v1/reveal HTTP/1.1\r\nHost: keeper\r\nAuthorization: Bearer x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for cut in (len(head) - 2, len(head), len(head) + 20, len(head) + len(body)):
        for _ in range(10):
            with socket.socket(socket.AF_UNIX) as caller:
                caller.connect(str(keeper.socket_path))
                caller.sendall((head + body)[:cut])
        (found,) = bss.reveal(purpose="billing", category="identity", items=[(subject, blob)])
        assert found.fields == {"given_name": str(subject)}


def _hammer(keeper: RunningKeeper, held: list[tuple[UUID, bytes]], strike: object) -> int:
    """Reveal from many threads until the keeper is struck down, and give how many answers with data came."""
    answered, lock, over, bss = [0], threading.Lock(), threading.Event(), keeper.client("bss")

    def work(number: int) -> None:
        subject, blob = held[number]
        while not over.is_set():
            try:
                (found,) = bss.reveal(purpose="billing", category="identity", items=[(subject, blob)])
            except KeeperError as error:
                assert isinstance(error, KeeperUnavailable | KeeperCorrupt), error
                return
            assert found.fields == {"given_name": str(subject)}
            with lock:
                answered[0] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(held))]
    for thread in threads:
        thread.start()
    wait_until(lambda: answered[0] > ANSWERED_MIN)
    assert callable(strike)
    strike()
    for thread in threads:
        thread.join(60)
    over.set()
    return answered[0]


def _workers(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_killed_at_any_instant_no_answer_lacks_its_entry(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    held, process = _sealed(keeper, 20), keeper.process
    assert process is not None
    before, workers = _entries(keeper), _workers(process.pid)
    assert len(workers) >= 2
    answered = _hammer(keeper, held, lambda: os.kill(workers[0], signal.SIGKILL))  # one worker: the whole keeper stops
    assert process.wait(30) != 0 and "worker_lost" in (keeper.folder / "keeper.log").read_text("utf-8")
    keeper.start()
    assert answered > ANSWERED_MIN and _entries(keeper) - before >= answered
    process = keeper.process
    assert process is not None
    before, workers = _entries(keeper), _workers(process.pid)
    answered = _hammer(keeper, held, process.kill)
    process.wait(30)
    for worker in workers:  # none outlives the keeper, with keys in its memory
        for _ in range(100):
            with suppress(ProcessLookupError, FileNotFoundError):
                if Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    time.sleep(0.1)
                    continue
            break
        else:
            raise AssertionError(f"the worker {worker} lives on")
    keeper.start()
    assert answered > ANSWERED_MIN and _entries(keeper) - before >= answered
    assert keeper.client("chris.smit").fsck()["ok"]


def test_a_worker_that_dies_with_a_call_half_read_stops_the_keeper(own_keeper: RunningKeeper) -> None:
    keeper, process = own_keeper, own_keeper.process
    assert process is not None
    for worker in _workers(process.pid):
        os.kill(worker, signal.SIGSTOP)
    items = [SealItem(new_subject(), {"text": "x" * 1000}) for _ in range(2_000)]
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(keeper.client("bss").seal, purpose="migration", category="note", items=items)
        time.sleep(1.0)  # until more was written than its socket holds, and nothing of it read
        for worker in _workers(process.pid):
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(KeeperUnavailable, match="worker_lost|answer_lost|keeper_unreachable"):
            waits.result(30)
    assert process.wait(30) != 0 and "worker_lost" in (keeper.folder / "keeper.log").read_text("utf-8")
