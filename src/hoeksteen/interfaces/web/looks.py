"""The log's entries about a person as people read them: what one actor did in one go, for one reason, is one line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

TOGETHER_MAX = timedelta(minutes=2)
ASKING = frozenset({"did_see", "could_see", "export", "did_see_subject", "did_see_actor", "export_log"})
"""Questions to the log, and what the policies call them: a refusal is entered by that name."""


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

    def goes_on_with(self, entry: Mapping[str, Any], action: str) -> bool:
        """Say whether an older entry belongs to this look; a question to the log has no purpose of its own, and joins any."""
        if (entry["actor"], entry["outcome"]) != (self.actor, self.outcome) or self.oldest - entry["time"] > TOGETHER_MAX:
            return False
        only_asked = all(deed.action == "asked" for deed in self.deeds)
        return action == "asked" or only_asked or _why(entry) == (self.purpose, self.ticket, self.grant)


def looks(entries: Iterable[Mapping[str, Any]]) -> list[Look]:
    """
    Give the entries put together, the newest first; none is left out, and equal deeds of one look are said once.

    :param entries: as the keeper gives them, in the order of the log
    """
    found: list[Look] = []
    for entry in reversed(list(entries)):
        action = "asked" if entry["action"] in ASKING else str(entry["action"])
        last = found[-1] if found else None
        if last is None or not last.goes_on_with(entry, action):
            last = Look(
                entry["time"], entry["time"], entry["actor"], entry["name"] or entry["actor"], entry["organisation"], entry["country"], "", "", "",
                entry["outcome"],
            )  # fmt: skip
            found.append(last)
        if action != "asked":
            last.purpose, last.ticket, last.grant = _why(entry)
        deed = Deed(action, "" if action in ("asked", "search") else str(entry["category"] or ""), bool(entry["masked"]))
        if deed not in last.deeds:
            last.deeds.append(deed)
        last.oldest, last.entries = entry["time"], last.entries + 1
    return found


def _why(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["purpose"] or "", entry["ticket"] or "", entry["grant"] or ""
