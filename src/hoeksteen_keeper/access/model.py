"""Who may ask, what they ask, and what was decided. Frozen, pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hoeksteen_keeper.evidence.model import Tags
from hoeksteen_keeper.evidence.replay import StateAt

ROLES = frozenset(
    {
        "care_agent", "billing_manager", "fraud_analyst", "legal_officer", "security_officer", "privacy_officer", "migration_engineer", "technician",
        "data_subject", "service",
    }
)  # fmt: skip
KINDS = ("person", "service", "data_subject")


@dataclass(frozen=True, slots=True)
class Organisation:
    organisation: str
    name: str
    country: str
    operator: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Somebody or something that may ask.

    :param kind: `person`, `service` or `data_subject`
    :param subject: whose log-in it is, for a data subject
    :param origins: where the log-in page may send people back to, for a service
    """

    actor: str
    name: str
    organisation: Organisation
    kind: str
    roles: tuple[str, ...]
    subject: UUID | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who is asking now, as the keeper itself has established.

    :param medium: the service that carries the request; for a service or a person with a key of their own: the actor itself
    :param strong: the session was opened by a passkey or a key, and lately
    :param state: what held when the session was looked up
    """

    actor: Actor
    medium: str
    session: UUID
    expires_at: datetime
    strong: bool
    state: StateAt


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands. `any_subject`: it has no list, only a ceiling. `break_glass`: it was taken, and approved by nobody."""

    grant: UUID
    asker: str
    canonical: bytes
    digest: bytes
    state: str
    purpose: str
    categories: tuple[str, ...]
    ticket: str
    unmasked: bool
    any_subject: bool
    subjects_max: int
    per_hour: int
    per_day: int
    minutes: int
    requested_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    break_glass: bool = False

    def state_at(self, now: datetime) -> str:
        """Give its state; what ran out is expired from that instant on, whether it was marked or not."""
        return "expired" if self.state == "running" and self.valid_to is not None and self.valid_to <= now else self.state


@dataclass(frozen=True, slots=True)
class RunningGrant:
    """
    A grant that was started and has not been ended, as the log says.

    :param listed: for whom, by the tags of its entry; None where anybody
    """

    grant: UUID
    asker: str
    purpose: str
    categories: tuple[str, ...]
    ticket: str
    unmasked: bool
    subjects_max: int
    per_hour: int
    per_day: int
    valid_from: datetime
    valid_to: datetime
    listed: Tags | None

    def runs(self, now: datetime) -> bool:
        """Say whether it runs at this instant."""
        return self.valid_from <= now < self.valid_to

    def covers(self, subjects: Sequence[UUID], key: Callable[[UUID], bytes]) -> bool:
        """Say whether it is for all of these subjects."""
        return self.listed is None or (bool(subjects) and all(self.listed.hold(key(subject)) for subject in set(subjects)))


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What a policy decides on, besides who asks and for what category.

    :param customer_on_the_line: asserted, as `ticket` is; the others the keeper knows
    :param own: all data asked for are the asker's own
    :param grant: a running grant covers purpose, category and every subject
    :param strong: the session was opened by a passkey or a key, and lately
    """

    purpose: str = ""
    customer_on_the_line: bool = False
    ticket: bool = False
    own: bool = False
    grant: bool = False
    unmasked: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What the policies say.

    :param because: the @id of each policy that decided
    :param per_hour: data subjects per hour that the policies allow; None where the grant limits, or nothing is counted
    """

    allowed: bool
    because: tuple[str, ...] = ()
    per_hour: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """A request that is allowed: how it must be answered, and under what it is counted and logged."""

    masked: bool
    because: tuple[str, ...]
    grant: RunningGrant | None
    ticket: str


@dataclass(frozen=True, slots=True)
class Ask:
    """
    A request for data.

    :param action: `reveal`, `search` or `seal`
    :param categories: any of which suffices (a search by postcode and surname touches two)
    :param grant: the grant that the caller names; None lets the keeper pick one that runs and covers
    :param count: how many subjects it is counted as
    """

    action: str
    purpose: str
    categories: tuple[str, ...]
    subjects: Sequence[UUID]
    count: int
    grant: UUID | None = None
    customer_on_the_line: bool = False
    ticket: str = ""
