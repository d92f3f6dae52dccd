"""What a log may rely on, whether its tiles lie in files or in an S3-compatible service: one test body for both."""

import http.server
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.s3 import Service
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.evidence.objects import Files, Objects
from hoeksteen_keeper.service.tile_home import tile_home

Again = Callable[[], Objects]


@pytest.fixture(params=["files", "s3"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Again:
    """Give the same storage anew, as another process would open it."""
    if request.param == "files":
        return lambda: Files(tmp_path / "log")
    service: Service = request.getfixturevalue("s3")
    return service.objects


def test_what_is_written_is_whole_and_there_for_others(again: Again) -> None:
    new = {f"tile/0/x001/{number:03d}": bytes([number]) * 8_192 for number in range(80)} | {"tile/0/x002/000.p/1": b"", "body/000": b"b" * 9_000_000}
    assert again().read("tile/0/x001/000") is None
    again().write(new)
    assert {name: again().read(name) for name in new} == new


def test_an_object_is_written_once(again: Again) -> None:
    objects = again()
    objects.write({"tile/0/000": b"one", "tile/0/001": b"two"})
    again().write({"tile/0/000": b"one", "tile/0/001": b"two"})
    with pytest.raises(KeeperCorrupt, match="tile_differs.*tile/0/001"):
        again().write({"tile/0/000": b"one", "tile/0/001": b"other", "tile/0/002": b"three"})
    assert [again().read(f"tile/0/00{number}") for number in range(3)] == [b"one", b"two", b"three"]


def test_an_exchange_needs_what_was_seen(again: Again) -> None:
    objects = again()
    assert not objects.swap("checkpoint", b"nothing there", b"1")
    assert objects.swap("checkpoint", None, b"1")
    assert not again().swap("checkpoint", None, b"2")
    assert again().swap("checkpoint", b"1", b"2") and not objects.swap("checkpoint", b"1", b"3")
    assert objects.read("checkpoint") == b"2"


def test_of_many_who_exchange_at_once_each_builds_on_another(again: Again) -> None:
    again().swap("checkpoint", None, b"0")

    def count_up(_: int) -> None:
        objects = again()
        while not objects.swap("checkpoint", (seen := objects.read("checkpoint") or b""), b"%d" % (int(seen) + 1)):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(24)))
    assert again().read("checkpoint") == b"24"


def test_partial_tiles_go_and_nothing_beside_them(again: Again) -> None:
    objects = again()
    objects.write({"tile/0/000.p/3": b"3", "tile/0/000.p/33": b"33", "tile/0/000": b"full", "tile/0/0001": b"other"})
    objects.forget("tile/0/000.p")
    objects.forget("tile/0/009.p")
    assert [again().read(name) for name in ("tile/0/000.p/3", "tile/0/000.p/33", "tile/0/000", "tile/0/0001")] == [None, None, b"full", b"other"]


def test_a_bucket_that_is_not_there_is_no_empty_log(s3: Service) -> None:
    objects = s3.objects(bucket="elsewhere")
    for attempt in (lambda: objects.read("checkpoint"), lambda: objects.write({"a": b""}), lambda: objects.swap("checkpoint", None, b"")):
        with pytest.raises(KeeperUnavailable, match="no such bucket"):
            attempt()


class _Careless(http.server.BaseHTTPRequestHandler):
    """A service that stores whatever it is told to, conditions or not."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def careless() -> Iterator[Service]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Careless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Service(port=server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_without_conditional_writes_is_not_used(careless: Service) -> None:
    with pytest.raises(KeeperInvalid, match="If-None-Match"):
        careless.objects().write({"tile/0/000": b"one"})
    with pytest.raises(KeeperInvalid, match="If-None-Match"):
        careless.objects().swap("checkpoint", None, b"one")
    with pytest.raises(KeeperUnavailable, match="tiles_refused"):
        careless.objects().read("checkpoint")


def test_settings_name_the_storage(s3: Service, tmp_path: Path) -> None:
    home = tmp_path / "keeper"
    home.mkdir()
    assert tile_home(home, origin="log.example").place == str(home / "tiles")
    s3.configure(home)
    assert tile_home(home, origin="log.example").place == f"{s3.endpoint}/{s3.bucket}/log"
    second = tile_home(home, origin="log.example#2")
    assert second.place == f"{s3.endpoint}/{s3.bucket}/log.2"
    second.write({"tile/0/000": b"x"})
    assert s3.names("log.2/") == ["tile/0/000"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('storage = "s3"', 'storage = "tape"'),
        ("endpoint = ", "end = "),
        ("http://127.0.0.1", "http://storage.example"),
        ("http://127.0.0.1", "ftp://127.0.0.1"),
        ('storage = "s3"', 'storage = "s3"\nprefix = "/"'),
        ("s3-credentials", "absent"),
        ('"s3"', '"s3'),
    ],
)
def test_settings_that_do_not_fit(s3: Service, tmp_path: Path, old: str, new: str) -> None:
    home = tmp_path / "keeper"
    s3.configure(home)
    (home / "tiles.toml").write_text((home / "tiles.toml").read_text().replace(old, new))
    with pytest.raises(KeeperInvalid, match="tiles_invalid"):
        tile_home(home, origin="log.example")


def test_credentials_stay_secret(s3: Service, tmp_path: Path) -> None:
    home, credentials = tmp_path / "keeper", tmp_path / "s3-credentials"
    s3.configure(home)
    credentials.chmod(0o640)
    with pytest.raises(KeeperInvalid, match="chmod 600"):
        tile_home(home, origin="log.example")
    credentials.chmod(0o600)
    for broken in ('secret_access_key = "keeper-secret', 'secret_access_key = "keeper-secret"\nmore = "keeper-secret"'):
        credentials.write_text(f'access_key_id = "a"\n{broken}')
        with pytest.raises(KeeperInvalid, match="tiles_invalid") as refused:
            tile_home(home, origin="log.example")
        assert "keeper-secret" not in str(refused.value)
