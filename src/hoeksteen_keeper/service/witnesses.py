"""
The witnesses of this keeper's log: who they are, what they know, and having them cosign each new checkpoint.

They are listed in `witnesses.toml` in the keeper's home. The list is an entry in the log whenever it changed, so that nobody drops a witness unseen.
"""

import http.client
import logging
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, answer_to
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.errors import BehindTiles, WitnessRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import COSIGNATURE, Checkpoint, VerifierKey
from hoeksteen_keeper.evidence.witness import AddCheckpoint, cosign, known_size

_FILE = "witnesses.toml"
_TIMEOUT_SECONDS = 10.0
_EVERY_SECONDS = 1.0
_PAUSE_LONGEST_SECONDS = 300.0
_ANSWER_BYTES_MAX = 1 << 16
_report = logging.getLogger(__name__)
Witnesses = Sequence[tuple[VerifierKey, str]]
"""The key of each, and the address before `/add-checkpoint`."""


def read_witnesses(home: Path) -> Witnesses:
    """:raises KeeperInvalid: when the file is not of its form"""
    path = home / _FILE
    if not path.exists():
        return []
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise KeeperInvalid("witnesses_invalid", f"{path} cannot be read: {error.strerror}. Give it to the keeper's OS user.") from error
    except UnicodeDecodeError:
        raise KeeperInvalid("witnesses_invalid", f"{path} lists witnesses as [[witness]] with key and url, in UTF-8.") from None
    try:
        listed = tomllib.loads(text)["witness"]
        return [(_cosigner(str(one["key"])), _address(str(one["url"]))) for one in listed]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = f": {error}" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise KeeperInvalid("witnesses_invalid", f"{path} lists witnesses as [[witness]] with key and url{said}.") from None


def add_witness(home: Path, *, key: str, url: str) -> None:
    """
    Add a witness to the list; the keeper asks it from its next start on.

    :raises KeeperInvalid: when the key is no cosigner's, the address is none, or it is listed already
    """
    added = _cosigner(key)
    if any(known.name == added.name for known, _ in read_witnesses(home)):
        raise KeeperInvalid("witnesses_invalid", f"{added.name} is listed already in {home / _FILE}.")
    with (home / _FILE).open("a", encoding="utf-8") as file:
        file.write(f'[[witness]]\nkey = "{added}"\nurl = "{_address(url)}"\n')


def require_nothing_newer(log: Log, witnesses: Witnesses) -> None:
    """
    Compare what the witnesses know with what this log holds, before anything is signed.

    One that does not answer is reported: the others, and tile storage, were compared.

    :raises BehindTiles: when a witness knows more entries: signing on top of this state would make a second view
    """
    held = log.released()
    for name, known in what_they_know(held, witnesses).items():
        if known > held.size:
            raise BehindTiles(
                "behind_witness", f"The witness {name} knows {known} entries of this log, and only {held.size} are here: nothing is signed. "
                "Bring tile storage back; where it is lost, `hoeksteen-keeper new-log` begins a new log that says so.",
            )  # fmt: skip


def what_they_know(held: Checkpoint, witnesses: Witnesses) -> dict[str, int]:
    """Give how many entries each witness that answers knows of the log whose checkpoint this is."""
    known: dict[str, int] = {}
    for key, url in witnesses if held.size else ():
        try:
            known[key.name] = known_size(held, add_checkpoint=over_http(url))
        except (WitnessRefused, OSError) as error:
            _report.warning("the witness %s does not say what it knows: %s", key.name, _said(error))
    return known


@contextmanager
def cosigned(log: Log, witnesses: Witnesses) -> Iterator[None]:
    """Have each witness cosign each new checkpoint while the block runs, and whenever a bundle is made."""
    listed = [str(key) for key, _ in witnesses]
    if listed != list(queries.state_at(log, None).witnesses):
        log.append([Event(kind="key", action="witnesses", detail={"event": "witnesses", "keys": listed})])
    log.witnesses[:] = [(key, over_http(url)) for key, url in witnesses]
    stop = threading.Event()
    with ExitStack() as ended:
        for key, url in witnesses:
            thread = threading.Thread(target=_submit, args=(log, key, over_http(url), stop), name=f"witness {key.name}", daemon=True)
            thread.start()
            ended.callback(thread.join)
        ended.callback(stop.set)
        yield


def over_http(url: str) -> AddCheckpoint:
    """Give what reaches a witness at an address."""
    return partial(_post, url)


def _submit(log: Log, key: VerifierKey, add_checkpoint: AddCheckpoint, stop: threading.Event) -> None:
    done, pause, away = b"", _EVERY_SECONDS, False
    while not stop.wait(pause):
        try:
            note = log.tiles.read_checkpoint()
            if note is not None and (text := Checkpoint.parse(note).text) != done:
                cosign(log, note, key=key, add_checkpoint=add_checkpoint)
                done = text
            if away:
                _report.warning("the witness %s cosigns again", key.name)
            pause, away = _EVERY_SECONDS, False
        except (KeeperError, OSError) as error:
            if not away:
                _report.warning("the witness %s does not cosign: %s", key.name, _said(error))
            pause, away = min(pause * 2, _PAUSE_LONGEST_SECONDS), True
        except Exception as error:  # noqa: BLE001 reported by its kind and place; a thread that dies in silence would ask nobody any more
            answer_to(error)
            pause = _PAUSE_LONGEST_SECONDS


def _post(url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body)
        answer = connection.getresponse()
        status, said = answer.status, answer.read(_ANSWER_BYTES_MAX)
    except http.client.HTTPException as error:
        raise WitnessRefused(502, f"The witness at {parts.hostname} answers no HTTP.") from error
    finally:
        connection.close()
    if status != 200:
        raise WitnessRefused(status, f"The witness at {parts.hostname} answered {status}.", body=said)
    return said


def _cosigner(text: str) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.algorithm != COSIGNATURE:
        raise KeeperInvalid("witnesses_invalid", f"{key.name} is the key of a log, not of a witness.")
    return key


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:  # a port that is none, a bracket too few
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or '"' in url or "\\" in url or " " in url:
        raise KeeperInvalid("witnesses_invalid", "The address of a witness begins with https:// or http:// and names a host.")
    return url


def _said(error: Exception) -> str:
    return error.detail if isinstance(error, KeeperError) else type(error).__name__
