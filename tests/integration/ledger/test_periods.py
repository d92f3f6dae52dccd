"""Accounting periods on a real PostgreSQL: closed in order and for good, whoever writes and whenever."""

import hashlib
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid5

import psycopg
import pytest

from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.ledger.exporting import journal_csv
from hoeksteen.ledger.model import AccountingPeriod, JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import close_period, post
from hoeksteen.ledger.queries import accounting_periods, changed_periods, open_from
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 12, 3, 8, tzinfo=UTC)
SPACE = UUID(int=9)
OCTOBER = date(2026, 10, 1)
_RAW = "INSERT INTO ledger.journal_entry VALUES ('00000000-0000-0000-0000-000000000001', '{day}', 'raw', 'x', now())"
_POSTINGS = (
    "INSERT INTO ledger.posting (journal_entry_id, line, ledger_account_code, amount) VALUES "
    "('{id}', {line}, '1300', 5), ('{id}', {line} + 1, '1100', -5)"
)


def _post(database: Database, reference: str, day: date, amount: str = "12.10") -> UUID:
    amounts = ((LedgerAccountCode.DEBTORS, Decimal(amount)), (LedgerAccountCode.REVENUE_MOBILE, -Decimal(amount)))
    entry = JournalEntry(uuid5(SPACE, reference), day, "test", reference, NOW, tuple(Posting(code, euros) for code, euros in amounts))
    with database.transaction() as tx:
        post(tx=tx, entries=[entry])
    return entry.journal_entry_id


def _close(database: Database, month: date, now: datetime = NOW) -> AccountingPeriod:
    with database.transaction() as tx:
        return close_period(tx=tx, period=BillPeriod(month, add_months(month, 1)), by="h.jansen", now=now)


def _csv(database: Database, month: date) -> bytes:
    with database.transaction() as tx:
        return b"".join(journal_csv(tx=tx, period=BillPeriod(month, add_months(month, 1))))


def test_a_closed_month_takes_no_entry_and_keeps_its_digest(database: Database) -> None:
    _post(database, "last day", date(2026, 10, 31))
    _post(database, "next month", date(2026, 11, 1), "1.00")
    closed = _close(database, OCTOBER)
    assert (closed.entries, closed.postings, closed.debit, closed.closed_by) == (1, 2, Decimal("12.10"), "h.jansen")
    assert closed.digest == hashlib.sha256(_csv(database, OCTOBER)).hexdigest()
    with pytest.raises(WrongState, match="books of 2026-10 are closed.*2026-11-01 or later"):
        _post(database, "too late", date(2026, 10, 31))
    _post(database, "in time", date(2026, 11, 1))
    with database.transaction() as tx:
        assert accounting_periods(tx=tx) == [closed]
        assert (open_from(tx=tx), changed_periods(tx=tx)) == (date(2026, 11, 1), [])


def test_months_are_closed_in_order_once_and_when_they_are_over(database: Database) -> None:
    _post(database, "a", date(2026, 9, 30))
    with pytest.raises(WrongState, match="2026-09 are still open"):
        _close(database, OCTOBER)
    _close(database, date(2026, 9, 1))
    with pytest.raises(WrongState, match="closed already"):
        _close(database, date(2026, 9, 1))
    with pytest.raises(WrongState, match="2026-10 are still open"):
        _close(database, date(2026, 11, 1))
    with pytest.raises(WrongState, match="not over"):
        _close(database, OCTOBER, datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC))
    closed = _close(database, OCTOBER, datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert (closed.entries, closed.debit) == (0, Decimal("0.00"))


def test_what_is_no_month_or_by_nobody_is_refused(database: Database) -> None:
    with database.transaction() as tx:
        with pytest.raises(InvalidInput, match="no calendar month"):
            close_period(tx=tx, period=BillPeriod(date(2026, 10, 8), date(2026, 11, 8)), by="x", now=NOW)
        with pytest.raises(InvalidInput, match="field by"):
            close_period(tx=tx, period=BillPeriod(OCTOBER, date(2026, 11, 1)), by=" ", now=NOW)


@pytest.mark.parametrize(
    "statements",
    [
        [_RAW.format(day="2026-10-31")],
        [_RAW.format(day="1999-01-01")],
        [_POSTINGS.format(id=uuid5(SPACE, "a"), line=3)],
        ["INSERT INTO ledger.accounting_period VALUES ('2026-10-01', '2026-11-01', now(), 'x', 0, 0, 0, repeat('0', 64))"],
        ["INSERT INTO ledger.accounting_period VALUES ('2026-12-01', '2027-01-01', now(), 'x', 0, 0, 0, repeat('0', 64))"],
    ],
    ids=["an entry in it", "an entry before it", "postings for an entry of it", "closed twice", "a month left out"],
)
def test_the_database_itself_refuses_what_belongs_in_a_closed_month(database: Database, business_dsn: str, statements: list[str]) -> None:
    _post(database, "a", date(2026, 10, 5))
    _close(database, OCTOBER)
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)), psycopg.connect(business_dsn) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("statement", ["UPDATE ledger.accounting_period SET closed_by = 'x'", "DELETE FROM ledger.accounting_period"])
def test_no_month_is_opened_again(business_dsn: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(business_dsn) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_whoever_books_while_a_month_is_closed_comes_before_it_or_is_refused(database: Database, business_dsn: str, isolation: str) -> None:
    _post(database, "a", date(2026, 10, 5))
    with psycopg.connect(business_dsn) as late, psycopg.connect(business_dsn) as early:
        late.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        late.execute("SELECT 1 FROM ledger.books")  # takes its snapshot before the month is closed
        early.execute(_RAW.format(day="2026-10-30"))
        early.execute(_POSTINGS.format(id=UUID(int=1), line=1))
        found: list[AccountingPeriod] = []
        closing = threading.Thread(target=lambda: found.append(_close(database, OCTOBER)))
        closing.start()
        closing.join(0.3)
        assert closing.is_alive(), "whoever closes waits for those who are booking"
        early.commit()
        closing.join(20)
        assert [one.entries for one in found] == [2], "what was booked in time is in the digest"
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.SerializationFailure)):
            late.execute(_RAW.format(day="2026-10-30").replace("'x'", "'y'").replace("-000000000001'", "-000000000002'"))
        late.rollback()


def test_a_journal_that_somebody_changed_is_found(database: Database, owner_dsn: str) -> None:
    _post(database, "a", date(2026, 10, 5))
    closed = _close(database, OCTOBER)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("UPDATE ledger.posting SET amount = 2 * amount")
    with database.transaction() as tx:
        assert changed_periods(tx=tx) == [closed]


def test_the_csv_says_everything_and_no_name(database: Database) -> None:
    entry = _post(database, "a,b", date(2026, 10, 5))
    assert _csv(database, OCTOBER).decode().splitlines() == [
        "booked_on,journal_entry_id,source,reference,posted_at,line,ledger_account_code,customer_id,billing_account_id,debit,credit,currency",
        f'2026-10-05,{entry},test,"a,b",2026-12-03T08:00:00.000000Z,1,1300,,,12.10,,EUR',
        f'2026-10-05,{entry},test,"a,b",2026-12-03T08:00:00.000000Z,2,8010,,,,12.10,EUR',
    ]
