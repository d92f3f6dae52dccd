"""
Payment files for the bank: pain.008.001.08 (collections) and pain.001.001.09 (refunds).

Both are pure: the same orders give the same bytes. Neither writes an address: since November 2026 one without structure is refused.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal
from xml.sax.saxutils import escape

from hoeksteen.billing.legal_entity import LegalEntity
from hoeksteen.kernel.errors import invariant

SequenceType = Literal["FRST", "RCUR", "FNAL", "OOFF"]
Scheme = Literal["core", "b2b"]
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}">'
# "Same mandate, new debtor account": the account before is not named, whatever bank it was with.
_AMENDED = "<AmdmntInd>true</AmdmntInd><AmdmntInfDtls><OrgnlDbtrAcct><Id><Othr><Id>SMNDA</Id></Othr></Id></OrgnlDbtrAcct></AmdmntInfDtls>"
_ALLOWED = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "&": "+", "_": "-"}
)


@dataclass(frozen=True, slots=True)
class DirectDebit:
    """
    One collection, as the bank gets it.

    :param is_amended: the mandate goes on with another bank account since the collection before
    """

    end_to_end_id: str
    amount: Decimal
    scheme: Scheme
    sequence_type: SequenceType
    mandate_reference: str
    signed_on: date
    debtor: str
    iban: str
    remittance: str
    is_amended: bool = False


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One refund, as the bank gets it."""

    end_to_end_id: str
    amount: Decimal
    creditor: str
    iban: str
    remittance: str


def batch_of(message_id: str, scheme: Scheme, sequence_type: SequenceType) -> str:
    """Give the identifier under which collections of one kind are sent together, by which the bank names them in its statement."""
    return f"{message_id}-{'C' if scheme == 'core' else 'B'}{sequence_type}"


def batch_of_refunds(message_id: str) -> str:
    """Give the identifier under which refunds are sent together."""
    return f"{message_id}-R"


def spoken(text: str, *, length: int) -> str:
    """Write a text in the letters that every bank takes; what has none becomes a full stop."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _ALLOWED.sub(".", " ".join(plain.split()))[:length].strip() or "."


def pain008(*, message_id: str, creditor: LegalEntity, collection_day: date, made_at: datetime, debits: Sequence[DirectDebit]) -> bytes:
    """Give the file that asks the bank to collect: one payment information per scheme and sequence type, in order."""
    invariant(bool(debits) and all(debit.amount > 0 for debit in debits), "a collection file collects something")
    groups: dict[str, list[DirectDebit]] = {}
    for debit in sorted(debits, key=lambda one: (one.scheme, one.sequence_type, one.end_to_end_id)):
        groups.setdefault(batch_of(message_id, debit.scheme, debit.sequence_type), []).append(debit)
    parts = [_HEAD.format(kind="pain.008.001.08"), "<CstmrDrctDbtInitn>", _group_header(message_id, made_at, creditor, debits)]
    for batch, members in groups.items():
        first = members[0]
        parts.append(
            f"<PmtInf><PmtInfId>{batch}</PmtInfId><PmtMtd>DD</PmtMtd><BtchBookg>true</BtchBookg>{_sums(members)}<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>"
            f"<LclInstrm><Cd>{first.scheme.upper()}</Cd></LclInstrm><SeqTp>{first.sequence_type}</SeqTp></PmtTpInf>"
            f"<ReqdColltnDt>{collection_day}</ReqdColltnDt><Cdtr><Nm>{_name(creditor.name)}</Nm></Cdtr>"
            f"<CdtrAcct><Id><IBAN>{creditor.iban}</IBAN></Id></CdtrAcct><CdtrAgt><FinInstnId><BICFI>{creditor.bic}</BICFI></FinInstnId></CdtrAgt>"
            f"<ChrgBr>SLEV</ChrgBr><CdtrSchmeId><Id><PrvtId><Othr><Id>{creditor.creditor_identifier}</Id>"
            "<SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId>"
        )
        parts += [_debit(one) for one in members]
        parts.append("</PmtInf>")
    parts.append("</CstmrDrctDbtInitn></Document>\n")
    return "".join(parts).encode()


def _debit(one: DirectDebit) -> str:
    return (
        f'<DrctDbtTxInf><PmtId><EndToEndId>{one.end_to_end_id}</EndToEndId></PmtId><InstdAmt Ccy="EUR">{one.amount:.2f}</InstdAmt>'
        f"<DrctDbtTx><MndtRltdInf><MndtId>{escape(one.mandate_reference)}</MndtId><DtOfSgntr>{one.signed_on}</DtOfSgntr>"
        f"{_AMENDED if one.is_amended else ''}</MndtRltdInf></DrctDbtTx>"
        "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"
        f"<Dbtr><Nm>{_name(one.debtor)}</Nm></Dbtr><DbtrAcct><Id><IBAN>{one.iban}</IBAN></Id></DbtrAcct>"
        f"<RmtInf><Ustrd>{escape(spoken(one.remittance, length=140))}</Ustrd></RmtInf></DrctDbtTxInf>"
    )


def pain001(*, message_id: str, debtor: LegalEntity, execution_day: date, made_at: datetime, transfers: Sequence[CreditTransfer]) -> bytes:
    """Give the file that asks the bank to pay refunds."""
    invariant(bool(transfers) and all(one.amount > 0 for one in transfers), "a payment file pays something")
    parts = [
        _HEAD.format(kind="pain.001.001.09"), "<CstmrCdtTrfInitn>", _group_header(message_id, made_at, debtor, transfers),
        f"<PmtInf><PmtInfId>{batch_of_refunds(message_id)}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg>{_sums(transfers)}",
        f"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>{execution_day}</Dt></ReqdExctnDt><Dbtr><Nm>{_name(debtor.name)}</Nm></Dbtr>",
        f"<DbtrAcct><Id><IBAN>{debtor.iban}</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>{debtor.bic}</BICFI></FinInstnId></DbtrAgt>",
        "<ChrgBr>SLEV</ChrgBr>",
    ]  # fmt: skip
    for one in sorted(transfers, key=lambda transfer: transfer.end_to_end_id):
        parts.append(
            f'<CdtTrfTxInf><PmtId><EndToEndId>{one.end_to_end_id}</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">{one.amount:.2f}</InstdAmt></Amt>'
            f"<Cdtr><Nm>{_name(one.creditor)}</Nm></Cdtr><CdtrAcct><Id><IBAN>{one.iban}</IBAN></Id></CdtrAcct>"
            f"<RmtInf><Ustrd>{escape(spoken(one.remittance, length=140))}</Ustrd></RmtInf></CdtTrfTxInf>"
        )
    parts.append("</PmtInf></CstmrCdtTrfInitn></Document>\n")
    return "".join(parts).encode()


def _name(text: str) -> str:
    return escape(spoken(text, length=70))


def _sums(members: Sequence[DirectDebit] | Sequence[CreditTransfer]) -> str:
    return f"<NbOfTxs>{len(members)}</NbOfTxs><CtrlSum>{sum(one.amount for one in members):.2f}</CtrlSum>"


def _group_header(message_id: str, made_at: datetime, entity: LegalEntity, members: Sequence[DirectDebit] | Sequence[CreditTransfer]) -> str:
    made = f"{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>{made}</CreDtTm>{_sums(members)}<InitgPty><Nm>{_name(entity.name)}</Nm></InitgPty></GrpHdr>"
