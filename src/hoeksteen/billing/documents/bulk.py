"""
Documents of a whole period, written to a folder by a job that may be stopped at any instant and goes on where it was.

A document is written beside its place and moved there when it is whole, so that what stands there is whole; the next call
looks at what stands there and makes the rest. Nothing else is remembered, and nothing can disagree with the folder.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing.documents import _store
from hoeksteen.billing.documents.pdf import render_pdf
from hoeksteen.billing.documents.ubl import render_ubl
from hoeksteen.billing.documents.view import InvoiceView, invoice_views
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import AccessDenied, Conflict, Corrupt, WrongState
from hoeksteen.kernel.private_files import write_private
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import billing_accounts_by_id
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

BILLS_PER_BATCH = 250  # one disclosure of the keeper's log each
_BILLS_PER_FOLDER_DIGITS = 3  # a thousand bills in a folder
_TAIL = 64
_GONE = ("shredded", "key_destroyed")  # a person's keys, which refuses every batch that it stands in


class DocumentKind(StrEnum):
    """What a document is, which is also the ending of its file's name."""

    PDF = "pdf"
    UBL = "xml"


_RENDER: dict[DocumentKind, Callable[[InvoiceView], bytes]] = {DocumentKind.PDF: render_pdf, DocumentKind.UBL: render_ubl}
_ENDINGS = {DocumentKind.PDF: (b"%%EOF",), DocumentKind.UBL: (b"</Invoice>", b"</CreditNote>")}


class _Document(NamedTuple):
    """
    One document of a bill.

    :param department: whose specification it is; None of the invoice
    """

    kind: DocumentKind
    department: BillingAccount | None = None

    def place(self, folder: Path, bill_number: str) -> Path:
        return place(folder, bill_number, self.kind, department="" if self.department is None else self.department.billing_account_number)

    def drawn(self, view: InvoiceView) -> bytes:
        return _RENDER[self.kind](view if self.department is None else replace(view, only=view.departments[self.department.billing_account_id]))


class NumberedBill(NamedTuple):
    """A final bill, as a list of work names it."""

    customer_id: UUID
    customer_bill_id: UUID
    bill_number: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bill whose documents could not be made, and why; without personal data."""

    bill_number: str
    why: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """
    What became of a batch of bills.

    :param written: documents made now; `there` were whole already
    """

    bills: int
    written: int
    there: int
    refused: tuple[Refusal, ...]


def count_bills(*, database: Database, period: BillPeriod) -> int:
    """Give how many final bills there are whose periods begin within `period`."""
    with database.transaction() as tx:
        return _store.count_numbered_bills(tx, period.first_day, period.end_day)


def batches(*, database: Database, period: BillPeriod, size: int = BILLS_PER_BATCH) -> Iterator[list[NumberedBill]]:
    """Give the final bills whose periods begin within `period`, by number, in batches; each batch is read when it is asked for."""
    after = ""
    while True:
        with database.transaction() as tx:
            found = [NumberedBill(*row) for row in _store.numbered_bills(tx, period.first_day, period.end_day, after, size)]
        if not found:
            return
        yield found
        after = found[-1].bill_number


def place(folder: Path, bill_number: str, kind: DocumentKind, *, department: str = "") -> Path:
    """
    Give where a document stands: a thousand bills to a folder, named by what their numbers have in common.

    :param department: the account number of the one whose specification it is
    """
    name = f"{bill_number}-{department}" if department else bill_number
    return folder / bill_number[:-_BILLS_PER_FOLDER_DIGITS] / f"{name}.{kind.value}"


def is_whole(path: Path, kind: DocumentKind) -> bool:
    """Tell whether a document stands there to its end: a machine that lost its power may keep a name and lose the content."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return file.read().rstrip().endswith(_ENDINGS[kind])
    except OSError:
        return False


def _always() -> bool:
    return True


def write_batch(
    *,
    database: Database,
    keeper: KeeperClient,
    bills: Sequence[NumberedBill],
    kinds: Sequence[DocumentKind],
    folder: Path,
    purpose: str,
    lake: Lake | None = None,
    go_on: Callable[[], bool] = _always,
) -> BatchDone:
    """
    Write the documents of a batch that are not there yet, readable by their owner only; of departments a specification each, as PDF.

    The buyers of those bills, and of no others, are disclosed together: one entry of the keeper's log per subject, as for single
    ones. A bill whose buyer cannot be opened any more, or whose specification does not come to it, is named and the others are made.

    :param lake: where single records lie, for the specifications of those who chose one; without it none is made
    :param go_on: asked between documents; when it says no, the rest is left for the next call
    :raises AccessDenied: when the actor may not see `invoice_party` for this purpose
    :raises Unavailable: when the database or the keeper does not answer; calling again goes on
    """
    documents = {bill: [_Document(kind) for kind in kinds] for bill in bills}
    for bill, departments in _departments(database, bills).items() if DocumentKind.PDF in kinds else ():
        documents[bill] += [_Document(DocumentKind.PDF, one) for one in departments]
    wanted = {bill: [one for one in some if not is_whole(one.place(folder, bill.bill_number), one.kind)] for bill, some in documents.items()}
    missing = [bill for bill in bills if wanted[bill]]
    views, refused = _views(database, keeper, missing, purpose, lake if DocumentKind.PDF in kinds else None) if missing else ({}, ())
    written, not_drawn = 0, list(refused)
    for bill, view in views.items():
        for one in wanted[bill] if go_on() else ():
            try:
                drawn = one.drawn(view)
            except WrongState as error:
                not_drawn.append(Refusal(bill.bill_number, str(error)))
                continue
            write_private(one.place(folder, bill.bill_number), drawn, durable=False)
            written += 1
    there = sum(len(documents[bill]) - len(wanted[bill]) for bill in bills)
    return BatchDone(len(bills), written, there, tuple(not_drawn))


def _departments(database: Database, bills: Sequence[NumberedBill]) -> dict[NumberedBill, list[BillingAccount]]:
    """Give the departments whose lines stand on bills; who has none is absent."""
    by_id = {bill.customer_bill_id: bill for bill in bills}
    with database.transaction() as tx:
        rows = _store.departments_of_bills(tx, [bill.customer_id for bill in bills], list(by_id))
        known = billing_accounts_by_id(tx=tx, billing_account_ids=sorted({department for _, department in rows})) if rows else []
    account_of = {one.billing_account_id: one for one in known}
    found: dict[NumberedBill, list[BillingAccount]] = {}
    for bill_id, department in rows:
        found.setdefault(by_id[bill_id], []).append(account_of[department])
    return found


def _views(
    database: Database, keeper: KeeperClient, bills: Sequence[NumberedBill], purpose: str, lake: Lake | None
) -> tuple[dict[NumberedBill, InvoiceView], list[Refusal]]:
    """Gather a batch at once; when one of it cannot be gathered, one by one, so that it alone is missing."""
    try:
        with database.transaction() as tx:
            keys = [(bill.customer_id, bill.customer_bill_id) for bill in bills]
            return dict(zip(bills, invoice_views(tx=tx, keeper=keeper, bills=keys, purpose=purpose, lake=lake), strict=True)), []
    except (AccessDenied, Corrupt) as error:
        if isinstance(error, AccessDenied) and error.reason not in _GONE:
            raise
        if len(bills) == 1:
            return {}, [Refusal(bills[0].bill_number, str(error))]
    found: dict[NumberedBill, InvoiceView] = {}
    refused: list[Refusal] = []
    middle = len(bills) // 2
    for half in (bills[:middle], bills[middle:]):
        views, not_made = _views(database, keeper, half, purpose, lake)
        found |= views
        refused += not_made
    return found, refused


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """
    Keep a folder for one job, and remove what a job that was killed left half written in it.

    :raises Conflict: when another job works on it
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / ".lock", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"Another job writes documents to {folder}.", remedy="Wait until it has ended, or name another folder.") from None
        for path in folder.glob("*/.*.*.*"):
            path.unlink(missing_ok=True)
        yield
