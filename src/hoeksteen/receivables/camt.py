"""
Reading bank statements: camt.053.001.08 (statement) and camt.054.001.08 (notification), one entry at a time.

The file comes from outside: no entity is expanded, no DTD is loaded and no limit of the parser is lifted; whatever the size, one
entry is held at a time. What a payer wrote, their name and IBAN stay in memory with whoever reads; nothing is kept here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from lxml import etree

from hoeksteen.kernel.errors import InvalidInput

Kind = Literal["statement", "notification"]
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_KINDS: dict[str, Kind] = {f"{_NAMESPACE}camt.053.001.08": "statement", f"{_NAMESPACE}camt.054.001.08": "notification"}
_REMEDY = "Have the bank deliver the file again; nothing of it was taken."
_HEARD = ("{*}Document", "{*}Stmt", "{*}Ntfctn", "{*}Ntry")
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Head:
    """
    What a statement says of itself.

    :param identification: by which the bank names it
    :param sequence: the electronic sequence number; None where the bank gives none
    :param opening: the booked balance before, `closing` after; None on a notification
    :param copy: whether the bank says that it is a copy or a duplicate
    """

    kind: Kind
    identification: str
    iban: str
    currency: str
    sequence: int | None
    opening: Decimal | None
    closing: Decimal | None
    entries: int | None
    copy: bool


@dataclass(frozen=True, slots=True)
class BankTransaction:
    """
    One payment in an entry.

    :param amount: a credit of our account is positive
    :param family: domain, family and subfamily of the bank transaction code, such as `PMNT/RCDT/ESCT`
    :param references: structured remittance references
    """

    amount: Decimal
    currency: str
    family: str
    end_to_end_id: str
    payment_information_id: str
    references: tuple[str, ...]
    text: str
    payer_name: str
    payer_iban: str
    return_reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One booking on the account.

    :param servicer_reference: by which the bank names it; empty where it gives none
    :param reverses: what it reverses, by the bank's reference, when it is a reversal
    :param transactions: at least one; of a batch without details the one is the whole
    """

    ordinal: int
    servicer_reference: str
    booked_on: date
    amount: Decimal
    currency: str
    is_reversal: bool
    reverses: str
    transactions: tuple[BankTransaction, ...]


def read(path: Path) -> Iterator[Head | Entry]:
    """
    Give each statement's head and then its booked entries; what is pending or for information only is left out.

    :raises InvalidInput: when the file is no camt.053 or camt.054 of version 001.08, is cut off, or a field cannot be read; it names the place
    """
    with path.open("rb") as file:
        events = etree.iterparse(
            file, events=("start", "end"), tag=_HEARD, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        )  # fmt: skip
        try:
            yield from _statements(events)
        except etree.XMLSyntaxError as error:
            raise InvalidInput(f"The file is not whole XML: {error.msg}.", remedy=_REMEDY) from None


def _statements(events: "etree.iterparse[tuple[str, etree._Element]]") -> Iterator[Head | Entry]:
    kind: Kind | None = None
    length = ordinal = 0
    begun = False
    for event, element in events:
        if kind is None:
            kind, length = _kind_of(element)
            continue
        name = str(element.tag)[length:]
        if event == "start":
            if name in ("Stmt", "Ntfctn"):
                ordinal, begun = 0, False
            continue
        if name == "Ntry":
            statement = element.getparent()
            if statement is None:
                raise InvalidInput("An entry stands in no statement.", remedy=_REMEDY)
            if not begun:
                begun = True
                yield _head(statement, kind, length)
            ordinal += 1
            found = _entry(element, ordinal, length)
            if found is not None:
                yield found
            statement.remove(element)
        elif name in ("Stmt", "Ntfctn") and not begun:
            yield _head(element, kind, length)
    if kind is None:
        raise InvalidInput("The file holds no bank statement (Document).", remedy=_REMEDY)


def _kind_of(root: etree._Element) -> tuple[Kind, int]:
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidInput("The file declares a document type; a bank statement has none.", remedy=_REMEDY)
    namespace = etree.QName(root).namespace or ""
    if namespace not in _KINDS:
        said = namespace.removeprefix(_NAMESPACE)[:60] or "no namespace"
        raise InvalidInput(f"The file is {said}, not camt.053.001.08 or camt.054.001.08.", remedy="Ask the bank for that version.")
    return _KINDS[namespace], len(namespace) + 2


def _text(element: etree._Element, path: str, prefix: str) -> str:
    found = element.findtext("/".join(prefix + part for part in path.split("/")))
    return (found or "").strip()


def _head(statement: etree._Element, kind: Kind, length: int) -> Head:
    prefix = str(statement.tag)[:length]
    identification = _text(statement, "Id", prefix)
    if not identification:
        raise InvalidInput("A statement has no identification (Id).", remedy=_REMEDY)
    where = f"statement {identification[:35]}"
    sequence, entries = _text(statement, "ElctrncSeqNb", prefix), _text(statement, "TxsSummry/TtlNtries/NbOfNtries", prefix)
    balances: dict[str, Decimal] = {}
    for balance in statement.iterfind(prefix + "Bal"):
        code = _text(balance, "Tp/CdOrPrtry/Cd", prefix)
        balances.setdefault(code, _amount(balance, prefix, f"{where}, balance {code}")[0])
    opening = balances.get("OPBD", balances.get("PRCD"))
    if kind == "statement" and (opening is None or "CLBD" not in balances):
        raise InvalidInput(f"The {where} lacks its opening or closing balance (OPBD, CLBD).", remedy=_REMEDY)
    return Head(
        kind=kind,
        identification=identification,
        iban=_text(statement, "Acct/Id/IBAN", prefix),
        currency=_text(statement, "Acct/Ccy", prefix) or _balance_currency(statement, prefix),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() else None,
        opening=opening,
        closing=balances.get("CLBD"),
        entries=int(entries) if entries.isascii() and entries.isdigit() else None,
        copy=bool(_text(statement, "CpyDplctInd", prefix)),
    )


def _balance_currency(statement: etree._Element, prefix: str) -> str:
    amount = statement.find(f"{prefix}Bal/{prefix}Amt")
    return "" if amount is None else str(amount.get("Ccy") or "")


def _amount(element: etree._Element, prefix: str, where: str) -> tuple[Decimal, str]:
    """Give the signed amount of whatever has Amt and CdtDbtInd, and its currency."""
    found = element.find(prefix + "Amt")
    text = "" if found is None else (found.text or "").strip()
    try:
        amount = Decimal(text) if _AMOUNT.fullmatch(text) else None
    except InvalidOperation:
        amount = None
    if found is None or amount is None or amount != round(amount, 2):
        raise InvalidInput(f"The {where} has no amount with two decimals (Amt).", remedy=_REMEDY)
    side = element.findtext(prefix + "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise InvalidInput(f"The {where} is neither credit nor debit (CdtDbtInd).", remedy=_REMEDY)
    return (round(amount, 2) if side == "CRDT" else -round(amount, 2)), str(found.get("Ccy") or "")


def _entry(element: etree._Element, ordinal: int, length: int) -> Entry | None:
    prefix = str(element.tag)[:length]
    if _text(element, "Sts/Cd", prefix) != "BOOK":
        return None
    where = f"entry {ordinal}"
    amount, currency = _amount(element, prefix, where)
    day = _text(element, "BookgDt/Dt", prefix) or _text(element, "BookgDt/DtTm", prefix)[:10]
    try:
        booked_on = date.fromisoformat(day)
    except ValueError:
        raise InvalidInput(f"The {where} has no booking day (BookgDt).", remedy=_REMEDY) from None
    family = _family(element, prefix)
    batch_id = _text(element, "NtryDtls/Btch/PmtInfId", prefix)
    details = element.findall(f"{prefix}NtryDtls/{prefix}TxDtls")
    transactions = tuple(_transaction(one, prefix, amount, currency, family, batch_id, alone=len(details) == 1, where=where) for one in details)
    is_reversal = _text(element, "RvslInd", prefix) == "true"
    return Entry(
        ordinal=ordinal,
        servicer_reference=_text(element, "AcctSvcrRef", prefix),
        booked_on=booked_on,
        amount=amount,
        currency=currency,
        is_reversal=is_reversal,
        reverses=_text(element, "NtryDtls/TxDtls/Refs/AcctSvcrRef", prefix) if is_reversal else "",
        transactions=transactions or (BankTransaction(amount, currency, family, "", batch_id, (), "", "", "", ""),),
    )


def _family(element: etree._Element, prefix: str) -> str:
    domain = element.find(f"{prefix}BkTxCd/{prefix}Domn")
    if domain is None:
        return ""
    return f"{_text(domain, 'Cd', prefix)}/{_text(domain, 'Fmly/Cd', prefix)}/{_text(domain, 'Fmly/SubFmlyCd', prefix)}"


def _transaction(
    element: etree._Element, prefix: str, amount: Decimal, currency: str, family: str, batch_id: str, *, alone: bool, where: str
) -> BankTransaction:
    part: dict[str, etree._Element] = {str(child.tag)[len(prefix) :]: child for child in element}
    own, own_currency = (amount, currency) if alone or "Amt" not in part else _part_of(element, prefix, amount, where)
    refs, parties, remittance = part.get("Refs"), part.get("RltdPties"), part.get("RmtInf")
    party = "Dbtr" if own >= 0 else "Cdtr"
    structured: tuple[str, ...] = ()
    text = name = iban = ""
    if remittance is not None:
        text = " ".join((one.text or "") for one in remittance.iterfind(prefix + "Ustrd"))
        structured = tuple((one.text or "").strip() for one in remittance.iterfind(f"{prefix}Strd/{prefix}CdtrRefInf/{prefix}Ref"))
    if parties is not None:
        name = _text(parties, f"{party}/Pty/Nm", prefix)
        iban = _text(parties, f"{party}Acct/Id/IBAN", prefix)
    return BankTransaction(
        amount=own,
        currency=own_currency,
        family=_family(element, prefix) if "BkTxCd" in part else family,
        end_to_end_id="" if refs is None else _text(refs, "EndToEndId", prefix),
        payment_information_id=batch_id if refs is None else _text(refs, "PmtInfId", prefix) or batch_id,
        references=structured,
        text=text,
        payer_name=name,
        payer_iban=iban,
        return_reason=_text(part["RtrInf"], "Rsn/Cd", prefix) if "RtrInf" in part else "",
    )


def _part_of(element: etree._Element, prefix: str, amount: Decimal, where: str) -> tuple[Decimal, str]:
    """Give the amount of one payment of several; where it names no side, it has its entry's."""
    if element.find(prefix + "CdtDbtInd") is None:
        side = etree.SubElement(element, prefix + "CdtDbtInd")
        side.text = "CRDT" if amount >= 0 else "DBIT"
    return _amount(element, prefix, f"{where}, one of its payments")
