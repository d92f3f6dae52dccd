"""Tables of codes that lie in a file beside the mapping, because they are long or somebody else keeps them."""

import csv
from pathlib import Path

_ROWS_MAX = 20_000
_BYTES_MAX = 4_000_000


class CodeTableFault(ValueError):
    """A table that cannot be read; says where and what to do."""


def read_code_table(file: Path) -> dict[str, str]:
    """
    Read a table of codes: a heading, then a code and our word on each line, divided by a comma or a semicolon; further columns are remarks.

    :raises CodeTableFault: naming file and line
    """
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise CodeTableFault(f"{file} is larger than {_BYTES_MAX:,} bytes")
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise CodeTableFault(f"there is no table {file}, or it may not be read") from error
    except UnicodeDecodeError as error:
        raise CodeTableFault(f"{file}: byte {error.start} is not UTF-8") from error
    heading = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=";" if heading.count(";") > heading.count(",") else ",", strict=True)
    found: dict[str, str] = {}
    try:
        for number, row in enumerate(rows, start=1):
            if number == 1 or not row:
                continue
            code, word = (cell.strip() for cell in (*row, "")[:2])
            if len(row) < 2 or not code:
                raise CodeTableFault(f"{file} line {number}: needs a code and our word")
            if code in found:
                raise CodeTableFault(f"{file} line {number}: the code {code[:40]} stands twice")
            if len(found) >= _ROWS_MAX:
                raise CodeTableFault(f"{file} holds more than {_ROWS_MAX:,} codes")
            found[code] = word
    except csv.Error as error:
        raise CodeTableFault(f"{file} line {rows.line_num}: a quote is never closed") from error
    if not found:
        raise CodeTableFault(f"{file} holds no codes under its heading")
    return found
