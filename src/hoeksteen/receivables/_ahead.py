"""
Reading a large file of the bank in a process beside this one, so that the next entries are read while these are matched.

What passes between the two stays in memory, as `camt` promises; the other process ends with whoever reads.
"""

import pickle
import struct
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import IO

from hoeksteen.kernel.errors import Unavailable
from hoeksteen.receivables.camt import Entry, Head, read

SMALL_BYTES_MAX = 4_000_000  # below it, starting a process takes longer than it saves
_AT_ONCE = 500
_PIECES_MAX = 64  # that wait to be matched: 32,000 entries
_LENGTH = struct.Struct(">I")
_WAIT_SECONDS = 0.2


@contextmanager
def reading(path: Path, *, small_bytes_max: int = SMALL_BYTES_MAX) -> Iterator[Iterable[Head | Entry]]:
    """
    Give what `camt.read` gives; of a large file it is read by another process, some thousands of entries ahead.

    :raises InvalidInput: while it is read, as `camt.read` does; whatever else the other process meets is raised here too
    :raises Unavailable: when the other process ended before the file did
    """
    if path.stat().st_size <= small_bytes_max:
        yield read(path)
        return
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # it was asked for
        pieces: Queue[bytes] = Queue(_PIECES_MAX)
        is_over = Event()
        carrier = Thread(target=_carry, args=(process.stdout, pieces, is_over), daemon=True)
        carrier.start()
        try:
            yield _whole(pieces)
        finally:
            is_over.set()
            process.kill()
            carrier.join()


def _carry(source: IO[bytes], pieces: "Queue[bytes]", is_over: Event) -> None:
    """Take pieces out of the pipe, which holds few of them, until there are none or nobody reads on."""
    while not is_over.is_set():
        length = source.read(_LENGTH.size)
        piece = source.read(_LENGTH.unpack(length)[0]) if len(length) == _LENGTH.size else b""
        while not is_over.is_set():
            try:
                pieces.put(piece, timeout=_WAIT_SECONDS)
                break
            except Full:
                continue
        if not piece:
            return


def _whole(pieces: "Queue[bytes]") -> Iterator[Head | Entry]:
    while True:
        piece = pieces.get()  # at the end, however it came, there is an empty one
        try:
            kind, found = pickle.loads(piece)
        except (EOFError, pickle.UnpicklingError):
            raise Unavailable("The file was not read to its end: the process that reads it is gone.", remedy="Take the file again.") from None
        if kind == "end":
            return
        if kind == "error":
            raise found
        yield from found


def _tell(kind: str, found: object) -> None:
    piece = pickle.dumps((kind, found), pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.write(_LENGTH.pack(len(piece)) + piece)


def main() -> None:
    """Read the file that is named, and write what is in it as pieces."""
    found: list[Head | Entry] = []
    try:
        for one in read(Path(sys.argv[1])):
            found.append(one)
            if len(found) == _AT_ONCE:
                _tell("found", found)
                found = []
        _tell("found", found)
        _tell("end", None)
    except Exception as error:  # noqa: BLE001 whatever it is, the process that reads these pieces raises it
        error.add_note(traceback.format_exc())
        _tell("found", found)
        _tell("error", error)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
