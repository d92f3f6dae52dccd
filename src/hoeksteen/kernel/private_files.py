"""Files that nobody but their owner may read: written whole or not at all, whatever stood there before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import BinaryIO

_MODE = 0o600


@contextmanager
def private_file(path: Path, *, mode: int = _MODE, durable: bool = True) -> Iterator[BinaryIO]:
    """
    Open a file to be written beside its place; at the end it takes the place at one instant, and after an error it is gone.

    Two who write the same file do not meet: the last one's stands there. A device or pipe is written straight.

    :param mode: exactly that in the end, whatever the caller's umask is; until then only the owner may read it
    :param durable: on disk when it takes its place, and what was left of a writer that was killed is removed
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as straight:
            yield straight
        return
    if durable:
        _remove_left(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.unlink(missing_ok=True)
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, _MODE)) as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_private(path: Path, content: bytes, *, mode: int = _MODE, durable: bool = True) -> None:
    """Write a file whole, as `private_file` does; its folder is made where it is not there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private_file(path, mode=mode, durable=durable) as file:
        file.write(content)


def _remove_left(path: Path) -> None:
    """Remove what processes that are no more left beside a place."""
    for left in path.parent.glob(f".{escape(path.name)}.*.part"):
        writer = left.name.removesuffix(".part").rpartition(".")[2]
        if writer.isdigit() and not _is_there(int(writer)):
            left.unlink(missing_ok=True)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True
