"""The calls that touch personal data."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from hoeksteen_keeper.client.connected import Connected
from hoeksteen_keeper.client.shapes import Found, Hit, Revealed, SealItem

ITEMS_MAX = 10_000
RECORDS_MAX = 1 << 18
_AT_ONCE_MAX = 4
_A = TypeVar("_A")
_B = TypeVar("_B")


class VaultCalls(Connected):
    """Seal, open, find and erase."""

    def seal(self, *, purpose: str, category: str, items: Sequence[SealItem], grant: str | None = None) -> list[bytes]:
        """
        Seal one category of many subjects and give one blob per item, in order.

        :raises KeeperRefused: when the actor may not write this category for this purpose, or a subject's category was shredded
        """
        blobs: list[bytes] = []
        for part in _parts(items, ITEMS_MAX):
            indexes: dict[str, list[Any]] = {}
            for position, item in enumerate(part):
                for index, terms in item.terms.items():
                    indexes.setdefault(index, []).append([position, [[term.value, term.ref.bytes if term.ref else None] for term in terms]])
            blobs += self._call("seal", {
                "purpose": purpose, "category": category, "grant": grant, "indexes": indexes,
                "subjects": b"".join(item.subject.bytes for item in part), "fields": [item.fields for item in part],
            })  # fmt: skip
        return blobs

    def reveal(
        self, *, purpose: str, category: str, items: Sequence[tuple[UUID, bytes]], grant: str | None = None,
        context: Mapping[str, str | bool] | None = None,
    ) -> list[Revealed]:  # fmt: skip
        """
        Open one category of many subjects, masked where the policy says so; the log entry is durable before anything is opened.

        :param context: what the caller asserts: `customer_on_the_line` (bool), `ticket` (str)
        :raises KeeperRefused: with the reason; then nothing of the batch is opened
        :raises KeeperInvalid: when a blob does not belong to its subject and category
        """
        revealed: list[Revealed] = []
        for part in _parts(items, ITEMS_MAX):
            answer = self._call("reveal", {
                "purpose": purpose, "category": category, "grant": grant, "context": context or {},
                "subjects": b"".join(subject.bytes for subject, _ in part), "blobs": [blob for _, blob in part],
            })  # fmt: skip
            revealed += [Revealed(subject, fields, answer["masked"]) for (subject, _), fields in zip(part, answer["fields"], strict=True)]
        return revealed

    def rotate(
        self, *, purpose: str, category: str, items: Sequence[tuple[UUID, bytes]], grant: str | None = None
    ) -> list[bytes]:  # fmt: skip
        """
        Give the blobs sealed again under the next generation of their subjects' keys, in order; the old ones open until `finish_rotation`.

        Done again, it makes no further generation. Store all blobs of a subject's category before finishing.
        """
        blobs: list[bytes] = []
        for part in _parts(items, ITEMS_MAX):
            body = {"purpose": purpose, "category": category, "grant": grant, "blobs": [blob for _, blob in part]}
            blobs += self._call("rotate", {**body, "subjects": b"".join(subject.bytes for subject, _ in part)})
        return blobs

    def finish_rotation(self, *, purpose: str, category: str, subjects: Sequence[UUID], grant: str | None = None) -> int:
        """Destroy all but the latest generation of these subjects' keys, and give how many keys there were; older blobs open no more."""
        body = {"purpose": purpose, "category": category, "grant": grant}
        parts = _parts(subjects, ITEMS_MAX)
        return sum(self._call("rotate/finish", {**body, "subjects": b"".join(subject.bytes for subject in part)}) for part in parts)

    def search(
        self, *, purpose: str, index: str, value: str, context: Mapping[str, str | bool] | None = None, grant: str | None = None, limit: int = 50
    ) -> list[Hit]:
        """
        Find subjects by one value in a blind index.

        :raises KeeperRefused: without the permission, or past the limit
        """
        body = {"purpose": purpose, "index": index, "values": [value], "context": context or {}, "grant": grant, "limit": limit}
        return _hits(self._call("search", body)[0])

    def lookup(self, *, purpose: str, index: str, values: Sequence[str], grant: str | None = None) -> list[list[Hit]]:
        """Find the subjects of many values at once, in their order; a service's call, under its standing grant."""
        found: list[list[Hit]] = []
        for part in _parts(values, ITEMS_MAX):
            answer = self._call("search", {"purpose": purpose, "index": index, "values": part, "context": {}, "grant": grant, "limit": ITEMS_MAX})
            found += [_hits(hits) for hits in answer]
        return found

    def lookup_refs(self, *, purpose: str, index: str, values: Sequence[str], grant: str | None = None) -> Found:
        """Find the subjects of many values at once and what they refer to, as columns; a service's call, under its standing grant."""
        shared: dict[str, Any] = {"purpose": purpose, "index": index, "context": {}, "grant": grant, "limit": ITEMS_MAX}
        answers = _at_once(lambda part: self._call("search", {**shared, "values": part}), _parts(values, ITEMS_MAX))
        places, subjects, refs = list[int](), list[bytes](), list[bytes]()
        for place, hits in enumerate(hits for answer in answers for hits in answer):
            for subject, ref in hits:
                if ref is not None:
                    places.append(place)
                    subjects.append(subject)
                    refs.append(ref)
        return Found(places, b"".join(subjects), b"".join(refs))

    def shred(self, *, subject: UUID, category: str | None, reason: str) -> None:
        """
        Destroy the keys of a subject's category, or of all its categories, for ever.

        :param reason: for the log; it never names a person
        :raises KeeperRefused: without the permission
        """
        self._call("shred", {"subject": subject.bytes, "category": category, "reason": reason})

    def traffic_seal(self, *, month: str, column: str, records: bytes, subjects: bytes, values: bytes, grant: str | None = None) -> bytes:
        """
        Seal one column of traffic records under the key of their month.

        :param month: `YYYY-MM`
        :param records: 16-byte record ids, concatenated
        :param subjects: for each the 16 bytes of the only subject it will be opened for; zeros where nobody is known yet
        :param values: little-endian unsigned 64-bit integers, concatenated
        :returns: 24 bytes per record, concatenated
        """
        shared = {"month": month, "column": column, "grant": grant}

        def part(of: tuple[int, int]) -> bytes:
            a, b = of
            body = {**shared, "records": records[a * 16 : b * 16], "subjects": subjects[a * 16 : b * 16], "values": values[a * 8 : b * 8]}
            return bytes(self._call("traffic/seal", body))

        return b"".join(_at_once(part, _slices(len(records) // 16)))

    def traffic_open(
        self, *, purpose: str, month: str, column: str, records: bytes, blocks: bytes, subject: UUID,
        grant: str | None = None, context: Mapping[str, str | bool] | None = None,
    ) -> bytes:  # fmt: skip
        """
        Open one column of one subject's traffic records: little-endian unsigned 64-bit integers, concatenated.

        :raises KeeperInvalid: when a block does not belong to its record, subject and column
        :raises KeeperRefused: without the permission, or when the subject or the month's key is gone
        """
        shared = {"purpose": purpose, "month": month, "column": column, "subject": subject.bytes, "grant": grant, "context": context or {}}
        return b"".join(
            self._call("traffic/open", {**shared, "records": records[a * 16 : b * 16], "blocks": blocks[a * 24 : b * 24]})
            for a, b in _slices(len(records) // 16)
        )

    def traffic_reseal(
        self, *, purpose: str, month: str, column: str, records: bytes, blocks: bytes, subject: UUID,
        grant: str | None = None, context: Mapping[str, str | bool] | None = None,
    ) -> list[bytes]:  # fmt: skip
        """
        Seal disputed records of one subject again, as blobs of category `traffic`, so that they outlive their month's key.

        Each blob holds month, column, record and value; `reveal` opens it.
        """
        shared = {"purpose": purpose, "month": month, "column": column, "subject": subject.bytes, "grant": grant, "context": context or {}}
        blobs: list[bytes] = []
        for a in range(0, len(records) // 16, ITEMS_MAX):
            b = a + ITEMS_MAX
            blobs += self._call("traffic/reseal", {**shared, "records": records[a * 16 : b * 16], "blocks": blocks[a * 24 : b * 24]})
        return blobs

    def deduplication_tokens(self, *, month: str, values: bytes, grant: str | None = None) -> bytes:
        """
        Give a 16-byte token per value: equal within a month for equal values, and nothing without the keeper's key.

        :param values: little-endian unsigned 64-bit integers, concatenated
        """

        def part(of: tuple[int, int]) -> bytes:
            return bytes(self._call("traffic/tokens", {"month": month, "values": values[of[0] * 8 : of[1] * 8], "grant": grant}))

        return b"".join(_at_once(part, _slices(len(values) // 8)))

    def destroy_month(self, *, month: str) -> int:
        """Destroy the keys of a month's traffic data (`YYYY-MM`) for ever, and give how many there were."""
        return int(self._call("traffic/destroy", {"month": month}))


def _at_once(call: Callable[[_A], _B], parts: Sequence[_A]) -> list[_B]:
    """Make the calls of one piece of work side by side, as many as the keeper answers at once, and give the answers in their order."""
    if len(parts) < 2:
        return [call(part) for part in parts]
    with ThreadPoolExecutor(min(_AT_ONCE_MAX, len(parts))) as pool:
        return list(pool.map(call, parts))


def _hits(pairs: Sequence[tuple[bytes, bytes | None]]) -> list[Hit]:
    return [Hit(UUID(bytes=subject), UUID(bytes=ref) if ref else None) for subject, ref in pairs]


def _parts(items: Sequence[_A], size: int) -> list[Sequence[_A]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _slices(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + RECORDS_MAX, count)) for start in range(0, count, RECORDS_MAX)]
