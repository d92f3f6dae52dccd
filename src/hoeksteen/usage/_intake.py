"""
A file before its records are read: a copy of its own, whole, and the same from beginning to end.

The copy has no name (it goes with the process that made it), so that a crash leaves nobody's numbers behind; whatever happens to the file
afterwards, what was hashed is what is read. It also has no characters in its path that an engine would take for a pattern.
"""

import codecs
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hoeksteen.kernel.errors import InvalidInput, NotFound, Unavailable
from hoeksteen.usage.adapters.base import Frame

BYTES_MAX = 4 * 1024**3
LINE_BYTES_MAX = 250_000
_CHUNK = 8 * 1024**2
_NAME_MAX = 200  # characters of a file's name that are kept
_NO_TEXT = re.compile(rb"[\x00\x1f]")


@dataclass(frozen=True, slots=True)
class Staged:
    """
    The copy of a file that is being taken.

    :param name: what the file is called, as errors and the balance say it
    :param digest: SHA-256 of its bytes
    :param scan: what was seen of its text, where it was looked at on the way
    """

    name: str
    digest: bytes
    file: BinaryIO
    scan: "_Scan | None" = None

    @property
    def path(self) -> str:
        """Where this process, and nobody after it, can read the copy."""
        return f"/proc/self/fd/{self.file.fileno()}"


@contextmanager
def staged(path: Path, folder: Path, *, text: bool = False) -> Iterator[Staged]:
    """
    Copy a file, and give the copy with its digest; it is gone when the block ends.

    :param folder: lies on the disk that takes the copy
    :param text: whether to look on the way at what `text_frame` must know; faults of the text are its own to tell
    :raises NotFound: when it is not there, or is no file
    :raises InvalidInput: when it is empty, too large, or changes while it is read
    :raises Unavailable: when the disk refuses the copy
    """
    name = shown_name(path)
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(path, name) as source, tempfile.TemporaryFile(dir=folder) as copy:
        before = os.fstat(source.fileno())
        if not 0 < before.st_size <= BYTES_MAX:
            what = "is empty" if before.st_size == 0 else f"is larger than {BYTES_MAX // 1024**3} GiB"
            raise InvalidInput(f"{name}: file: {what}.", remedy="Deliver a file with records, split if need be.")
        scan = _Scan(name) if text else None
        digest, size = _copied(source, copy, scan, size_max=before.st_size)
        after = os.fstat(source.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != before.st_size:
            raise InvalidInput(
                f"{name}: file: changed while it was read.", remedy="Wait until the source has written all of it, and collect it again."
            )
        yield Staged(name, digest, copy, scan)


def shown_name(path: Path) -> str:
    """Give a file's name as text that any table, log and terminal can hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in os.fsencode(path.name).decode("utf-8", "replace"))[:_NAME_MAX]


@contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    remedy = "Name a usage file that is there."
    try:
        source = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise NotFound(f"{name} is not a file that can be read.", remedy=remedy) from error
    with source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise NotFound(f"{name} is not a file.", remedy=remedy)
        yield source


def _copied(source: BinaryIO, copy: BinaryIO, scan: "_Scan | None", *, size_max: int) -> tuple[bytes, int]:
    """Copy a file and give its digest and its size; one that grows is read little further than it was long."""
    digest, size = hashlib.sha256(), 0
    with ThreadPoolExecutor(1) as aside:
        while size <= size_max and (chunk := source.read(_CHUNK)):
            hashed = aside.submit(digest.update, chunk)  # what takes longest, beside the rest
            size += len(chunk)
            _write(copy, chunk)
            if scan is not None:
                scan.feed(chunk)
            hashed.result()
    _write(copy, b"")
    if scan is not None:
        scan.feed(b"")
    return digest.digest(), size


def _write(copy: BinaryIO, chunk: bytes) -> None:
    try:
        copy.write(chunk)
        if not chunk:
            copy.flush()
    except OSError as error:
        raise Unavailable(
            "The lake's disk refuses a copy of the file; nothing of it was taken.", remedy="Free disk space and run it again."
        ) from error


class _Scan:
    """What is looked for in all of a text file's bytes, chunk after chunk; of faults the first is kept."""

    def __init__(self, name: str) -> None:
        self.fault: InvalidInput | None = None
        self._name, self._decoder = name, codecs.getincrementaldecoder("utf-8")()
        self._lines, self._unended, self._returns, self._pairs, self._last = 0, 0, 0, 0, b""

    def feed(self, chunk: bytes) -> None:
        """Look at the next chunk; an empty one is the end."""
        if self.fault is None:
            try:
                self._feed(chunk)
            except InvalidInput as fault:
                self.fault = fault

    def _feed(self, chunk: bytes) -> None:
        name, lines = self._name, self._lines
        try:
            if not chunk.isascii() or self._decoder.getstate()[0] or not chunk:
                self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n") + 1
            raise InvalidInput(f"{name}: line {line}: encoding: is not UTF-8.", remedy="Convert the file, and collect it again.") from None
        if (b"\0" in chunk or b"\x1f" in chunk) and (control := _NO_TEXT.search(chunk)):
            line = lines + chunk[: control.start()].count(b"\n") + 1
            raise InvalidInput(f"{name}: line {line}: text: holds a control character.", remedy="Deliver a text file.")
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
        lengths = np.diff(ends, prepend=-1 - self._unended, append=len(chunk))
        if int(lengths.max()) > LINE_BYTES_MAX:
            line = lines + int(lengths.argmax()) + 1
            raise InvalidInput(f"{name}: line {line}: text: is longer than {LINE_BYTES_MAX} bytes.", remedy="Name the fitting adapter.")
        self._unended = len(chunk) - int(ends[-1]) - 1 if len(ends) else self._unended + len(chunk)
        self._lines += len(ends)
        self._returns += chunk.count(b"\r")
        self._pairs += chunk.count(b"\r\n") + (self._last == b"\r" and chunk.startswith(b"\n"))
        self._last = chunk[-1:] or self._last

    def lines(self) -> int:
        """
        Give how many lines the file has.

        :raises InvalidInput: naming the line that is no UTF-8 text or too long, or the line ends that are mixed
        """
        if self.fault is not None:
            raise self.fault
        if self._returns and not self._returns == self._pairs == self._lines:
            # Whoever reads such a file may count its lines differently from whoever wrote it.
            what = f"{self._name}: file: mixes line ends: {self._pairs} of {self._lines} lines end in CR LF."
            raise InvalidInput(what, remedy="Deliver it with one kind of line end.")
        return self._lines + (self._unended > 0)


def text_frame(staged: Staged) -> Frame:
    """
    Give what is known of a text file before its lines are read.

    :raises InvalidInput: naming the line that is no UTF-8 text or too long, or the line ends that are mixed
    """
    scan = staged.scan
    if scan is None:
        scan = _Scan(staged.name)
        staged.file.seek(0)
        while chunk := staged.file.read(_CHUNK):
            scan.feed(chunk)
        scan.feed(b"")
    return _framed(staged, scan.lines())


def _framed(staged: Staged, lines: int) -> Frame:
    """Give the frame of a file whose lines are known to be of bounded length."""
    file = staged.file
    size = file.seek(0, os.SEEK_END)
    if size == len(codecs.BOM_UTF8) and lines == 1 and _begins_with_mark(file):
        raise InvalidInput(f"{staged.name}: file: is empty.", remedy="Deliver a file with records.")
    file.seek(0)
    first = file.read(LINE_BYTES_MAX + 4).partition(b"\n")[0].decode("utf-8").rstrip("\r")
    file.seek(max(0, size - LINE_BYTES_MAX - 4))
    last = file.read().removesuffix(b"\n").rpartition(b"\n")[2].decode("utf-8", "replace").rstrip("\r")
    return Frame(staged.name, lines, first.removeprefix("\ufeff"), last)


def _begins_with_mark(file: BinaryIO) -> bool:
    """Say whether a file begins with a byte order mark, which the engine passes over."""
    file.seek(0)
    return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
