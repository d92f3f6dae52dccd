"""
Serving: the API on a Unix socket and the pages on 127.0.0.1.

One process takes all calls in and holds the tree's sequencer, the sweeper and the WebAuthn challenges; sealing and opening happen in its workers.
"""

import asyncio
import logging
import os
import signal
import socket as sockets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from uvicorn import Config, Server

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid
from hoeksteen_keeper.pages.app import pages
from hoeksteen_keeper.pages.challenges import Challenges
from hoeksteen_keeper.pages.issuers import Provider, read_issuers
from hoeksteen_keeper.pages.shared import Rooms
from hoeksteen_keeper.service.app import api
from hoeksteen_keeper.service.asgi import BoundedHttp
from hoeksteen_keeper.service.clock import now
from hoeksteen_keeper.service.keeper import Keeper, require_home
from hoeksteen_keeper.service.opening import opened
from hoeksteen_keeper.service.workers import Workers

_SOCKET_WAIT_SECONDS = 10.0
_LAST_CALLS_SECONDS = 10  # how long calls may go on once it is to stop


def serve(*, dsn: str, home: Path, socket: Path, port: int, on_ready: Callable[[str], None]) -> None:
    """
    Open the keeper and serve it until SIGTERM or SIGINT.

    :param on_ready: told the pages' address once calls are answered
    :raises KeeperInvalid: when the socket or the port is taken
    """
    _require_free(socket, port)
    with Workers(dsn=dsn, home=require_home(home), port=port) as workers, opened(dsn=dsn, home=home, port=port) as keeper:
        uvloop.run(_serve(keeper, workers, socket, port, on_ready))
    if workers.lost:
        raise KeeperCorrupt("worker_lost", "A process of the keeper died; start the keeper again.")


async def _serve(keeper: Keeper, workers: Workers, socket: Path, port: int, on_ready: Callable[[str], None]) -> None:
    shared: dict[str, Any] = {
        "lifespan": "off",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": _LAST_CALLS_SECONDS,
    }
    servers = [
        _Server(Config(api(keeper, workers), uds=str(socket), http=BoundedHttp, **shared)),
        _Server(Config(_pages(keeper), host="127.0.0.1", port=port, http="h11", **shared)),
    ]
    workers.on_lost = partial(_stop, servers)
    await workers.connect()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers)
    running: list[Awaitable[None]] = [server.serve() for server in servers]
    await asyncio.gather(*running, _announce(keeper, socket, on_ready))


class _Server(Server):
    """A server of two in one loop, which both end by the same signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _pages(keeper: Keeper) -> Any:
    issuers = {one.name: Provider(one, now=now) for one in read_issuers(keeper.home)}
    challenges = Challenges(now=keeper.now, random_bytes=keeper.random_bytes)
    return pages(Rooms(
        actors=keeper.actors, sessions=keeper.sessions, approvals=keeper.approvals, changes=keeper.change_approvals, origin=keeper.origin,
        random_bytes=keeper.random_bytes, challenges=challenges, issuers=issuers, machine=now,
    ))  # fmt: skip


def _stop(servers: Sequence[Server]) -> None:
    for server in servers:
        server.should_exit = True


async def _announce(keeper: Keeper, socket: Path, on_ready: Callable[[str], None]) -> None:
    deadline = asyncio.get_running_loop().time() + _SOCKET_WAIT_SECONDS
    while not _answers(socket):
        if asyncio.get_running_loop().time() > deadline:
            raise KeeperInvalid("socket_missing", f"The socket {socket} did not appear.")
        await asyncio.sleep(0.01)
    socket.chmod(0o666)  # who may connect is decided by keys, not by OS users
    logging.getLogger(__name__).info("serving")
    on_ready(keeper.origin)


def _answers(socket: Path) -> bool:
    with sockets.socket(sockets.AF_UNIX) as probe:
        return probe.connect_ex(str(socket)) == 0


def _require_free(socket: Path, port: int) -> None:
    if len(os.fsencode(socket)) > 107:
        raise KeeperInvalid("socket_invalid", f"The socket's path is too long for the system: {socket}")
    if not socket.parent.is_dir():
        raise KeeperInvalid("socket_invalid", f"{socket.parent} is no directory. Make it first, where whoever may call can enter it.")
    if _answers(socket):
        raise KeeperInvalid("socket_taken", f"A keeper serves {socket} already. Stop it first.")
    socket.unlink(missing_ok=True)
    with sockets.socket(sockets.AF_INET) as probe:
        probe.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise KeeperInvalid("port_taken", f"Port {port} on 127.0.0.1 is in use. Choose another with --port.")
