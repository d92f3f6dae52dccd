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
        self._held: dict[tuple[str, bytes], tuple[datetime, object]] = {}
        self._lock = threading.Lock()

    def make(self, purpose: str, about: object = None) -> bytes:
        """
        Make a challenge; when too many wait, the oldest is forgotten.

        :param purpose: what it may be used for, such as whose registration
        :param about: what to remember with it
        """
        challenge = self._random_bytes(32)
        with self._lock:
            for key in [key for key, (until, _) in self._held.items() if until <= self._now()]:
                del self._held[key]
            while len(self._held) >= HELD_MAX:
                del self._held[next(iter(self._held))]
            self._held[purpose, challenge] = self._now() + LASTS, about
        return challenge

    def use(self, purpose: str, challenge: bytes) -> bool:
        """Say whether the challenge was made for this and is still good; it is not afterwards."""
        return self._used(purpose, challenge) is not None

    def take(self, purpose: str, challenge: bytes) -> object:
        """Give what was remembered with a challenge that was made for this and is still good, or None; it is not good afterwards."""
        found = self._used(purpose, challenge)
        return found[1] if found else None

    def _used(self, purpose: str, challenge: bytes) -> tuple[datetime, object] | None:
        with self._lock:
            found = self._held.pop((purpose, challenge), None)
        return found if found and self._now() < found[0] else None
