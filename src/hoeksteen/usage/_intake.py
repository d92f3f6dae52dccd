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
    """

    name: str
    digest: bytes
    file: BinaryIO

    @property
    def path(self) -> str:
        """Where this process, and nobody after it, can read the copy."""
        return f"/proc/self/fd/{self.file.fileno()}"


@contextmanager
def staged(path: Path, folder: Path) -> Iterator[Staged]:
    """
    Copy a file, and give the copy with its digest; it is gone when the block ends.

    :param folder: lies on the disk that takes the copy
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
        digest, size = hashlib.sha256(), 0
        while size <= before.st_size and (chunk := source.read(_CHUNK)):
            digest.update(chunk)
            size += len(chunk)
            _write(copy, chunk)
        _write(copy, b"")
        after = os.fstat(source.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != before.st_size:
            raise InvalidInput(
                f"{name}: file: changed while it was read.", remedy="Wait until the source has written all of it, and collect it again."
            )
        yield Staged(name, digest.digest(), copy)


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


def _write(copy: BinaryIO, chunk: bytes) -> None:
    try:
        copy.write(chunk)
        if not chunk:
            copy.flush()
    except OSError as error:
        raise Unavailable(
            "The lake's disk refuses a copy of the file; nothing of it was taken.", remedy="Free disk space and run it again."
        ) from error


def text_frame(staged: Staged) -> Frame:
    """
    Give what is known of a text file before its lines are read.

    :raises InvalidInput: naming the line that is no UTF-8 text or too long, or the line ends that are mixed
    """
    name, file = staged.name, staged.file
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, unended, returns, pairs, last = 0, 0, 0, 0, b""
    file.seek(0)
    chunk = b"begin"
    while chunk:
        chunk = file.read(_CHUNK)
        try:
            if not chunk.isascii() or decoder.getstate()[0] or not chunk:
                decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n") + 1
            raise InvalidInput(f"{name}: line {line}: encoding: is not UTF-8.", remedy="Convert the file, and collect it again.") from None
        if (b"\0" in chunk or b"\x1f" in chunk) and (control := _NO_TEXT.search(chunk)):
            line = lines + chunk[: control.start()].count(b"\n") + 1
            raise InvalidInput(f"{name}: line {line}: text: holds a control character.", remedy="Deliver a text file.")
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
        lengths = np.diff(ends, prepend=-1 - unended, append=len(chunk))
        if int(lengths.max()) > LINE_BYTES_MAX:
            line = lines + int(lengths.argmax()) + 1
            raise InvalidInput(f"{name}: line {line}: text: is longer than {LINE_BYTES_MAX} bytes.", remedy="Name the fitting adapter.")
        unended = len(chunk) - int(ends[-1]) - 1 if len(ends) else unended + len(chunk)
        lines += len(ends)
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
        last = chunk[-1:] or last
    if returns and not returns == pairs == lines:
        # Whoever reads such a file may count its lines differently from whoever wrote it.
        raise InvalidInput(f"{name}: file: mixes line ends: {pairs} of {lines} lines end in CR LF.", remedy="Deliver it with one kind of line end.")
    return _framed(staged, lines + (unended > 0))


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
