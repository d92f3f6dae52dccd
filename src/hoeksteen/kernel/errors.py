"""
The errors that every room raises. None of them ever carries personal data.

`Refused` means that the caller can act; `Unavailable` that the same request may succeed later under the same
idempotency key; `Corrupt` that an invariant broke and the worker must stop.
"""

from enum import StrEnum


class Code(StrEnum):
    """Every code that a caller can meet; docs/errors.md explains each, and a test provokes each."""

    NOT_FOUND = "not_found"
    INVALID_INPUT = "invalid_input"
    CONFLICT = "conflict"
    ACCESS_DENIED = "access_denied"
    WRONG_STATE = "wrong_state"
    UNAVAILABLE = "unavailable"
    CORRUPT = "corrupt"


class HoeksteenError(Exception):
    """
    Carry a code, what happened, where, and the remedy.

    :param message: one sentence that names the record and the field, without personal data
    :param remedy: one sentence that says what to do
    """

    code: Code = Code.CORRUPT

    def __init__(self, message: str, *, remedy: str = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[HoeksteenError], arguments: tuple[object, ...], known: dict[str, object]) -> HoeksteenError:
    """Make an error that comes from another process what it was there."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(known)
    return error


class Refused(HoeksteenError):
    """The caller asked for something that cannot be, and can act on it."""


class NotFound(Refused):
    code = Code.NOT_FOUND


class InvalidInput(Refused):
    code = Code.INVALID_INPUT


class Conflict(Refused):
    code = Code.CONFLICT


class WrongState(Refused):
    code = Code.WRONG_STATE


class AccessDenied(Refused):
    """
    The keeper refused a disclosure.

    :param reason: the keeper's own reason, such as `no_grant` or `limit_reached`
    """

    code = Code.ACCESS_DENIED

    def __init__(self, message: str, *, reason: str, remedy: str = "", **fields: object) -> None:
        super().__init__(message, remedy=remedy, **fields)
        self.reason = reason


class Unavailable(HoeksteenError):
    code = Code.UNAVAILABLE


class Corrupt(HoeksteenError):
    code = Code.CORRUPT


def invariant(holds: bool, message: str) -> None:
    """
    Stop when something that must be true is not.

    :raises Corrupt: when `holds` is false
    """
    if not holds:
        raise Corrupt(f"An invariant broke: {message}.", remedy="Stop, keep the data directory, and run `hoeksteen bill audit`.")
