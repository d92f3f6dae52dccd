"""The parts of a workbook: its sheets, its shared strings, and which styles show a number as a day."""

import os
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lxml import etree

from hoeksteen.consolidation.readers.raw import local_name
from hoeksteen.kernel.errors import InvalidInput

PART_BYTES_MAX = 4 << 30  # a file of some megabytes can claim any size
WHOLE_BYTES_MAX = 64 << 20  # of a part that is read at once
RATIO_MAX = 250  # sheets of one value in every cell are packed 100 times; what is packed more holds nothing
_RATIO_FROM_BYTES = 16 << 20
_DAYS_BUILT_IN = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATION_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet and where it lies in the workbook."""

    name: str
    part: str
    hidden: bool


@dataclass(slots=True)
class Workbook:
    """
    An open workbook.

    :param day_styles: styles that show a number as a day
    :param zero_padded: style → digits, where a number is shown with leading zeros
    """

    archive: zipfile.ZipFile
    sheets: list[Sheet]
    strings: list[str] = field(default_factory=list)
    day_styles: set[int] = field(default_factory=set)
    zero_padded: dict[int, int] = field(default_factory=dict)
    since_1904: bool = False

    def elements(self, sheet: Sheet) -> Iterator[Any]:
        """Give the rows of a sheet, and behind them its merged cells, each let go when the next one is asked for."""
        with self.archive.open(sheet.part) as stream:
            yield from _streamed(stream, ("{*}row", "{*}mergeCell"))


def open_workbook(stream: IO[bytes], file: Path) -> Workbook:
    """
    Read what a workbook says about itself.

    :raises InvalidInput: when a part is larger than any export
    """
    archive, packed = zipfile.ZipFile(stream), stream.seek(0, os.SEEK_END)
    for stored in archive.infolist():
        if stored.flag_bits & 1:
            raise InvalidInput(f"{file} is locked with a password.", remedy="Save it as .xlsx without a password.")
        if stored.file_size > PART_BYTES_MAX:
            raise InvalidInput(
                f"{file}: a part of the workbook is larger than {PART_BYTES_MAX:,} bytes.", remedy="Export fewer rows at a time, or as CSV."
            )
        if stored.file_size > max(_RATIO_FROM_BYTES, RATIO_MAX * min(stored.compress_size, packed)):
            raise InvalidInput(
                f"{file}: a part of the workbook is packed more than {RATIO_MAX} times, as no export is.",
                remedy="Open it in a spreadsheet program and save it again, or export it as CSV.",
            )
    root = _whole(archive, "xl/workbook.xml")
    targets = {one.get("Id"): one.get("Target") for one in _whole(archive, "xl/_rels/workbook.xml.rels")}
    sheets = []
    for one in root.iterfind("{*}sheets/{*}sheet"):
        target = targets.get(one.get(_RELATION) or one.get(_RELATION_STRICT)) or ""
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        if part in archive.NameToInfo and "chartsheet" not in part:
            sheets.append(Sheet(one.get("name", ""), part, one.get("state", "visible") != "visible"))
    properties = root.find("{*}workbookPr")
    book = Workbook(archive, sheets, since_1904=properties is not None and properties.get("date1904") in ("1", "true"))
    if "xl/styles.xml" in archive.NameToInfo:
        _read_styles(book, _whole(archive, "xl/styles.xml"))
    if "xl/sharedStrings.xml" in archive.NameToInfo:
        with archive.open("xl/sharedStrings.xml") as strings:
            book.strings = [text_in(element) for element in _streamed(strings, ("{*}si",))]
    return book


def _read_styles(book: Workbook, root: Any) -> None:
    own = {int(one.get("numFmtId", "0")): one.get("formatCode", "") for one in root.iterfind("{*}numFmts/{*}numFmt")}
    for place, style in enumerate(root.iterfind("{*}cellXfs/{*}xf")):
        number = int(style.get("numFmtId") or 0)
        code = own.get(number)
        if code is None:
            if number in _DAYS_BUILT_IN:
                book.day_styles.add(place)
        elif re.fullmatch(r"0{2,20}", code):
            book.zero_padded[place] = len(code)
        elif re.search(r"[dmyhs]", _NOT_SHOWN.sub("", code.partition(";")[0]), re.IGNORECASE) and "general" not in code.lower():
            book.day_styles.add(place)


def _whole(archive: zipfile.ZipFile, part: str) -> Any:
    if archive.getinfo(part).file_size > WHOLE_BYTES_MAX:
        raise zipfile.BadZipFile(part)
    return etree.fromstring(archive.read(part), etree.XMLParser(**_SAFE))  # type: ignore[arg-type]  # each is a flag of its own type


def _streamed(stream: IO[bytes], tags: tuple[str, ...]) -> Iterator[Any]:
    for _, element in etree.iterparse(stream, events=("end",), tag=tags, **_SAFE):
        yield element
        element.clear(keep_tail=False)
        while element.getprevious() is not None:
            del element.getparent()[0]


def text_in(element: Any) -> str:
    """Give the text of a string with its runs, without what only says how it is pronounced."""
    parts = []
    for part in element.iter():
        if not isinstance(part.tag, str) or local_name(part.tag) != "t":
            continue
        if local_name(part.getparent().tag) != "rPh":
            parts.append(part.text or "")
    return "".join(parts)
