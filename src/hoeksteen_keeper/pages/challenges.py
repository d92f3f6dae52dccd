"""Challenges that a passkey must sign: made here, used once, and for a short time."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

LASTS = timedelta(minutes=5)
HELD_MAX = 10_000


class Challenges:
    """
    Hold what was asked of browsers. The pages live in one process, so memory is the right place; a restart only asks people to try again.
    """

    def __init__(self, *, now: Callable[[], datetime], random_bytes: Callable[[int], bytes]) -> None:
        self._now, self._random_bytes = now, random_bytes
        self._held: dict[tuple[str, bytes], datetime] = {}
        self._lock = threading.Lock()

    def make(self, purpose: str) -> bytes:
        """
        Make a challenge; when too many wait, the oldest is forgotten.

        :param purpose: what it may be used for, such as whose registration
        """
        challenge = self._random_bytes(32)
        with self._lock:
            for key in [key for key, until in self._held.items() if until <= self._now()]:
                del self._held[key]
            while len(self._held) >= HELD_MAX:
                del self._held[next(iter(self._held))]
            self._held[purpose, challenge] = self._now() + LASTS
        return challenge

    def use(self, purpose: str, challenge: bytes) -> bool:
        """Say whether the challenge was made for this and is still good; it is not afterwards."""
        with self._lock:
            until = self._held.pop((purpose, challenge), None)
        return until is not None and self._now() < until
