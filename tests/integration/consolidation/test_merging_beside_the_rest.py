"""What was done here since a load, when customers are merged or taken apart: kept where it belongs, or in the way; what was billed is billed anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from conftest import BusinessCluster
from factories.doubts import bring_in_doubts
from factories.exports import NOW
from fixtures.keeper import RunningKeeper
from hoeksteen.billing import approving
from hoeksteen.billing.operations import run_bills
from hoeksteen.billing.queries import bills_of
from hoeksteen.consolidation import _partition, _rearranging, _records, _store, merging, reviewing
from hoeksteen.consolidation._usage_of import unbilled_usage
from hoeksteen.consolidation.waves import hold_reason
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.party import operations as party
from hoeksteen.party.queries import billing_accounts
from hoeksteen.receivables import operations as receivables
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage.tables import GUIDED, bucket_of

LATER = datetime(2026, 12, 1, 6, tzinfo=UTC)
IDENTIFIERS = Identifiers(Random(11))


class _Undone(Exception):
    """What a test did is not to stay."""


@dataclass
class World:
    """A small operator: one customer of two records, and two doubtful pairs."""

    database: Database
    keeper: RunningKeeper
    lake: Lake
    sure: UUID

    @contextmanager
    def undone(self) -> Iterator[Transaction]:
        """A transaction that leaves nothing in the business database."""
        try:
            with self.database.transaction() as tx:
                yield tx
                raise _Undone
        except _Undone:
            pass

    def how(self, **more: Any) -> dict[str, Any]:
        return {
            "keeper": self.keeper.client("bss"), "lake": self.lake, "by": "emma.bakker", "why": "two households", "now": NOW,
            "identifiers": IDENTIFIERS, **more,
        }  # fmt: skip

    def apart(self, tx: Transaction, **more: Any) -> merging.Rearranged:
        return merging.unmerge(tx=tx, customer_id=self.sure, source_keys=None, **self.how(**more))

    def account(self, tx: Transaction, customer_id: UUID) -> UUID:
        return billing_accounts(tx=tx, customer_id=customer_id)[0].billing_account_id


@pytest.fixture(scope="module")
def world(business_cluster: BusinessCluster, keeper: RunningKeeper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, name = tmp_path_factory.mktemp("doubts"), f"t{next(business_cluster.names)}"
    business_cluster.cluster.as_superuser(
        f"CREATE DATABASE {name} TEMPLATE template_hoeksteen OWNER hoeksteen_owner; GRANT CONNECT ON DATABASE {name} TO hoeksteen_app;"
    )
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database=name)
    with Database(dsn) as database, Lake(warehouse=folder / "lake", catalogue_dsn=dsn) as lake:
        bring_in_doubts(database, keeper, folder, "beside the rest")
        with database.transaction() as tx:
            [row] = tx.rows("SELECT customer_id FROM consolidation.source_record GROUP BY 1 HAVING count(*) = 2")
        yield World(database, keeper, lake, row["customer_id"])


def pair_of(tx: Transaction) -> tuple[UUID, UUID]:
    return reviewing.queue(tx=tx, limit=1)[0].customers


def test_open_work_is_nobodys_in_particular_and_stands_in_the_way(world: World) -> None:
    with world.undone() as tx:
        approving.hold(tx=tx, billing_account_id=world.account(tx, world.sure), by="x", why="asked", now=NOW)
        with pytest.raises(WrongState, match="has a hold, and no record tells whose it is"):
            world.apart(tx)
        done = world.apart(tx, leave_rest=True)
        assert done.report["left"] == {str(world.sure): {"open": ["a hold"], "corrected": [], "terms": []}}
    with world.undone() as tx:
        one, other = pair_of(tx)
        for customer_id in (one, other):
            approving.hold(tx=tx, billing_account_id=world.account(tx, customer_id), by="x", why="asked", now=NOW)
        with pytest.raises(WrongState, match="ends with the merge, and has a hold"):
            merging.merge(tx=tx, customer_ids=[one, other], **world.how(leave_rest=True))


def test_who_is_held_by_a_wave_is_merged_after_its_switch(world: World) -> None:
    with world.undone() as tx:
        one, other = pair_of(tx)
        for customer_id in (one, other):
            approving.hold(tx=tx, billing_account_id=world.account(tx, customer_id), by="x", why=hold_reason("friends"), now=NOW)
        with pytest.raises(WrongState, match="is held \\(wave friends") as refused:
            merging.merge(tx=tx, customer_ids=[one, other], **world.how(leave_rest=True))
        assert "after the switch" in str(refused.value.remedy)


def test_terms_that_were_changed_here_stay_with_the_customer(world: World) -> None:
    with world.undone() as tx:
        party.set_payment_method(tx=tx, customer_id=world.sure, billing_account_id=world.account(tx, world.sure), payment_method="transfer")
        party.set_language(tx=tx, customer_id=world.sure, language="en")
        done = world.apart(tx)
        (new,) = set(done.customers) - {world.sure}
        found = {one: billing_accounts(tx=tx, customer_id=one)[0].payment_method for one in done.customers}
        assert found == {world.sure: "transfer", new: "direct_debit"}
        languages = {row["customer_id"]: row["language"] for row in tx.rows("SELECT customer_id, language FROM party.customer")}
        assert (languages[world.sure], languages[new]) == ("en", "nl")


def test_a_correction_stays_with_the_customer_where_somebody_says_so(world: World) -> None:
    bss, subject = world.keeper.client("bss"), _records.party_of(world.sure)

    def contact(tx: Transaction, customer_id: UUID) -> dict[str, Any]:
        party_id = _records.party_of(customer_id)
        return reveal(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, subjects=[party_id])[party_id].fields

    with world.undone() as tx:
        before = contact(tx, world.sure)
        corrected = {**before, "emails": [*before["emails"], "new@post.example"]}
        store(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, items=[SealItem(subject, corrected)])
        with pytest.raises(WrongState, match=r"corrected contact \(emails\)"):
            world.apart(tx)
        done = world.apart(tx, leave_rest=True)
        (new,) = set(done.customers) - {world.sure}
        assert contact(tx, world.sure)["emails"] == ["bos@post.example", "new@post.example"]
        assert contact(tx, new)["emails"] == ["bos@post.example"]
        lines = [[one["e164"] for one in contact(tx, customer_id)["phones"] if one["kind"] == "line"] for customer_id in (world.sure, new)]
        assert sorted(lines) == [["31302123460"], ["31302123461"]]


def test_what_cannot_be_taken_apart_or_merged_is_said(world: World) -> None:
    with world.undone() as tx:
        one, other = pair_of(tx)
        with pytest.raises(InvalidInput, match="nothing to take apart"):
            merging.unmerge(tx=tx, customer_id=one, source_keys=None, **world.how())
        with pytest.raises(InvalidInput, match="has no record"):
            merging.unmerge(tx=tx, customer_id=one, source_keys=[other], **world.how())
        with pytest.raises(InvalidInput, match="1 customers are named"):
            merging.merge(tx=tx, customer_ids=[one, one], **world.how())
        with pytest.raises(NotFound, match="no record of a legacy system"):
            merging.merge(tx=tx, customer_ids=[one, IDENTIFIERS.new(NOW)], **world.how())
        with pytest.raises(InvalidInput, match="seems to"):
            world.apart(tx, why="spoke with jan@post.example")
        tx.execute("DELETE FROM consolidation.sealed_record WHERE customer_id = %s", (one,))
        with pytest.raises(WrongState, match="said is not kept"):
            merging.merge(tx=tx, customer_ids=[one, other], **world.how())
    with world.undone() as tx, world.database.transaction() as running:
        assert _store.lock(running)
        with pytest.raises(Conflict, match="consolidation is running"):
            world.apart(tx)


def test_while_bills_are_made_nothing_moves(world: World) -> None:
    with world.undone() as tx:
        tx.execute(
            "INSERT INTO billing.bill_run (bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at)"
            " VALUES (%s, 'final', 1, '2026-11-01', '2026-12-01', '2026-12-01', 'running', %s)",
            (IDENTIFIERS.new(NOW), NOW),
        )
        with pytest.raises(WrongState, match="bills of its cycle are just being made"):
            world.apart(tx)


def test_a_transaction_that_is_cut_off_leaves_nothing_and_can_be_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bss = world.keeper.client("bss")

    def sealed(tx: Transaction) -> dict[UUID, Any]:
        parties = [row["party_id"] for row in tx.rows("SELECT party_id FROM party.party")]
        return {
            one: found.fields for one, found in reveal(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, subjects=parties).items()
        }

    def cut_off(*_: Any) -> None:
        raise _Undone

    with world.database.transaction() as tx:
        before = sealed(tx)
    with monkeypatch.context() as patched:
        patched.setattr(_rearranging, "_report", cut_off)
        with pytest.raises(_Undone), world.database.transaction() as tx:
            world.apart(tx)
    with world.database.transaction() as tx:
        assert sealed(tx) == before, "what the keeper did in between is told by nothing here"
        [count] = tx.rows("SELECT count(*) AS records FROM consolidation.source_record WHERE customer_id = %s", (world.sure,))
        assert count["records"] == 2
    with world.undone() as tx:
        assert len(world.apart(tx).customers) == 2


def test_a_decision_that_was_carried_out_is_left_when_somebody_decided_otherwise_of_others(world: World) -> None:
    with world.undone() as tx:
        first = reviewing.queue(tx=tx, limit=1)[0]
        reviewing.decide(tx=tx, left=first.left, right=first.right, decision="same", why="moved", by="emma.bakker", now=NOW)
        again = reviewing.decide(tx=tx, left=first.left, right=first.right, decision="same", why="moved", by="emma.bakker", now=LATER)
        assert again.decided_at == NOW, "the same again changes nothing"
        with pytest.raises(Conflict, match=r"emma\.bakker decided on 2026-11-01 that they are same"):
            reviewing.decide(tx=tx, left=first.left, right=first.right, decision="different", why="twins", by="fenna.prins", now=NOW)
        progress = reviewing.progress(tx=tx)
        assert (progress.open, progress.same, progress.all) == (1, 1, 2)


def test_who_is_erased_takes_the_records_along(world: World) -> None:
    with world.undone() as tx:
        one, other = pair_of(tx)
        done = merging.merge(tx=tx, customer_ids=[one, other], **world.how())
        (ceased,) = [customer_id for customer_id, keys in done.customers.items() if not keys]
        (went_on,) = [customer_id for customer_id, keys in done.customers.items() if keys]
        assert merging.forget_records(tx=tx, party_id=_records.party_of(went_on)) == ([_records.party_of(ceased)], 2)


def test_usage_that_is_on_no_bill_yet_is_in_the_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_partition, "unbilled_usage", lambda **_: 3)
    with world.undone() as tx, pytest.raises(WrongState, match="3 records of usage of the products that would move are on no final bill yet"):
        world.apart(tx)


def test_after_a_final_bill_it_is_credited_and_billed_anew(world: World) -> None:
    bill = {"database": world.database, "keeper": world.keeper.client("bss"), "lake": world.lake, "unapproved": True, "identifiers": IDENTIFIERS}
    run_bills(**bill, period=bill_period(date(2026, 11, 1)), bill_date=date(2026, 12, 1), kind="final", now=LATER)  # type: ignore[arg-type]
    with world.database.transaction() as tx:
        [first] = bills_of(tx=tx, customer_id=world.sure)
        assert first.gross == Decimal("50.00"), "two lines, for November and ahead for December"
        receivables.register_payment(
            tx=tx, customer_id=world.sure, billing_account_id=world.account(tx, world.sure), amount=first.gross, received_on=date(2026, 12, 1),
            reference=first.bill_number, bank_reference="B1", now=LATER, identifiers=IDENTIFIERS,
        )  # fmt: skip
        with pytest.raises(WrongState, match=r"1 final bill has 25\.00 euros of the products that would move"):
            world.apart(tx, now=LATER)
        done = world.apart(tx, now=LATER, credit=True)
    (new,) = set(done.customers) - {world.sure}
    lines = done.report["credited"]
    assert sum(Decimal(line["credited"]) for line in lines) == Decimal("25.00")
    assert {(line["bill_number"], line["charged"], line["charged_to"]) for line in lines} == {(first.bill_number, "next_bill", str(new))}
    assert [(paid["bill_number"], paid["amount"]) for paid in done.report["paid"]] == [(first.bill_number, "50.00")]
    january = datetime(2027, 1, 1, 6, tzinfo=UTC)
    run_bills(**bill, period=bill_period(date(2026, 12, 1)), bill_date=date(2027, 1, 1), kind="final", now=january)  # type: ignore[arg-type]
    with world.database.transaction() as tx:
        amounts = {one: sorted(found.gross for found in bills_of(tx=tx, customer_id=one)) for one in (world.sure, new)}
    assert amounts == {
        world.sure: [Decimal("-25.00"), Decimal("12.50"), Decimal("50.00")],
        new: [Decimal("37.50")],
    }, "the one goes on with one line; the other has November to January on its first bill"


def test_usage_is_on_a_bill_once_its_period_is_closed(world: World) -> None:
    account_id, product_id = UUID(int=17), UUID(int=18)
    day, texts = "DATE '2027-03-01'", {"service": "voice", "zone": "NL", "roaming": "HOME"}
    said = {
        "month": "202703::INTEGER", "bucket": f"{bucket_of(account_id)}::INTEGER", "line": "1::INTEGER", "generation": "0::INTEGER",
        "units": "60::BIGINT", "start": "TIMESTAMPTZ '2027-03-12 09:00:00+00'", "period_day": day, "bill_day": day, "other_number": "NULL::BLOB",
        **{name: f"'{value}'" for name, value in texts.items()},
        **{name: f"'{IDENTIFIERS.new(NOW)}'::UUID" for name in ("record_id", "usage_file_id", "customer_id")},
        "billing_account_id": f"'{account_id}'::UUID", "product_id": f"'{product_id}'::UUID",
    }  # fmt: skip
    with world.lake.write(database=world.database, write_id=IDENTIFIERS.new(NOW)) as write, Duck() as duck:
        query = f"SELECT {', '.join(f'{said[name]} AS {name}' for name, _ in GUIDED.columns)}"
        write.append(GUIDED, duck.write_parquet(GUIDED, query, write.folder(GUIDED)))

    def unbilled(tx: Transaction, *product_ids: UUID) -> int:
        return unbilled_usage(
            tx=tx, lake=world.lake, billing_account_ids=[account_id], product_ids=list(product_ids), today=date(2027, 3, 20)
        )  # fmt: skip

    with world.undone() as tx:
        assert (unbilled(tx, product_id), unbilled(tx, UUID(int=19)), unbilled(tx)) == (1, 0, 0)
        tx.execute("INSERT INTO usage.closed_period VALUES (1, '2027-03-01', %s)", (NOW,))
        assert unbilled(tx, product_id) == 0
