"""Whatever bytes arrive at the socket, the answer is typed, says nothing of what was sent, and the keeper serves on."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperInvalid, SealItem
from hoeksteen_keeper.service.answers import CALLS

PLANTED = "Xqzplanted"
_VALUES: list[Any] = [
    None, True, -1, 0, 2**63 - 1, 2**64 - 1, -(2**63), 1.5, float("nan"), float("inf"), "", PLANTED, f"{PLANTED}\0", "\u202e" + PLANTED, "9" * 400,
    PLANTED.encode(), PLANTED.encode() * 100, b"", bytes(16), bytes(15), [], [None], [PLANTED], [-1], [[PLANTED.encode(), b""]], {},
    {PLANTED: PLANTED}, {"a": {"b": 1}}, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00",
]  # fmt: skip
_NO_VALUES = [
    b"\xa3\xed\xa0\x80", b"\xa2\xff\xfe", b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xffab",
    b"\xc1", b"\xd7\xff" + b"\xff" * 8, b"\xc7\x0c\xff" + b"\xff" * 12, b"\x81\x81\xc0\xc0\xc0", b"\x91" * 100_000 + b"\xc0",
]  # fmt: skip
ODD = [*map(msgspec.msgpack.encode, _VALUES), *_NO_VALUES]
_POST = b"POST /v1/reveal HTTP/1.1\r\n"
_EMPTY = b"Host: k\r\nContent-Length: 0\r\n\r\n"


def _plausible(kind: msgspec.inspect.Type) -> Any:
    """A value that fits a field's type, so that one odd field beside it is reached."""
    match kind:
        case msgspec.inspect.StrType():
            return "identity"
        case msgspec.inspect.BytesType():
            return new_subject().bytes
        case msgspec.inspect.BoolType():
            return False
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return 1
        case msgspec.inspect.DateTimeType():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case msgspec.inspect.UnionType():
            return None if any(isinstance(of, msgspec.inspect.NoneType) for of in kind.types) else _plausible(kind.types[0])
        case msgspec.inspect.StructType():
            return {field.encode_name: _plausible(field.type) for field in kind.fields if field.required}
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType() | msgspec.inspect.SetType() | msgspec.inspect.FrozenSetType():
            return [_plausible(kind.item_type)]
        case msgspec.inspect.TupleType():
            return [_plausible(of) for of in kind.item_types]
        case msgspec.inspect.DictType():
            return {_plausible(kind.key_type): _plausible(kind.value_type)}
        case msgspec.inspect.LiteralType():
            return kind.values[0]
        case msgspec.inspect.RawType():
            return msgspec.Raw(b"\xc0")
        case msgspec.inspect.AnyType():
            return None
        case _:
            raise AssertionError(f"no value is known of {kind}")


def _bodies(shape: type[msgspec.Struct]) -> Iterator[bytes]:
    """Bodies with one odd field each, cut ones, and ones that are no map."""
    kind = msgspec.inspect.type_info(shape)
    assert isinstance(kind, msgspec.inspect.StructType)
    fields = {field.encode_name: msgspec.msgpack.encode(_plausible(field.type)) for field in kind.fields}
    for name in fields:
        for odd in ODD:
            yield _map({**fields, name: odd})
    whole = _map({**fields, PLANTED: msgspec.msgpack.encode(PLANTED)})
    yield from (whole, whole[:-1], whole[:1], b"", *ODD)


def _map(fields: dict[str, bytes]) -> bytes:
    return bytes([0x80 | len(fields)]) + b"".join(msgspec.msgpack.encode(name) + value for name, value in fields.items())


def _post(line: socket.socket, path: str, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
    line.sendall(f"POST /v1/{path} HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return _answer_on(line)


def _answer_on(line: socket.socket) -> tuple[int, dict[str, Any]]:
    """Read one whole answer."""
    with line.makefile("rb") as file:
        status, length = int(file.readline().split()[1]), 0
        while (header := file.readline()) != b"\r\n":
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        answer = msgspec.msgpack.decode(file.read(length))
    return status, answer


def _connected(keeper: RunningKeeper) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(30)
    line.connect(str(keeper.socket_path))
    return line


def _token(keeper: RunningKeeper, actor: str) -> str:
    return keeper.client(actor)._link.service_token()  # raw bytes need the token that the client hides


def _documented() -> str:
    return (Path(__file__).parents[3] / "docs" / "errors.md").read_text("utf-8")


def test_each_field_of_each_call(own_keeper: RunningKeeper) -> None:
    keeper, documented, faults = own_keeper, _documented(), []
    paths = {path: shape for path, (shape, _) in CALLS.items() if msgspec.structs.fields(shape)}
    assert len(paths) > 30
    for actor in ("chris.smit", "bss"):
        token = _token(keeper, actor)
        with _connected(keeper) as line:
            for path, shape in paths.items():
                for body in _bodies(shape):
                    status, answer = _post(line, path, token, body)
                    if status == 200:
                        continue
                    if status == 500 or f"`{answer['reason']}`" not in documented or PLANTED in str(answer):
                        faults.append((path, status, answer, body[:150]))
    assert not faults, f"{len(faults)}: " + "\n".join(
        map(str, {(path, str(answer)): (path, answer, body) for path, _, answer, body in faults}.values())
    )
    assert PLANTED not in (keeper.folder / "keeper.log").read_text("utf-8")
    assert keeper.client("chris.smit").fsck()["ok"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\0" * 200, b"\xff" * 5000, b"GET", b"POST /v1/reveal HTTP/9.9\r\n\r\n", _POST + b"Content-Length: -1\r\n\r\n",
        _POST + b"Content-Length: 99999999999999999999\r\n\r\n" + PLANTED.encode(),
        _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nzz\r\n", b"POST /%ff%00%ed%a0%80 HTTP/1.1\r\n" + _EMPTY,
        b"POST /\xff\xfe HTTP/1.1\r\n" + _EMPTY, _POST + b"A: " + b"b" * 300_000 + b"\r\n\r\n",
        _POST + b"Authorization: Bearer \xff\0\xfe\r\n" + _EMPTY, b"GET /v1/reveal HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        _POST + b"X-Actor-Token: \xff\xfe\r\nAuthorization: Bearer \xff\r\n" + _EMPTY,
    ],
    ids=range(13),
)  # fmt: skip
def test_bytes_that_are_no_http(keeper: RunningKeeper, sent: bytes) -> None:
    log = keeper.folder / "keeper.log"
    before = log.stat().st_size
    answer = _said_to(keeper, sent, finished=True)
    assert b" 500 " not in answer.split(b"\r\n")[0] and b"fault" not in answer, answer
    assert PLANTED.encode() not in answer and b"Traceback" not in log.read_bytes()[before:], log.read_bytes()[before:]
    assert keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(new_subject(), {"given_name": "A"})])


def test_a_blob_cut_at_each_length(keeper: RunningKeeper) -> None:
    bss, subject = keeper.client("bss"), new_subject()
    (blob,) = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"given_name": PLANTED})])
    for cut in [*(blob[:length] for length in range(len(blob))), blob + b"\0", blob[:1] + b"\xff\xff\xff\xff" + blob[5:]]:
        with pytest.raises(KeeperInvalid, match=r"blob_invalid|unknown_key"):
            bss.reveal(purpose="billing", category="identity", items=[(subject, cut)])


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _EMPTY, _POST + b"A: " + b"b" * 20_000 + b"\r\n" + _EMPTY,
        _POST + b"Aa: bb\r\n" * 5_000 + _EMPTY, _POST + b"A: " + b"b" * 20_000, _POST + b"Aa: bb\r\n" * 5_000, _POST + b"a" * 20_000,
        b"POST /" + b"a" * 20_000, b"\r\n" * 10 + _POST + b"A: " + b"b" * 40_000,
    ],
    ids=["path", "header", "many headers", "endless header", "endless headers", "endless name", "endless path", "later"],
)  # fmt: skip
def test_what_comes_before_a_body_has_a_bound(keeper: RunningKeeper, sent: bytes) -> None:
    """Anybody who reaches the socket may send headers; without a bound they would fill the keeper's memory before anybody knows who they are."""
    answer = _said_to(keeper, sent, finished=False)  # the keeper hangs up, whether the head ends or not
    assert answer.startswith(b"HTTP/1.1 400 "), answer


def _said_to(keeper: RunningKeeper, sent: bytes, *, finished: bool) -> bytes:
    """Give all that the keeper answers before it hangs up, which it may do before it has read everything."""
    answer = b""
    with _connected(keeper) as line, suppress(ConnectionResetError):
        with suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(sent)
            if finished:
                line.shutdown(socket.SHUT_WR)
        while part := line.recv(65536):
            answer += part
    return answer


def test_what_is_within_the_bound_is_answered(keeper: RunningKeeper) -> None:
    with _connected(keeper) as line:
        for _ in range(5):  # the bound is of each call, not of the connection
            line.sendall(_POST + b"A: " + b"b" * 12_000 + b"\r\n" + _EMPTY)
            assert _answer_on(line)[0] == 401
        line.sendall(_POST + b"Host: k\r\nContent-Length: 40000\r\n\r\n" + bytes(20_000))
        line.sendall(bytes(20_000))
        assert _answer_on(line)[0] == 401


def test_a_ticket_does_not_change_how_a_grant_is_shown_to_its_approvers(keeper: RunningKeeper) -> None:
    for ticket in ("T-1\u202e999 ytiruces", "T-1\x1b[2J", "T-1\x9b2K", "T-1\r\nminutes: 1", "T\u2066x"):
        with pytest.raises(KeeperInvalid, match="without characters that change"):
            keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket=ticket, minutes=5)
    assert keeper.client("m.tan").request_grant(
        purpose="support", categories=["identity"], subjects=[new_subject()], ticket="Ticket 7 – é", minutes=5
    )
