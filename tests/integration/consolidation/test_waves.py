"""Customers come over in waves, and go back as if they had never come."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from factories.billed_operator import BilledOperator
from factories.exports import CUTOVER, TABLES, bring_in, invent_exports, key_of, rows_of, sources
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.holding import release_customers
from hoeksteen.billing.queries import bills_of
from hoeksteen.care.operations import reason_given, record_interaction
from hoeksteen.consolidation import standing, waves
from hoeksteen.consolidation.carrying import Work
from hoeksteen.consolidation.rollback import RolledBack, roll_back
from hoeksteen.consolidation.runs import runs
from hoeksteen.consolidation.wave_rules import Wave, Where
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.clock import FixedClock
from hoeksteen.kernel.errors import AccessDenied, Conflict, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.party.queries import list_customers
from hoeksteen.storage.postgres import Database

CLOCK = FixedClock(datetime(2026, 11, 1, 6, tzinfo=UTC))
FIRST = Wave(wave="first", segment="consumer", share="40")
REST = Wave(wave="rest", without=Where(cities=["nergens"]))
PEOPLE = "emma.bakker"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invent_exports(tmp_path_factory.mktemp("waves") / "exports", customers=120, seed=21)


@pytest.fixture
def work(database: Database, keeper: RunningKeeper, exports: Path, request: pytest.FixtureRequest) -> Work:
    return Work(
        database=database, keeper=keeper.client("bss"), identifiers=Identifiers(random.Random(request.node.name)), clock=CLOCK,
        sources=sources(exports), pseudonyms=key_of(request.node.name), cutover=CUTOVER, by=PEOPLE, clusters_per_batch=50,
    )  # fmt: skip


# the journal is never rewritten: what was posted is posted back
SAYS_WHAT_WAS_DONE = {
    "consolidation.run", "consolidation.wave", "consolidation.wave_step", "consolidation.kept_number", "ledger.journal_entry", "ledger.posting",
}  # fmt: skip


def books(database: Database) -> dict[str, Any]:
    """What stands on each ledger account."""
    with database.transaction() as tx:
        return {row.ledger_account_code: row.balance for row in trial_balance(tx=tx) if row.balance}


def everything(database: Database) -> dict[str, list[str]]:
    """Every row of every table that the application may write, but for what says what was run."""
    found = {}
    with database.transaction() as tx:
        names = tx.rows(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'jobs')"
            " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
        )
        for name in sorted(row["name"] for row in names):
            if name not in SAYS_WHAT_WAS_DONE:
                found[name] = sorted(row["line"] for row in tx.rows(f"SELECT t::text AS line FROM {name} t"))
    return found


def sequences(database: Database) -> list[Any]:
    with database.transaction() as tx:
        # that of rows which no transaction leaves behind says nothing
        rows = [row for row in tx.rows("SELECT * FROM storage.sequences()") if row["name"] != "ledger.unchecked_entries_unchecked_id_seq"]
    return sorted(map(str, rows))


def tokens(keeper: RunningKeeper) -> str:
    rows = "coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
    return keeper.sql(f"SELECT count(*) || ' ' || {rows} FROM vault.blind_token t")


def customers_in(database: Database) -> set[Any]:
    with database.transaction() as tx:
        return {one.customer_id for one in list_customers(tx=tx, after=None, limit=10_000)}


def take_back(work: Work, wave: str, *, force: bool = False) -> RolledBack:
    return roll_back(
        database=work.database, keeper=work.keeper, wave=wave, by=PEOPLE, force=force, clock=CLOCK, identifiers=work.identifiers,
        customers_per_batch=20,
    )  # fmt: skip


def test_waves_together_are_what_everything_at_once_is(work: Work, database: Database) -> None:
    carried, planned = waves.plan(work=work, waves=[FIRST, REST])
    assert carried.report.closes and carried.report.customers == 0
    assert all(source.states["waiting"] + source.states["rejected"] == source.records_in for source in carried.report.sources)
    assert planned["first"]["business"] == 0 < planned["first"]["consumer"] < planned["rest"]["customers"]
    first = waves.copy(work=work, wave="first").report
    assert first.closes and first.customers == planned["first"]["customers"]
    assert all(source.states["waiting"] > 0 for source in first.sources)
    assert waves.copy(work=work, wave="first").report == first, "done again it changes nothing"
    rest = waves.copy(work=work, wave="rest").report
    assert rest.closes and rest.customers == planned["first"]["customers"] + planned["rest"]["customers"]
    assert not any(source.states["waiting"] for source in rest.sources)
    in_waves = rows_of(database)
    with database.transaction() as tx:
        held = tx.rows("SELECT DISTINCT why FROM billing.account_hold WHERE released_at IS NULL")
        assert {row["why"] for row in held} == {waves.hold_reason("first"), waves.hold_reason("rest")}
        assert [run.kind for run in runs(tx=tx)].count("copy") == 3
        for table in reversed(TABLES):
            tx.execute(f"DELETE FROM {table}")
    whole = bring_in(database, work.keeper, Path(), "", given=work.sources, pseudonyms=work.pseudonyms)
    assert rest.customers == whole.customers
    without_wave = {line.replace('"wave": "first"', '"wave": null').replace('"wave": "rest"', '"wave": null') for line in in_waves.pop(RECORDS)}
    at_once = rows_of(database)
    assert without_wave == at_once.pop(RECORDS)
    assert in_waves == at_once


RECORDS = "consolidation.source_record"


def test_a_rehearsal_says_what_a_copy_does_and_leaves_nothing(work: Work, database: Database, keeper: RunningKeeper) -> None:
    waves.plan(work=work, waves=[FIRST, REST])
    before, numbers, sealed = everything(database), sequences(database), tokens(keeper)
    rehearsed = waves.rehearse(work=work, wave="first")
    assert (everything(database), sequences(database), tokens(keeper)) == (before, numbers, sealed)
    copied = waves.copy(work=work, wave="first")
    assert (rehearsed.report, rehearsed.changes) == (copied.report, copied.changes)
    assert everything(database) != before
    with database.transaction() as tx:
        assert {(run.kind, run.state) for run in runs(tx=tx)} == {("plan", "done"), ("rehearsal", "done"), ("copy", "done")}


def test_a_wave_that_is_rolled_back_leaves_nothing_and_comes_again(work: Work, database: Database, keeper: RunningKeeper) -> None:
    waves.plan(work=work, waves=[FIRST, REST])
    waves.copy(work=work, wave="rest")
    before, sealed, others, booked = everything(database), tokens(keeper), customers_in(database), books(database)
    waves.copy(work=work, wave="first")
    assert books(database) != booked
    copied = rows_of(database)
    came = customers_in(database) - others
    with database.transaction() as tx:
        party = next(one.party_id for one in list_customers(tx=tx, after=None, limit=10_000) if one.customer_id in came)
        said = reveal(tx=tx, keeper=work.keeper, purpose="migration", category=Category.IDENTITY, subjects=[party])[party].fields
    done = take_back(work, "first")
    assert (done.customers, done.kept) == (len(came), [])
    assert everything(database) == before
    with database.transaction() as tx:
        sql = "SELECT count(*) FROM consolidation.sealed_record WHERE customer_id = ANY(%s)"
        assert tx.value(sql, (list(came),)) == 0, "and what their records said is not kept"
    assert (tokens(keeper), books(database)) == (sealed, booked)
    with pytest.raises(WrongState, match="rolled back"):
        take_back(work, "first")
    waves.copy(work=work, wave="first")
    assert rows_of(database) == copied, "the same customers under the same identifiers"
    with database.transaction() as tx:
        assert reveal(tx=tx, keeper=work.keeper, purpose="migration", category=Category.IDENTITY, subjects=[party])[party].fields == said


def test_who_called_meanwhile_stops_a_roll_back_or_stays(work: Work, database: Database) -> None:
    waves.plan(work=work, waves=[FIRST, REST])
    waves.copy(work=work, wave="first")
    caller, changed, *_ = sorted(customers_in(database))
    with database.transaction() as tx:
        reason = reason_given(channel="phone", ticket="")
        record_interaction(tx=tx, customer_id=caller, actor="anna.dekker", reason=reason, now=CLOCK.now(), identifiers=work.identifiers)
        tx.execute("UPDATE product.product_term SET valid_to = now() WHERE customer_id = %s AND valid_to IS NULL", (changed,))
    before = everything(database)
    with pytest.raises(Conflict, match="2 customers") as stopped:
        take_back(work, "first")
    assert f"{caller} (interactions)" in str(stopped.value) and f"{changed} (products)" in str(stopped.value)
    assert everything(database) == before
    done = take_back(work, "first", force=True)
    assert {one.customer_id for one in done.kept} == customers_in(database) == {caller, changed}
    with database.transaction() as tx:
        [first, _] = waves.waves(tx=tx)
        assert (first.state, first.customers) == ("rolled_back", 2)
        assert [step[0] for step in first.steps] == ["planned", "copied", "rolling_back", "rolled_back"]


def test_what_is_out_of_order_is_refused_in_words(work: Work, database: Database) -> None:
    def switch() -> int:
        return waves.switch(database=database, wave="first", cutover=date(2026, 12, 1), by=PEOPLE, clock=CLOCK)

    steps: list[Callable[[], object]] = [lambda: waves.copy(work=work, wave="first"), switch, lambda: waves.rehearse(work=work, wave="first")]
    for step in steps:
        with pytest.raises(NotFound, match="no wave first"):
            step()
    waves.plan(work=work, waves=[FIRST, REST])
    with pytest.raises(WrongState, match="first is planned") as told:
        switch()
    assert "consolidate copy --wave first" in told.value.remedy
    waves.copy(work=work, wave="first")
    with pytest.raises(WrongState, match="first is copied"):
        switch()
    with pytest.raises(WrongState, match="another rule"):
        waves.plan(work=work, waves=[Wave(wave="first", share="50"), REST])
    with pytest.raises(WrongState, match="another rule"):
        waves.plan(work=work, waves=[REST])


def test_without_a_grant_no_file_is_read(work: Work, keeper: RunningKeeper) -> None:
    told: list[str] = []
    without = Work(
        database=work.database, keeper=keeper.client("desk"), identifiers=work.identifiers, clock=CLOCK, sources=work.sources,
        pseudonyms=work.pseudonyms, cutover=CUTOVER, by=PEOPLE, progress=lambda stage, done, total: told.append(stage),
    )  # fmt: skip
    for step in (lambda: waves.plan(work=without, waves=[FIRST]), lambda: waves.rehearse(work=without), lambda: take_back(without, "first")):
        with pytest.raises(AccessDenied, match="No bulk grant"):
            step()
    assert told == []


def test_after_the_first_final_bill_it_is_undone_by_credit(operator: BilledOperator, work: Work, database: Database) -> None:
    waves.plan(work=work, waves=[Wave(wave="few", share="3"), REST])
    waves.copy(work=work, wave="few")
    came = sorted(customers_in(database))
    with database.transaction() as tx:
        release_customers(tx=tx, customer_ids=came[:1], by=PEOPLE, why=waves.hold_reason("few"), now=CLOCK.now())
        tx.execute("UPDATE product.product SET recurring_billed_to = '2026-10-01' WHERE recurring_billed_to > '2026-10-01'")
        standing.keep(tx, "few", came)
    operator.run()
    CLOCK.instant += timedelta(hours=1)
    with database.transaction() as tx:
        [bill] = bills_of(tx=tx, customer_id=came[0])
    with pytest.raises(Conflict, match="final bills"):
        take_back(work, "few")
    done = take_back(work, "few", force=True)
    assert [one.customer_id for one in done.kept] == came[:1] and done.customers == len(came) - 1
    assert (len(done.credited), done.not_credited) == (1, [])
    with database.transaction() as tx:
        assert sum(one.gross for one in bills_of(tx=tx, customer_id=came[0])) == 0 < bill.gross
        [why] = [row["why"] for row in tx.rows("SELECT why FROM billing.account_hold WHERE released_at IS NULL")]
        assert why == "wave few: rolled back, the old system bills again"
        assert runs(tx=tx)[0].figures["credited"] == done.credited
