"""
Records as they wait in memory between reading and loading: packed, about 1.6 KB each, and a record again when it is looked at.

Nothing of them is ever written to disk (docs/decisions/0051).
"""

import resource
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload
from uuid import UUID

import msgspec

from hoeksteen.consolidation.model import LegacyRecord

_ID_BYTES = 16
_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_decode = msgspec.msgpack.Decoder(LegacyRecord).decode


class Staged(Sequence[LegacyRecord]):
    """
    A sequence of records, packed; beside each lies what is asked of it most, so that it need not be unpacked for that.

    Looking at a record unpacks it, and gives a new object each time.
    """

    __slots__ = ("_digests", "_ids", "_packed", "_rows")

    def __init__(self, records: Iterable[LegacyRecord] = ()) -> None:
        self._packed: list[bytes] = []
        self._ids, self._digests, self._rows = bytearray(), bytearray(), array("q")
        for record in records:
            self.append(record)

    def append(self, record: LegacyRecord) -> None:
        """Add one record."""
        self._packed.append(_encode(record))
        self._ids += record.record_id.bytes
        self._digests += record.digest
        self._rows.append(record.row)

    def put(self, place: int, record: LegacyRecord) -> None:
        """Let a record stand in the place of one with the same pseudonym, digest and row."""
        self._packed[place] = _encode(record)

    def extend(self, other: "Staged") -> None:
        """Add the records of another; what is packed is shared with it."""
        self._packed += other._packed
        self._ids += other._ids
        self._digests += other._digests
        self._rows += other._rows

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, place: int) -> LegacyRecord: ...
    @overload
    def __getitem__(self, place: slice) -> "Sequence[LegacyRecord]": ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [_decode(packed) for packed in self._packed[place]]
        return _decode(self._packed[place])

    def __iter__(self) -> Iterator[LegacyRecord]:
        return map(_decode, self._packed)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Staged):
            return self._packed == other._packed
        return isinstance(other, list) and list(self) == other

    def some(self, places: Sequence[int]) -> "Staged":
        """Give some of the records, in the order of `places`; what is packed is shared with them."""
        found = Staged()
        found._packed = [self._packed[place] for place in places]
        found._ids = bytearray().join([self._ids[place * _ID_BYTES : (place + 1) * _ID_BYTES] for place in places])
        found._digests = bytearray().join([self._digests[place * _ID_BYTES : (place + 1) * _ID_BYTES] for place in places])
        found._rows = array("q", [self._rows[place] for place in places])
        return found

    def record_id(self, place: int) -> UUID:
        """Give a record's pseudonym."""
        return UUID(bytes=bytes(self._ids[place * _ID_BYTES : (place + 1) * _ID_BYTES]))

    def record_ids(self) -> Iterator[UUID]:
        """Give every record's pseudonym, in order."""
        return (self.record_id(place) for place in range(len(self)))

    def digest(self, place: int) -> bytes:
        """Give the digest of a record's values."""
        return bytes(self._digests[place * _ID_BYTES : (place + 1) * _ID_BYTES])

    def row(self, place: int) -> int:
        """Give the line or row of a record in its export."""
        return self._rows[place]

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self._packed, bytes(self._ids), bytes(self._digests), self._rows.tobytes())


def forbid_core_dumps() -> None:
    """See that no crash of this process, or of those that it starts, writes what is in memory to disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _again(packed: list[bytes], ids: bytes, digests: bytes, rows: bytes) -> Staged:
    staged = Staged()
    staged._packed, staged._ids, staged._digests = packed, bytearray(ids), bytearray(digests)
    staged._rows.frombytes(rows)
    return staged
