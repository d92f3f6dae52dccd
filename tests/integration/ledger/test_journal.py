"""The ledger on a real PostgreSQL: it takes balanced entries once, and nothing else, whoever writes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid5

import psycopg
import pytest

from hoeksteen.kernel.errors import Conflict, Corrupt
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post
from hoeksteen.ledger.queries import balance_of_customer, trial_balance
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
CUSTOMER = UUID(int=7)


def _entry(reference: str, *amounts: str, currency: str = "EUR", booked_on: date = date(2026, 11, 1)) -> JournalEntry:
    codes = [LedgerAccountCode.DEBTORS, LedgerAccountCode.REVENUE_MOBILE, LedgerAccountCode.VAT_PAYABLE]
    postings = tuple(Posting(code, Decimal(amount), CUSTOMER, None, currency) for code, amount in zip(codes, amounts, strict=False))
    return JournalEntry(uuid5(CUSTOMER, reference), booked_on, "test", reference, NOW, postings)


def test_balanced_entries_show_in_the_trial_balance(database: Database) -> None:
    with database.transaction() as tx:
        post(tx=tx, entries=[_entry("a", "12.10", "-10.00", "-2.10"), _entry("b", "1.21", "-1.00", "-0.21", booked_on=date(2026, 12, 1))])
    with database.transaction() as tx:
        november = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx, until=date(2026, 11, 30))}
        whole = trial_balance(tx=tx)
        assert balance_of_customer(tx=tx, customer_id=CUSTOMER) == Decimal("13.31")
        assert balance_of_customer(tx=tx, customer_id=UUID(int=8)) == 0
    assert (november["1300"], november["8010"], november["1600"]) == (Decimal("12.10"), Decimal("-10.00"), Decimal("-2.10"))
    assert sum(row.balance for row in whole) == 0
    assert {row.ledger_account_code for row in whole} == set(LedgerAccountCode)


@pytest.mark.parametrize("amounts", [("12.10", "-10.00"), ("12.10",), ()])
def test_an_unbalanced_entry_is_refused_before_it_is_written(database: Database, amounts: tuple[str, ...]) -> None:
    with database.transaction() as tx, pytest.raises(Corrupt):
        post(tx=tx, entries=[_entry("a", *amounts)])


def test_currencies_do_not_balance_each_other(database: Database) -> None:
    entry = _entry("a", "10.00", "-10.00")
    mixed = JournalEntry(
        entry.journal_entry_id, entry.booked_on, "test", "a", NOW, (entry.postings[0], Posting(LedgerAccountCode.BANK, Decimal(-10), currency="USD"))
    )
    with database.transaction() as tx, pytest.raises(Corrupt):
        post(tx=tx, entries=[mixed])


def test_nothing_is_posted_twice(database: Database) -> None:
    with database.transaction() as tx:
        post(tx=tx, entries=[_entry("a", "5.00", "-5.00")])
    with pytest.raises(Conflict), database.transaction() as tx:
        post(tx=tx, entries=[_entry("a", "5.00", "-5.00")])


_ENTRY = "INSERT INTO ledger.journal_entry VALUES ('00000000-0000-0000-0000-000000000001', '2026-11-01', 'raw', 'x', now())"
_LINE = "INSERT INTO ledger.posting (journal_entry_id, line, ledger_account_code, amount) VALUES "
_ONE = "('00000000-0000-0000-0000-000000000001', {line}, '1300', {amount})"


@pytest.mark.parametrize(
    "statements",
    [
        [_ENTRY],
        [_ENTRY, _LINE + _ONE.format(line=1, amount="5.00")],
        [_ENTRY, _LINE + _ONE.format(line=1, amount="5.00") + "," + _ONE.format(line=2, amount="-4.99")],
        [_ENTRY, _LINE + _ONE.format(line=1, amount="0.00")],
    ],
    ids=["no posting", "one posting", "a cent short", "one posting of nothing"],
)
def test_the_database_itself_refuses_what_does_not_sum_to_zero(business_dsn: str, statements: list[str]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), psycopg.connect(business_dsn) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_entry_that_stood_cannot_be_unbalanced_later(business_dsn: str) -> None:
    with psycopg.connect(business_dsn) as connection:
        connection.execute(_ENTRY)
        connection.execute(_LINE + _ONE.format(line=1, amount="5.00") + "," + _ONE.format(line=2, amount="-5.00"))
    with pytest.raises(psycopg.errors.CheckViolation), psycopg.connect(business_dsn) as connection:
        connection.execute(_LINE + _ONE.format(line=3, amount="0.01"))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger.posting SET amount = 0", "DELETE FROM ledger.posting", "TRUNCATE ledger.posting",
     "DELETE FROM ledger.journal_entry", "UPDATE ledger.journal_entry SET booked_on = now()",
     "INSERT INTO ledger.ledger_account VALUES ('9999', 'x', 'x', 'asset')"],
)  # fmt: skip
def test_the_application_can_only_add(business_dsn: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(business_dsn) as connection:
        connection.execute(statement)
