"""A file before its lines are read: whole, text, and the same from beginning to end."""

import codecs
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.usage.adapters.base import Frame

BYTES_MAX = 4 * 1024**3
_CHUNK = 8 * 1024**2
LINE_BYTES_MAX = 1_000_000
_LINE_MAX = LINE_BYTES_MAX // 4 - 1  # characters, of at most four bytes each
_CONTROL = re.compile("[\x00\x1f]")


@dataclass(frozen=True, slots=True)
class Intake:
    """A file's frame and the SHA-256 of its bytes."""

    path: Path
    frame: Frame
    digest: bytes


def take_in(path: Path) -> Intake:
    """
    Read a file once: its digest, how many lines it has, and whether it is UTF-8 text.

    :raises NotFound: when it is not there
    :raises InvalidInput: when it is empty, too large, no UTF-8 text, or grows while it is read
    """
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if not 0 < before.st_size <= BYTES_MAX:
                what = "is empty" if before.st_size == 0 else f"is larger than {BYTES_MAX // 1024**3} GiB"
                raise InvalidInput(f"{path.name}: file: {what}.", remedy="Deliver a file with records, split if need be.")
            digest, lines, first, last = _scan(path.name, file)
            after = path.stat()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound(f"{path} is not a file.", remedy="Name a usage file that is there.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InvalidInput(
            f"{path.name}: file: changed while it was read.", remedy="Wait until the source has written all of it, and collect it again."
        )
    return Intake(path, Frame(path.name, lines, first, last), digest)


def _scan(name: str, file: BinaryIO) -> tuple[bytes, int, str, str]:
    """Give digest, number of lines, first line and last line."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    lines, first, unended, returns, pairs = 0, "", "", 0, 0
    chunk = b"begin"
    while chunk:
        chunk = file.read(_CHUNK)
        digest.update(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + chunk[: error.start].count(b"\n") + 1
            raise InvalidInput(f"{name}: line {line}: encoding: is not UTF-8.", remedy="Convert the file, and collect it again.") from error
        if control := _CONTROL.search(text):
            line = lines + text[: control.start()].count("\n") + 1
            raise InvalidInput(f"{name}: line {line}: text: holds a control character.", remedy="Deliver a text file.")
        if lines == 0 and not first.endswith("\n"):
            first = (first + text).partition("\n")[0] + ("\n" if "\n" in text else "")
        parts = (unended + text).split("\n") if unended and not unended.endswith("\n") else text.split("\n")
        if len(longest := max(parts, key=len)) > _LINE_MAX:
            raise InvalidInput(
                f"{name}: line {lines + parts.index(longest) + 1}: text: is longer than {_LINE_MAX} characters.", remedy="Name the fitting adapter."
            )
        lines += text.count("\n")
        returns += text.count("\r")
        pairs += text.count("\r\n") + (unended.endswith("\r") and text.startswith("\n"))
        unended = _last_line(unended + text)
    if returns and not returns == pairs == lines:
        # Whoever reads such a file may count its lines differently from whoever wrote it.
        raise InvalidInput(f"{name}: file: mixes line ends: {pairs} of {lines} lines end in CR LF.", remedy="Deliver it with one kind of line end.")
    whole = lines if unended.endswith("\n") else lines + 1
    return digest.digest(), whole, first.rstrip("\r\n"), unended.rstrip("\r\n")


def _last_line(text: str) -> str:
    """Give the last line with its newline, if it has one."""
    return text[text.rfind("\n", 0, len(text) - 1) + 1 :]
