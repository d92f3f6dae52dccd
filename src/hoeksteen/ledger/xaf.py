"""
The books of some months as XML Auditfile Financieel, version 3.2: what Dutch tax inspectors and accountants read in.

The order of the elements is the schema's. Every amount is positive, its side stands beside it. Customers are pseudonyms without names;
VAT has a ledger account of its own and no codes per line, because a posting carries no rate.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID
from xml.sax.saxutils import escape

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.ledger import _store
from hoeksteen.storage.postgres import Row, Transaction

NAMESPACE = "http://www.auditfiles.nl/XAF/3.2"
CURRENCY = "EUR"
_NOTHING = Decimal("0.00")
_ACCOUNT_TYPES = {"asset": "B", "liability": "B", "equity": "B", "revenue": "P", "expense": "P"}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class XafCompany:
    """
    Whose books they are.

    :param identifier: its number in the chamber of commerce
    """

    identifier: str
    name: str
    country: str
    vat_number: str


@dataclass(frozen=True, slots=True)
class XafJournal:
    """
    What the entries of one source are called.

    :param kind: `S` sales, `B` bank, `M` memorial
    """

    description: str
    kind: str


def audit_file(
    *, tx: Transaction, period: BillPeriod, company: XafCompany, journals: Mapping[str, XafJournal], software_version: str, today: date
) -> Iterator[bytes]:  # fmt: skip
    """
    Give the audit file of whole months of one calendar year, piece by piece, in little memory whatever is booked in them.

    :param tx: sees one moment (`Transaction.see_one_moment`), so that totals and lines are of the same books
    :param journals: by the source of their entries; a source without one is a memorial under its own name
    :raises InvalidInput: when the period is not whole months of one year, or something is booked in another currency
    """
    first, last = period.first_day, add_months(period.end_day, -1) if period.end_day.day == 1 else period.end_day
    if (first.day, last.day) != (1, 1) or first > last or first.year != last.year:
        raise InvalidInput(f"{first} to {period.end_day} are not whole months of one year.", remedy="Export a month such as 2026-10, or a year.")
    if other := _store.other_currencies(tx, period.end_day):
        raise InvalidInput(f"The books hold postings in {', '.join(other)}; an audit file is in euros.", remedy="Export the journal as CSV.")
    return (piece.encode() for piece in _pieces(tx, period, company, journals, software_version, today))


def _pieces(
    tx: Transaction, period: BillPeriod, company: XafCompany, journals: Mapping[str, XafJournal], software_version: str, today: date
) -> Iterator[str]:  # fmt: skip
    first, end = period.first_day, period.end_day
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<auditfile xmlns="{NAMESPACE}">\n<header>'
    yield _element("fiscalYear", str(first.year)) + _element("startDate", str(first)) + _element("endDate", str(end - _DAY))
    yield _element("curCode", CURRENCY) + _element("dateCreated", str(today)) + _element("softwareDesc", "Hoeksteen")
    yield _element("softwareVersion", software_version[:20]) + "</header>\n<company>"
    yield _element("companyIdent", company.identifier) + _element("companyName", company.name)
    yield _element("taxRegistrationCountry", company.country) + _element("taxRegIdent", company.vat_number) + "\n<customersSuppliers>\n"
    for customer_id in _store.customers_of_period(tx, first, end):
        yield f"<customerSupplier>{_element('custSupID', customer_id.hex)}{_element('custSupTp', 'C')}</customerSupplier>\n"
    yield "</customersSuppliers>\n<generalLedger>\n"
    for row in _store.chart(tx):
        described = (
            _element("accID", row["ledger_account_code"]) + _element("accDesc", row["name_nl"]) + _element("accTp", _ACCOUNT_TYPES[row["kind"]])
        )
        yield f"<ledgerAccount>{described}</ledgerAccount>\n"
    yield "</generalLedger>\n<periods>\n"
    for day in _months(period):
        named = _element("periodNumber", str(day.month)) + _element("periodDesc", f"{day:%Y-%m}") + _element("startDatePeriod", str(day))
        yield f"<period>{named}{_element('endDatePeriod', str(add_months(day, 1) - _DAY))}</period>\n"
    yield "</periods>\n"
    yield from _opening_balance(tx, first)
    _, lines, debit = _store.sums_of_period(tx, first, end)
    yield f"<transactions>{_totals(lines, debit, debit)}\n"
    for source in _store.sources(tx, first, end):
        yield from _journal(source, journals.get(source, XafJournal(source, "M")), _store.lines_of_source(tx, first, end, source))
    yield "</transactions>\n</company>\n</auditfile>\n"


def _opening_balance(tx: Transaction, first: date) -> Iterator[str]:
    balances = _store.opening_balances(tx, first)
    debit = sum((amount for amount in balances.values() if amount > 0), _NOTHING)
    credit = sum((-amount for amount in balances.values() if amount < 0), _NOTHING)
    yield f"<openingBalance>{_element('opBalDate', str(first))}{_totals(len(balances), debit, credit)}\n"
    for number, (code, amount) in enumerate(balances.items(), start=1):
        yield f"<obLine>{_element('nr', str(number))}{_element('accID', code)}{_amount(amount)}</obLine>\n"
    yield "</openingBalance>\n"


def _journal(source: str, journal: XafJournal, lines: Iterator[Row]) -> Iterator[str]:
    yield f"<journal>{_element('jrnID', source[:35])}{_element('desc', journal.description)}{_element('jrnTp', journal.kind)}\n"
    for (day, entry_id), of_entry in groupby(lines, key=lambda row: (row["booked_on"], row["journal_entry_id"])):
        yield _transaction(day, entry_id, of_entry)
    yield "</journal>\n"


def _transaction(day: date, entry_id: UUID, lines: Iterator[Row]) -> str:
    parts = ["<transaction>", _element("nr", entry_id.hex), _element("periodNumber", str(day.month)), _element("trDt", str(day)), "\n"]
    for row in lines:
        who = "" if row["customer_id"] is None else _element("custSupID", row["customer_id"].hex)
        parts += [
            "<trLine>", _element("nr", str(row["line"])), _element("accID", row["ledger_account_code"]), _element("docRef", row["reference"]),
            _element("effDate", str(day)), _amount(row["amount"]), who, "</trLine>\n",
        ]  # fmt: skip
    return "".join([*parts, "</transaction>\n"])


def _totals(lines: int, debit: Decimal, credit: Decimal) -> str:
    return _element("linesCount", str(lines)) + _element("totalDebit", str(debit)) + _element("totalCredit", str(credit))


def _amount(amount: Decimal) -> str:
    return _element("amnt", str(abs(amount))) + _element("amntTp", "C" if amount < 0 else "D")


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _months(period: BillPeriod) -> Iterator[date]:
    day = period.first_day
    while day < period.end_day:
        yield day
        day = add_months(day, 1)
