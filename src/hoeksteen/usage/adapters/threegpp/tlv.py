"""
Walking BER (ITU-T X.690): tag, length, value.

Only what is walked is checked: a record is whole when its elements fill it exactly, all the way down. Elements that nobody asks for, such as
those of a later release, are walked past.
"""

from collections.abc import Iterator
from typing import NamedTuple

CONTEXT = 2  # the class of nearly all tags of the charging records
_DEPTH_MAX = 16
_TAG_BYTES_MAX = 4
_LENGTH_BYTES_MAX = 4


class Broken(Exception):
    """Bytes that are no BER, or end too early."""


class Element(NamedTuple):
    """
    One element.

    :param tag: its class (0 to 3) and number
    :param constructed: whether its value consists of elements
    :param begin: where its value begins; `end` where it ends, and `after` where the next element begins
    """

    tag: tuple[int, int]
    constructed: bool
    begin: int
    end: int
    after: int


def element(data: bytes, at: int, limit: int, depth: int = 0) -> Element:
    """
    Read the element that begins at an offset.

    :param limit: where it must have ended
    :raises Broken: when it does not
    """
    if at >= limit or depth > _DEPTH_MAX:
        raise Broken
    first = data[at]
    number, at = first & 0x1F, at + 1
    if number == 0x1F:
        number, at = _long_tag(data, at, limit)
    if at >= limit:
        raise Broken
    length, at = data[at], at + 1
    tag, constructed = (first >> 6, number), bool(first & 0x20)
    if length == 0x80:  # ends where two zero octets stand in the place of an element
        if not constructed:
            raise Broken
        end = _end_of_contents(data, at, limit, depth)
        return Element(tag, True, at, end, end + 2)
    if length > 0x80:
        count = length & 0x7F
        if count > _LENGTH_BYTES_MAX or at + count > limit:
            raise Broken
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + length > limit:
        raise Broken
    return Element(tag, constructed, at, at + length, at + length)


def children(data: bytes, parent: Element) -> Iterator[Element]:
    """
    Give the elements inside an element.

    :raises Broken: when they do not fill it exactly
    """
    at = parent.begin
    while at < parent.end:
        found = element(data, at, parent.end)
        yield found
        at = found.after


def is_whole(data: bytes, parent: Element, depth: int = 0) -> bool:
    """Say whether an element is filled exactly by those inside it, all the way down."""
    at, end = parent.begin, parent.end
    try:
        while at < end:
            found = element(data, at, end)
            if found.constructed and (depth == _DEPTH_MAX or not is_whole(data, found, depth + 1)):
                return False
            at = found.after
    except Broken:
        return False
    return True


def _long_tag(data: bytes, at: int, limit: int) -> tuple[int, int]:
    number = 0
    for _ in range(_TAG_BYTES_MAX):
        if at >= limit:
            raise Broken
        number, more, at = number << 7 | data[at] & 0x7F, data[at] & 0x80, at + 1
        if not more:
            return number, at
    raise Broken


def _end_of_contents(data: bytes, at: int, limit: int, depth: int) -> int:
    while at + 2 <= limit:
        if data[at] == 0 and data[at + 1] == 0:
            return at
        at = element(data, at, limit, depth + 1).after
    raise Broken
