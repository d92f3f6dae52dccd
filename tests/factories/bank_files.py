"""Files as a bank delivers them: camt.053 and camt.054 of version 001.08, with entries of any kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from hoeksteen.billing.legal_entity import LAGE_LANDEN

DAY = date(2026, 12, 10)


@dataclass(frozen=True)
class Part:
    """One payment of an entry."""

    amount: str
    end_to_end_id: str = "NOTPROVIDED"
    name: str = ""
    iban: str = ""
    reference: str = ""
    text: str = ""
    return_reason: str = ""
    reverses: str = ""
    currency: str = "EUR"


@dataclass(frozen=True)
class Booking:
    """
    One entry.

    :param amount: a credit of the account is positive
    """

    amount: str
    servicer_reference: str = ""
    family: str = "PMNT/RCDT/ESCT"
    parts: Sequence[Part] = ()
    batch_id: str = ""
    day: date = DAY
    currency: str = "EUR"
    status: str = "BOOK"
    is_reversal: bool = False


@dataclass(frozen=True)
class Statement:
    bookings: Sequence[Booking]
    identification: str = "S-1"
    sequence: int | None = 1
    opening: str = "1000.00"
    closing: str | None = None
    iban: str = LAGE_LANDEN.iban
    currency: str = "EUR"
    copy: str = ""
    extra: list[str] = field(default_factory=list)


def receipt(
    amount: str, reference: str, *, text: str = "", iban: str = "", name: str = "J. de Wit", structured: str = "", day: date = DAY
) -> Booking:
    """A credit transfer that came in."""
    return Booking(amount, reference, parts=(Part(amount, name=name, iban=iban, text=text, reference=structured),), day=day)


def camt(path: Path, *statements: Statement, kind: str = "053") -> Path:
    """Write the file and give its path."""
    outer, inner = ("BkToCstmrStmt", "Stmt") if kind == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08"><{outer}>',
        "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-12-11T06:00:00</CreDtTm></GrpHdr>",
    ]
    for one in statements:
        parts.append(_statement(one, inner, with_balances=kind == "053"))
    parts.append(f"</{outer}></Document>\n")
    path.write_text("".join(parts), "utf-8")
    return path


def _statement(one: Statement, tag: str, *, with_balances: bool) -> str:
    booked = sum((Decimal(entry.amount) for entry in one.bookings if entry.status == "BOOK" and entry.currency == "EUR"), Decimal(0))
    closing = one.closing if one.closing is not None else str(Decimal(one.opening) + booked)
    sequence = "" if one.sequence is None else f"<ElctrncSeqNb>{one.sequence}</ElctrncSeqNb>"
    copy = f"<CpyDplctInd>{one.copy}</CpyDplctInd>" if one.copy else ""
    balances = _balance("OPBD", one.opening, one.currency) + _balance("CLBD", closing, one.currency) if with_balances else ""
    head = f"<Id>{one.identification}</Id>{sequence}<CreDtTm>2026-12-11T06:00:00</CreDtTm>{copy}"
    head += f"<Acct><Id><IBAN>{one.iban}</IBAN></Id><Ccy>{one.currency}</Ccy></Acct>{balances}"
    return f"<{tag}>{head}{''.join(map(_entry, one.bookings))}</{tag}>"


@dataclass(frozen=True)
class Answer:
    """
    What a bank says of one payment of a file.

    :param batch: the payment information that it was sent in
    """

    end_to_end_id: str
    status: str = "RJCT"
    reason: str = "AC04"
    batch: str = "B"
    amount: str = ""


def pain002(
    path: Path, *answers: Answer, about: str, message: str = "R-1", group: tuple[str, str] = ("", ""), batch: tuple[str, str] = ("", ""),
    count: int | None = None, version: str = "10", batch_id: str = "B",
) -> Path:  # fmt: skip
    """Write a customer payment status report; `group` and `batch` are a status and a reason of everything in the file or payment information."""
    told = f"<OrgnlNbOfTxs>{count}</OrgnlNbOfTxs>" if count is not None else ""
    named = f"<OrgnlMsgId>{about}</OrgnlMsgId><OrgnlMsgNmId>pain.008</OrgnlMsgNmId>"
    whole = f"<OrgnlGrpInfAndSts>{named}{told}{_status('GrpSts', *group)}</OrgnlGrpInfAndSts>"
    batches: dict[str, list[Answer]] = {batch_id: []} if batch[0] else {}
    for one in answers:
        batches.setdefault(one.batch, []).append(one)
    parts = "".join(
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{_status('PmtInfSts', *batch)}{''.join(map(_answer, members))}</OrgnlPmtInfAndSts>"
        for name, members in batches.items()
    )
    path.write_text(
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt><GrpHdr><MsgId>{message}</MsgId>'
        f"<CreDtTm>2026-12-16T05:00:00</CreDtTm></GrpHdr>{whole}{parts}</CstmrPmtStsRpt></Document>"
    )
    return path


def _status(tag: str, status: str, reason: str) -> str:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return f"<{tag}>{status}</{tag}>{why}" if status else ""


def _answer(one: Answer) -> str:
    amount = f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{one.amount}</InstdAmt></Amt></OrgnlTxRef>' if one.amount else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{one.end_to_end_id}</OrgnlEndToEndId>{_status('TxSts', one.status, one.reason)}{amount}</TxInfAndSts>"


def _balance(code: str, amount: str, currency: str) -> str:
    side = "DBIT" if amount.startswith("-") else "CRDT"
    money = f'<Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{money}<Dt><Dt>{DAY}</Dt></Dt></Bal>"


def _entry(one: Booking) -> str:
    side = "DBIT" if one.amount.startswith("-") else "CRDT"
    reversal = "<RvslInd>true</RvslInd>" if one.is_reversal else ""
    reference = f"<AcctSvcrRef>{one.servicer_reference}</AcctSvcrRef>" if one.servicer_reference else ""
    domain, family, sub = one.family.split("/")
    batch = f"<Btch><PmtInfId>{one.batch_id}</PmtInfId></Btch>" if one.batch_id else ""
    details = f"<NtryDtls>{batch}{''.join(_part(part, side) for part in one.parts)}</NtryDtls>" if batch or one.parts else ""
    code = f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    money = f'<Amt Ccy="{one.currency}">{one.amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    status = f"{reversal}<Sts><Cd>{one.status}</Cd></Sts><BookgDt><Dt>{one.day}</Dt></BookgDt>"
    return f"<Ntry>{money}{status}{reference}{code}{details}</Ntry>"


def _part(one: Part, side: str) -> str:
    party = "Dbtr" if side == "CRDT" else "Cdtr"
    named = f"<{party}><Pty><Nm>{escape(one.name)}</Nm></Pty></{party}>" if one.name else ""
    held = f"<{party}Acct><Id><IBAN>{one.iban}</IBAN></Id></{party}Acct>" if one.iban else ""
    parties = f"<RltdPties>{named}{held}</RltdPties>" if named or held else ""
    text = f"<Ustrd>{escape(one.text)}</Ustrd>" if one.text else ""
    structured = f"<Strd><CdtrRefInf><Ref>{one.reference}</Ref></CdtrRefInf></Strd>" if one.reference else ""
    remittance = f"<RmtInf>{text}{structured}</RmtInf>" if text or structured else ""
    returned = f"<RtrInf><Rsn><Cd>{one.return_reason}</Cd></Rsn></RtrInf>" if one.return_reason else ""
    reverses = f"<AcctSvcrRef>{one.reverses}</AcctSvcrRef>" if one.reverses else ""
    refs = f"<Refs>{reverses}<EndToEndId>{one.end_to_end_id}</EndToEndId></Refs>"
    money = f'<Amt Ccy="{one.currency}">{one.amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    return f"<TxDtls>{refs}{money}{parties}{remittance}{returned}</TxDtls>"
