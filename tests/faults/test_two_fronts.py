"""Two keepers that serve one database and one folder of tiles: one log, one view, and one of them may die at any instant."""

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import pytest

from fixtures.keeper import RunningKeeper, free_port, new_subject
from fixtures.waiting import wait_until
from hoeksteen_keeper.client import KeeperError, KeeperRefused, KeeperUnavailable, SealItem
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.tiles import TileStore
from hoeksteen_keeper.service.clock import now

THREADS, SIGNING_THREADS = 6, 2
ANSWERED_MIN = 100  # by a front before the other is killed, and again after it
CARE = {"purpose": "billing", "category": "identity"}


@contextmanager
def two_fronts(keeper: RunningKeeper) -> Iterator[tuple[RunningKeeper, RunningKeeper]]:
    """Give the keeper, and a second process that serves the same database and home on a socket and a port of its own."""
    second = dataclasses.replace(keeper, socket_path=keeper.folder / "run" / "second.sock", port=free_port(), process=None, _clients={}, _sessions={})
    second.start()
    try:
        yield keeper, second
    finally:
        second.stop()


class Views:
    """Every checkpoint that somebody could have read while the block ran: by size its root, and whether the size ever went back."""

    def __init__(self, tiles: TileStore) -> None:
        self._tiles, self._over = tiles, threading.Event()
        self.roots: dict[int, set[bytes]] = {}
        self.went_back: list[tuple[int, int]] = []
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Views":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        last = 0
        while not self._over.wait(0.002):
            note = self._tiles.read_checkpoint()
            if note is not None:
                seen = Checkpoint.parse(note)
                self.roots.setdefault(seen.size, set()).add(seen.root)
                if seen.size < last:
                    self.went_back.append((last, seen.size))
                last = seen.size

    def check(self) -> None:
        size = max(self.roots)
        tree = self._tiles.tree(size)
        assert len(self.roots) > 2 and not self.went_back
        assert {size: {tree(0, size)} for size in self.roots} == self.roots


class Load:
    """
    Threads that reveal through one front until it is gone, and the tickets of the answers that came with data.

    Others have bundles made all the time, each of which makes the front integrate and sign what was appended until then.
    """

    def __init__(self, front: RunningKeeper, name: str, item: tuple[UUID, bytes]) -> None:
        self.front, self.name, self.item = front, name, item
        self.answered: set[str] = set()
        self.errors: list[KeeperError] = []
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(THREADS)]
        self._threads += [threading.Thread(target=self._sign) for _ in range(SIGNING_THREADS)]

    def _ask(self, number: int) -> None:
        bss, count = self.front.client("bss"), 0
        while not self.over.is_set():
            ticket, count = f"{self.name}-{number}-{count}", count + 1
            try:
                bss.reveal(**CARE, items=[self.item], context={"ticket": ticket})
            except KeeperError as error:
                self.errors.append(error)
                return
            self.answered.add(ticket)

    def _sign(self) -> None:
        dewi = self.front.client("dewi.hoekstra")
        while not self.over.is_set():
            try:
                dewi.export_bundle(subject=self.item[0], since=now())
            except KeeperError as error:
                self.errors.append(error)
                return

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(60)


def tickets(keeper: RunningKeeper) -> set[str]:
    told = "convert_from(body, 'UTF8')::jsonb->'detail'->>'ticket'"
    return set(keeper.sql(f"SELECT {told} FROM evidence.entry WHERE kind = 'disclosure' AND actor = 'bss'").split())


def test_each_of_two_fronts_is_killed_under_load(own_keeper: RunningKeeper) -> None:
    subject = new_subject()
    (blob,) = own_keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    with two_fronts(own_keeper) as fronts, Views(TileStore(Files(own_keeper.home / "tiles"))) as views:
        for killed in (0, 1):
            kill_one(own_keeper, fronts[killed], fronts[1 - killed], (subject, blob), name=f"K{killed}")
    views.check()
    assert "the log is closed" not in (own_keeper.folder / "keeper.log").read_text("utf-8")


def kill_one(keeper: RunningKeeper, dead: RunningKeeper, alive: RunningKeeper, item: tuple[UUID, bytes], *, name: str) -> None:
    """Kill one front with -9 while both append, and start it again."""
    loads = [Load(front, f"{name}-{front.port}", item) for front in (dead, alive)]
    for load in loads:
        load.start()
    wait_until(lambda: all(len(load.answered) > ANSWERED_MIN for load in loads))
    assert dead.process is not None
    dead.process.kill()
    dead.process.wait(30)
    at_the_kill = len(loads[1].answered)
    wait_until(lambda: len(loads[1].answered) > at_the_kill + ANSWERED_MIN)
    for load in loads:
        load.join()
    assert not loads[1].errors and all(isinstance(error, KeeperUnavailable) for error in loads[0].errors)
    assert {ticket for load in loads for ticket in load.answered} <= tickets(keeper), "an answer without its entry"
    assert alive.client("chris.smit").fsck()["ok"]
    dead.start()
    assert dead.client("bss").reveal(**CARE, items=[item])[0].fields == {"family_name": "X"}
    assert dead.client("chris.smit").fsck()["ok"]


def test_what_one_front_stops_the_other_stops_too(keeper: RunningKeeper) -> None:
    subject = new_subject()
    with two_fronts(keeper) as (first, second):
        (blob,) = second.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
        asked = first.client("api").request_grant(purpose="billing", categories=["identity"], subjects=None, ticket="T", minutes=5, subjects_max=9)
        second.approve(asked["id"], "chris.smit")
        first.approve(asked["id"], "dewi.hoekstra")
        for front in (second, first) * 4:
            assert front.client("api").reveal(**CARE, items=[(subject, blob)], grant=asked["id"])
        assert len(second.client("api").reveal(**CARE, items=[(subject, blob)], grant=asked["id"])) == 1
        with pytest.raises(KeeperRefused, match="limit_reached"):  # one ceiling, whoever counts
            first.client("api").reveal(**CARE, items=[(subject, blob)], grant=asked["id"])
        first.client("dewi.hoekstra").revoke_grant(grant=asked["id"], reason="t")
        with pytest.raises(KeeperRefused, match="grant_revoked"):
            second.client("api").reveal(**CARE, items=[(subject, blob)], grant=asked["id"])
        second.client("dewi.hoekstra").shred(subject=subject, category=None, reason="t")
        with pytest.raises(KeeperRefused, match="shredded"):
            first.client("bss").reveal(**CARE, items=[(subject, blob)])
        session = second.session("anna.dekker")
        assert second.client("desk").session(session.token).actor == "anna.dekker"
        first.client("desk").logout(session.token)
        with pytest.raises(KeeperRefused, match="token_expired"):
            second.client("desk").session(session.token)


def test_two_fronts_that_start_at_once(own_keeper: RunningKeeper) -> None:
    own_keeper.stop()
    second = dataclasses.replace(own_keeper, socket_path=own_keeper.folder / "run" / "second.sock", port=free_port(), process=None, _clients={})
    try:
        for _ in range(3):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(RunningKeeper.start, (own_keeper, second)))
            assert own_keeper.client("chris.smit").fsck()["ok"] and second.client("chris.smit").fsck()["ok"]
            own_keeper.stop()
            second.stop()
            own_keeper._clients.clear()  # their sessions may be of a front that is gone
            second._clients.clear()
    finally:
        second.stop()
