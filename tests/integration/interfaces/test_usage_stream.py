"""Usage comes over HTTP in batches: accepted once and durably, taken by the watcher, told by their key."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories.usage_files import OWN, House
from fixtures.sites import World
from hoeksteen.host.settings import Settings
from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.usage import batches
from hoeksteen.usage.dropping import Swept, sweep

PATH = "/usage/batches"
LINE = '{{"id":"{}","service":"voice","own_number":"{}","other_number":"0201234567","start":"2026-10-03T12:00:00Z","seconds":60}}\n'


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return Settings(tmp_path, "", "", "", tmp_path, 1, 2).drop


def lines(*ids: int, own: str = OWN) -> bytes:
    return "".join(LINE.format(one, own) for one in ids).encode()


def send(world: World, content: bytes, key: str = "k-1", *, actor: str = "bram.visser", **headers: str) -> Any:
    return ask(world, "POST", PATH, content, actor, {"content-type": "application/x-ndjson", "idempotency-key": key, **headers})


def ask(world: World, method: str, path: str, content: bytes, actor: str, headers: dict[str, str]) -> Any:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=world.hosts)  # type: ignore[arg-type]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"authorization": f"Bearer {world.keeper.session(actor, 'api').token}", **named}
        async with httpx.AsyncClient(transport=transport, base_url="http://api.localhost:8400") as client:
            return await client.request(method, path, content=content, headers=given)

    return asyncio.run(asked())


def told(world: World, key: str = "k-1") -> Any:
    return ask(world, "GET", f"{PATH}/{key}", b"", "bram.visser", {})


def swept(world: World, drop: Path) -> Swept:
    now = datetime.fromtimestamp(drop.stat().st_mtime, UTC) + timedelta(minutes=1)  # the files' own times are the machine's
    return sweep(
        database=world.database, keeper=world.keeper.client("bss"), lake=world.lake, folder=drop, now=now, identifiers=Identifiers(random.Random(1))
    )  # fmt: skip


def test_a_batch_is_accepted_taken_and_told(world: World, drop: Path, tmp_path: Path) -> None:
    House(world.database, world.lake, world.keeper, tmp_path).hold(OWN)
    first = send(world, lines(1, 2, 2) + b"{broken\n")
    assert (first.status_code, first.json()["state"], first.json()["href"]) == (202, "accepted", f"{PATH}/k-1")
    assert told(world).json()["state"] == "accepted"
    assert send(world, lines(1, 2, 2) + b"{broken\n").status_code == 202, "a sender without an answer sends it again"
    assert len(swept(world, drop).taken) == 1
    answer = told(world).json()
    assert (answer["state"], answer["records"]) == ("taken", 4)
    assert [(one["state"], one["reason"], one["records"], one["units"]) for one in answer["states"]] == [
        ("duplicate", "", 1, 60), ("guided", "", 2, 120), ("rejected", "cut_line", 1, 0),
    ]  # fmt: skip
    again = send(world, lines(1, 2, 2) + b"{broken\n")
    assert (again.status_code, again.json()) == (200, answer)
    assert swept(world, drop) == Swept((), (), 0)
    assert OWN not in told(world).text


def test_a_key_stands_for_its_bytes_for_good(world: World, drop: Path) -> None:
    send(world, lines(1))
    other = send(world, lines(2))
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert (drop / "usage_jsonl" / "batch-k-1").read_bytes() == lines(1)
    assert send(world, lines(2), "k-2").status_code == 202


def test_a_batch_that_is_refused_says_why(world: World, drop: Path) -> None:
    assert send(world, b"\xff\xfe", "bad").status_code == 202
    [refused] = swept(world, drop).refused
    assert told(world, "bad").json() | {"acceptedAt": ""} == {
        "key": "bad", "href": f"{PATH}/bad", "state": "refused", "acceptedAt": "", "why": refused.why,
    }  # fmt: skip
    assert "line 1: encoding" in refused.why


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"key": ""}, 400),
        ({"key": "../../etc/cron.d/x"}, 400),
        ({"key": "k" * 65}, 400),
        ({"content": b""}, 400),
        ({"content_type": "text/html"}, 400),
        ({"x_usage_format": "none"}, 400),
        ({"actor": "anna.dekker"}, 403),
        ({"actor": "m.tan"}, 403),
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_what_is_no_batch_or_from_nobody_who_may_is_refused(world: World, drop: Path, change: dict[str, Any], status: int) -> None:
    asked: dict[str, Any] = {"content": lines(1), "key": "k-1", **change}
    assert send(world, asked.pop("content"), asked.pop("key"), **asked).status_code == status
    assert not drop.exists()


def test_a_batch_too_large_is_refused(world: World, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(world, b"x" * (batches.BYTES_MAX + 1)).status_code == 413
    monkeypatch.setattr(batches, "BYTES_MAX", 10)
    assert send(world, lines(1)).status_code == 400
    assert told(world, "never").status_code == 404
    assert not drop.exists()


def test_a_disk_that_is_full_gives_no_answer_that_binds(world: World, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Unavailable("The drop folder's disk refuses the batch.", remedy="Send it again under the same key.")

    with monkeypatch.context() as broken:
        broken.setattr(batches, "_put", full)
        assert send(world, lines(1)).status_code == 503
    assert send(world, lines(1)).status_code == 202
    assert (drop / "usage_jsonl" / "batch-k-1").exists()
