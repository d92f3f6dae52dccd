"""
The drop folder: sources put files in, and each is taken once it is whole.

    drop/             files whose ending tells their format; drop/<adapter>/ those of a named adapter
    drop/.taking/     what is being taken; after a crash the next sweep goes on with it
    drop/.archive/    yyyy-mm/<usage file>/<name>, for some days
    drop/.refused/    files of which nothing was taken; `hoeksteen usage balance` says why

A file moves by rename, so that at any instant it lies in one of these places. Taking it twice does no harm: its digest is known.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import _store
from hoeksteen.usage._intake import shown_name
from hoeksteen.usage.adapters import adapters, of_ending
from hoeksteen.usage.adapters.base import Adapter
from hoeksteen.usage.batches import sender_of
from hoeksteen.usage.model import FileBalance, RefusedFile
from hoeksteen.usage.operations import collect

TAKING, ARCHIVE, REFUSED = ".taking", ".archive", ".refused"
SETTLED = timedelta(seconds=10)
KEPT = timedelta(days=30)
_UNFINISHED = (".part", ".tmp", ".filepart", ".swp")  # how programs that copy name what they have not finished
_FILES_MAX = 10_000  # in one sweep
_NAME_BYTES_MAX = 240  # of a name that is put behind a number; file systems take 255


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What one sweep did.

    :param taken: the balances of the files that were taken, also of those that had been taken before
    :param refused: the files of which nothing was taken
    :param waiting: how many are still being written
    :param passed_over: what lies there and is not taken, and why: links, pipes, folders that no format is named after
    """

    taken: tuple[FileBalance, ...]
    refused: tuple[RefusedFile, ...]
    waiting: int
    passed_over: tuple[str, ...] = ()


def sweep(
    *,
    database: Database,
    keeper: KeeperClient,
    lake: Lake,
    folder: Path,
    now: datetime,
    identifiers: Identifiers,
    layouts: Path | None = None,
    settled: timedelta = SETTLED,
    kept: timedelta = KEPT,
    stop: Callable[[], bool] = lambda: False,
) -> Swept:
    """
    Take every file of the drop folder that is whole, in the order of the numbers in their names.

    A file is whole when nobody has it open to write and it was not changed for a while; a source that renames files into the folder is
    the safest. What cannot be taken now, because the keeper or the lake does not answer, stays in `.taking` for the next sweep.

    :param settled: how long a file must not have changed
    :param kept: how long taken files stay in the archive: they hold numbers in clear
    :param stop: asked before each file, so that a watcher ends quickly
    :raises Unavailable: when the keeper, the database or the lake does not answer
    """
    known, passed_over = adapters(layouts), list[str]()
    for name in (TAKING, ARCHIVE, REFUSED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    taken, refused, waiting = list[FileBalance](), list[RefusedFile](), 0
    resumed = sorted((file for file in _files(folder / TAKING, passed_over)), key=_natural)
    fresh = sorted((file for file in _incoming(folder, known, passed_over)), key=_natural)
    for file in [*resumed, *fresh][:_FILES_MAX]:
        if stop():
            break
        if file.parent.parent.name != TAKING:
            if not _is_whole(file, now, settled):
                waiting += 1
                continue
            file = _move(file, folder / TAKING / (file.parent.name if file.parent != folder else "-"))
        adapter = known.get(file.parent.name) if file.parent.name != "-" else of_ending(file.name, known)
        try:
            if adapter is None:
                raise InvalidInput(f"{shown_name(file)}: file: its ending tells no format.", remedy="Put it into the folder of an adapter.")
            sender = sender_of(file.name)  # each machine numbers its records by itself
            source = None if sender is None else f"{adapter.source}@{sender}"
            balance = collect(
                database=database, keeper=keeper, lake=lake, path=file, adapter=adapter.name, now=now, identifiers=identifiers, source=source,
                layouts=layouts,
            )  # fmt: skip
        except (InvalidInput, NotFound) as error:
            refusal = RefusedFile(shown_name(file), "" if adapter is None else adapter.name, error.message, now)
            with database.transaction() as tx:
                _store.note_refused(tx, refusal)
            refused.append(refusal)
            _move(file, folder / REFUSED)
            continue
        taken.append(balance)
        _move(file, folder / ARCHIVE / f"{now:%Y-%m}" / str(balance.usage_file_id))
    _forget(folder / ARCHIVE, now - kept)
    return Swept(tuple(taken), tuple(refused), waiting, tuple(sorted(passed_over)))


def _incoming(folder: Path, known: dict[str, Adapter], passed_over: list[str]) -> Iterator[Path]:
    for entry in _entries(folder, passed_over):
        if _is_file(entry):
            yield entry
        elif not _is_folder(entry):
            passed_over.append(f"{shown_name(entry)}: is no file of its own")
        elif entry.name not in known:
            passed_over.append(f"{shown_name(entry)}: is a folder that no format is named after")
        else:
            yield from _inside(entry, passed_over)


def _files(taking: Path, passed_over: list[str]) -> Iterator[Path]:
    for inside in _entries(taking, passed_over):
        if _is_folder(inside):
            yield from _inside(inside, passed_over)


def _inside(folder: Path, passed_over: list[str]) -> Iterator[Path]:
    for entry in _entries(folder, passed_over):
        if _is_file(entry):
            yield entry
        else:
            passed_over.append(f"{shown_name(folder)}/{shown_name(entry)}: is no file of its own")


def _entries(folder: Path, passed_over: list[str]) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".") and not entry.name.lower().endswith(_UNFINISHED)]
    except OSError as error:  # one folder that cannot be read keeps no other waiting
        passed_over.append(f"{shown_name(folder)}: cannot be read ({error.strerror})")
        return []


def _is_file(path: Path) -> bool:
    """Say whether it is a file of its own: a link could lead to any file that the application may read."""
    return _mode(path, stat.S_ISREG)


def _is_folder(path: Path) -> bool:
    return _mode(path, stat.S_ISDIR)


def _mode(path: Path, is_kind: Callable[[int], bool]) -> bool:
    try:
        return is_kind(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if re.fullmatch("[0-9]{1,18}", part) else (-1, part) for part in re.split(r"([0-9]{1,18})", path.name)]


def _is_whole(file: Path, now: datetime, settled: timedelta) -> bool:
    try:
        found = file.lstat()
        # A source whose clock is ahead gives its files a time to come; then it counts when the file came here.
        changed = found.st_mtime if found.st_mtime <= now.timestamp() else found.st_ctime
        if now.timestamp() - changed < settled.total_seconds():
            return False
        with open(file, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as opened:
            try:
                fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_RDLCK)  # refused while anybody has it open to write
            except OSError as error:
                return error.errno != errno.EAGAIN  # others' files cannot be asked about so
            fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except PermissionError:
        return True  # it is refused then, with its name
    except OSError:
        return False  # it went away, or became a link
    return True


def _move(file: Path, to: Path) -> Path:
    """Move a file, and never into the place of another."""
    to.mkdir(parents=True, exist_ok=True)
    number, place = 1, to / file.name
    while place.exists() and not place.samefile(file):
        number += 1
        place = to / os.fsdecode(f"{number}-".encode() + os.fsencode(file.name)[-_NAME_BYTES_MAX:])  # its end tells the format
    return file.rename(place)


def _forget(archive: Path, before: datetime) -> None:
    """Remove what was taken long enough ago; its folder's time is that of the move."""
    for file in archive.glob("*/*/*"):
        if file.parent.stat().st_mtime < before.timestamp():
            file.unlink()
            if not any(file.parent.iterdir()):
                file.parent.rmdir()
