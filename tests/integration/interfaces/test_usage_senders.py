"""A machine sends usage with a token of its own, and can do nothing else with it: no customer, nobody else's batch, no other format."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.sites import World
from hoeksteen.host.settings import Settings
from hoeksteen.interfaces.api import resources as tmf
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.usage import senders

PATH = "/usage/batches"
LINE = b'{"id":"1","service":"voice","own_number":"31699900001","other_number":"0201234567","start":"2026-10-03T12:00:00Z","seconds":60}\n'
SECRETS = {"switch-1": "a" * 43, "switch-2": "b" * 43}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return Settings(tmp_path, "", "", "", tmp_path, 1, 2).drop


def add(world: World, name: str, *formats: str, **change: Any) -> str:
    asked = {
        "name": name, "formats": formats or ("usage_jsonl",), "lasts": timedelta(days=30), "added_by": "h.jansen",
        "secret": SECRETS.get(name, "c" * 43), "now": world.clock.now(), **change,
    }  # fmt: skip
    with world.database.transaction() as tx:
        return senders.add(tx=tx, **asked)


def ask(world: World, method: str, path: str, token: str, content: bytes = b"", **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=world.hosts)  # type: ignore[arg-type]
        given = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson", **headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://api.localhost:8400") as client:
            return await client.request(method, path, content=content, headers=given)

    return asyncio.run(asked())


def send(world: World, token: str, key: str = "k-1", content: bytes = LINE, **headers: str) -> httpx.Response:
    return ask(world, "POST", PATH, token, content, **{"idempotency-key": key, **headers})


def test_a_machine_sends_and_is_told_of_its_own_batches_alone(world: World, drop: Path) -> None:
    one, other = add(world, "switch-1"), add(world, "switch-2")
    assert send(world, one).json()["key"] == "k-1"
    assert send(world, other, content=LINE + LINE).status_code == 202, "another machine's keys are its own"
    assert send(world, one, content=LINE + LINE).status_code == 409
    assert ask(world, "GET", f"{PATH}/k-1", one).json()["state"] == "accepted"
    assert sorted(file.name for file in (drop / "usage_jsonl").iterdir()) == ["batch-k-1@switch-1", "batch-k-1@switch-2"]
    send(world, one, "k-2")
    for token, key in ((other, "k-2"), (other, "k-1@switch-1"), (world.keeper.session("bram.visser", "api").token, "k-2")):
        assert ask(world, "GET", f"{PATH}/{key}", token).status_code == 404


def test_its_token_opens_nothing_else(world: World) -> None:
    token = add(world, "switch-1")
    for path in (tmf.CUSTOMER, tmf.PRODUCT, tmf.BILL):
        assert ask(world, "GET", path, token).status_code == 401
    assert send(world, token, **{"x-usage-format": "voice_sms_csv"}).status_code == 403


def test_a_token_that_ended_was_revoked_or_is_nobodys_sends_nothing(world: World, drop: Path) -> None:
    ended = add(world, "switch-1", now=world.clock.now() - timedelta(days=31))
    revoked = add(world, "switch-2")
    with world.database.transaction() as tx:
        senders.revoke(tx=tx, name="switch-2", now=world.clock.now())
    for token in (ended, revoked, senders.TOKEN_BEGINS + "d" * 43, senders.TOKEN_BEGINS):
        assert send(world, token).status_code == 401
    assert not drop.exists()
    with world.database.transaction() as tx, pytest.raises(NotFound):
        senders.revoke(tx=tx, name="switch-2", now=world.clock.now())


def test_the_token_itself_is_not_kept(world: World) -> None:
    token = add(world, "switch-1")
    with world.database.transaction() as tx:
        [row] = tx.rows("SELECT s::text AS text FROM usage.sender s")
        [found] = senders.senders(tx=tx)
    assert token not in row["text"] and SECRETS["switch-1"] not in row["text"]
    assert (found.name, found.formats, found.revoked_at) == ("switch-1", ("usage_jsonl",), None)


@pytest.mark.parametrize(
    "change", [{"name": "No Name"}, {"name": "a@b"}, {"formats": ()}, {"added_by": " "}, {"lasts": timedelta(days=999)}, {"secret": "x"}]
)
def test_what_makes_no_sender_is_refused(world: World, change: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"name": "switch-1", **change}
    with pytest.raises(InvalidInput):
        add(world, asked.pop("name"), **asked)


def test_a_name_is_given_once(world: World) -> None:
    add(world, "switch-1")
    with pytest.raises(Conflict):
        add(world, "switch-1", secret="e" * 43)
