"""The business database: what commits, what is refused, and who may change the schema."""

import pickle
import random
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
import pytest

from conftest import BusinessCluster
from hoeksteen.kernel.errors import Conflict, Corrupt, Unavailable, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.migrations import known, migrate, require_current_schema
from hoeksteen.storage.postgres import Database, as_json

NOW = datetime(2026, 11, 1, tzinfo=UTC)
IDS = Identifiers(random.Random(1))
PARTY = "INSERT INTO party.party (party_id, kind, created_at) VALUES (%s, 'individual', %s)"


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as tx:
        tx.execute(PARTY, (IDS.new(NOW), NOW))
        raise RuntimeError
    with database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM party.party") == 0


def test_a_second_row_is_a_conflict_that_names_the_rule(database: Database) -> None:
    party_id = IDS.new(NOW)
    with database.transaction() as tx:
        tx.execute(PARTY, (party_id, NOW))
    with pytest.raises(Conflict, match="party_pkey"), database.transaction() as tx:
        tx.execute(PARTY, (party_id, NOW))


def test_copy_loads_rows_in_bulk(database: Database) -> None:
    rows = [(IDS.new(NOW), "individual", NOW) for _ in range(1000)]
    with database.transaction() as tx:
        assert tx.copy_in("party.party", ("party_id", "kind", "created_at"), rows) == 1000
        assert tx.value("SELECT count(*) FROM party.party") == 1000


def test_lists_of_identifiers_are_asked_for_as_any_list(database: Database) -> None:
    ids = [IDS.new(NOW) for _ in range(3)]
    with database.transaction() as tx:
        assert [found for (found,) in tx.tuples("SELECT unnest(%s::uuid[])", (ids,))] == ids
        assert tx.tuples("SELECT unnest(%s::uuid[]), %s::text[]", ([ids[0], None], ["a,b", 'c"'])) == [(ids[0], ["a,b", 'c"']), (None, ["a,b", 'c"'])]
        assert tx.tuples("SELECT unnest(%s::uuid[])", ([],)) == []


def test_a_database_that_another_process_is_given_is_opened_anew(database: Database) -> None:
    with pickle.loads(pickle.dumps(database)) as again, database.transaction() as here, again.transaction() as there:
        assert here.value("SELECT pg_backend_pid()") != there.value("SELECT pg_backend_pid()")


def test_a_database_that_is_not_there_is_unavailable() -> None:
    with Database("host=/nonexistent dbname=hoeksteen", timeout_seconds=0.2) as database, pytest.raises(Unavailable), database.transaction():
        pass


def test_connections_that_a_restart_of_the_database_broke_are_replaced_unnoticed(business_cluster: BusinessCluster, database: Database) -> None:
    with ExitStack() as held:
        name = [held.enter_context(database.transaction()).value("SELECT current_database()") for _ in range(8)][0]
    business_cluster.cluster.as_superuser(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}';")
    with ExitStack() as held:
        assert [held.enter_context(database.transaction()).value("SELECT 1") for _ in range(8)] == [1] * 8


def test_the_schema_is_current_and_migrating_again_does_nothing(owner_dsn: str, database: Database) -> None:
    require_current_schema(database=database)
    with Database(owner_dsn) as owner:
        assert migrate(owner=owner) == []


def test_an_older_or_newer_schema_is_refused_by_name(owner_dsn: str, database: Database) -> None:
    with Database(owner_dsn) as owner:
        last = known()[-1]
        with owner.transaction() as tx:
            tx.execute("DELETE FROM storage.migration WHERE room = %s AND name = %s", (last.room, last.name))
        with pytest.raises(WrongState, match=f"older schema: {last.room}/{last.name}"):
            require_current_schema(database=database)
        with owner.transaction() as tx:
            tx.execute(
                "INSERT INTO storage.migration (room, name, digest) VALUES (%s, %s, %s), ('party', '9999_future', 'x')",
                (last.room, last.name, last.digest),
            )
        with pytest.raises(WrongState, match="newer schema than this program: party/9999_future"):
            require_current_schema(database=database)


def test_a_migration_that_changed_after_it_was_applied_is_refused(owner_dsn: str) -> None:
    with Database(owner_dsn) as owner:
        with owner.transaction() as tx:
            tx.execute("UPDATE storage.migration SET digest = 'other' WHERE room = 'party'")
        with pytest.raises(Corrupt, match="party/0001"):
            migrate(owner=owner)


def test_the_application_may_neither_change_the_schema_nor_the_journal(database: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.execute("ALTER TABLE party.customer ADD COLUMN surname text")
    for statement in ("DELETE FROM ledger.journal_entry", "UPDATE ledger.posting SET amount = 0", "TRUNCATE ledger.posting"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
            tx.execute(statement)


def test_the_bastion_may_connect_and_see_nothing(business_cluster: BusinessCluster, business_dsn: str) -> None:
    name = business_dsn.split("dbname=")[1].split()[0]
    sql = """
        SELECT has_database_privilege('hoeksteen_bastion', current_database(), 'CONNECT'),
               count(*) FILTER (WHERE has_table_privilege('hoeksteen_bastion', c.oid, 'SELECT')
                                AND has_schema_privilege('hoeksteen_bastion', n.oid, 'USAGE'))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    """
    seen = business_cluster.cluster.as_superuser(sql, database=name)
    assert seen == "t|0"


def test_dates_and_instants_come_back_as_they_went(database: Database) -> None:
    with database.transaction() as tx:
        row = tx.row("SELECT %s::date AS day, %s::timestamptz AS instant", (date(2026, 10, 25), NOW))
    assert row == {"day": date(2026, 10, 25), "instant": NOW}


def test_a_name_that_is_claimed_is_free_again_when_its_holder_is_gone(database: Database, business_dsn: str) -> None:
    with database.claim("bill run 1") as ours, Database(business_dsn) as other:
        with other.claim("bill run 1") as theirs, other.claim("bill run 2") as another, other.transaction() as tx:
            assert (ours, theirs, another, tx.claim("bill run 1"), tx.claim("bill run 3")) == (True, False, True, False, True)
            states = tx.rows("SELECT state FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory_lock%'")
        assert {row["state"] for row in states} == {"idle"}, "in no transaction, so that no time-out for idle ones ends it"
    with database.claim("bill run 1") as ours:
        assert ours
    with Database("host=/nowhere dbname=x") as nowhere, pytest.raises(Unavailable), nowhere.claim("x"):
        pass


def test_a_claim_that_fails_leaves_no_connection_open(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made, connect = list[psycopg.Connection[Any]](), psycopg.connect

    def noted(*words: Any, **options: Any) -> psycopg.Connection[Any]:
        made.append(connect(*words, **options))
        return made[-1]

    monkeypatch.setattr("hoeksteen.storage.postgres.psycopg.connect", noted)
    monkeypatch.setattr("hoeksteen.storage.postgres._NAMED", "no_such_function(%s)")
    with pytest.raises(psycopg.errors.UndefinedFunction), database.claim("bill run 1"):
        pass
    assert [one.closed for one in made] == [True]


class _Word(StrEnum):
    FIRST = "first"


def test_copy_in_writes_what_an_insert_writes(owner_dsn: str) -> None:
    values = {
        "a": "tab\there, new\nline, \r, back\\slash, \\N, \\. and é", "b": UUID(int=7), "c": -12, "d": True, "e": date(1899, 12, 31),
        "f": datetime(2026, 10, 25, 0, 59, 59, 123, tzinfo=UTC), "g": Decimal("-0.10"), "h": b"\\\x00\t\n", "i": None, "j": 0.1,
        "k": as_json({"a": ["\t\\"]}), "l": ["x\ty", "\\", None], "m": _Word.FIRST, "n": [UUID(int=1), UUID(int=2)],
    }  # fmt: skip
    kinds = "text uuid integer boolean date timestamptz numeric bytea text double precision|jsonb text[] text uuid[]".replace("double ", "double_")
    columns = ", ".join(f"{name} {kind.replace('_', ' ')}" for name, kind in zip(values, kinds.replace("|", " ").split(" "), strict=True))
    with Database(owner_dsn) as owners, owners.transaction() as tx:  # the application may make no table
        tx.execute(f"CREATE TEMPORARY TABLE written ({columns}) ON COMMIT DROP")
        tx.insert("written", values)
        assert tx.copy_in("written", tuple(values), [tuple(values.values())] * 1_001) == 1_001
        assert tx.value("SELECT count(*) FROM written") == 1_002
        assert tx.value("SELECT count(*) FROM (SELECT DISTINCT * FROM written) d") == 1
