"""
Workbooks (.xlsx), row by row, with each number as the file holds it and not as a float that somebody made of it.

What a spreadsheet did to the data is repaired only where nothing is guessed, and noted: `6.12345678E8` has all its digits, and
`12.300000000000001` is what its fifteen digits say. Digits that are gone stay unknown.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import Excel
from hoeksteen.consolidation.readers._workbook import Sheet, Workbook, open_workbook, text_in
from hoeksteen.consolidation.readers.raw import RawRecord, Values, local_name, opened, same_columns
from hoeksteen.consolidation.readers.rows import Row, records_of
from hoeksteen.consolidation.standardise.dates import serial_day
from hoeksteen.kernel.errors import InvalidInput

_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_FLOAT = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_DIGITS_MAX = 15  # a spreadsheet keeps no more
_EXPONENT_MAX = 30
_SECONDS = 86_400
Cell = tuple[str | None, str | None, str | None]  # text, note, fault


def read_excel(mapping: Mapping, reader: Excel, file: Path) -> Iterator[RawRecord]:
    """Give the records of a workbook's sheet, with the entries of its other sheets."""
    with _workbook(file) as book:
        sheet = _sheet(book, reader, reader.sheet, file)
        _know_all_sheets(book, mapping, reader, sheet, file)
        children = {name: _entries(book, mapping, reader, name, file) for name in mapping.lists}
        names = list(mapping.columns)
        rows = _rows(book, sheet, reader.header_row, file)
        _, heading = next(rows, (0, {}))
        same_columns(f"{file}, sheet {sheet.name} row {reader.header_row}", _heading(heading, sheet, file), names)
        for record in records_of(mapping, _as_rows(names, names.index(mapping.key), rows), many=reader.rows_per_record == "many"):
            for name, found in children.items():
                entries, notes, fault = found.pop((record.key or "").strip(), ([], [], None))
                record.children[name] = entries
                record.notes += notes
                record.fault = record.fault or fault
            yield record
    for name, found in children.items():
        if found:
            row = next(iter(found.values()))[0][0][0]
            raise InvalidInput(
                f"{file}, sheet {mapping.lists[name].sheet} row {row}, field {mapping.key}: {sum(len(one[0]) for one in found.values())} entries"
                " belong to no record.",
                remedy="Export the missing records, or take these rows out.",
            )


def excel_columns(mapping: Mapping, reader: Excel, file: Path) -> dict[str, list[str]]:
    """Give the headings of the record's sheet, and of each list's without its key."""
    with _workbook(file) as book:
        found = {}
        for name, wanted in [("", reader.sheet), *((name, child.sheet) for name, child in mapping.lists.items())]:
            sheet = _sheet(book, reader, wanted, file)
            _, heading = next(_rows(book, sheet, reader.header_row, file), (0, {}))
            found[name] = _heading(heading, sheet, file)[1 if name else 0 :]
        return found


def sheets_of(file: Path) -> list[Sheet]:
    """Give the sheets of a workbook."""
    with _workbook(file) as book:
        return list(book.sheets)


@contextmanager
def _workbook(file: Path) -> Iterator[Workbook]:
    with opened(file) as stream:
        try:
            yield open_workbook(stream, file)
        except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, IndexError, ValueError, zlib.error) as error:
            raise InvalidInput(
                f"{file} is no whole workbook (.xlsx).", remedy="Save it as .xlsx without a password, or copy it again: it may have been cut off."
            ) from error
        except etree.XMLSyntaxError as error:
            raise InvalidInput(f"{file}: a part of the workbook is broken.", remedy="Open it in a spreadsheet program and save it again.") from error


def _sheet(book: Workbook, reader: Excel, name: str | None, file: Path) -> Sheet:
    if name is None:
        visible = [sheet for sheet in book.sheets if not sheet.hidden and sheet.name not in reader.ignore_sheets]
        if len(visible) != 1:
            raise InvalidInput(
                f"{file} has {len(visible)} sheets that are shown: {', '.join(sheet.name for sheet in visible[:10]) or 'none'}.",
                remedy="Name the one with the records in reader.sheet.",
            )
        return visible[0]
    found = next((sheet for sheet in book.sheets if sheet.name == name), None)
    if found is None:
        there = ", ".join(sheet.name for sheet in book.sheets[:10])
        raise InvalidInput(f"{file} has no sheet {name}; there are {there}.", remedy="Correct the name in the mapping.")
    if found.hidden and not reader.hidden:
        raise InvalidInput(
            f"{file}: the sheet {name} is hidden, and what is hidden is often what somebody no longer keeps up.",
            remedy="Ask who made the workbook; then set `hidden: true` in the mapping's reader.",
        )
    return found


def _know_all_sheets(book: Workbook, mapping: Mapping, reader: Excel, used: Sheet, file: Path) -> None:
    known = {used.name, *reader.ignore_sheets, *(child.sheet for child in mapping.lists.values())}
    for sheet in book.sheets:
        if sheet.name not in known:
            how = "hidden sheet" if sheet.hidden else "sheet"
            raise InvalidInput(
                f"{file}, sheet {sheet.name}: the mapping does not know this {how}.",
                remedy="Add it to reader.ignore_sheets with the reason, or as a list.",
            )


def _entries(
    book: Workbook, mapping: Mapping, reader: Excel, name: str, file: Path
) -> dict[str, tuple[list[tuple[int, Values]], list[tuple[str, str]], tuple[str, str] | None]]:
    child = mapping.lists[name]
    sheet = _sheet(book, reader, child.sheet, file)
    rows = _rows(book, sheet, reader.header_row, file)
    _, heading = next(rows, (0, {}))
    names = child.file_columns
    have = _heading(heading, sheet, file)
    same_columns(f"{file}, sheet {sheet.name} row {reader.header_row}", have[1:], names)
    found: dict[str, tuple[list[tuple[int, Values]], list[tuple[str, str]], tuple[str, str] | None]] = {}
    for row in _as_rows([mapping.key, *names], 0, rows):
        key = (row.key or "").strip()
        entries, notes, fault = found.get(key, ([], [], None))
        values = {column: row.values.get(column) for column in names}
        found[key] = ([*entries, (row.number, values)], [*notes, *row.notes], fault or row.fault)
    return found


def _heading(cells: dict[int, Cell], sheet: Sheet, file: Path) -> list[str]:
    names = [(text or "").strip() for place in range(max(cells, default=-1) + 1) for text in [cells.get(place, (None, None, None))[0]]]
    if not names or "" in names:
        place = letters_of(names.index("")) if names else "A"
        raise InvalidInput(
            f"{file}, sheet {sheet.name}: column {place} has no heading.", remedy="Give every column its name, or set reader.header_row."
        )
    return names


def _as_rows(names: list[str], key_place: int, rows: Iterator[tuple[int, dict[int, Cell]]]) -> Iterator[Row]:
    for number, cells in rows:
        values: Values = dict.fromkeys(names)
        row = Row(number, None, values)
        for place, (text, note, fault) in cells.items():
            name = names[place] if place < len(names) else names[-1]
            if place >= len(names):
                fault = "broken_line"
            else:
                values[name] = text
            if fault is not None:
                row.fault = row.fault or (name, fault)
            if note is not None:
                row.notes.append((name, note))
                if note == "digits_lost" and place == key_place:
                    row.fault = row.fault or (name, note)
        row.key = (values[names[key_place]] or "").strip() or None
        yield row


def _rows(book: Workbook, sheet: Sheet, header_row: int, file: Path) -> Iterator[tuple[int, dict[int, Cell]]]:
    """Give the heading and each filled row below it as (number, cells by place)."""
    last = 0
    for element in book.elements(sheet):
        if local_name(element.tag) == "mergeCell":
            _refuse_merged(element.get("ref", ""), header_row, sheet, file)
            continue
        last = int(element.get("r") or last + 1)
        if last < header_row:
            continue
        cells: dict[int, Cell] = {}
        place = -1
        for cell in element:
            reference = _REFERENCE.fullmatch(cell.get("r") or "")
            place = _place_of(reference[1]) if reference else place + 1
            found = _cell(book, cell, f"{file}, sheet {sheet.name} cell {letters_of(place)}{last}")
            if found != (None, None, None):
                cells[place] = found
        if cells or last == header_row:
            yield last, cells


def _refuse_merged(reference: str, header_row: int, sheet: Sheet, file: Path) -> None:
    ends = [_REFERENCE.fullmatch(part) for part in reference.split(":")]
    if any(end is not None and int(end[2]) >= header_row for end in ends):
        raise InvalidInput(
            f"{file}, sheet {sheet.name}: the cells {reference} are merged, and only the first of them holds a value.",
            remedy="Unmerge them and fill each row, then save the workbook.",
        )


def _cell(book: Workbook, cell: Any, where: str) -> Cell:
    kind, value, formula, inline = cell.get("t", "n"), None, False, None
    for part in cell:
        name = local_name(part.tag)
        if name == "v":
            value = part.text
        elif name == "f":
            formula = True
        elif name == "is":
            inline = text_in(part)
    if kind == "inlineStr":
        return inline or None, None, None
    if value is None or value == "":
        if formula and kind != "str":
            raise InvalidInput(
                f"{where} holds a formula without its value.", remedy="Open the workbook in a spreadsheet program, save it, and give that file."
            )
        return None, None, None
    if kind == "s":
        return book.strings[int(value)] or None, None, None
    if kind == "b":
        return ("true" if value == "1" else "false"), None, None
    if kind == "e":
        return None, None, "spreadsheet_error"
    if kind in ("str", "d"):
        return value, None, None
    return _number(book, value, int(cell.get("s") or 0))


def _number(book: Workbook, text: str, style: int) -> Cell:
    if len(text) > 40 or not _FLOAT.fullmatch(text):
        return text, None, None
    number = Decimal(text)
    if abs(number.adjusted()) >= _EXPONENT_MAX:
        return text, None, None
    if style in book.day_styles:
        return _day(book, number, text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if number == number.to_integral_value():
        if len(digits) > _DIGITS_MAX or number.adjusted() >= _DIGITS_MAX:
            return None, "digits_lost", None
        if "e" in text.lower() and len(number.as_tuple().digits) <= number.adjusted():
            return text, None, None  # `6.12E8`: the digits that are not there may never have been
        whole = format(number.quantize(Decimal(1)), "f")
        shown = whole.zfill(book.zero_padded.get(style, 0))
        return shown, None if text == shown else "number_repaired", None
    if len(digits) > _DIGITS_MAX:
        rounded = number.normalize() if len(digits) <= _DIGITS_MAX else Decimal(f"{number:.{_DIGITS_MAX - 1}e}").normalize()
        return format(rounded, "f"), "number_repaired", None
    return format(number, "f"), "number_repaired" if "e" in text.lower() else None, None


def _day(book: Workbook, number: Decimal, text: str) -> Cell:
    found = serial_day(int(number), since_1904=book.since_1904) if number >= 0 else None
    if found is None:
        return text, None, None
    seconds = int((number % 1 * _SECONDS).to_integral_value())
    if seconds == 0:
        return found.isoformat(), None, None
    hours, rest = divmod(min(seconds, _SECONDS - 1), 3_600)
    return f"{found.isoformat()}T{hours:02d}:{rest // 60:02d}:{rest % 60:02d}", None, None


def _place_of(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def letters_of(place: int) -> str:
    """Give the letters of a column, counted from nought."""
    letters, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
