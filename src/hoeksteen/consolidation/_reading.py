"""
Reading exports with the cores that there are: this process takes the files apart, others standardise, and the records come back packed.

What comes of it is the same, in the same order, as when one process does it all.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date
from itertools import tee
from operator import attrgetter
from pathlib import Path
from typing import Any

from hoeksteen.consolidation._workers import Workers, processes_for
from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.model import Extract, Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.readers import RawRecord
from hoeksteen.consolidation.translate import Pieces, Translated, Translator, extract

BYTES_PER_PROCESS_MIN = 8_000_000  # of the exports together: less is read before a process has begun
Read = Callable[[Source, Mapping], Extract]
_Piece = tuple[str, list[tuple[Any, ...]]]
_parts_of = attrgetter(*(field.name for field in fields(RawRecord)))  # a tuple of them passes to another process in a fifth of the time


@contextmanager
def reading(sources: Sequence[tuple[Source, Mapping]], pseudonyms: Pseudonyms, today: date, cutover: date, processes: int | None) -> Iterator[Read]:
    """
    Give the function that reads one of these exports, as `extract` does.

    :param processes: that standardise beside this one, or 0; without it, as many as are worth their start
    """

    def alone(source: Source, mapping: Mapping) -> Extract:
        return extract(source=source, mapping=mapping, pseudonyms=pseudonyms, today=today, cutover=cutover)

    if processes is None:
        processes = processes_for(sum(_bytes_of(source.input) for source, _ in sources), each_from=BYTES_PER_PROCESS_MIN)
    if not processes:
        yield alone
        return
    with Workers[_Piece, Translated](
        processes, _make, [(source.input, mapping) for source, mapping in sources], pseudonyms, today, cutover
    ) as workers:

        def together(source: Source, mapping: Mapping) -> Extract:
            def translating(pieces: Pieces) -> Iterator[tuple[list[RawRecord], Translated]]:
                kept, sent = tee(pieces)
                tasks = ((mapping.source, [_parts_of(raw) for raw in piece]) for piece in sent)
                return ((piece, done) for piece, (_, done) in zip(kept, workers.in_order(tasks), strict=True))

            return extract(source=source, mapping=mapping, pseudonyms=pseudonyms, today=today, cutover=cutover, translating=translating)

        yield together


def _bytes_of(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _make(exports: Sequence[tuple[Path, Mapping]], pseudonyms: Pseudonyms, today: date, cutover: date) -> Callable[[_Piece], Translated]:
    translators = {mapping.source: Translator(mapping, file, pseudonyms, today, cutover) for file, mapping in exports}
    return lambda piece: translators[piece[0]].piece([RawRecord(*parts) for parts in piece[1]])
