"""
Text as declared: an encoding that does not hold is refused with line and column; one that is not known may be detected, and the decision is told.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from hoeksteen.consolidation.reader_kinds import DETECT
from hoeksteen.consolidation.readers.raw import Tally, opened
from hoeksteen.kernel.errors import InvalidInput

_SAMPLE_BYTES = 1 << 18
_CANDIDATES = ["cp1252", "iso8859_15", "latin_1", "cp850", "cp437", "mac_roman", "cp1250", "iso8859_2", "cp1254"]
_NAMES = {"latin_1": "iso-8859-1", "iso8859_15": "iso-8859-15", "iso8859_2": "iso-8859-2", "mac_roman": "mac-roman"}
_NEAR = 0.05  # two that are this near each other in disorder both fit


def settled_encoding(file: Path, encoding: str, tally: Tally) -> str:
    """
    Give the encoding to read a text by, and hold the whole text against it.

    `detect` takes UTF-8 where every byte fits, since other text is almost never valid UTF-8; else the likeliest single-byte one.
    The decision stands in the tally, with a note where another encoding fits as well and would give other letters.

    :raises InvalidInput: when the bytes are not of the declared encoding, or the text ends in the middle of a line
    """
    if encoding == DETECT:
        encoding = _detected(file, tally)
    _check(file, encoding)
    return encoding


def lines(file: Path, encoding: str) -> Iterator[str]:
    """Give the lines of a text, with their ends and without a byte order mark."""
    first = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            yield line.decode(first if number == 1 else encoding)


def _detected(file: Path, tally: Tally) -> str:
    sample, utf8 = bytearray(), True
    with opened(file) as stream:
        for line in stream:
            if line.isascii():
                continue
            utf8 = utf8 and _is_utf8(line)
            if len(sample) < _SAMPLE_BYTES:
                sample += line[: _SAMPLE_BYTES - len(sample)]
            elif not utf8:
                break
    if utf8:
        tally.encoding = "utf-8"
        return "utf-8"
    found = from_bytes(bytes(sample), cp_isolation=_CANDIDATES, steps=8, chunk_size=1024, threshold=0.5)
    fitting = [match for match in found if not _has_controls(str(match))]
    if not fitting:
        raise InvalidInput(f"{file}: its encoding cannot be told.", remedy="Ask what the legacy system writes, and set reader.encoding.")
    best, *others = fitting
    also = next((other for other in others if other.chaos - best.chaos <= _NEAR and str(other) != str(best)), None)
    tally.encoding = _NAMES.get(best.encoding, best.encoding)
    tally.notes.append(("reader.encoding", f"read_as_{tally.encoding}"))
    if also is not None:
        tally.notes.append(("reader.encoding", f"also_fits_{_NAMES.get(also.encoding, also.encoding)}"))
    return tally.encoding


def _has_controls(text: str) -> bool:
    return any("\x80" <= letter <= "\x9f" for letter in text)


def _check(file: Path, encoding: str) -> None:
    """Refuse a text whose bytes are not of the declared encoding, or which ends in the middle of a line."""
    last, number, utf8_line, utf8_ever_wrong = b"", 0, 0, False
    single_byte = encoding.lower().replace("_", "-") not in ("utf-8", "utf-8-sig", "ascii", "us-ascii")
    with opened(file) as stream:
        for number, last in enumerate(stream, start=1):
            if last.isascii():
                continue
            text = _decoded(file, last, number, encoding)
            if single_byte:
                utf8_line = utf8_line or number
                utf8_ever_wrong = utf8_ever_wrong or not _is_utf8(last)
                control = next((place for place, letter in enumerate(text) if "\x80" <= letter <= "\x9f"), None)
                if control is not None:
                    usual = "utf-8" if _is_utf8(last) else "cp1252"
                    raise _wrong_byte(file, number, control + 1, encoding, f"Set reader.encoding in the mapping; such bytes are usual in {usual}.")
    if not number:
        raise InvalidInput(f"{file} is empty.", remedy="Export it again.")
    if not last.endswith(b"\n"):
        raise InvalidInput(f"{file} line {number} ends in the middle: the file was cut off.", remedy="Export or copy it again, and compare sizes.")
    if utf8_line and not utf8_ever_wrong:
        raise _wrong_byte(
            file, utf8_line, 1, encoding, "Every letter with an accent in it is valid UTF-8: set reader.encoding in the mapping to utf-8."
        )


def _decoded(file: Path, line: bytes, number: int, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        column = len(line[: error.start].decode(encoding, "replace")) + 1
        raise _wrong_byte(file, number, column, encoding, "Set reader.encoding in the mapping to what the legacy system writes.") from error


def _wrong_byte(file: Path, line: int, column: int, encoding: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{file} line {line} column {column} is not {encoding}.", remedy=remedy)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
