"""
How fast a bank statement is matched, measured through the database and keeper that are there.

Of the entries six in ten name a bill by its creditor reference, two by its number in free text, one and a half is found by IBAN and
amount, and the rest is of nobody who is known. Beside it stand the limits of the machine: reading the same file without doing anything
with it, and COPYing as many narrow rows.
"""

import argparse
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.billing.bench import write_bills
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number, payment_reference
from hoeksteen.disclosure import KeeperClient, SealItem, Term
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.receivables import _bench_store
from hoeksteen.receivables.bank import take
from hoeksteen.receivables.camt import Entry, read
from hoeksteen.storage.postgres import Database

_NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
_DAY = date(2026, 11, 30)
_PER_CALL = 10_000
_YEAR = 2026


@dataclass(frozen=True, slots=True)
class Matched:
    """
    What was measured.

    :param camt_seconds: from the file's first byte read to the commit of its payments and postings
    :param parse_seconds: reading the same file, and nothing else
    :param copy_seconds: COPYing as many rows of a payment
    """

    entries: int
    matched: int
    unmatched: int
    bytes_read: int
    camt_seconds: float
    parse_seconds: float
    copy_seconds: float


def prepare(*, database: Database, keeper: KeeperClient, entries: int, billed: bool = True) -> None:
    """
    Load as many customers as there are entries, each with one bill; the keeper is told the IBANs of those who will be found by them.

    :param billed: write the bills too; a caller that has run its own bills says no
    """
    for begin in range(0, entries, _PER_CALL):
        numbers = range(begin, min(begin + _PER_CALL, entries))
        customers = [NewCustomer(_id("customer", n), _id("party", n), "individual", "consumer", date(2020, 1, 1)) for n in numbers]
        accounts = [NewBillingAccount(_id("customer", n), _id("billing account", n), "transfer", True) for n in numbers]
        known = [SealItem(_id("party", n), _payment(n), {"iban": [Term(_iban(n), _id("customer", n))]}) for n in numbers if _way(n) == "iban"]
        with database.transaction() as tx:
            party.add_customers(tx=tx, customers=customers, now=_NOW)
            party.add_billing_accounts(tx=tx, billing_accounts=accounts)
            if billed:
                write_bills(tx=tx, bill_run_id=_id("run", 0), bills=[_bill(n) for n in numbers])
            store(tx=tx, keeper=keeper, purpose="migration", category=Category.PAYMENT, items=known)


def write_file(*, path: Path, entries: int, seed: int) -> None:
    """Write a statement with one entry per bill, in no order."""
    order = list(range(entries))
    random.Random(seed).shuffle(order)
    total = sum((_amount(n) for n in order), Decimal(0))
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>')
        file.write("<GrpHdr><MsgId>B</MsgId><CreDtTm>2026-12-01T05:00:00</CreDtTm></GrpHdr><Stmt><Id>BENCH</Id><ElctrncSeqNb>1</ElctrncSeqNb>")
        file.write(f"<CreDtTm>2026-12-01T05:00:00</CreDtTm><Acct><Id><IBAN>{LAGE_LANDEN.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>")
        for code, amount in (("OPBD", Decimal(0)), ("CLBD", total)):
            file.write(f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount:.2f}</Amt><CdtDbtInd>CRDT</CdtDbtInd>')
            file.write(f"<Dt><Dt>{_DAY}</Dt></Dt></Bal>")
        for place, n in enumerate(order):
            file.write(_entry(place, n))
        file.write("</Stmt></BkToCstmrStmt></Document>\n")


def measure(*, database: Database, keeper: KeeperClient, path: Path, entries: int) -> Matched:
    """Take the file that `write_file` wrote for customers that `prepare` loaded, and measure it beside the machine's limits."""
    began = time.monotonic()
    invariant(sum(isinstance(one, Entry) for one in read(path)) == entries, "the file has as many entries as it should")
    parse_seconds = time.monotonic() - began
    copy_seconds = _copy_alone(database, entries)
    began = time.monotonic()
    done = take(database=database, keeper=keeper, path=path, now=_NOW, identifiers=Identifiers(random.Random(1)))
    camt_seconds = time.monotonic() - began
    wanted = sum(_way(n) != "nobody" for n in range(entries))
    invariant((done.count["payment"], done.count["unmatched"]) == (wanted, entries - wanted), "every entry is taken for what it is")
    return Matched(entries, wanted, entries - wanted, path.stat().st_size, camt_seconds, parse_seconds, copy_seconds)


class _TakenBack(Exception):
    pass


def _copy_alone(database: Database, entries: int) -> float:
    """Measure COPY of as many payments, and take them back."""
    rows = [
        (_id("customer", n), _id("payment", n), _id("billing account", n), _amount(n), _DAY, _number(n), _NOW)
        for n in range(entries)
    ]  # fmt: skip
    seconds = 0.0
    with suppress(_TakenBack), database.transaction() as tx:
        began = time.monotonic()
        _bench_store.copy_alone(tx, rows)
        seconds = time.monotonic() - began
        raise _TakenBack
    return seconds


def _id(kind: str, number: int) -> UUID:
    return derived(f"bench camt {kind}", str(number))


def _way(number: int) -> str:
    place = number % 20
    return "reference" if place < 12 else "text" if place < 16 else "iban" if place < 19 else "nobody"


def _amount(number: int) -> Decimal:
    return Decimal(2_000 + number % 7_919) / 100


def _iban(number: int) -> str:
    bank = f"TEST{number:010d}"
    digits = "".join(str(int(character, 36)) for character in f"{bank}NL00")
    return f"NL{98 - int(digits) % 97:02d}{bank}"


def _payment(number: int) -> dict[str, Any]:
    return {"iban": _iban(number), "account_holder": f"Houder {number}", "mandate_reference": None, "mandate_date": None}


def _number(number: int) -> str:
    return bill_number(entity=LAGE_LANDEN, year=_YEAR, sequence=number + 1)


def _bill(number: int) -> tuple[Any, ...]:
    name = _number(number)
    return _id("customer", number), _id("bill", number), _id("billing account", number), name, date(2026, 11, 1), date(2026, 11, 15), _amount(number)


def _entry(place: int, number: int) -> str:
    way, name = _way(number), _number(number)
    text = f"<Ustrd>betreft factuur {name}</Ustrd>" if way == "text" else "<Ustrd>telefoon november</Ustrd>"
    if way == "reference":
        text = f"<Strd><CdtrRefInf><Ref>{payment_reference(name)}</Ref></CdtrRefInf></Strd>"
    money = f'<Amt Ccy="EUR">{_amount(number):.2f}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
    payer = f"<Dbtr><Pty><Nm>Houder {number}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{_iban(number)}</IBAN></Id></DbtrAcct>"
    details = f"<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>{money}<RltdPties>{payer}</RltdPties><RmtInf>{text}</RmtInf></TxDtls>"
    head = f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{_DAY}</Dt></BookgDt><AcctSvcrRef>{place:012d}</AcctSvcrRef>"
    return f"<Ntry>{money}{head}{code}<NtryDtls>{details}</NtryDtls></Ntry>\n"


def main() -> None:
    """Match one statement through a running installation, as the service bss, and write the figures as JSON on the last line."""
    parser = argparse.ArgumentParser()
    for name in ("--dsn", "--socket", "--key", "--folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--entries", type=int, required=True)
    given = parser.parse_args()
    path = Path(given.folder) / "camt.xml"
    with (
        Database(given.dsn) as database,
        KeeperClient(socket_path=Path(given.socket), service="bss", key_path=Path(given.key)) as keeper,
    ):
        prepare(database=database, keeper=keeper, entries=given.entries)
        write_file(path=path, entries=given.entries, seed=1)
        found = measure(database=database, keeper=keeper, path=path, entries=given.entries)
    path.unlink()
    seconds = {name: round(getattr(found, name), 2) for name in ("camt_seconds", "parse_seconds", "copy_seconds")}
    rate = round(found.entries / found.camt_seconds)
    figures = {"entries": found.entries, "matched": found.matched, "unmatched": found.unmatched, "bytes_read": found.bytes_read}
    print(json.dumps(figures | seconds | {"entries_per_second": rate}))  # noqa: T201 the figures are this program's output


if __name__ == "__main__":
    main()
