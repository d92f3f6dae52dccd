"""
Reading a customer payment status report (pain.002.001.03 or .10): what the bank says of a file that we sent, before it settles anything.

A bank answers at three levels: the whole file, a payment information in it, one payment. A refusal holds for everything below it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

from hoeksteen.kernel.errors import InvalidInput

BYTES_MAX = 256_000_000
REFUSED = "RJCT"
_NAMESPACES = tuple(f"urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}" for version in ("10", "03"))
_STATUSES = frozenset({"ACCC", "ACCP", "ACSC", "ACSP", "ACTC", "ACWC", "ACWP", "PART", "PDNG", "RCVD", "RJCT", "PATC", "ACFC", "PRES", "CANC"})
_REMEDY = "Have the bank deliver the report again; nothing of it was taken."
_CODE = re.compile(r"[A-Z0-9]{1,4}")
_IDENTIFIER_LENGTH_MAX = 35


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """
    What is said of one payment.

    :param where: in words, for messages
    :param reason: the bank's code, empty where it gives none
    :param amount: euros, as the bank repeats them; None where it does not
    """

    where: str
    end_to_end_id: str
    status: str
    reason: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What is said of a payment information, and of payments in it."""

    payment_information_id: str
    status: str
    reason: str
    payments: tuple[PaymentAnswer, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """
    One report about one of our files.

    :param about: the message identification of our file
    :param count: how many payments the bank counted in it; None where it does not say
    """

    message_id: str
    about: str
    status: str
    reason: str
    count: int | None
    batches: tuple[BatchAnswer, ...]


def read(path: Path) -> StatusReport:
    """
    Give what a status report says.

    :raises InvalidInput: when the file is too large, is no pain.002 of these versions, or a field cannot be read; it names the place
    """
    if path.stat().st_size > BYTES_MAX:
        raise InvalidInput(f"The file has more than {BYTES_MAX:,} bytes.", remedy="Ask the bank for a report per file.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.parse(path, parser).getroot()
    except etree.XMLSyntaxError as error:
        raise InvalidInput(f"The file is not whole XML: {error.msg}.", remedy=_REMEDY) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidInput("The file declares a document type; a status report has none.", remedy=_REMEDY)
    namespace = etree.QName(root).namespace or ""
    report = root.find(f"{{{namespace}}}CstmrPmtStsRpt")
    if namespace not in _NAMESPACES or report is None:
        said = namespace.rpartition(":")[2][:60] or "no namespace"
        raise InvalidInput(f"The file is {said}, not pain.002.001.10 or pain.002.001.03.", remedy="Ask the bank for that version.")
    return _Reader(f"{{{namespace}}}").report(report)


class _Reader:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def report(self, root: etree._Element) -> StatusReport:
        groups = self._all(root, "OrgnlGrpInfAndSts")
        if len(groups) != 1:
            raise InvalidInput("The report is not about one file (OrgnlGrpInfAndSts).", remedy=_REMEDY)
        [group] = groups
        status, reason = self._status(group, "GrpSts", "the file", wanted=False)
        counted = self._text(group, "OrgnlNbOfTxs")
        return StatusReport(
            message_id=self._identifier(root, "GrpHdr/MsgId", "report"),
            about=self._identifier(group, "OrgnlMsgId", "file that it is about"),
            status=status,
            reason=reason,
            count=int(counted) if counted.isascii() and counted.isdigit() else None,
            batches=tuple(self._batches(root)),
        )

    def _batches(self, root: etree._Element) -> Iterator[BatchAnswer]:
        for number, element in enumerate(self._all(root, "OrgnlPmtInfAndSts"), start=1):
            where = f"payment information {number}"
            name = self._identifier(element, "OrgnlPmtInfId", where)
            status, reason = self._status(element, "PmtInfSts", where, wanted=False)
            payments = [
                self._payment(each, f"{where}, payment {place}") for place, each in enumerate(self._all(element, "TxInfAndSts"), start=1)
            ]  # fmt: skip
            yield BatchAnswer(name, status, reason, tuple(payments))

    def _payment(self, element: etree._Element, where: str) -> PaymentAnswer:
        status, reason = self._status(element, "TxSts", where, wanted=True)
        said = element.find("/".join(self._prefix + name for name in ("OrgnlTxRef", "Amt", "InstdAmt")))
        amount = None
        if said is not None:
            text = (said.text or "").strip()
            if not re.fullmatch(r"\d{1,11}(\.\d{1,2})?", text) or said.get("Ccy") != "EUR":
                raise InvalidInput(f"The {where} has no amount in euros (InstdAmt).", remedy=_REMEDY)
            amount = Decimal(text)
        return PaymentAnswer(where, self._identifier(element, "OrgnlEndToEndId", where), status, reason, amount)

    def _status(self, element: etree._Element, tag: str, where: str, *, wanted: bool) -> tuple[str, str]:
        status = self._text(element, tag)
        if status not in _STATUSES and (status or wanted):
            raise InvalidInput(f"The {where} has no status that we know ({tag}).", remedy="Ask the bank what it means, and record it by hand.")
        code = self._text(element, "StsRsnInf/Rsn/Cd")
        if code and not _CODE.fullmatch(code):
            raise InvalidInput(f"The {where} has a reason that is no code (Rsn).", remedy=_REMEDY)
        return status, code

    def _identifier(self, element: etree._Element, path: str, where: str) -> str:
        text = self._text(element, path)
        if not 1 <= len(text) <= _IDENTIFIER_LENGTH_MAX:
            raise InvalidInput(f"The {where} has no identifier ({path.rpartition('/')[2]}).", remedy=_REMEDY)
        return text

    def _all(self, element: etree._Element, tag: str) -> list[etree._Element]:
        return element.findall(self._prefix + tag)

    def _text(self, element: etree._Element, path: str) -> str:
        found = element.findtext("/".join(self._prefix + name for name in path.split("/")))
        return (found or "").strip()
