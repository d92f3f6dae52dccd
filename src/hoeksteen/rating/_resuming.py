"""Taking up a rating that was cut off: each batch that is done is noted, with a fingerprint of all that it was made of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from hoeksteen.rating import _store
from hoeksteen.rating._engine import Inputs
from hoeksteen.storage.postgres import Database, Row


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What rating made of some buckets of a month.

    :param charges: files in the lake's folder of the run; `left_over` of allowances, `due` of flat fees
    :param sums: rows of _pieces.DIGEST, keys as text; `balance` rows of _pieces.FILE_BALANCE
    """

    records: int
    charges: list[Path]
    left_over: list[Path]
    due: list[Path]
    sums: list[Row]
    balance: list[Row]


def begin(database: Database, month: date, rating_run_id: UUID) -> UUID:
    """Note that a rating begins, and give its identifier: that of the one that was cut off, where one was."""
    with database.transaction() as tx:
        return _store.open_rating(tx, month, rating_run_id)


def fingerprint(inputs: Inputs, files: Sequence[str], before: bytes) -> bytes:
    """
    Digest everything that a month's charges depend on.

    :param files: of usage and of what earlier months left; a file never changes
    :param before: the fingerprint of the month that this run rated before, whose left-over files may bear the same names with other content
    """
    digest = hashlib.sha256(before)
    few = (inputs.month, inputs.bill_month, sorted(inputs.first_closed.items()), inputs.rolled_over, inputs.passed_over, inputs.lifted, list(files))
    digest.update(repr(few).encode())
    digest.update(repr(inputs.corrections).encode())
    digest.update(repr(inputs.tariff).encode())
    digest.update(repr(inputs.holders).encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, inputs.terms.schema) as stream:
        stream.write_table(inputs.terms)
    digest.update(sink.getvalue())
    return digest.digest()


class Steps:
    """The batches of one run."""

    def __init__(self, database: Database, rating_run_id: UUID) -> None:
        self._database = database
        self._run = rating_run_id

    def done(self, month: date, buckets: Sequence[int], fingerprint: bytes) -> Batch | None:
        """Give a batch that was done before of the same inputs, and whose files are all there."""
        with self._database.transaction() as tx:
            found = _store.rating_step(tx, self._run, month, buckets, fingerprint)
        if found is None:
            return None
        charges, left_over, due = ([Path(name) for name in found[kind]] for kind in ("charges", "left_over", "due"))
        if not all(file.exists() for file in (*charges, *left_over, *due)):
            return None
        balance = [{**row, "usage_file_id": UUID(row["usage_file_id"])} for row in found["balance"]]
        return Batch(found["records"], charges, left_over, due, found["sums"], balance)

    def keep(self, month: date, buckets: Sequence[int], fingerprint: bytes, batch: Batch) -> None:
        """Note a batch as done, at once and whatever becomes of the run."""
        result = {
            "records": batch.records,
            "charges": [str(file) for file in batch.charges],
            "left_over": [str(file) for file in batch.left_over],
            "due": [str(file) for file in batch.due],
            "sums": batch.sums,
            "balance": [{**row, "usage_file_id": str(row["usage_file_id"])} for row in batch.balance],
        }
        with self._database.transaction() as tx:
            _store.keep_rating_step(tx, self._run, month, buckets, fingerprint, result)
