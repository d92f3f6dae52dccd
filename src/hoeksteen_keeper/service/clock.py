"""The machine's clock, and the one that decisions are made by."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)  # noqa: TID251 the one place of the keeper that reads the machine's clock


class SteadyClock:
    """
    The clock that decisions are made by: it never runs backwards.

    Somebody who sets the machine's clock back wins no second life for what expired. The log is given the machine's own clock, and says
    where it was behind.
    """

    def __init__(self, read: Callable[[], datetime]) -> None:
        self._read, self._latest, self._lock = read, read(), threading.Lock()

    def __call__(self) -> datetime:
        self.not_before(self._read())
        return self._latest

    def not_before(self, instant: datetime) -> None:
        """Go on from an instant that is known to have been."""
        with self._lock:
            self._latest = max(self._latest, instant)
