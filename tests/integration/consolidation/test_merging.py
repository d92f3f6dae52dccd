"""Merging customers and taking them apart again: what a load would have made that had never merged them, to the field and the cent."""

from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from factories.exports import CUTOVER, NOW, key_of, rows_of, sources
from factories.exports import invent_exports as invented
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation import _moving_store, _record_store, _records, merging, operations
from hoeksteen.consolidation.model import Cluster, LegacyProduct, LegacyRecord
from hoeksteen.consolidation.operations import consolidate
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import lookup, reveal
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

IDENTIFIERS = Identifiers(Random(7))
BY, WHY = "bram.visser", "two households"
INDEXED = {"customer_number": "legacy_numbers", "phone": "phones", "email": "emails", "iban": "iban"}


def bring_in(database: Database, keeper: KeeperClient, folder: Path, key: str) -> None:
    consolidate(database=database, keeper=keeper, sources=sources(folder), pseudonyms=key_of(key), cutover=CUTOVER, now=NOW)


def revealed(database: Database, keeper: KeeperClient) -> dict[str, dict[UUID, Any]]:
    """Every field that is sealed of anybody, by category and subject."""
    found = {}
    with database.transaction() as tx:
        parties = [row["party_id"] for row in tx.rows("SELECT party_id FROM party.party")]
        for category in (Category.IDENTITY, Category.CONTACT, Category.PAYMENT):
            opened = reveal(tx=tx, keeper=keeper, purpose="migration", category=category, subjects=parties)
            found[category.value] = {subject: one.fields for subject, one in opened.items()}
    return found


def found_by(keeper: KeeperClient, contacts: dict[UUID, Any]) -> dict[str, set[tuple[UUID, UUID | None]]]:
    """Who is found by each telephone number, and by each number of a product."""
    numbers = sorted({phone["e164"] for fields in contacts.values() for phone in fields["phones"]})
    found = {}
    for index in ("phone", "number"):
        hits = lookup(keeper=keeper, purpose="migration", index=index, values=numbers)
        found |= {f"{index} {number}": {(hit.subject, hit.ref) for hit in some} for number, some in zip(numbers, hits, strict=True)}
    return found


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invented(tmp_path_factory.mktemp("legacy") / "exports", customers=120, seed=5)


@pytest.fixture
def loaded(database: Database, keeper: RunningKeeper, exports: Path, request: pytest.FixtureRequest) -> Database:
    bring_in(database, keeper.client("bss"), exports, request.node.name)
    return database


def customers_of(database: Database) -> dict[UUID, list[UUID]]:
    with database.transaction() as tx:
        rows = tx.rows(
            "SELECT customer_id, source_key FROM consolidation.source_record WHERE customer_id IS NOT NULL ORDER BY customer_id, source_key"
        )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(row["source_key"])
    return found


def everything(database: Database, keeper: KeeperClient) -> tuple[dict[str, set[str]], Any, Any]:
    sealed = revealed(database, keeper)
    return rows_of(database), sealed, found_by(keeper, sealed["contact"])


def how(lake: Lake, keeper: RunningKeeper, **more: Any) -> dict[str, Any]:
    return {"keeper": keeper.client("bss"), "lake": lake, "by": BY, "why": WHY, "now": NOW, "identifiers": IDENTIFIERS, **more}


def test_what_was_merged_wrongly_and_is_taken_apart_was_never_merged(
    database: Database, keeper: RunningKeeper, lake: Lake, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bss = keeper.client("bss")
    real, wrong = operations.build_clusters, list[tuple[int, ...]]()

    def build(**given: Any) -> Any:
        clusters, doubts = real(**given)
        doubtful = {place for doubt in doubts for place in (doubt.left, doubt.right)}
        single = [one for one in clusters if not set(one.members) & doubtful]
        some = sorted(single, key=lambda one: (-len(one.members), one.members))[:6] + single[:6]
        for one, other in zip(some[::2], some[1::2], strict=True):
            if one in clusters and other in clusters and one != other:
                clusters.remove(one)
                clusters.remove(other)
                rank = given["rank"]
                wrong.append(other.members if rank[one.members[0]] < rank[other.members[0]] else one.members)
                clusters.append(Cluster(tuple(sorted(one.members + other.members, key=lambda place: rank[place]))))
        return clusters, doubts

    with monkeypatch.context() as patched:
        patched.setattr(operations, "build_clusters", build)
        patched.setattr(operations, "_report", lambda *_: None)
        places: dict[int, UUID] = {}
        keep = operations.places_to_keep
        patched.setattr(operations, "places_to_keep", lambda **given: keep(**given))
        seal = operations.seal_records

        def noted(**given: Any) -> int:
            places.update({place: record.record_id for place, record in enumerate(given["records"])})
            return seal(**given)

        patched.setattr(operations, "seal_records", noted)
        bring_in(database, bss, exports, "apart")
    assert len(wrong) >= 4
    for members in wrong:
        keys = [places[place] for place in members]
        with database.transaction() as tx:
            owner = _record_store.owners_of(tx, keys)[keys[0]]
            merging.unmerge(tx=tx, customer_id=owner, source_keys=keys, **how(lake, keeper))
    apart = everything(database, bss)
    with database.transaction() as tx:
        for table in (
            "consolidation.former_customer", "consolidation.sealed_record", "disclosure.sealed",
            "consolidation.carried_record", "receivables.carried_item", "receivables.mandate", "party.consent", "care.note", "care.dispute",
        ):  # fmt: skip
            tx.execute(f"DELETE FROM {table}")
        for table in (
            "consolidation.review", "consolidation.source_record", "consolidation.source_product", "product.resource", "product.price_alteration",
            "product.product_term", "product.product", "party.agreement", "party.billing_account", "party.customer", "party.party",
        ):  # fmt: skip
            tx.execute(f"DELETE FROM {table}")
    bring_in(database, bss, exports, "apart")
    never = everything(database, bss)
    for table, rows in never[0].items():
        assert apart[0][table] == rows, table
    assert apart[1] == never[1]
    assert apart[2] == never[2]


def test_merging_and_taking_apart_gives_back_what_was(loaded: Database, keeper: RunningKeeper, lake: Lake) -> None:
    bss = keeper.client("bss")
    with loaded.transaction() as tx:
        pairs = tx.rows("SELECT source_key_left, source_key_right FROM consolidation.review WHERE state = 'open' ORDER BY 1, 2 LIMIT 4")
        owners = [_record_store.owners_of(tx, list(pair.values())) for pair in pairs]
    assert pairs
    before = everything(loaded, bss)
    with loaded.transaction() as tx:
        numbers = tx.rows("SELECT customer_id, customer_number FROM party.customer ORDER BY 1")
    for owner in owners:
        named = list(owner.values())
        with loaded.transaction() as tx:
            if len(set(named)) < 2 or any(merging.merged_into(tx=tx, customer_id=one) for one in named):
                continue
            done = merging.merge(tx=tx, customer_ids=named, **how(lake, keeper))
        (ceased,) = [one for one, keys in done.customers.items() if not keys]
        (went_on,) = [one for one, keys in done.customers.items() if keys]
        with loaded.transaction() as tx:
            assert merging.merged_into(tx=tx, customer_id=ceased) == went_on
            assert tx.value("SELECT count(*) FROM product.product WHERE customer_id = %s", (ceased,)) == 0
            assert tx.value("SELECT status FROM party.customer WHERE customer_id = %s", (ceased,)) == "closed"
            assert _records.party_of(ceased) not in revealed(loaded, bss)["identity"]
            story = merging.history(tx=tx, customer_id=went_on)
            assert [row["customer_id"] for row in story["merged"]] == [ceased]
            assert [row["made_by"] for row in story["rearrangements"]] == [BY]
        keys = [key for key, holder in owner.items() if holder == ceased]
        with loaded.transaction() as tx:
            held = _record_store.former(tx, [ceased])[ceased]["source_keys"]
            assert set(keys) <= set(held)
            merging.unmerge(tx=tx, customer_id=went_on, source_keys=held, **how(lake, keeper))
    assert everything(loaded, bss) == before
    with loaded.transaction() as tx:
        assert tx.rows("SELECT customer_id, customer_number FROM party.customer ORDER BY 1") == numbers


def test_every_table_of_a_customer_is_in_one_list(database: Database) -> None:
    with database.transaction() as tx:
        found = {
            row["name"]
            for row in tx.rows(
                "SELECT c.table_schema || '.' || c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t"
                " USING (table_schema, table_name) WHERE c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE'"
            )
        }
    named = _moving_store.all_tables()
    assert len(named) == len(set(named)), "a table stands in one list only"
    assert found == set(named), "say in _moving_store what becomes of a table when a customer's records become another's"


def test_every_field_of_a_record_is_sealed_kept_in_the_clear_or_left_out() -> None:
    places = [*_records.IDENTITY, *_records.CONTACT, *_records.PAYMENT, *_records.IN_THE_CLEAR, *_records.NOT_KEPT]
    assert sorted(places) == sorted(field.name for field in fields(LegacyRecord))
    of_products = [*_records.OF_PRODUCTS, *_records.PRODUCTS_IN_THE_CLEAR, *_records.PRODUCTS_NOT_KEPT]
    assert sorted(of_products) == sorted(field.name for field in fields(LegacyProduct))
