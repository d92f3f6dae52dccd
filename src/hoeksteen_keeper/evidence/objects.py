"""
Where the files of a log lie: under names such as `tile/0/000`, on a file system or (module `s3`) in object storage.

Each is written once and whole, and never again with other bytes: what a published checkpoint stands on cannot be overwritten, not even by a second
keeper on a copy of the database. The checkpoint alone is exchanged, by compare-and-swap.
"""

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from hoeksteen_keeper.errors import KeeperUnavailable
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt

_AT_ONCE = 32
_FEW = 64  # files: many threads at once would hold up whoever is answered meanwhile


class Objects(Protocol):
    """
    What a log asks of its storage.

    :raises KeeperUnavailable: by every method, when storage does not answer; whatever was begun is done by doing it again
    """

    @property
    def place(self) -> str:
        """Say where it is, for people."""
        ...

    def read(self, name: str) -> bytes | None:
        """Give one, or None where there is none."""
        ...

    def write(self, new: Mapping[str, bytes]) -> None:
        """
        Make new ones; all are durable when this returns.

        :raises EvidenceCorrupt: when one is there already with other bytes; it stays as it was
        """
        ...

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Put new bytes in the place of the old ones, or of none; say whether it was so: where others are there, they stay."""
        ...

    def forget(self, folder: str) -> None:
        """Remove everything below a name."""
        ...


def write_all(new: Mapping[str, bytes], create: Callable[[str, bytes], bool], *, place: str, few: int = 0) -> None:
    """
    Make new objects: many at a time, for what takes long is waiting for a disk or a service.

    :param create: makes one, and says whether it now holds these bytes
    :param few: up to so many go one after another
    :raises EvidenceCorrupt: when one is there already with other bytes
    """
    if len(new) <= few:
        held = [create(name, raw) for name, raw in new.items()]
    else:
        with ThreadPoolExecutor(min(_AT_ONCE, len(new))) as pool:
            held = list(pool.map(create, new, new.values()))
    if other := [name for name, ours in zip(new, held, strict=True) if not ours]:
        raise EvidenceCorrupt(
            "tile_differs", f"{min(other)} (of {len(other)}) lies in {place} with other bytes, and stays so. Another keeper writes there: stop it. "
            "Or a restored database lost entries that were never signed: move what lies beyond the checkpoint away, and keep it.",
        )  # fmt: skip


class Files:
    """
    Storage on a file system, at the exact paths of C2SP tlog-tiles.

    :param home: the log's prefix
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._scratch = home.with_name(f"{home.name}.new")  # beside the log, so that a crash leaves nothing strange in it

    @property
    def place(self) -> str:
        return str(self.home)

    def read(self, name: str) -> bytes | None:
        with self._answering():
            try:
                return (self.home / name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, new: Mapping[str, bytes]) -> None:
        with self._answering():
            write_all(new, self._create, place=self.place, few=_FEW)
            self._sync(new)

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        with self._answering(), self._alone():
            if self.read(name) != old:
                return False
            self._whole(name, new).rename(self.home / name)
            self._sync([name])
            return True

    def forget(self, folder: str) -> None:
        with self._answering(), suppress(FileNotFoundError):
            shutil.rmtree(self.home / folder)

    def _create(self, name: str, raw: bytes) -> bool:
        """Make a file that appears whole; say whether it now holds these bytes."""
        written = self._whole(name, raw)
        try:
            os.link(written, self.home / name)
        except FileExistsError:
            return (self.home / name).read_bytes() == raw
        finally:
            written.unlink()
        return True

    def _whole(self, name: str, raw: bytes) -> Path:
        (self.home / name).parent.mkdir(parents=True, exist_ok=True)
        written = self._scratch / f"{os.getpid()}-{threading.get_ident()}"
        written.parent.mkdir(exist_ok=True)
        with written.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return written

    def _sync(self, names: Mapping[str, bytes] | list[str]) -> None:
        """Make the names of new files durable, up to the log's own folder."""
        for folder in {parent for name in names for parent in (self.home / name).parents if parent.is_relative_to(self.home)}:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from exchanging anything meanwhile."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        with (self._scratch / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KeeperUnavailable("tiles_unavailable", f"The log's tiles in {self.place} cannot be reached: {error.strerror}.") from error
