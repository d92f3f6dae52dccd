"""Text columns at the speed of Arrow: tables looked up by index, joined to lines, written as one buffer."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.synth._chance import Flags, Ints
from hoeksteen.synth._clock import MINUTES_AND_SECONDS, MonthClock

_SECONDS = pa.array(MINUTES_AND_SECONDS, pa.string())

Column = Any


def looked_up(table: Sequence[str], index: Ints) -> Column:
    """Give the texts of a table at each index."""
    return pc.take(pa.array(table, pa.string()), pa.array(index))


def written(numbers: Ints, *, width: int = 0) -> Column:
    """Write whole numbers, padded with zeros to a width."""
    text = pc.cast(pa.array(numbers), pa.string())
    return pc.utf8_lpad(text, width, "0") if width else text


def instants(clock: MonthClock, at: Ints, impossible: Flags) -> list[Column]:
    """Write instants in local time with their UTC offset; the impossible ones on a day that no month has."""
    hour, second = clock.hour_and_second(at)
    hour[impossible] = len(clock.prefixes) - 1
    return [looked_up(clock.prefixes, hour), pc.take(_SECONDS, pa.array(second)), looked_up(clock.offsets, hour)]


def joined(*parts: Column | str) -> Column:
    """Join columns and fixed texts to one line per row."""
    return pc.binary_join_element_wise(*(pa.scalar(part) if isinstance(part, str) else part for part in parts), "")


def cut(lines: Column, here: Flags, keep: float) -> Column:
    """Cut some lines short, to a share of the shortest one's length."""
    shortest = pc.min(pc.utf8_length(lines)).as_py() or 0
    return pc.if_else(pa.array(here), pc.utf8_slice_codeunits(lines, 0, max(8, int(shortest * keep))), lines)


def write_lines(file: BinaryIO, lines: Column) -> None:
    """Write each row as a line: the texts of a column lie behind each other in memory already."""
    whole = pc.binary_join_element_wise(lines, pa.scalar("\n"), "")
    for part in whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]:
        bounds = memoryview(part.buffers()[1]).cast("i")
        file.write(memoryview(part.buffers()[2])[bounds[part.offset] : bounds[part.offset + len(part)]])
