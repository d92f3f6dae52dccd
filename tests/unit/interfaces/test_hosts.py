"""One server, several sites."""

import asyncio
from typing import Any

import pytest

from hoeksteen.interfaces.web.hosts import Hosts


def ask(hosts: Hosts, host: str | None) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    asyncio.run(hosts({"type": "http", "headers": headers, "path": "/"}, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"]


def site(name: str, **extra: str):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = [(key.replace("_", "-").encode(), value.encode()) for key, value in extra.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": name.encode()})

    return application


@pytest.fixture
def hosts() -> Hosts:
    sites = {"desk.localhost": site("desk"), "my.localhost": site("my", cache_control="public")}
    return Hosts(sites, login_origin="http://keeper.localhost:9")


@pytest.mark.parametrize(("host", "name"), [("desk.localhost:8400", b"desk"), ("DESK.localhost", b"desk"), ("my.localhost:1", b"my")])
def test_the_host_header_chooses_the_site(hosts: Hosts, host: str, name: bytes) -> None:
    assert ask(hosts, host)[::2] == (200, name)


@pytest.mark.parametrize("host", ["127.0.0.1:8400", "evil.example", None, "desk.localhost.evil.example"])
def test_any_other_name_is_sent_away(hosts: Hosts, host: str | None) -> None:
    status, headers, body = ask(hosts, host)
    assert status == 421
    assert b"desk.localhost" in body
    assert headers["content-security-policy"]


def test_each_answer_carries_the_guards(hosts: Hosts) -> None:
    headers = ask(hosts, "desk.localhost")[1]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action 'self' http://keeper.localhost:9" in policy
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_what_a_site_says_itself_stands(hosts: Hosts) -> None:
    assert ask(hosts, "my.localhost")[1]["cache-control"] == "public"
