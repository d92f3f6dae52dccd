"""How much memory the processes of an installation use together, at most, while something runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_INTERVAL_SECONDS = 0.2
_PROC = Path("/proc")


class PeakMemory:
    """The largest sum that was seen; `bytes` is 0 until something was."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def peak_memory(data: Path) -> Iterator[PeakMemory]:
    """
    Watch every process that names a data directory on its command line, and all that these started.

    Pages that several of them share count once (their proportional share of each). Five looks a second miss what lives shorter.
    """
    peak, done = PeakMemory(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            peak.bytes = max(peak.bytes, sum(_proportional_bytes(pid) for pid in _processes(str(data))))
            done.wait(_INTERVAL_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _processes(data: str) -> set[int]:
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                pid = int(entry.name)
                parents[pid] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if data in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.add(pid)
    more = found
    while more:
        more = {pid for pid, parent in parents.items() if parent in found and pid not in found}
        found |= more
    return found


def _proportional_bytes(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
