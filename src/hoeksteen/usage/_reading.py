"""From a file's copy to the table `checked`: one row per record, typed, with the reason why it cannot be used."""

from datetime import datetime

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput, invariant
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage import _pieces
from hoeksteen.usage._intake import Staged, text_frame
from hoeksteen.usage.adapters.base import Adapter, LineAdapter, RecordAdapter

_ROWS_PER_PUT = 1_000_000
_BYTES_PER_PUT = 512 * 1024**2


def read(duck: Duck, file: Staged, adapter: Adapter, now: datetime) -> int:
    """
    Make the table `checked` of a file and give how many records it has.

    :raises InvalidInput: when the file is cut, is not of the adapter's format, or its counts do not agree
    """
    if isinstance(adapter, LineAdapter):
        first, last = adapter.body(text_frame(file))
        duck.execute(f"CREATE TABLE line AS {_pieces.read_lines(file.path, first, last)}")
        records = last - first + 1
    else:
        records = _put_records(duck, file, adapter)
    duck.execute(f"CREATE TABLE checked AS WITH parsed AS ({adapter.parsed('line')}) {_pieces.cast(now)}")
    duck.execute("DROP TABLE line")
    invariant(duck.value("SELECT count(*) FROM checked") == records, f"every line of {file.name} is a record")
    return records


def _put_records(duck: Duck, file: Staged, adapter: Adapter) -> int:
    assert isinstance(adapter, RecordAdapter), "an adapter reads lines or records"
    done, waiting = 0, list[pa.Table]()
    made = False
    file.file.seek(0)
    for table in adapter.records(file.file, file.name):
        waiting.append(table)
        done += table.num_rows
        if sum(one.num_rows for one in waiting) >= _ROWS_PER_PUT or sum(one.nbytes for one in waiting) >= _BYTES_PER_PUT:
            made, waiting = _put(duck, waiting, made), []
    if not made and not waiting:
        raise InvalidInput(f"{file.name}: file: holds no record.", remedy="Name the adapter that fits this file.")
    if waiting:
        _put(duck, waiting, made)
    return done


def _put(duck: Duck, tables: list[pa.Table], made: bool) -> bool:
    duck.put("some_lines", pa.concat_tables(tables))
    duck.execute("INSERT INTO line SELECT * FROM some_lines" if made else "CREATE TABLE line AS SELECT * FROM some_lines")
    duck.execute("DROP TABLE some_lines")
    return True
