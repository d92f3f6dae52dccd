"""Finding the records of a file, also behind one that is broken."""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.usage.adapters.base import PARSED, PARSED_COLUMNS
from hoeksteen.usage.adapters.threegpp.records import HEADS, Parsed, is_record, parsed
from hoeksteen.usage.adapters.threegpp.tlv import Broken, Element, element, is_whole

_ROWS = 20_000
_RECORD_BYTES_MAX = 1_000_000
_RECORD_BYTES_USUAL = 4_096
# A tag, a length (X.690, 8.1.3), and the tag of recordType, with which every record begins.
_HEAD = re.compile(rb"(?:" + HEADS + rb")(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x80", re.DOTALL)
# How far all searches of a file may look into what begins like a record and is none; a malicious file has such beginnings inside each other.
_SEARCH_BYTES_MIN = 16_000_000
_SEARCH_SHARE = 16  # of the file's own bytes
_FILLERS = re.compile(rb"[\x00\xff]*", re.DOTALL)
_FILE_HEADER_BYTES_MIN = 50
_RECORD_HEADER_BYTES = 4
_MANY = 0xFFFFFFFF
_BER = 1
_ASK = "Ask the source for the whole file; nothing of this one was taken."
_BROKEN = Parsed(fault="cut_record")


@dataclass(frozen=True)
class _ThreeGpp:
    name: str
    source: str = "3gpp"
    endings: tuple[str, ...] = ()

    def parsed(self, lines: str) -> str:
        """Give the columns as they were read."""
        return f"SELECT {', '.join(PARSED_COLUMNS)} FROM {lines}"

    def records(self, file: BinaryIO, name: str) -> Iterator[pa.Table]:
        """
        Give the records in tables.

        :raises InvalidInput: when the file's own header says that it is not whole
        """
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            rows: list[Parsed] = []
            done = 0
            for row in self._each(data, name):
                rows.append(row)
                if len(rows) == _ROWS:
                    yield _table(rows, done)
                    rows, done = [], done + _ROWS
            if rows:
                yield _table(rows, done)

    def _each(self, data: mmap.mmap, name: str) -> Iterator[Parsed]:
        raise NotImplementedError


class BerRecords(_ThreeGpp):
    """Records one after the other. Such a file has no trailer: one that was cut shows it in its last record (`cut_record`)."""

    def _each(self, data: mmap.mmap, name: str) -> Iterator[Parsed]:
        at, search = 0, _Search(data, name)
        while at < len(data):
            at = _past(_FILLERS, data, at)
            if at == len(data):
                return
            found = _whole(data, at, len(data))
            if found is None:
                yield _BROKEN
                at = search.next_head(at + 1)
            else:
                yield _read(*found)
                at += len(found.data)


class CdrFile(_ThreeGpp):
    """
    Files of TS 32.297: a header that counts bytes and records, and before each record its length.

    A record that is broken inside is rejected, and the next one found by that length.
    """

    def _each(self, data: mmap.mmap, name: str) -> Iterator[Parsed]:
        size = len(data)
        if size < _FILE_HEADER_BYTES_MIN:
            raise InvalidInput(f"{name}: file: is shorter than a file header.", remedy=_ASK)
        says, header, records = (int.from_bytes(data[at : at + 4], "big") for at in (0, 4, 18))
        if says != size:
            raise InvalidInput(f"{name}: file: says {says} bytes, and has {size}.", remedy=_ASK)
        if not _FILE_HEADER_BYTES_MIN <= header <= size:
            raise InvalidInput(f"{name}: file: says a header of {header} bytes.", remedy="Name the adapter that fits this file.")
        at, done = header, 0
        while at < size:
            length = int.from_bytes(data[at : at + 2], "big")
            # release 7 says that an octet with the release follows (TS 32.297, 6.1.2)
            begin = at + _RECORD_HEADER_BYTES + (at + 2 < size and data[at + 2] >> 5 == 7)
            if begin + length > size or length == 0:
                raise InvalidInput(f"{name}: record {done + 1}: length: says {length} bytes, which are not there.", remedy=_ASK)
            found = _whole(data, begin, begin + length)
            if data[at + 3] >> 5 != _BER:
                yield Parsed(fault="unknown_record")
            elif found is None or len(found.data) != length:
                yield _BROKEN
            else:
                yield _read(*found)
            at, done = begin + length, done + 1
        if records not in (done, _MANY):
            raise InvalidInput(f"{name}: file: says {records} records, and holds {done}.", remedy=_ASK)


class _Found(NamedTuple):
    """A whole record: its bytes alone, and the element that they are."""

    data: bytes
    record: Element


def _read(data: bytes, record: Element) -> Parsed:
    try:
        return parsed(data, record)
    except Broken:
        return _BROKEN


def _whole(data: mmap.mmap, at: int, limit: int) -> _Found | None:
    """Give the record that begins here, or None when there is none that is whole."""
    for most in (_RECORD_BYTES_USUAL, _RECORD_BYTES_MAX):
        window = data[at : min(limit, at + most)]
        try:
            found = element(window, 0, len(window))
        except Broken:
            continue
        if not found.constructed or not is_whole(window, found):
            return None
        return _Found(window[: found.after], found)
    return None


class _Search:
    """Finds the records behind those that are broken; its work is bounded by the file's size."""

    def __init__(self, data: mmap.mmap, name: str) -> None:
        self._data, self._name = data, name
        self._left = _SEARCH_BYTES_MIN + _SEARCH_SHARE * len(data)

    def next_head(self, at: int) -> int:
        """
        Give where the next whole record of a known kind begins, or the end.

        :raises InvalidInput: when the file holds too much that begins like a record and is none
        """
        for match in _HEAD.finditer(self._data, at):
            found = _whole(self._data, match.start(), len(self._data))
            if found is not None and is_record(*found):
                return match.start()
            self._left -= _reach(self._data, match)
            if self._left < 0:
                raise InvalidInput(f"{self._name}: file: holds so much that is broken that its records cannot be told apart.", remedy=_ASK)
        return len(self._data)


def _reach(data: mmap.mmap, head: re.Match[bytes]) -> int:
    """Give how far was looked at most into what begins like a record."""
    length = re.sub(rb"^(?:" + HEADS + rb")", b"", head[0], count=1, flags=re.DOTALL)[:-1]
    says = int.from_bytes(length[1:] or length, "big") if length != b"\x80" else _RECORD_BYTES_MAX
    return min(says, _RECORD_BYTES_MAX, len(data) - head.start())


def _past(pattern: re.Pattern[bytes], data: mmap.mmap, at: int) -> int:
    match = pattern.match(data, at)
    assert match is not None, "it matches nothing too"
    return match.end()


def _table(rows: list[Parsed], before: int) -> pa.Table:
    columns = {name: [getattr(row, name) for row in rows] for name in PARSED_COLUMNS if name != "line"}
    lines = pa.array(range(before + 1, before + len(rows) + 1), pa.int64())
    return pa.table({"line": lines, **columns}, schema=PARSED)
