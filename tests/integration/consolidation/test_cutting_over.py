"""After the first copy: what changes in the old system, the freeze, the switch and the look back."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from factories.exports import CUTOVER, key_of, rows_of
from factories.legacy import fixed_row, write_fixed
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation import operations, waves
from hoeksteen.consolidation.carrying import Work
from hoeksteen.consolidation.delta import delta, freeze
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.runs import runs
from hoeksteen.consolidation.verifying import verify
from hoeksteen.consolidation.wave_rules import Wave
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.clock import FixedClock
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.queries import customer
from hoeksteen.product.queries import terms
from hoeksteen.storage.postgres import Database

PEOPLE = "emma.bakker"
ALL = Wave(wave="all")
NAMES = ("JANSEN A. DHR", "VISSER K. MEVR", "BAKKER P. DHR", "SMIT L. MEVR")
Rows = dict[int, dict[str, str]]


@pytest.fixture
def give(database: Database, keeper: RunningKeeper, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[Rows], Work]:
    """Four people with a line each, of which some differ; None for one who is given no more."""
    clock = FixedClock(datetime(2026, 11, 1, 6, tzinfo=UTC))

    def given(differ: Rows) -> Work:
        own = [_row(number, **differ.get(number, {})) for number in range(4) if differ.get(number, {}) != {"gone": ""}]
        own += [_row(number, **changes) for number, changes in differ.items() if number > 3]
        clock.instant += timedelta(hours=1)
        return Work(
            database=database, keeper=keeper.client("bss"), identifiers=Identifiers(random.Random(request.node.name)), clock=clock,
            sources=[Source(Path("fixed"), write_fixed(tmp_path, *own))], pseudonyms=key_of(request.node.name), cutover=CUTOVER, by=PEOPLE,
        )  # fmt: skip

    return given


def _row(number: int, **changes: str) -> str:
    own = {
        "NAAM": NAMES[number % 4], "GEBDAT": f"0{number + 1}-02-196{number}", "NUMMER": f"030-212345{number}", "CONTACT": f"06-1234567{number}",
        "EMAIL": f"a{number}@post.example", "REKENING": "", "BETAALWIJZE": "O", "MACHTIGING": "", "MACHT_DAT": "", "ADRES": f"KERKSTR {number + 1}",
    }  # fmt: skip
    return fixed_row(f"1000000{number}", f"A100000{number}", **{**own, **changes})


def whose(pseudonyms: Pseudonyms, number: int) -> UUID:
    return derived("customer", str(pseudonyms.record_id("fixed", f"1000000{number}")))


def told(work: Work, number: int) -> dict[str, Any]:
    with work.database.transaction() as tx:
        party = customer(tx=tx, customer_id=whose(work.pseudonyms, number)).party_id
        return reveal(tx=tx, keeper=work.keeper, purpose="migration", category=Category.CONTACT, subjects=[party])[party].fields


def test_a_delta_takes_over_what_changed_and_leaves_what_people_changed_here(give: Callable[[Rows], Work], database: Database) -> None:
    work = give({})
    waves.plan(work=work, waves=[ALL])
    waves.copy(work=work, wave="all")
    with database.transaction() as tx:
        numbers = {one: customer(tx=tx, customer_id=whose(work.pseudonyms, one)).customer_number for one in range(4)}
        moved = customer(tx=tx, customer_id=whose(work.pseudonyms, 2))
        changed_here = SealItem(moved.party_id, {"emails": ["new@here.example"]}, {"email": []})
        store(tx=tx, keeper=work.keeper, purpose="migration", category=Category.CONTACT, items=[changed_here])
    later = {0: {"EMAIL": "moved@post.example", "MAANDBEDR": "13,75", "GEFACT_TOT": "01-12-2026"}, 2: {"EMAIL": "x@post.example"}, 3: {"gone": ""}}
    work = give(later)
    carried, taken = delta(work=work, wave="all")
    assert carried.report.closes
    assert carried.changes["fixed"] == {"new": 0, "changed": 2, "gone": 1}
    ids = [whose(work.pseudonyms, number) for number in range(4)]
    assert (taken.renewed, taken.changed_here, taken.ended, taken.removed, taken.left) == ([ids[0]], [ids[2]], [ids[3]], [], [])
    assert told(work, 0)["emails"] == ["moved@post.example"]
    assert told(work, 2)["emails"] == ["new@here.example"], "what was done here wins"
    with database.transaction() as tx:
        for number, had in numbers.items():
            assert customer(tx=tx, customer_id=ids[number]).customer_number == had
        billed_to = tx.value("SELECT recurring_billed_to FROM product.product WHERE customer_id = %s", (ids[0],))
        kept = tx.value("SELECT value FROM product.price_alteration WHERE customer_id = %s", (ids[0],))
        assert (billed_to, str(kept)) == (date(2026, 12, 1), "1.25")
        assert [term.status for term in terms(tx=tx, customer_ids=[ids[3]])] == ["active", "terminated"]
        held = tx.value("SELECT count(*) FROM billing.account_hold WHERE released_at IS NULL")
        assert held == 4
    before = rows_of(database)
    again, nothing = delta(work=give(later), wave="all")
    assert (nothing.renewed, nothing.ended, nothing.changed_here) == ([], [], [ids[2]])
    assert again.report.closes and rows_of(database) == before


def test_who_moves_out_of_the_rule_of_a_wave_stays_in_it_also_when_the_delta_is_cut_off(
    give: Callable[[Rows], Work], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    work = give({})
    waves.plan(work=work, waves=[Wave(wave="near", postcodes=["1200-1299"]), Wave(wave="far")])
    waves.copy(work=work, wave="near")
    moved = whose(work.pseudonyms, 0)
    with database.transaction() as tx:
        number = customer(tx=tx, customer_id=moved).customer_number

    def cut_off(**_: Any) -> None:
        raise OSError("the machine stops")

    with monkeypatch.context() as cut:
        cut.setattr(operations, "load_clusters", cut_off)
        with pytest.raises(OSError, match="stops"):
            delta(work=give({0: {"POSTCODE": "1011 AB"}}), wave="near")
    with database.transaction() as tx:
        assert runs(tx=tx)[0].state == "failed"
        assert tx.value("SELECT count(*) FROM consolidation.source_record WHERE state = 'waiting' AND wave = 'near'") == 1
    carried, _ = delta(work=give({0: {"POSTCODE": "1011 AB"}}), wave="near")
    assert carried.report.closes and carried.report.customers == 4
    with database.transaction() as tx:
        assert customer(tx=tx, customer_id=moved).customer_number == number
        assert tx.value("SELECT wave FROM consolidation.wave_customer WHERE customer_id = %s", (moved,)) == "near"


def test_a_new_record_of_whom_people_changed_here_overwrites_nothing(give: Callable[[Rows], Work], database: Database) -> None:
    work = give({})
    waves.plan(work=work, waves=[ALL])
    waves.copy(work=work, wave="all")
    with database.transaction() as tx:
        party = customer(tx=tx, customer_id=whose(work.pseudonyms, 2)).party_id
        fields = {**told(work, 2), "emails": ["new@here.example"]}
        store(tx=tx, keeper=work.keeper, purpose="migration", category=Category.CONTACT, items=[SealItem(party, fields, {})])
    another = {"GEBDAT": "03-02-1962", "CONTACT": "06-12345672", "EMAIL": "a2@post.example", "ADRES": "KERKSTR 3"}
    carried, _ = delta(work=give({6: another, 7: {**another, **SAME_AS_3}}), wave="all")
    assert carried.report.closes and carried.report.customers == 5, "that of whom nothing was changed joins them"
    assert told(work, 2)["emails"] == ["new@here.example"]
    with database.transaction() as tx:
        rows = tx.rows("SELECT reason FROM consolidation.review")
        assert [row["reason"] for row in rows] == ["record_altered"], "people look"


SAME_AS_3 = {"GEBDAT": "04-02-1963", "CONTACT": "06-12345673", "EMAIL": "a3@post.example", "ADRES": "KERKSTR 4"}


def test_the_rest_of_a_wave_that_removes_what_is_gone(give: Callable[[Rows], Work], database: Database) -> None:
    work = give({})
    waves.plan(work=work, waves=[replace_gone("remove")])
    waves.copy(work=work, wave="all")
    _, taken = delta(work=give({3: {"gone": ""}}), wave="all")
    assert taken.removed == [whose(work.pseudonyms, 3)]
    with database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM party.customer") == 3
        assert tx.value("SELECT count(*) FROM consolidation.source_record") == 3
    _, taken = delta(work=give({1: {"PRODUCT": "TEL-X"}}), wave="all")
    assert taken.left == [whose(work.pseudonyms, 1)], "a record that is rejected by now cannot make its customer anew"


def replace_gone(gone: Any) -> Wave:
    return Wave(wave="all", gone=gone)


def test_frozen_switched_and_verified(give: Callable[[Rows], Work], database: Database) -> None:
    work = give({})
    waves.plan(work=work, waves=[ALL])
    waves.copy(work=work, wave="all")
    with pytest.raises(WrongState, match="is copied"):
        verify(work=work, wave="all")
    _, taken = freeze(work=give({1: {"GEFACT_TOT": ""}}), wave="all")
    assert taken.renewed == [whose(work.pseudonyms, 1)]
    for refused in (delta, freeze):
        with pytest.raises(WrongState, match="is frozen") as told_so:
            refused(work=work, wave="all")
        assert "consolidate switch --wave all" in told_so.value.remedy
    december = date(2026, 12, 1)
    work = give({1: {"GEFACT_TOT": ""}})
    assert waves.switch(database=database, wave="all", cutover=december, by=PEOPLE, clock=work.clock) == 4
    assert waves.switch(database=database, wave="all", cutover=december, by=PEOPLE, clock=work.clock) == 4, "done again it changes nothing"
    with database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM billing.account_hold WHERE released_at IS NULL") == 0
        opened = {row["recurring_billed_to"] for row in tx.rows("SELECT recurring_billed_to FROM product.product")}
        assert opened == {december}
    found = verify(work=work, wave="all", samples=3)
    assert (found.holds, found.samples, found.wrong) == (True, 3, ())
    with database.transaction() as tx:
        [wave] = waves.waves(tx=tx)
        assert [step[0] for step in wave.steps] == ["planned", "copied", "delta", "frozen", "switched", "verified"]
        assert (wave.state, wave.cutover) == ("verified", december)
        party = customer(tx=tx, customer_id=whose(work.pseudonyms, 0)).party_id
        store(tx=tx, keeper=work.keeper, purpose="migration", category=Category.CONTACT, items=[SealItem(party, {"phones": []}, {})])
    assert verify(work=work, wave="all", samples=4).wrong == (whose(work.pseudonyms, 0),)


def test_a_record_is_found_by_its_pseudonym_alone(database: Database) -> None:
    sql = """
        SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = 'consolidation.source_record'::regclass AND a.attname = 'source_key' AND i.indpred IS NULL
    """
    with database.transaction() as tx:
        assert tx.row(sql) is not None, "each pair, each merge reads all records of all sources"
