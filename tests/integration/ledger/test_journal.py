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


_TWO = _LINE + _ONE.format(line=1, amount="5.00") + "," + _ONE.format(line=2, amount="-5.00")
_WRONG = {
    "no posting": [_ENTRY],
    "one posting": [_ENTRY, _LINE + _ONE.format(line=1, amount="5.00")],
    "a cent short": [_ENTRY, _LINE + _ONE.format(line=1, amount="5.00") + "," + _ONE.format(line=2, amount="-4.99")],
    "one posting of nothing": [_ENTRY, _LINE + _ONE.format(line=1, amount="0.00")],
    "no posting, with the checks made at once": ["SET CONSTRAINTS ALL IMMEDIATE", _ENTRY],
    "postings that were taken back": [_ENTRY, "SAVEPOINT s", _TWO, "ROLLBACK TO s"],
    "two currencies against each other": [
        _ENTRY,
        "INSERT INTO ledger.posting (journal_entry_id, line, ledger_account_code, amount, currency) VALUES "
        "('00000000-0000-0000-0000-000000000001', 1, '1300', 5, 'EUR'), ('00000000-0000-0000-0000-000000000001', 2, '1300', -5, 'USD')",
    ],
    "one statement for both": [
        f"WITH e AS ({_ENTRY} RETURNING journal_entry_id) INSERT INTO ledger.posting (journal_entry_id, line, ledger_account_code, amount) "
        "SELECT journal_entry_id, 1, '1300', 5 FROM e"
    ],
    "an entry beside a whole one": [_ENTRY + ", ('00000000-0000-0000-0000-000000000002', '2026-11-01', 'raw', 'y', now())", _TWO],
    "merged": [
        "MERGE INTO ledger.journal_entry USING (VALUES (1)) AS v (x) ON false "
        "WHEN NOT MATCHED THEN INSERT VALUES ('00000000-0000-0000-0000-000000000001', '2026-11-01', 'raw', 'x', now())"
    ],
    "what exists is passed by": [_ENTRY, _TWO, _ENTRY.replace("-000000000001'", "-000000000003'").replace("'x'", "'z'") + " ON CONFLICT DO NOTHING"],
}


@pytest.mark.parametrize("statements", _WRONG.values(), ids=_WRONG.keys())
def test_the_database_itself_refuses_what_does_not_sum_to_zero(business_dsn: str, statements: list[str]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), psycopg.connect(business_dsn) as connection:
        for statement in statements:
            connection.execute(statement)
    with psycopg.connect(business_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.journal_entry").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM ledger.posting").fetchone() == (0,)


@pytest.mark.parametrize(
    "statements",
    [[_TWO], [_TWO, _ENTRY], [_ENTRY, _TWO.replace("'1300'", "'9999'")]],
    ids=["no entry", "the entry too late", "an unknown ledger account"],
)
def test_postings_belong_to_an_entry_and_to_a_ledger_account(business_dsn: str, statements: list[str]) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation), psycopg.connect(business_dsn) as connection:
        for statement in statements:
            connection.execute(statement)


def test_postings_do_not_join_an_entry_that_another_has_not_committed(business_dsn: str) -> None:
    with psycopg.connect(business_dsn) as first, psycopg.connect(business_dsn) as second:
        first.execute(_ENTRY)
        first.execute(_TWO)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            second.execute(_TWO.replace("', 1, ", "', 3, ").replace("', 2, ", "', 4, "))
        second.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger.posting DISABLE TRIGGER ALL", "SET session_replication_role = replica", "DELETE FROM ledger.unchecked_entries",
        "SELECT * FROM ledger.unchecked_entries", "DROP TRIGGER posting_is_checked ON ledger.posting",
        "INSERT INTO ledger.unchecked_entries DEFAULT VALUES",
        "UPDATE ledger.books SET open_from = NULL", "DELETE FROM ledger.books", "INSERT INTO ledger.books DEFAULT VALUES",
    ],
)  # fmt: skip
def test_the_application_cannot_get_round_the_checks(business_dsn: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(business_dsn) as connection:
        connection.execute(statement)


def test_savepoints_and_many_statements_make_whole_entries(business_dsn: str) -> None:
    with psycopg.connect(business_dsn) as connection:
        connection.execute("SAVEPOINT s")
        connection.execute(_ENTRY)
        connection.execute("RELEASE s")
        connection.execute(_TWO)
        connection.execute(_TWO.replace("', 1, ", "', 3, ").replace("', 2, ", "', 4, "))
    with psycopg.connect(business_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.posting").fetchone() == (4,)


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
