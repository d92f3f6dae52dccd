"""Payment files: what the published schema allows, and the days on which banks settle."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.kernel.bank_days import bank_day_before, bank_day_on_or_after, is_bank_day
from hoeksteen.receivables.sepa import CreditTransfer, DirectDebit, Scheme, SequenceType, pain001, pain008, spoken

NOW = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
_NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}


def _valid(content: bytes, kind: str) -> etree._Element:
    root = etree.fromstring(content)
    etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / f"{kind}.xsd")).assertValid(root)
    return root


def _debit(number: int, sequence: SequenceType, scheme: Scheme = "core", name: str = "J. de Wit") -> DirectDebit:
    return DirectDebit(
        f"LLTD{number:028d}", Decimal("54.95"), scheme, sequence, "LLT-M1", date(2026, 1, 2), name, "NL91ABNA0417164300", "LLT-2026-00000001",
    )  # fmt: skip


def test_collections_are_grouped_by_scheme_and_sequence() -> None:
    debits = [_debit(1, "FRST"), _debit(2, "RCUR"), _debit(3, "RCUR"), _debit(4, "RCUR", "b2b"), _debit(5, "OOFF"), _debit(6, "FNAL")]
    made = pain008(message_id="LLTABC", creditor=LAGE_LANDEN, collection_day=date(2026, 12, 16), made_at=NOW, debits=debits)
    root = _valid(made, "pain.008.001.08")
    batches = [(one.findtext("p:PmtInfId", None, _NS), one.findtext("p:NbOfTxs", None, _NS), one.findtext("p:CtrlSum", None, _NS))
               for one in root.iterfind(".//p:PmtInf", _NS)]  # fmt: skip
    assert batches == [
        ("LLTABC-BRCUR", "1", "54.95"), ("LLTABC-CFNAL", "1", "54.95"), ("LLTABC-CFRST", "1", "54.95"), ("LLTABC-COOFF", "1", "54.95"),
        ("LLTABC-CRCUR", "2", "109.90"),
    ]  # fmt: skip
    assert root.findtext(".//p:GrpHdr/p:CtrlSum", None, _NS) == "329.70"
    assert root.find(".//p:PstlAdr", _NS) is None, "an address without structure would be refused"
    assert made == pain008(message_id="LLTABC", creditor=LAGE_LANDEN, collection_day=date(2026, 12, 16), made_at=NOW, debits=debits[::-1])


def test_refunds_are_what_the_schema_allows() -> None:
    transfers = [CreditTransfer("LLTR1", Decimal("10.00"), "Søren <&> Çelik-Müller", "NL91ABNA0417164300", "teruggave")]
    root = _valid(
        pain001(message_id="LLTX", debtor=LAGE_LANDEN, execution_day=date(2026, 12, 2), made_at=NOW, transfers=transfers), "pain.001.001.09"
    )
    assert "Soren .+. Celik-Muller" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("text", "said"), [("Łukasz Żółw", "Lukasz Zolw"), ("日本", ".."), ("  a \n b ", "a b"), ("", "."), ("x" * 80, "x" * 70), ("M&M", "M+M")]
)
def test_names_are_written_in_letters_that_every_bank_takes(text: str, said: str) -> None:
    assert spoken(text, length=70) == said


def _days(*texts: str) -> Iterable[date]:
    return map(date.fromisoformat, texts)


def test_banks_settle_on_days_of_their_own() -> None:
    assert not any(
        map(is_bank_day, _days("2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2028-12-26", "2026-12-26", "2026-12-27"))
    )
    assert all(map(is_bank_day, _days("2026-04-27", "2026-05-05", "2026-05-14", "2026-05-25", "2026-12-24", "2026-12-31")))
    assert bank_day_on_or_after(date(2026, 12, 25)) == date(2026, 12, 28)
    assert bank_day_before(date(2026, 12, 28)) == date(2026, 12, 24)
