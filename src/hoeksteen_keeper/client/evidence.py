"""The calls that ask the log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen_keeper.client.connected import Connected


class EvidenceCalls(Connected):
    """Ask who saw, who could see, and for proof."""

    def did_see(
        self, *, subject: UUID | None = None, actor: str | None = None, organisation: str | None = None, country: str | None = None,
        since: datetime | None = None, until: datetime | None = None, after: int | None = None, limit: int | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """
        Give every entry about a subject, an actor, an organisation or a country's organisations in a period, complete and in order.

        :param after: the index of the last entry of the page before, where `limit` asks for pages
        :returns: dictionaries of index, time, actor, name, organisation, country, action, category, purpose, grant, ticket, outcome, masked, count,
            and log (the name of one that ended; None for the one that goes on); of calls that were part of something, its reference
        """
        body = {
            "subject": subject.bytes if subject else None, "actor": actor, "organisation": organisation, "country": country, "since": since,
            "until": until, "after": after, "limit": limit,
        }  # fmt: skip
        return [{**entry, "time": datetime.fromisoformat(entry["time"])} for entry in self._call("did-see", body)]

    def could_see(
        self, *, subject: UUID | None = None, actor: str | None = None, organisation: str | None = None, country: str | None = None,
        at: datetime | None = None, since: datetime | None = None, until: datetime | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """
        Give who could have seen, and through what: at one moment, or ever in a period.

        :param subject: whose data; None asks for everything that an actor, an organisation or a country's organisations could have seen
        :param at: the moment; now, if neither this nor `since` is given
        :param since: the beginning of a period; `until`, or now, is its last moment
        :returns: `at`, `since`, `actors` (actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour,
            ceiling_per_day, grant, reach (`anybody`, `own`, or how many are listed); of a period also `from` and `until`, None where it still held
            at the end), `findings`
        """
        return dict(self._call("could-see", {
            "subject": subject.bytes if subject else None, "actor": actor, "organisation": organisation, "country": country, "at": at,
            "since": since, "until": until,
        }))  # fmt: skip

    def exposure(self) -> list[str]:
        """Have the keeper scan its machine, attest the findings in the log, and give them."""
        return list(self._call("exposure", {}))

    def export_bundle(self, *, subject: UUID, since: datetime | None = None, until: datetime | None = None) -> bytes:
        """Give an evidence bundle about a subject, to be checked offline by `hoeksteen-verify`."""
        return bytes(self._call("export", {"subject": subject.bytes, "since": since, "until": until}))

    def checkpoint(self) -> bytes:
        """Give a signed note over everything that the log holds."""
        return bytes(self._call("checkpoint", {}))

    def fsck(self) -> dict[str, Any]:
        """Have the keeper recompute its whole log, and give the report."""
        return dict(self._call("fsck", {}))
