"""
Processes that write documents for `hoeksteen bill documents` and the worker, one per core.

A worker reads a batch of bills as a line of JSON, writes their documents, answers with a line, and ends when there is nothing
more to read: so it ends as well when the command that began it was killed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from hoeksteen.billing.documents.bulk import (
    BILLS_PER_BATCH,
    BatchDone,
    DocumentKind,
    NumberedBill,
    Refusal,
    batches,
    claimed,
    count_bills,
    write_batch,
)
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import HoeksteenError, Unavailable
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.postgres import Database

_SERVICE = "bss"
_PURPOSE = "billing"
_ERROR = "error"


@dataclass(slots=True)
class Written:
    """
    What was written of a period until now.

    :param total: bills of the period
    :param written: documents
    :param there: documents that were there whole
    """

    total: int
    bills: int = 0
    written: int = 0
    there: int = 0
    refused: list[Refusal] = field(default_factory=list)


def write_period(
    *, database: Database, period: BillPeriod, kinds: Sequence[DocumentKind], folder: Path, data: Path, processes: int,
    told: Callable[[Written], None],
) -> Written:  # fmt: skip
    """
    Write the documents of a period's final bills to a folder, which nobody else writes to meanwhile.

    :param told: told of what is written, batch by batch
    :raises Conflict: when another job writes to the folder
    :raises Unavailable: when a worker could not go on; what is written stays, and the job can be called again
    """
    with claimed(folder):
        so_far = Written(count_bills(database=database, period=period))
        size = min(BILLS_PER_BATCH, max(1, -(-so_far.total // processes)))  # so that few bills keep every process busy too
        told(so_far)
        of_period = batches(database=database, period=period, size=size)
        for done in _write_side_by_side(batches=of_period, kinds=kinds, folder=folder, data=data, processes=processes):
            so_far.bills, so_far.written, so_far.there = so_far.bills + done.bills, so_far.written + done.written, so_far.there + done.there
            so_far.refused += done.refused
            so_far.total = max(so_far.total, so_far.bills)  # more were made meanwhile
            told(so_far)
    return so_far


def _write_side_by_side(
    *, batches: Iterable[list[NumberedBill]], kinds: Iterable[DocumentKind], folder: Path, data: Path, processes: int
) -> Iterator[BatchDone]:
    """
    Give what became of each batch, as it is done, in no order.

    :raises Unavailable: when a worker could not go on; what is written stays, and the job can be called again
    """
    workers = [_Worker(data, folder, kinds) for _ in range(processes)]
    try:
        with ThreadPoolExecutor(processes) as threads:
            idle, busy = list(workers), dict[Future[BatchDone], _Worker]()
            for batch in batches:
                if not idle:
                    yield from _collect(busy, idle)
                worker = idle.pop()
                busy[threads.submit(worker.do, batch)] = worker
            while busy:
                yield from _collect(busy, idle)
    finally:
        for worker in workers:
            worker.end()


def _collect(busy: "dict[Future[BatchDone], _Worker]", idle: "list[_Worker]") -> Iterator[BatchDone]:
    for future in wait(busy, return_when=FIRST_COMPLETED).done:
        idle.append(busy.pop(future))
        yield future.result()


class _Worker:
    def __init__(self, data: Path, folder: Path, kinds: Iterable[DocumentKind]) -> None:
        command = [sys.executable, "-m", "hoeksteen.interfaces.cli.document_worker", str(data), str(folder), *kinds]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, batch: list[NumberedBill]) -> BatchDone:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None and answered is not None
        try:
            asked.write(json.dumps([[str(part) for part in bill] for bill in batch]) + "\n")
            asked.flush()
            answer = json.loads(answered.readline() or "{}")
        except OSError:
            answer = {}
        if "bills" not in answer:
            said = answer.get(_ERROR, "A process that writes documents ended.")
            raise Unavailable(str(said), remedy="What is written stays: type the command again, and it goes on.")
        refused = tuple(Refusal(*one) for one in answer.pop("refused"))
        return BatchDone(refused=refused, **answer)

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


def main(data: str, folder: str, *kinds: str) -> None:
    """Answer batches until there are no more."""
    parent = os.getppid()
    with open_runtime(read_settings(Path(data)), service=_SERVICE) as runtime:
        for line in sys.stdin:
            bills = [NumberedBill(UUID(customer_id), UUID(bill_id), number) for customer_id, bill_id, number in json.loads(line)]
            try:
                done = write_batch(
                    database=runtime.database, keeper=runtime.keeper, bills=bills, kinds=[DocumentKind(kind) for kind in kinds],
                    folder=Path(folder), purpose=_PURPOSE, lake=runtime.lake, go_on=lambda: os.getppid() == parent,
                )  # fmt: skip
            except (HoeksteenError, OSError) as error:
                answer: dict[str, object] = {_ERROR: str(error)}
            else:
                refused = [[one.bill_number, one.why] for one in done.refused]
                answer = {"bills": done.bills, "written": done.written, "there": done.there, "refused": refused}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
