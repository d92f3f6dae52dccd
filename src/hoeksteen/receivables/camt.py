"""
Reading bank statements: camt.053.001.08 (statement) and camt.054.001.08 (notification), one entry at a time.

The file comes from outside: no entity is expanded, no DTD is loaded and no limit of the parser is lifted; whatever the size, one
entry is held at a time. A payer's name and IBAN stay in memory with whoever reads, and of what they wrote only bills that it names; nothing is
kept here. What is read are named tuples: of a large file hundreds of thousands of them pass between processes.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

from lxml import etree

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.references import bills_named, words_that_may_name

Kind = Literal["statement", "notification"]
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_KINDS: dict[str, Kind] = {f"{_NAMESPACE}camt.053.001.08": "statement", f"{_NAMESPACE}camt.054.001.08": "notification"}
_REMEDY = "Have the bank deliver the file again; nothing of it was taken."
_YEARS = 1990, 2100
_REFERENCE_MAX = 35
_HEARD = ("{*}Document", "{*}Stmt", "{*}Ntfctn", "{*}Ntry")
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,5})?")


class Head(NamedTuple):
    """
    What a statement says of itself.

    :param identification: by which the bank names it
    :param sequence: the electronic sequence number; None where the bank gives none
    :param opening: the booked balance before, `closing` after; None on a notification
    """

    kind: Kind
    identification: str
    iban: str
    currency: str
    sequence: int | None
    opening: Decimal | None
    closing: Decimal | None
    entries: int | None


class BankTransaction(NamedTuple):
    """
    One payment in an entry.

    :param amount: a credit of our account is positive
    :param family: of a debit domain, family and subfamily of the bank transaction code, such as `PMNT/MCOP/CHRG`; nobody asks it of a credit
    :param bills: numbers of the bills that the payer names; what else they wrote is not kept
    :param words: of a receipt that names none, what may be the number of a former system's invoice; compared, and not kept either
    """

    amount: Decimal
    currency: str
    family: str
    end_to_end_id: str
    payment_information_id: str
    bills: tuple[str, ...]
    payer_name: str
    payer_iban: str
    return_reason: str
    words: tuple[str, ...] = ()


class Entry(NamedTuple):
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
        balances.setdefault(code, _amount_of(_parts(balance, length), f"{where}, balance {code}")[0])
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
    )


def _balance_currency(statement: etree._Element, prefix: str) -> str:
    amount = statement.find(f"{prefix}Bal/{prefix}Amt")
    return "" if amount is None else str(amount.get("Ccy") or "")


def _amount_of(parts: dict[str, etree._Element], where: str) -> tuple[Decimal, str]:
    """Give the signed amount of whatever has Amt and CdtDbtInd, and its currency."""
    side = parts.get("CdtDbtInd")
    return _signed(parts.get("Amt"), "" if side is None else str(side.text), where)


def _signed(found: etree._Element | None, side: str, where: str) -> tuple[Decimal, str]:
    text = "" if found is None else (found.text or "").strip()
    amount = Decimal(text) if _AMOUNT.fullmatch(text) else None
    if found is None or amount is None or amount != round(amount, 2):
        raise InvalidInput(f"The {where} has no amount with two decimals (Amt).", remedy=_REMEDY)
    if side not in ("CRDT", "DBIT"):
        raise InvalidInput(f"The {where} is neither credit nor debit (CdtDbtInd).", remedy=_REMEDY)
    return (round(amount, 2) if side == "CRDT" else -round(amount, 2)), str(found.get("Ccy") or "")


def _parts(element: etree._Element, length: int) -> dict[str, etree._Element]:
    """Give the children by name; walking them once is several times faster than looking each up by path."""
    return {str(child.tag)[length:]: child for child in element}


def _deep(parts: dict[str, etree._Element], length: int, *names: str) -> str:
    """Give the text at a path of names below the parts; empty where it leads nowhere."""
    found = parts.get(names[0])
    for name in names[1:]:
        if found is None:
            return ""
        found = next((child for child in found if str(child.tag)[length:] == name), None)
    return "" if found is None else (found.text or "").strip()


def _entry(element: etree._Element, ordinal: int, length: int) -> Entry | None:
    prefix, parts = str(element.tag)[:length], _parts(element, length)
    if _deep(parts, length, "Sts", "Cd") != "BOOK":
        return None
    where = f"entry {ordinal}"
    amount, currency = _amount_of(parts, where)
    day = _deep(parts, length, "BookgDt", "Dt") or _deep(parts, length, "BookgDt", "DtTm")[:10]
    try:
        booked_on = date.fromisoformat(day)
    except ValueError:
        raise InvalidInput(f"The {where} has no booking day (BookgDt).", remedy=_REMEDY) from None
    if not _YEARS[0] <= booked_on.year <= _YEARS[1]:
        raise InvalidInput(f"The {where} is booked on {booked_on} (BookgDt), outside the years {_YEARS[0]} to {_YEARS[1]}.", remedy=_REMEDY)
    reference = _deep(parts, length, "AcctSvcrRef")
    if len(reference) > _REFERENCE_MAX:
        raise InvalidInput(f"The {where} has a reference (AcctSvcrRef) of more than {_REFERENCE_MAX} characters.", remedy=_REMEDY)
    family = _family(parts, length) if amount < 0 else ""
    details = [child for one in element if str(one.tag)[length:] == "NtryDtls" for child in one]
    batch_id = next((_deep(_parts(one, length), length, "PmtInfId") for one in details if str(one.tag)[length:] == "Btch"), "")
    each = [one for one in details if str(one.tag)[length:] == "TxDtls"]
    transactions = tuple(_transaction(one, length, amount, currency, family, batch_id, alone=len(each) == 1, where=where) for one in each)
    is_reversal = _deep(parts, length, "RvslInd") == "true"
    return Entry(
        ordinal=ordinal,
        servicer_reference=reference,
        booked_on=booked_on,
        amount=amount,
        currency=currency,
        is_reversal=is_reversal,
        reverses=_text(element, "NtryDtls/TxDtls/Refs/AcctSvcrRef", prefix) if is_reversal else "",
        transactions=transactions or (BankTransaction(amount, currency, family, "", batch_id, (), "", "", ""),),
    )


def _family(parts: dict[str, etree._Element], length: int) -> str:
    domain = _parts(parts["BkTxCd"], length).get("Domn") if "BkTxCd" in parts else None
    if domain is None:
        return ""
    of_domain = _parts(domain, length)
    return "/".join((_deep(of_domain, length, "Cd"), _deep(of_domain, length, "Fmly", "Cd"), _deep(of_domain, length, "Fmly", "SubFmlyCd")))


def _transaction(
    element: etree._Element, length: int, amount: Decimal, currency: str, family: str, batch_id: str, *, alone: bool, where: str
) -> BankTransaction:
    parts = _parts(element, length)
    own, own_currency = (amount, currency) if alone or "Amt" not in parts else _part_of(parts, amount, where)
    refs = _parts(parts["Refs"], length) if "Refs" in parts else {}
    parties = _parts(parts["RltdPties"], length) if "RltdPties" in parts else {}
    party = "Dbtr" if own >= 0 else "Cdtr"
    references, text = list[str](), list[str]()
    for child in parts.get("RmtInf", ()):
        if str(child.tag)[length:] == "Ustrd":
            text.append(child.text or "")
        else:
            references.append(_deep(_parts(child, length), length, "CdtrRefInf", "Ref"))
    bills = bills_named(references=references, text=" ".join(text))
    return BankTransaction(
        amount=own,
        currency=own_currency,
        family=_family(parts, length) if own < 0 and "BkTxCd" in parts else family,
        end_to_end_id=_deep(refs, length, "EndToEndId"),
        payment_information_id=_deep(refs, length, "PmtInfId") or batch_id,
        bills=bills,
        payer_name=_deep(parties, length, party, "Pty", "Nm"),
        payer_iban=_deep(parties, length, f"{party}Acct", "Id", "IBAN"),
        return_reason=_deep(parts, length, "RtrInf", "Rsn", "Cd"),
        words=words_that_may_name(references=references, text=" ".join(text)) if own > 0 and not bills else (),
    )


def _part_of(parts: dict[str, etree._Element], amount: Decimal, where: str) -> tuple[Decimal, str]:
    """Give the amount of one payment of several; where it names no side, it has its entry's."""
    if "CdtDbtInd" in parts:
        return _amount_of(parts, f"{where}, one of its payments")
    return _signed(parts.get("Amt"), "CRDT" if amount >= 0 else "DBIT", f"{where}, one of its payments")
