"""
Identifiers: time-ordered UUIDs (RFC 9562, version 7) and repeatable ones (version 8 from SHA-256).

Randomness is injected, so that a run with one seed gives one set of identifiers.
"""

import hashlib
import random
from datetime import datetime
from uuid import UUID, SafeUUID

_UNSTAMPED = ~(0xF << 76 | 0x3 << 62)
_VERSION_8 = 8 << 76 | 0x2 << 62


class Identifiers:
    """
    Make identifiers from an injected source of randomness.

    :param source: `random.Random(seed)` in tests and simulations, `random.SystemRandom()` in production
    """

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def new(self, now: datetime) -> UUID:
        """Give a version 7 UUID that sorts by `now` to the millisecond."""
        milliseconds = int(now.timestamp() * 1000)
        value = (milliseconds & (1 << 48) - 1) << 80 | self._source.getrandbits(80)
        return UUID(int=_stamped(value, version=7))

    def series(self, now: datetime, count: int) -> list[UUID]:
        """Give version 7 UUIDs of one moment, each one more than the one before: rows that are made together lie together in an index."""
        first = self.new(now).int & ~(1 << 61)  # so much room is left in the random part
        return [UUID(int=first + number) for number in range(count)]


def derived(*parts: str) -> UUID:
    """
    Give the same version 8 UUID for the same parts, always.

    Repeatable identifiers let an interrupted load continue without making anything twice.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    # made as `UUID(int=…)` makes it, without looking again at what is right: a load makes tens of millions of them
    made = UUID.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(digest[:16], "big") & _UNSTAMPED | _VERSION_8)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _stamped(value: int, *, version: int) -> int:
    value = value & ~(0xF << 76) | version << 76
    return value & ~(0x3 << 62) | 0x2 << 62
