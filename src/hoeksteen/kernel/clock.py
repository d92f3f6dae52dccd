"""The clock that interfaces read and hand on as `now`; the domain never asks for the time itself."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Give the present instant in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 the one place that reads the machine's clock


class FixedClock:
    """A clock that stands still, for tests and simulations that move it themselves."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant
