"""A keeper that takes a call and gives no answer, or breaks: the call is made once, and the caller is told what that means."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from fixtures.keeper import RunningKeeper
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.kernel.errors import Corrupt, Unavailable
from hoeksteen_keeper.client import KeeperClient, KeeperCorrupt, KeeperUnavailable

TOKEN = {"token": "t", "origin": "http://keeper.localhost:1"}


def answer(status: int, body: object) -> bytes:
    data = msgspec.msgpack.encode(body)
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(data), data)


@contextmanager
def broken_keeper(path: Path, answers: list[bytes]) -> Iterator[list[str]]:
    """Something on the keeper's socket that gives each call the next answer, and hangs up where that is empty; yields the calls it took."""
    taken: list[str] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while (header := stream.readline()) not in (b"\r\n", b""):
                    length = int(header.partition(b":")[2]) if header.lower().startswith(b"content-length") else length
                stream.read(length)
                taken.append(line.split()[1].decode().removeprefix("/v1/"))
                given = answer(200, TOKEN) if taken[-1] == "token" else answers.pop(0)
                if not given:
                    return
                connection.sendall(given)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield taken
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def client_of(keeper: RunningKeeper, path: Path) -> KeeperClient:
    return KeeperClient(socket_path=path, service="desk", key_path=keeper.key("desk"))


def test_a_call_without_an_answer_is_not_made_again(keeper: RunningKeeper, tmp_path: Path) -> None:
    with broken_keeper(tmp_path / "s", [answer(200, []), b"", answer(200, [])]) as taken, client_of(keeper, tmp_path / "s") as client:
        assert client.grants() == []
        with pytest.raises(KeeperUnavailable, match=r"answer_lost.*may have been done"):
            client.kill(scope="actor", target="x", reason="r")
        assert client.grants() == []
    assert taken == ["token", "grants/list", "kill", "grants/list"]


def test_a_keeper_that_was_started_anew_costs_no_call(own_keeper: RunningKeeper) -> None:
    desk = own_keeper.client("desk")
    assert desk.grants() == []
    own_keeper.stop()
    own_keeper.start()
    assert desk.grants() == []


@pytest.mark.parametrize(
    ("given", "kind", "ours", "says"),
    [
        (answer(500, {"reason": "fault", "detail": "The keeper failed."}), KeeperCorrupt, Corrupt, "keeper.log"),
        (answer(503, {"reason": "store_unavailable", "detail": "Its database is full."}), KeeperUnavailable, Unavailable, "Its database is full"),
        (b"", KeeperUnavailable, Unavailable, "may have been done"),
    ],
)
def test_a_keeper_that_breaks_says_what_to_do(
    keeper: RunningKeeper, tmp_path: Path, given: bytes, kind: type[Exception], ours: type[Exception], says: str
) -> None:
    with broken_keeper(tmp_path / "s", [given, given]), client_of(keeper, tmp_path / "s") as client:
        with pytest.raises(kind):
            client.did_see(subject=UUID(int=1))
        with pytest.raises(ours, match=says):
            disclosure.did_see(keeper=client, subject=UUID(int=1))


def test_without_a_keeper_nobody_is_sent_to_its_log_in_page(keeper: RunningKeeper, tmp_path: Path) -> None:
    with client_of(keeper, tmp_path / "none") as client, pytest.raises(Unavailable, match="hoeksteen status"):
        disclosure.login_url(keeper=client, return_to="http://desk.localhost:1/login/back", state="s")
