"""
What the charging records of TS 32.298 say, in the columns of every adapter.

The tags are those of its modules GPRS, CS, SMS and 5G charging data types; all of them are context-specific.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hoeksteen.usage.adapters.threegpp.tlv import CONTEXT, Broken, Element, children, element
from hoeksteen.usage.adapters.threegpp.values import address, identity_text, instant, integer, network_country

_HOME = "NL"  # the records of an MSC or an SGSN of our own tell of customers at home; those abroad come from the other operator


@dataclass(slots=True)
class Parsed:
    """One record in the columns of `PARSED_COLUMNS`."""

    service: str | None = None
    own_number: str | None = None
    other_number: str | None = None
    start: str | None = None
    units: str = "0"
    more_units: str = "0"
    country: str | None = None
    source_record_id: str | None = None
    fault: str | None = None


@dataclass(slots=True)
class Fields:
    """
    The elements of a constructed value, by tag number.

    :param data: the bytes that all of them lie in
    """

    data: bytes
    found: dict[int, list[Element]] = field(default_factory=dict)

    def value(self, tag: int) -> bytes | None:
        """Give the bytes of a field, or None when it is not there."""
        elements = self.found.get(tag)
        return None if not elements else self.data[elements[0].begin : elements[0].end]

    def inside(self, tag: int) -> "Fields":
        """Give the fields of a field; none when it is not there."""
        elements = self.found.get(tag)
        return Fields(self.data) if not elements else fields(self.data, elements[0])

    def items(self, tag: int) -> list["Fields"]:
        """Give the fields of each entry of a list."""
        elements = self.found.get(tag)
        return [] if not elements else [fields(self.data, item) for item in children(self.data, elements[0])]

    def text(self, tag: int) -> str:
        """Give a field as text that identifies, hexadecimal where it is none."""
        value = self.value(tag)
        return "" if value is None else value.hex()

    def number(self, tag: int) -> int | None:
        """Give an INTEGER, or None when it is not there."""
        value = self.value(tag)
        return None if value is None else integer(value)

    def read(self, tag: int, reader: Callable[[bytes], str]) -> str | None:
        """Give a field as `reader` reads it, or None when it is not there."""
        value = self.value(tag)
        return None if value is None else reader(value)


def fields(data: bytes, parent: Element) -> Fields:
    """
    Give the fields inside an element.

    :raises Broken: when it is cut
    """
    found: dict[int, list[Element]] = {}
    for child in children(data, parent):
        if child.tag[0] == CONTEXT:
            found.setdefault(child.tag[1], []).append(child)
    return Fields(data, found)


def parsed(data: bytes, record: Element) -> Parsed:
    """
    Read one record.

    A record of a kind that is not read gives the fault `unknown_record`; one that is never charged, such as an incoming call, `not_charged`.

    :raises Broken: when it is cut, or a value in it cannot be what it must be
    """
    reader = _READERS.get(record.tag[1]) if record.tag[0] == CONTEXT else None
    if reader is None:
        return Parsed(fault="unknown_record")
    return reader(fields(data, record))


def _identity(*parts: str) -> str | None:
    """Give an identifier, or None when what tells records apart is missing: then what the record says identifies it."""
    return ":".join(parts) if all(parts) else None


def _volumes(entries: list[Fields], up: int, down: int) -> tuple[str, str]:
    """Add up the bytes of all containers of a record; a negative one is shown, so that the record is rejected for it."""
    sums = []
    for tag in (up, down):
        values = [entry.number(tag) or 0 for entry in entries]
        sums.append(str(min(values) if any(value < 0 for value in values) else sum(values)))
    return sums[0], sums[1]


def _gateway(record: Fields) -> Parsed:
    """S-GW and P-GW: a bearer's volumes between opening and closing of the record; a long session has several records."""
    services = record.items(34)  # of a P-GW, by rating group; an S-GW has one entry at most there, of another kind
    data = _volumes(services, 12, 13) if services and record.number(0) == 85 else _volumes(record.items(12), 3, 4)
    opened = record.read(13, instant)
    identity = _identity("gw", record.text(0), record.text(4), record.text(5), record.text(13))
    return Parsed(
        service="data", own_number=record.read(22, address), start=opened, units=data[0], more_units=data[1],
        country=record.read(27, network_country), source_record_id=identity and f"{identity}:{record.text(17)}",
    )  # fmt: skip


def _call(record: Fields) -> Parsed:
    """An outgoing call at an MSC; without an answer `callDuration` is how long a channel was held, and costs nothing."""
    answered = record.read(23, instant)
    duration = record.number(25)
    identity = _identity("mo", record.text(9), record.text(32), record.text(23) or record.text(22))
    return Parsed(
        service="voice", own_number=record.read(3, address), other_number=record.read(5, address), start=answered or record.read(22, instant),
        units="0" if answered is None else "" if duration is None else str(duration), country=_HOME,
        source_record_id=identity and f"{identity}:{record.text(33)}",
    )  # fmt: skip


def _message(record: Fields) -> Parsed:
    """An outgoing message at an MSC; a result is there only when it failed. Its reference of one octet identifies nothing."""
    return Parsed(
        service="sms", own_number=record.read(3, address), other_number=record.read(12, address), start=record.read(9, instant),
        units="1" if record.value(10) is None and 10 not in record.found else "0", country=_HOME,
    )  # fmt: skip


def _sgsn_message(record: Fields) -> Parsed:
    """An outgoing message at an SGSN."""
    identity = _identity("smo", record.text(14), record.text(15), record.text(11))
    return Parsed(
        service="sms", own_number=record.read(3, address), other_number=record.read(18, address), start=record.read(11, instant),
        units="0" if 12 in record.found else "1", country=_HOME, source_record_id=identity,
    )  # fmt: skip


def _charging_function(record: Fields) -> Parsed:
    """A CHF's record: a PDU session's volumes, or a message."""
    identity = _identity("chf", record.text(1), record.text(16) or record.text(27) or record.inside(13).text(0), record.text(6))
    identity = identity and f"{identity}:{record.text(8)}:{record.text(11)}"
    if 15 in record.found:
        return _charging_function_message(record, identity)
    session, containers = record.inside(13), [entry for usage in record.items(5) for entry in usage.items(1)]
    total = [entry for entry in containers if 5 not in entry.found and 6 not in entry.found]
    up, down = _volumes([entry for entry in containers if entry not in total], 5, 6)
    whole, _ = _volumes(total, 4, 4)
    units = up if int(up) < 0 else whole if int(whole) < 0 else str(int(up) + int(whole))
    return Parsed(
        service="data", own_number=_subscriber(record), start=record.read(6, instant), units=units, more_units=down,
        country=session.read(27, network_country), source_record_id=identity,
    )  # fmt: skip


def _charging_function_message(record: Fields, identity: str | None) -> Parsed:
    message = record.inside(15)
    if message.number(21) not in (None, 0):  # anything but a submission
        return Parsed(fault="not_charged")
    recipients = message.items(2)
    other = None
    if recipients:
        other = recipients[0].read(1, address) or recipients[0].inside(2).read(1, identity_text)
    return Parsed(
        service="sms", own_number=message.inside(1).read(1, address) or _subscriber(record), other_number=other, start=message.read(8, instant),
        units="0" if 29 in message.found else str(max(1, len(recipients))), country=_HOME, source_record_id=identity,
    )  # fmt: skip


def _subscriber(record: Fields) -> str | None:
    """Give the number of the session's user, or of the subscriber where that is an E.164 number (type 0)."""
    user = record.inside(13).inside(1)  # a choice: one field inside
    for tag in (3, 1, 0):
        if number := user.read(tag, identity_text):
            return number
    subscription = record.inside(2)
    text = subscription.value(1)
    if text is None or (subscription.number(0) != 0 and not text.lower().startswith((b"msisdn-", b"tel:"))):
        return None
    return identity_text(text)


def _incoming(_record: Fields) -> Parsed:
    return Parsed(fault="not_charged")


# By the tag of each in CallEventRecord, GPRSRecord and CHFRecord.
_READERS: dict[int, Callable[[Fields], Parsed]] = {
    0: _call,
    1: _incoming,
    6: _message,
    7: _incoming,
    23: _sgsn_message,
    24: _incoming,
    78: _gateway,
    79: _gateway,
    200: _charging_function,
}
# What such a record begins with: its tag, as it is written.
HEADS = rb"[\xa0\xa1\xa6\xa7\xb7\xb8]|\xbf(?:[\x4e\x4f]|\x81\x48)"
# The value of recordType in each, which tells a record from a field with its tag.
_TYPES = {0: 0, 1: 1, 6: 6, 7: 7, 23: 21, 24: 22, 78: 84, 79: 85, 200: 200}


def is_record(data: bytes, found: Element) -> bool:
    """Say whether an element is surely a record: it begins with the recordType that belongs to its tag."""
    try:
        first = element(data, found.begin, found.end)
        return first.tag == (CONTEXT, 0) and integer(data[first.begin : first.end]) == _TYPES.get(found.tag[1])
    except Broken:
        return False


__all__ = ["HEADS", "Broken", "Fields", "Parsed", "fields", "is_record", "parsed"]
