"""Fifty at once: no ceiling lets one more through, and what was stopped gets nothing more, not in a group, not in bulk."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import pytest

from fixtures.keeper import RunningKeeper, new_subject
from fixtures.waiting import wait_until
from hoeksteen_keeper.client import KeeperClient, KeeperRefused, SealItem
from hoeksteen_keeper.service.answers import answered
from hoeksteen_keeper.service.data_calls import LOOKS_AGAIN_AFTER
from hoeksteen_keeper.service.opening import joined

AT_ONCE = 50
STOPS_WITHIN_SECONDS = 2.0
ANSWERED_MIN = 100  # before anything is stopped
BULK = 10_000  # as many as one call may name
Item = tuple[UUID, bytes]


def sealed(keeper: RunningKeeper, count: int) -> list[Item]:
    items = [SealItem(new_subject(), {"family_name": "Jansen"}) for _ in range(count)]
    return list(zip([item.subject for item in items], keeper.client("bss").seal(purpose="migration", category="identity", items=items), strict=True))


def asked_at_once(calls: Sequence[Callable[[], int]]) -> list[int]:
    """Make every call from one of fifty threads that begin together; give what each got, and nothing where the ceiling was reached."""
    ready = threading.Barrier(AT_ONCE)
    got: list[int] = []

    def work(number: int) -> None:
        ready.wait(30)
        for call in calls[number::AT_ONCE]:
            try:
                got.append(call())
            except KeeperRefused as error:
                assert error.reason == "limit_reached", error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, range(AT_ONCE)))
    return got


def test_fifty_threads_get_what_one_gets(own_keeper: RunningKeeper) -> None:
    """Per actor, each subject counts once an hour, whoever names it at the same moment."""
    items, anna = sealed(own_keeper, 170), own_keeper.as_person("anna.dekker")
    seen: Counter[UUID] = Counter()
    lock = threading.Lock()

    def look(*some: Item) -> Callable[[], int]:
        def call() -> int:
            found = anna.reveal(purpose="care", category="identity", items=some, context={"customer_on_the_line": True})
            with lock:
                seen.update(one.subject for one in found)
            return len(found)

        return call

    twice = [call for item in items for call in (look(item), look(item))]  # neighbours of the list are asked for at the same moment
    asked_at_once([*twice[:100], *(look(*items[at : at + 3]) for at in range(50, 110, 3)), *twice[100:]])
    assert len(seen) == 120, Counter(seen.values())
    assert int(own_keeper.sql("SELECT max(used) FROM access.meter WHERE meter LIKE 'actor:see:hour:anna%'")) == 120
    told = own_keeper.sql("SELECT count(*) FROM evidence.entry WHERE kind = 'disclosure' AND actor = 'anna.dekker' AND body LIKE '%\"allowed\"%'")
    assert int(told) >= sum(seen.values()) // 3


@pytest.mark.parametrize("ceilings", [{"per_hour": 25}, {"per_day": 25}, {}], ids=["hour", "day", "total"])
def test_fifty_threads_under_one_grant(keeper: RunningKeeper, ceilings: dict[str, int]) -> None:
    """Under a grant each opening counts, the same subject's as well; calls that name one and calls that name three."""
    items, api = sealed(keeper, 60), keeper.client("api")
    wanted = {"subjects_max": 400, **ceilings} if ceilings else {"subjects_max": 25}
    grant = api.request_grant(purpose="billing", categories=["identity"], subjects=None, ticket="T", minutes=30, **wanted)["id"]
    keeper.approve(grant)

    def look(*some: Item) -> Callable[[], int]:
        return lambda: len(api.reveal(purpose="billing", category="identity", items=some, grant=grant))

    got = asked_at_once([look(*items[at : at + (3 if at % 5 == 0 else 1)]) for at in range(57)] + [look(items[0]) for _ in range(93)])
    assert sum(got) == 25 == api.grant(grant=grant)["used"]


# --- stopped in the middle


@dataclass
class Asker:
    """Threads that reveal without end, one at a time and in bulk, and when each answer with data was asked for and came."""

    client: KeeperClient
    single: dict[str, object]
    bulk: dict[str, object] | None
    answers: list[tuple[float, float]] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        asked = self.bulk if self.bulk is not None and number < 2 else self.single
        refused = 0
        while not self.over.is_set() and refused < 5:
            sent = time.monotonic()
            try:
                self.client.reveal(**asked)  # type: ignore[arg-type]
            except KeeperRefused as error:
                self.reasons.add(error.reason)
                refused += 1
                continue
            self.answers.append((sent, time.monotonic()))

    def played(self, stop: Callable[[], object], *, threads: int = 16) -> tuple[float, float]:
        """Give when the stop was asked for and when its own answer had come."""
        running = [threading.Thread(target=self.ask, args=(number,)) for number in range(threads)]
        for thread in running:
            thread.start()
        wait_until(lambda: len(self.answers) > ANSWERED_MIN)
        begun = time.monotonic()
        stop()
        done = time.monotonic()
        for thread in running:  # each ends when it is refused for good
            thread.join(max(0.0, done + STOPS_WITHIN_SECONDS + 0.5 - time.monotonic()))
        self.over.set()
        for thread in running:
            thread.join(60)
        return begun, done


def test_what_is_stopped_in_the_middle_of_a_group_and_of_bulk_gets_nothing_more(own_keeper: RunningKeeper) -> None:
    keeper, items = own_keeper, sealed(own_keeper, BULK)
    chris, dewi, api = keeper.client("chris.smit"), keeper.client("dewi.hoekstra"), keeper.client("api")
    grant = api.request_grant(purpose="billing", categories=["identity"], subjects=None, ticket="T", minutes=60, subjects_max=10**8)["id"]
    keeper.approve(grant)
    shared = {"category": "identity"}
    one = {**shared, "purpose": "billing", "items": items[:1]}
    bulk = {**shared, "purpose": "billing", "items": items}
    care = {**shared, "purpose": "care", "items": items[:1], "context": {"customer_on_the_line": True}}
    anna, emma = keeper.as_person("anna.dekker"), keeper.session("anna.dekker", "api")
    stops: list[tuple[str, Asker, Callable[[], object], set[str]]] = [
        ("grant", Asker(api, one, bulk), lambda: dewi.revoke_grant(grant=grant, reason="t"), {"grant_revoked", "no_grant"}),
        ("log-out", Asker(anna, care, None), lambda: keeper.client("desk").logout(keeper.session("anna.dekker").token), {"token_expired"}),
        ("actor", Asker(keeper.client("bss"), one, bulk), lambda: chris.kill(scope="actor", target="bss", reason="t"), {"actor_blocked"}),
        (
            "person", Asker(keeper.client("api").as_actor(emma.token), care, None),
            lambda: chris.kill(scope="actor", target="anna.dekker", reason="t"), {"actor_blocked"},
        ),
    ]  # fmt: skip
    for what, asker, stop, reasons in stops:
        _, done = asker.played(stop)
        later = [sent - done for sent, _ in asker.answers if sent > done]
        assert not later, f"{what}: {len(later)} answers to what was asked for after it had stopped"
        slowest = max(came for _, came in asker.answers) - done
        assert slowest < STOPS_WITHIN_SECONDS, f"{what}: an answer came {slowest:.1f} s after it had stopped"
        assert asker.reasons <= reasons and asker.reasons, (what, asker.reasons)
    assert chris.fsck()["ok"]


def test_what_took_long_is_not_handed_out_when_it_was_stopped_meanwhile(own_keeper: RunningKeeper) -> None:
    """A machine that hardly moves opens what was allowed long ago; in between, somebody stopped it."""
    keeper, chris, dewi = own_keeper, own_keeper.client("chris.smit"), own_keeper.client("dewi.hoekstra")
    [(subject, blob)] = sealed(keeper, 1)
    body = {"category": "identity", "subjects": subject.bytes, "blobs": [blob], "grant": None, "context": {"customer_on_the_line": True}}
    care, billing = (msgspec.msgpack.encode({**body, "purpose": purpose}) for purpose in ("care", "billing"))
    grants = [keeper.client("api").request_grant(purpose="billing", categories=["identity"], subjects=[subject], ticket="T", minutes=5)["id"]]
    keeper.approve(grants[0])
    desk, api, bss = (keeper.client(name)._link.service_token() for name in ("desk", "api", "bss"))  # bytes as the keeper gets them
    anna = keeper.session("anna.dekker").token
    stops: list[tuple[bytes, str, str, Callable[[], object], str]] = [
        (care, desk, anna, lambda: None, ""),
        (billing, api, "", lambda: None, ""),
        (care, desk, anna, lambda: keeper.client("desk").logout(anna), "token_expired"),
        (care, desk, keeper.session("anna.dekker", fresh=True).token, lambda: chris.kill(scope="actor", target="desk", reason="t"), "actor_blocked"),
        (billing, api, "", lambda: dewi.revoke_grant(grant=grants[0], reason="t"), "grant_revoked"),
        (billing, bss, "", lambda: chris.kill(scope="actor", target="bss", reason="t"), "actor_blocked"),
    ]  # fmt: skip
    with joined(dsn=keeper.dsn, home=keeper.home, port=keeper.port) as slow:
        ciphers = slow.keys.ciphers
        for asked, own, person, stop, reason in stops:

            def late(*keys: Any, stop: Callable[[], object] = stop, **more: Any) -> Any:
                stop()
                time.sleep(LOOKS_AGAIN_AFTER.total_seconds())
                return ciphers(*keys, **more)

            slow.keys.ciphers = late  # type: ignore[method-assign]
            status, answer = answered(slow, "reveal", asked, own, person)
            assert (status, b"Jansen" in answer) == ((200, True) if not reason else (403, False)), (reason, status)
            assert reason in msgspec.msgpack.decode(answer).get("reason", "")
    refused = [entry for entry in dewi.did_see(subject=subject) if entry["outcome"] == "refused"]
    assert len(refused) == 4
