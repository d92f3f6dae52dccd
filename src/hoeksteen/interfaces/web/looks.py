"""The log's entries about a person as people read them: what one actor did in one go, for one reason, is one line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

TOGETHER_MAX = timedelta(minutes=2)
_ASKING = frozenset({"did_see", "could_see", "export"})


@dataclass(frozen=True, slots=True)
class Deed:
    """One kind of thing that was done, and to which categories; `masked` where not everything was shown."""

    action: str
    category: str
    masked: bool


@dataclass(slots=True)
class Look:
    """
    What an actor did within two minutes of each other, under one purpose, ticket and grant, with one outcome.

    :param time: of the newest entry; `entries` of them were put together
    """

    time: datetime
    oldest: datetime
    actor: str
    name: str
    organisation: str
    country: str
    purpose: str
    ticket: str
    grant: str
    outcome: str
    deeds: list[Deed] = field(default_factory=list)
    entries: int = 0


def looks(entries: Iterable[Mapping[str, Any]]) -> list[Look]:
    """
    Give the entries put together, the newest first; none is left out, and equal deeds of one look are said once.

    :param entries: as the keeper gives them, in the order of the log
    """
    found: list[Look] = []
    for entry in reversed(list(entries)):
        action = "asked" if entry["action"] in _ASKING else str(entry["action"])
        key = (entry["actor"], entry["purpose"] or "", entry["ticket"] or "", entry["grant"] or "", entry["outcome"])
        last = found[-1] if found else None
        if last is None or _key(last) != key or last.oldest - entry["time"] > TOGETHER_MAX:
            purpose, ticket, grant = key[1:4]
            last = Look(
                entry["time"], entry["time"], entry["actor"], entry["name"] or entry["actor"], entry["organisation"], entry["country"],
                purpose, ticket, grant, entry["outcome"],
            )  # fmt: skip
            found.append(last)
        deed = Deed(action, "" if action in ("asked", "search") else str(entry["category"] or ""), bool(entry["masked"]))
        if deed not in last.deeds:
            last.deeds.append(deed)
        last.oldest, last.entries = entry["time"], last.entries + 1
    return found


def _key(look: Look) -> tuple[str, str, str, str, str]:
    return look.actor, look.purpose, look.ticket, look.grant, look.outcome
