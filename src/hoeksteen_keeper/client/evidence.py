"""The calls that ask the log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen_keeper.client.connected import Connected


class EvidenceCalls(Connected):
    """Ask who saw, who could see, and for proof."""

    def did_see(
        self, *, subject: UUID | None = None, actor: str | None = None, organisation: str | None = None,
        since: datetime | None = None, until: datetime | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """
        Give every entry about a subject, an actor or an organisation in a period, complete and in order.

        :returns: dictionaries of index, time, actor, name, organisation, country, action, category, purpose, grant, ticket, outcome, masked, count
        """
        body = {"subject": subject.bytes if subject else None, "actor": actor, "organisation": organisation, "since": since, "until": until}
        return [{**entry, "time": datetime.fromisoformat(entry["time"])} for entry in self._call("did-see", body)]

    def could_see(self, *, subject: UUID, at: datetime | None = None) -> dict[str, Any]:
        """
        Give everybody who could have seen a subject at an instant, and through what.

        :returns: `at`, `actors` (actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour, ceiling_per_day,
            grant), `findings`
        """
        return dict(self._call("could-see", {"subject": subject.bytes, "at": at}))

    def export_bundle(self, *, subject: UUID, since: datetime | None = None, until: datetime | None = None) -> bytes:
        """Give an evidence bundle about a subject, to be checked offline by `hoeksteen-verify`."""
        return bytes(self._call("export", {"subject": subject.bytes, "since": since, "until": until}))

    def checkpoint(self) -> bytes:
        """Give a signed note over everything that the log holds."""
        return bytes(self._call("checkpoint", {}))

    def fsck(self) -> dict[str, Any]:
        """Have the keeper recompute its whole log, and give the report."""
        return dict(self._call("fsck", {}))
