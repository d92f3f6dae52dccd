"""What the bodies of several calls are made of."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.keeper import Keeper

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Calls = Mapping[str, tuple[type[msgspec.Struct], Callable[[Keeper, Caller, Any], Any]]]
"""By path: the shape of the body, and what answers it."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call without a body."""


def subjects_of(run: bytes) -> list[UUID]:
    """:raises KeeperInvalid: when it is no run of whole identifiers"""
    if len(run) % 16:
        raise KeeperInvalid("subjects_invalid", "Subjects are given as 16 bytes each.")
    return [UUID(bytes=run[i : i + 16]) for i in range(0, len(run), 16)]


def subject_of(run: bytes) -> UUID:
    """:raises KeeperInvalid: when it is not one identifier"""
    if len(run) != 16:
        raise KeeperInvalid("subjects_invalid", "A subject is given as 16 bytes.")
    return UUID(bytes=run)


def required_grant(text: str) -> UUID:
    """:raises KeeperInvalid: when it names no grant"""
    try:
        return UUID(text)
    except ValueError as error:
        raise KeeperInvalid("unknown_grant", "There is no such grant.") from error


def required_change(text: str) -> UUID:
    """:raises KeeperInvalid: when it names no change"""
    try:
        return UUID(text)
    except ValueError as error:
        raise KeeperInvalid("unknown_change", "There is no such change.") from error


def grant_id(text: str | None) -> UUID | None:
    """:raises KeeperInvalid: when it names no grant"""
    return required_grant(text) if text else None
