"""What goes in and comes out of the client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Term:
    """
    A value to find the subject by.

    :param ref: handed back with a hit, such as a resource_id or customer_id
    """

    value: str
    ref: UUID | None = None


@dataclass(frozen=True, slots=True)
class SealItem:
    """
    The fields of one subject in one category.

    :param terms: per blind index the terms that replace all of this subject's terms in that index
    """

    subject: UUID
    fields: Mapping[str, Any]
    terms: Mapping[str, Sequence[Term]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revealed:
    subject: UUID
    fields: dict[str, Any]
    masked: bool


@dataclass(frozen=True, slots=True)
class Hit:
    subject: UUID
    ref: UUID | None


@dataclass(frozen=True, slots=True)
class Found:
    """
    Who was found by many values, as columns.

    :param places: of the values, from 0; a value that nobody has stands nowhere, one that several have several times
    :param subjects: 16 bytes for each place, and so are `refs`; what has no ref is left out
    """

    places: list[int]
    subjects: bytes
    refs: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """
    Whose token it is.

    :param subject: the person that a data subject's log-in is bound to
    """

    actor: str
    name: str
    organisation: str
    roles: tuple[str, ...]
    token: str
    expires_at: datetime
    subject: UUID | None
