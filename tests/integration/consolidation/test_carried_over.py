"""What records bring beside customer and products, in the rooms that own it: counted, to the cent, sealed where it is personal."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from factories.exports import NOW, bring_in, invent_exports, key_of, rows_of
from factories.legacy import MOBILE, fixed_row, write_fixed, write_mobile
from fixtures.keeper import RunningKeeper
from hoeksteen.care.disputes import open_disputes
from hoeksteen.care.model import Interaction, Reason
from hoeksteen.care.operations import record_interaction
from hoeksteen.care.queries import notes
from hoeksteen.consolidation._carried import move_carried, take_back_carried
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.report import Report
from hoeksteen.disclosure.queries import lookup, reveal
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.party.consents import standing_consents
from hoeksteen.party.queries import agreements, billing_accounts, customer, list_customers
from hoeksteen.receivables.mandates import mandates_of
from hoeksteen.receivables.queries import open_items
from hoeksteen.storage.postgres import Database

LATER = datetime(2026, 11, 2, 9, tzinfo=UTC)
Bring = Callable[..., Report]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invent_exports(tmp_path_factory.mktemp("legacy") / "exports", customers=200, seed=8)


def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def balances(database: Database) -> dict[str, Decimal]:
    with database.transaction() as tx:
        return {row.ledger_account_code: row.balance for row in trial_balance(tx=tx) if row.balance}


def test_all_that_was_invented_is_here_to_the_cent_and_nothing_twice(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    report = bring_in(database, keeper.client("bss"), exports, "carried")
    truth = json.loads((exports / "truth.json").read_text("utf-8"))["sources"]
    for source in report.sources:
        it, expected = source.carried, truth[source.name]
        assert source.closes
        assert (it.open_items.out, it.open_items.amount_out) == (expected["open_items"], euros(expected["open_cents"]))
        assert (it.credits.out, it.credits.amount_out) == (expected["credits"], euros(expected["credit_cents"]))
        assert (it.net_out, it.invoices_left_behind) == (euros(expected["net_cents"]), expected["invoices_left_behind"])
        assert it.mandates.into == it.mandates.out + it.mandates.superseded == expected["mandates"]
        assert [it.counted[kind].out for kind in ("consents", "contacts", "notes", "contracts")] == [
            expected[kind] for kind in ("consents", "contacts", "notes", "contracts")
        ]
    net = sum((source.carried.net_out for source in report.sources), Decimal(0))
    assert net > 0
    assert balances(database) == {"1300": net, "0990": -net}
    assert {entry.code for entry in report.findings} >= {"balance_differs", "mandate_incomplete"}
    before = rows_of(database)
    assert bring_in(database, keeper.client("bss"), exports, "carried") == report
    assert rows_of(database) == before
    with database.transaction() as tx:
        for table in ("receivables.carried_item", "party.consent", "care.note"):
            tx.execute(f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} LIMIT 1)")
    lost = bring_in(database, keeper.client("bss"), exports, "carried").sources
    assert sorted(name for source in lost for name, one in source.carried.counted.items() if not one.closes) == ["consents", "notes"]
    assert [source.carried.net_in == source.carried.net_out for source in lost].count(False) == 1


INVOICE = {"number": "MF-26-0100017", "date": "2026-09-20", "due": "2026-10-04", "total_cents": 4000, "open_cents": 3150, "disputed": True}
BUSINESS = {
    "type": "B", "company": {"name": "De Korst", "legal_form": "B.V.", "kvk": "00123456"}, "birth_date": None, "iban": "NL91ABNA0417164300",
    "mandate": {"reference": "LM1", "date": "2019-03-01", "used": True}, "invoices": [INVOICE], "balance_cents": 3150,
    "contacts": [{"name": "A. Smit", "role": "inkoop", "phone": "0612345679", "email": "smit@korst.example"}],
    "notes": [{"date": "2026-01-05", "author": "collections", "text": "Betaalt op de 25e."}],
    "contract": {"months": 24, "start": "2026-03-01", "end": "2028-03-01"},
    "consents": [
        {"purpose": "marketing_email", "decision": "yes", "date": "2020-05-01", "channel": "web"},
        {"purpose": "marketing_phone", "decision": "yes", "date": "2020-05-01", "channel": "phone"},
    ],
}  # fmt: skip


@pytest.fixture
def bring(database: Database, keeper: RunningKeeper, tmp_path: Path) -> Bring:
    def bringing(key: str, rows: list[str], **changes: Any) -> Report:
        given = [
            Source(Path("fixed"), write_fixed(tmp_path, *rows)),
            Source(Path("mobile"), write_mobile(tmp_path, {**MOBILE, **BUSINESS, **changes})),
        ]
        return bring_in(database, keeper.client("bss"), tmp_path, key, given=given)

    return bringing


SAME = {
    "NAAM": "DE KORST BV", "GEBDAT": "", "KVK": "00123456", "GEINCASSEERD": "N", "BELLEN": "N", "BELLEN_DAT": "01-05-2020", "SALDO": "-5,00",
    "CONTACTPERS": "A SMIT", "PRODUCT": "ZAK-V",
}  # fmt: skip


def looking(database: Database, customer_id: UUID) -> Interaction:
    with database.transaction() as tx:
        return record_interaction(tx=tx, customer_id=customer_id, actor="bss", reason=Reason("phone"), now=NOW, identifiers=Identifiers(Random(4)))


def test_two_records_of_one_customer_bring_it_together(database: Database, keeper: RunningKeeper, bring: Bring) -> None:
    bss = keeper.client("bss")
    report = bring("together", [fixed_row(**SAME)])
    assert report.closes and report.customers == 1
    assert [source.carried.mandates.superseded for source in report.sources] == [1, 0]
    with database.transaction() as tx:
        (one,) = list_customers(tx=tx, after=None, limit=10)
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert [(item.kind, item.origin, item.reference, item.open_amount) for item in items] == [
            ("bill", "Mobile", "MF-26-0100017", Decimal("31.50")), ("credit", "Fixed line", "balance fixed", Decimal("-5.00")),
        ]  # fmt: skip
        (mandate,) = mandates_of(tx=tx, customer_id=one.customer_id)
        assert (mandate.state, mandate.is_first, mandate.signed_on) == ("active", False, date(2019, 3, 1))
        (held,) = billing_accounts(tx=tx, customer_id=one.customer_id)
        assert held.payment_method == "direct_debit"
        assert [found.customer_bill_id for found in open_disputes(tx=tx, customer_ids=[one.customer_id])] == [items[0].customer_bill_id]
        consents = {found.purpose: found.decision for found in standing_consents(tx=tx, customer_ids=[one.customer_id])}
        assert consents == {"marketing_email": "given", "marketing_phone": "withdrawn"}, "of two on one day the withdrawal holds"
        (agreement,) = agreements(tx=tx, customer_id=one.customer_id)
        assert (agreement.commitment_months, agreement.valid_from, agreement.valid_to) == (24, date(2026, 3, 1), date(2028, 3, 1))
        contact = reveal(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, subjects=[one.party_id])[one.party_id].fields
        (hits,) = lookup(keeper=bss, purpose="migration", index="email", values=["smit@korst.example"])
    assert contact["contact_persons"] == [{"name": "A. Smit", "function": "inkoop", "phone": "31612345679", "email": "smit@korst.example"}]
    assert one.party_id in {hit.subject for hit in hits}
    anna = keeper.client("anna.dekker")
    with database.transaction() as tx:
        (note,) = notes(tx=tx, keeper=anna, interaction=looking(database, one.customer_id))
    assert (note.actor, note.origin, note.text, note.written_at.date()) == ("collections", "Mobile", "Betaalt op de 25e.", date(2026, 1, 4))


def test_what_a_record_brought_moves_to_another_customer_and_back(database: Database, keeper: RunningKeeper, bring: Bring) -> None:
    bss = keeper.client("bss")
    bring("moving", [fixed_row(SALDO="12,50")])
    key = key_of("moving").record_id("mobile", MOBILE["account_id"])
    before, booked = rows_of(database), balances(database)
    with database.transaction() as tx:
        owners = {row["source"]: row["customer_id"] for row in tx.rows("SELECT source, customer_id FROM consolidation.source_record")}
        move_carried(tx=tx, keeper=bss, source_keys=[key], customer_id=owners["fixed"], now=LATER)
        assert [item.reference for item in open_items(tx=tx, customer_id=owners["fixed"])] == ["MF-26-0100017", "balance fixed"]
        assert open_items(tx=tx, customer_id=owners["mobile"]) == []
        assert len(open_disputes(tx=tx, customer_ids=[owners["fixed"]])) == 1
        assert len(standing_consents(tx=tx, customer_ids=[owners["fixed"]])) == 2
        moved = tx.rows("SELECT customer_id, subject_id FROM care.note")
        assert [tuple(row.values()) for row in moved] == [(owners["fixed"], derived("party", str(owners["fixed"])))]
    assert balances(database) == booked
    with database.transaction() as tx:
        move_carried(tx=tx, keeper=bss, source_keys=[key], customer_id=owners["mobile"], now=LATER)
    assert (rows_of(database), balances(database)) == (before, booked)


def test_what_was_carried_over_is_taken_back_whole(database: Database, keeper: RunningKeeper, bring: Bring) -> None:
    bring("back", [fixed_row(SALDO="12,50")])
    with database.transaction() as tx:
        everybody = [one.customer_id for one in list_customers(tx=tx, after=None, limit=10)]
        take_back_carried(tx=tx, customer_ids=everybody, now=LATER)
        customer(tx=tx, customer_id=everybody[0])
    tables = ("receivables.carried_item", "receivables.mandate", "party.consent", "care.note", "care.dispute", "consolidation.carried_record")
    assert balances(database) == {}
    assert {table: rows for table, rows in rows_of(database).items() if table in tables and rows} == {}
