"""
Taking the bank's status reports (pain.002) about the files that we sent: what it refuses before it settles anything.

A report is one transaction. A collection that is refused opens its bill again, as one refused by hand does; where the whole file or a
payment information is refused the fault is ours, so mandates stay, nobody is written to, and the bills are taken by the next run. One
that is refused as a duplicate says that the bank has it already: nothing is undone, and a person looks. A refund that is refused stays
owed, and waits for a person.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from hoeksteen.kernel.errors import Conflict, InvalidInput
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.operations import require_open
from hoeksteen.receivables import _collection_store, _store
from hoeksteen.receivables.collecting import rejected
from hoeksteen.receivables.pain002 import REFUSED, PaymentAnswer, StatusReport, read
from hoeksteen.receivables.sepa import batch_of_refunds
from hoeksteen.storage.postgres import Database, Row, Transaction

_NO_REASON = "NARR"
_DUPLICATE = frozenset({"AM05", "DU01", "DU02"})  # of a file or batch: the first one stands, and is collected
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ReportIntake:
    """
    What taking a report did.

    :param about: the message identification of our file
    :param refused: how many payments, by the bank's reason
    :param answers: how many payments have each status
    :param known_before: refusals that another report told, or that were recorded by hand
    :param contradicted: end-to-end identifiers that the bank refuses though its statements say otherwise, or as a duplicate of a file or batch
        that it has; nothing was done about them
    """

    message_id: str
    about: str
    already_taken: bool
    refused: Mapping[str, int]
    amount: Decimal
    answers: Mapping[str, int]
    known_before: int
    contradicted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Refusal:
    level: str
    reason: str


def take(*, database: Database, path: Path, now: datetime, identifiers: Identifiers) -> ReportIntake:
    """
    Take a status report; one that was taken before changes nothing.

    :raises InvalidInput: when it cannot be read, or is about a file, payment information, payment or amount that is not ours; it names the place
    :raises Conflict: when another report came under its message identification
    :raises WrongState: when the books of today are closed
    """
    report = read(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    with database.transaction() as tx:
        _store.lock_all(tx)
        before = _collection_store.report_taken(tx, sha256, report.message_id)
        if before is not None:
            if bytes(before["sha256"]) != sha256:
                raise Conflict(f"Report {report.message_id} was taken before with another content.", remedy="Ask the bank which of the two is right.")
            return ReportIntake(report.message_id, report.about, True, {}, _NOTHING, {}, 0, ())
        sent = _Sent(tx, report)
        refusals = dict(sent.refusals())
        _collection_store.insert_report(tx, report.message_id, sha256, report.about, now)
        return sent.refuse(refusals, now, identifiers)


class _Sent:
    """Our file that a report is about."""

    def __init__(self, tx: Transaction, report: StatusReport) -> None:
        self._tx, self._report = tx, report
        found = _collection_store.file_about(tx, report.about)
        if found is None:
            raise InvalidInput(
                f"The report is about {report.about}, a file that we did not send.", remedy="Take reports about our own files.", field="OrgnlMsgId"
            )
        self._is_of_refunds = found["refund_file_id"] is not None
        if self._is_of_refunds:
            rows = [{**row, "batch": batch_of_refunds(report.about)} for row in _collection_store.refunds_of_file(tx, found["refund_file_id"])]
        else:
            rows = [row for row in _collection_store.collections_of_run(tx, found["collection_run_id"]) if row["batch"] is not None]
        self._batches = {row["batch"] for row in rows} or {batch_of_refunds(report.about)}
        self._rows: dict[str, Row] = {row["end_to_end_id"]: row for row in rows}
        self._known = _collection_store.refusals(tx, [*self._rows, *(one.end_to_end_id for batch in report.batches for one in batch.payments)])
        if not self._is_of_refunds and report.count is not None and report.count != len(rows):
            raise InvalidInput(
                f"The report counts {report.count} payments in {report.about}, and we sent {len(rows)}.", remedy="Ask the bank what it got.",
                field="OrgnlNbOfTxs",
            )  # fmt: skip

    def refusals(self) -> Iterator[tuple[str, _Refusal]]:
        """Give what is refused, from the whole to the single payment: what is said of one payment is said last, and counts."""
        report = self._report
        if report.status == REFUSED:
            yield from ((key, _Refusal("file", report.reason or _NO_REASON)) for key in self._rows)
        for batch in report.batches:
            members = [key for key, row in self._rows.items() if row["batch"] == batch.payment_information_id]
            if batch.payment_information_id not in self._batches:
                raise InvalidInput(
                    f"The report names payment information {batch.payment_information_id}, which is not in {report.about}.",
                    remedy="Ask the bank for a report about this file alone.", field="OrgnlPmtInfId",
                )  # fmt: skip
            if batch.status == REFUSED:
                yield from ((key, _Refusal("batch", batch.reason or report.reason or _NO_REASON)) for key in members)
            for payment in batch.payments:
                self._require_ours(payment, batch.payment_information_id)
                if payment.status == REFUSED and (payment.reason or REFUSED not in (batch.status, report.status)):
                    with_others = payment.reason in _DUPLICATE and REFUSED in (batch.status, report.status)
                    yield payment.end_to_end_id, _Refusal("batch" if with_others else "payment", payment.reason or _NO_REASON)

    def _require_ours(self, payment: PaymentAnswer, batch: str) -> None:
        row = self._rows.get(payment.end_to_end_id)
        if row is None and payment.end_to_end_id in self._known:
            return
        if row is None or row["batch"] != batch:
            raise InvalidInput(
                f"The {payment.where} is none of {self._report.about} (OrgnlEndToEndId).", remedy="Ask the bank for a report about this file alone.",
                field="OrgnlEndToEndId",
            )  # fmt: skip
        if payment.amount is not None and payment.amount != row["amount"]:
            raise InvalidInput(
                f"The {payment.where} is of {payment.amount}, and we sent {row['amount']} (InstdAmt).", remedy="Ask the bank what it got.",
                field="InstdAmt",
            )  # fmt: skip

    def refuse(self, refusals: dict[str, _Refusal], now: datetime, identifiers: Identifiers) -> ReportIntake:
        """Do what the refusals say, of each payment that is still on its way."""
        report, known, contradicted, new = self._report, 0, [], dict[str, _Refusal]()
        for key, refusal in refusals.items():
            state = self._rows[key]["state"] if key in self._rows else ""
            if key in self._known or state in ("rejected", "refused"):
                known += 1
            elif state == "sent" and not (refusal.level != "payment" and refusal.reason in _DUPLICATE):
                new[key] = refusal
            else:
                contradicted.append(key)
        if new and self._is_of_refunds:
            _collection_store.move_refunds(self._tx, [self._rows[key]["refund_id"] for key in new], "refused")
        elif new:
            require_open(tx=self._tx, day=local_day(now), what="the day of the report")
            said = [[(self._rows[key], one.reason) for key, one in new.items() if (one.level == "payment") is alone] for alone in (True, False)]
            rejected(tx=self._tx, refused=said[0], with_file=said[1], now=now, identifiers=identifiers)
        _collection_store.insert_refusals(self._tx, ((key, report.message_id, one.level, one.reason, now) for key, one in new.items()))
        return ReportIntake(
            message_id=report.message_id,
            about=report.about,
            already_taken=False,
            refused=dict(Counter(one.reason for one in new.values())),
            amount=sum((self._rows[key]["amount"] for key in new), _NOTHING),
            answers=dict(Counter(one.status for batch in report.batches for one in batch.payments)),
            known_before=known,
            contradicted=tuple(contradicted),
        )
