"""What a record brings beside customer and products: read entry by entry, left behind with a reason where it cannot be carried over."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from factories.legacy import MOBILE, TODAY, extracted, fixed_row, product, record, write_fixed, write_mobile
from hoeksteen.consolidation._across import settle_across
from hoeksteen.consolidation._beside import beside_of
from hoeksteen.consolidation._carried import items_of, notes_of
from hoeksteen.consolidation._expected import expected_of
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carried_over import (
    CarriedOver,
    ContactPerson,
    Contract,
    Invoice,
    LegacyConsent,
    LegacyNote,
    contact_persons,
    contract_of,
)
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import Extract, LegacyRecord
from hoeksteen.consolidation.survivorship import survive
from hoeksteen.kernel.errors import InvalidInput

INVOICE = {
    "number": "MF-26-0100017", "date": "2026-09-20", "due": "2026-10-04", "total_cents": 4000, "open_cents": 3150, "currency": "EUR", "text": None,
    "disputed": False,
}  # fmt: skip
CUSTOMER = record().record_id


def read(tmp_path: Path, **changes: Any) -> tuple[LegacyRecord, list[str]]:
    """The one record of a mobile export, and the codes of its findings."""
    found = extracted(write_mobile(tmp_path, {**MOBILE, "payment": "TRANSFER", **changes}), "mobile")
    assert [entry.finding for entry in found.rejected] == []
    return found.records[0], [finding.code for finding in found.findings]


def test_an_invoice_is_read_whole(tmp_path: Path) -> None:
    got, codes = read(tmp_path, invoices=[{**INVOICE, "text": "kosten monteur", "disputed": True}], balance_cents=3150)
    expected = Invoice(
        0, "MF-26-0100017", date(2026, 9, 20), date(2026, 10, 4), Decimal("40.00"), Decimal("31.50"), "kosten monteur", disputed=True
    )  # fmt: skip
    assert (got.carried.invoices, got.carried.balance, codes) == ((expected,), Decimal("31.50"), [])
    (note,) = notes_of(got, CUSTOMER, "Mobile")
    assert (note.author, note.text) == ("billing", "MF-26-0100017 kosten monteur"), (
        "what a source says of an invoice may be about a person: it is sealed"
    )


@pytest.mark.parametrize(
    ("changes", "code", "amount"),
    [
        ({"open_cents": 4001}, "more_open_than_total", "40.01"),
        ({"open_cents": -3150}, "signs_differ", "-31.50"),
        ({"total_cents": 0}, "more_open_than_total", "31.50"),
        ({"currency": "GBP"}, "another_currency", None),
        ({"number": None}, "incomplete_invoice", "31.50"),
        ({"date": None}, "incomplete_invoice", "31.50"),
        ({"date": "2026-02-31"}, "incomplete_invoice", "31.50"),
        ({"open_cents": None}, "incomplete_invoice", None),
        ({"open_cents": "31,50"}, "not_an_amount", None),
        ({"number": "nota van Jan; 12"}, "not_an_invoice_number", "31.50"),
    ],
)
def test_an_invoice_that_cannot_be_carried_over_is_left_behind_and_the_record_loads(
    tmp_path: Path, changes: dict[str, Any], code: str, amount: str | None
) -> None:
    got, codes = read(tmp_path, invoices=[{**INVOICE, **changes}, {**INVOICE, "number": "MF-26-0100018"}])
    assert code in codes
    assert [(left.kind, left.code, left.amount) for left in got.carried.left_behind] == [("invoice", code, Decimal(amount) if amount else None)]
    assert [one.number for one in got.carried.invoices] == ["MF-26-0100018"]


@pytest.mark.parametrize(
    ("changes", "code", "due", "number"),
    [
        ({"due": "2026-09-19"}, "due_before_bill_date", date(2026, 9, 20), "MF-26-0100017"),
        ({"due": None}, "no_due_date", TODAY, "MF-26-0100017"),
        ({"number": "M-1000017/10"}, "number_holds_customer_number", date(2026, 10, 4), None),
    ],
)
def test_what_is_not_known_of_an_invoice_is_not_assumed_against_the_customer(
    tmp_path: Path, changes: dict[str, Any], code: str, due: date, number: str | None
) -> None:
    got, codes = read(tmp_path, invoices=[{**INVOICE, **changes}])
    assert (codes, got.carried.invoices[0].due_date, got.carried.invoices[0].number) == ([code], due, number)
    (item,) = items_of(got, CUSTOMER, "Mobile", TODAY)
    assert "M-1000017" not in item.reference


def test_a_record_of_more_entries_than_two_bytes_count() -> None:
    many = 1 << 16
    notes = (LegacyNote(date(2026, 1, 1), "agent", "x"),) * many
    collecting = replace(record(products=(product(),) * many), carried=CarriedOver(notes=notes))
    assert beside_of([collecting]).sums([collecting.record_id], ())["notes"] == many
    assert expected_of([collecting], date(2026, 11, 1)).sums([collecting.record_id], ()).products == many


def test_a_settled_invoice_and_a_credit_note(tmp_path: Path) -> None:
    credit = {**INVOICE, "number": "MF-26-0100018", "total_cents": -500, "open_cents": -500}
    got, codes = read(tmp_path, invoices=[{**INVOICE, "open_cents": 0}, credit])
    assert (codes, [one.open_amount for one in got.carried.invoices]) == ([], [Decimal("-5.00")])


@pytest.mark.parametrize(
    ("balance", "invoices", "counts", "items", "differs"),
    [
        ("31.50", ["31.50"], True, ["31.50"], False),
        ("26.50", ["31.50"], True, ["31.50", "-5.00"], True),
        ("26.50", ["31.50"], False, ["31.50"], True),
        ("-12.25", [], True, ["-12.25"], False),
        (None, ["31.50"], True, ["31.50"], False),
        ("0.00", ["31.50"], True, ["31.50", "-31.50"], True),
    ],
)
def test_the_mapping_declares_whether_balance_or_invoices_count(
    balance: str | None, invoices: list[str], counts: bool, items: list[str], differs: bool
) -> None:
    own = tuple(Invoice(place, f"F{place}", date(2026, 9, 1), date(2026, 9, 15), Decimal(text), Decimal(text)) for place, text in enumerate(invoices))
    one = record(carried=CarriedOver(invoices=own, balance=Decimal(balance) if balance else None, balance_counts=counts))
    found = items_of(one, CUSTOMER, "Fixed line", TODAY)
    assert [str(item.amount) for item in found] == items
    assert sum((item.amount for item in found), Decimal(0)) == one.carried.net
    assert (one.carried.balance is not None and bool(invoices) and one.carried.balance != one.carried.open_on_invoices) == differs


def test_a_balance_that_differs_is_a_finding_and_counts_where_it_is_authoritative(tmp_path: Path) -> None:
    changes = {
        "SALDO": "20,00",
        "FACTUUR": "26100017",
        "FACT_DAT": "20-09-2026",
        "VERVALDAT": "04-10-2026",
        "FACT_BEDR": "40,00",
        "OPEN_BEDR": "31,50",
    }
    found = extracted(write_fixed(tmp_path, fixed_row(**changes)))
    assert [(finding.field, finding.code) for finding in found.findings] == [("SALDO", "balance_differs")]
    assert found.records[0].carried.net == Decimal("20.00")


def test_a_mapping_whose_balance_only_informs_needs_invoices(tmp_path: Path) -> None:
    text = Path("src/hoeksteen/consolidation/mappings/fixed.yaml").read_text("utf-8").replace("balance: authoritative", "balance: informative")
    lines = [line for line in text.splitlines() if "to: invoice." not in line]
    (tmp_path / "m.yaml").write_text("\n".join(lines), "utf-8")
    with pytest.raises(InvalidInput, match="field balance: must be authoritative"):
        read_mapping(tmp_path / "m.yaml")


@pytest.mark.parametrize(
    ("entry", "kept", "code"),
    [
        ({"decision": "yes", "date": "2020-05-01"}, ("given", date(2020, 5, 1)), None),
        ({"decision": "no", "date": None}, ("withdrawn", None), None),
        ({"decision": "yes", "date": None}, None, "consent_without_day"),
        ({"decision": "yes", "date": "2030-01-01"}, None, "consent_in_the_future"),
        ({"decision": "perhaps", "date": "2020-05-01"}, None, "incomplete_consent"),
        ({"decision": "yes", "date": "2020-05-01", "purpose": "astrology"}, None, "incomplete_consent"),
    ],
)
def test_consent_is_never_invented(tmp_path: Path, entry: dict[str, Any], kept: tuple[str, date | None] | None, code: str | None) -> None:
    got, codes = read(tmp_path, consents=[{"purpose": "marketing_email", "channel": "web", **entry}])
    expected = () if kept is None else (LegacyConsent("marketing_email", *kept, "web"),)
    assert got.carried.consents == expected
    assert [left.code for left in got.carried.left_behind] == ([code] if code else [])
    assert code is None or code in codes


def test_a_consent_that_stands_in_a_column(tmp_path: Path) -> None:
    rows = fixed_row(BELLEN="N", BELLEN_DAT="03-04-2021"), fixed_row("10000002", "A1000003", NUMMER="030-2123457", BELLEN="")
    one, other = extracted(write_fixed(tmp_path, *rows)).records
    assert one.carried.consents == (LegacyConsent("marketing_phone", "withdrawn", date(2021, 4, 3)),)
    assert other.carried.consents == (), "unknown stays unknown"


def test_notes_keep_their_lines_lose_what_no_screen_shows_and_are_cut_at_spaces(tmp_path: Path) -> None:
    long = "woord " * 400
    entries = [
        {"date": "2026-01-05", "author": "agent", "text": "Belt\u0007 terug.\r\nNa  zes\u0000 uur."},
        {"date": None, "author": "poet", "text": long},
        {"date": "2026-01-05", "author": "agent", "text": "  "},
    ]
    got, codes = read(tmp_path, notes=entries)
    first, *rest = got.carried.notes
    assert (first.text, first.day, first.author) == ("Belt terug.\nNa zes uur.", date(2026, 1, 5), "agent")
    assert (len(rest), " ".join(one.text for one in rest)) == (2, long.strip())
    assert {one.author for one in rest} == {"unknown"}
    assert rest[0].day == TODAY - timedelta(days=1)
    assert sorted(set(codes)) == ["control_characters", "note_without_day", "unknown_code"]


def test_contact_persons_of_all_records_are_kept_each_once() -> None:
    one = record(carried=CarriedOver(contacts=(ContactPerson("J. de Vries", None, "31612345671"), ContactPerson("A. Smit"))))
    other = record("mobile", carried=CarriedOver(contacts=(ContactPerson("J DE VRIES", "inkoop"), ContactPerson("J. de Vries", None, "31612345672"))))
    found = contact_persons([one, other])
    assert found == [
        ContactPerson("J. de Vries", "inkoop", "31612345671"),
        ContactPerson("A. Smit"),
        ContactPerson("J. de Vries", None, "31612345672"),
    ]
    kept = survive(records=[one, other], trust={"fixed": 1, "mobile": 2}).kept["contact", "contact_persons"]
    assert (kept.value, kept.rule, len(kept.records)) == (found, "all", 2)


@pytest.mark.parametrize(
    ("given", "contract", "code"),
    [
        ({"months": 12, "start": "2026-03-01", "end": "2027-03-01"}, Contract(12, date(2026, 3, 1), date(2027, 3, 1)), None),
        ({"months": None, "start": "2026-03-01", "end": "2028-03-01"}, Contract(24, date(2026, 3, 1), date(2028, 3, 1)), None),
        ({"months": 12, "start": None, "end": None}, Contract(12, date(2019, 3, 1), None), None),
        ({"months": None, "start": "2026-03-01", "end": "2027-03-05"}, None, "contract_without_months"),
        ({"months": 12, "start": "2026-03-01", "end": "2026-03-01"}, None, "contract_ends_before_it_begins"),
    ],
)
def test_a_contract_has_whole_months(tmp_path: Path, given: dict[str, Any], contract: Contract | None, code: str | None) -> None:
    got, codes = read(tmp_path, contract=given)
    assert (contract_of(got), codes) == (contract, [code] if code else [])


def test_a_mandate_is_whole_or_the_customer_pays_by_transfer(tmp_path: Path) -> None:
    mandate = {"reference": "LM1", "date": "2019-03-01", "used": False}
    found = extracted(write_mobile(tmp_path, {**MOBILE, "iban": "NL91ABNA0417164300", "mandate": mandate}), "mobile").records[0]
    assert (found.payment_method, found.carried.has_mandate, found.carried.mandate_was_used) == ("direct_debit", True, False)
    for lost in ({"iban": None}, {"mandate": {**mandate, "date": None}}, {"mandate": None}):
        other = extracted(write_mobile(tmp_path, {**MOBILE, "iban": "NL91ABNA0417164300", "mandate": mandate, **lost}), "mobile")
        assert [finding.code for finding in other.findings] == ["mandate_incomplete"]
        assert (other.records[0].payment_method, other.records[0].carried.has_mandate) == ("transfer", False)


def test_a_mandate_of_another_account_is_none(tmp_path: Path) -> None:
    text = Path("src/hoeksteen/consolidation/mappings/mobile.yaml").read_text("utf-8")
    (tmp_path / "m.yaml").write_text(text.replace("  mandate.date:", "  mandate.iban: {to: mandate_iban}\n  mandate.date:"), "utf-8")
    mandate = {"reference": "LM1", "date": "2019-03-01", "iban": "NL20INGB0001234567"}
    found = extracted(write_mobile(tmp_path, {**MOBILE, "iban": "NL91ABNA0417164300", "mandate": mandate}), read_mapping(tmp_path / "m.yaml"))
    assert [finding.code for finding in found.findings] == ["mandate_of_another_account"]
    assert found.records[0].payment_method == "transfer"


def _settled(*records: LegacyRecord, **more: LegacyRecord) -> list[Extract]:
    given = [("fixed", 3, list(records)), *((name, 1, [one]) for name, one in more.items())]
    extracts = [
        Extract(name, True, trust, Path(f"{name}.csv"), records=Staged(some), expected=expected_of(some, TODAY)) for name, trust, some in given
    ]
    settle_across(extracts, {found.source: read_mapping(Path(found.source)) for found in extracts}, TODAY)
    return extracts


def test_an_invoice_number_that_repeats_in_a_source_counts_once() -> None:
    own = CarriedOver(invoices=(Invoice(0, "F1", date(2026, 9, 1), date(2026, 9, 15), Decimal(10), Decimal(10)),))
    (fixed,) = _settled(record(carried=own, products=()), record(key="2", carried=own, products=()))
    assert [len(one.carried.invoices) for one in fixed.records] == [1, 0]
    assert [(left.code, left.amount) for left in fixed.records[1].carried.left_behind] == [("invoice_number_repeats", Decimal(10))]
    assert [(finding.field, finding.code) for finding in fixed.findings] == [("FACTUUR", "invoice_number_repeats")]
    sums = beside_of(fixed.records).sums(fixed.records.record_ids(), set())
    assert fixed.beside is not None and fixed.beside.sums(fixed.records.record_ids(), set()) == sums
    assert (sums["owed"], sums["left_invoice"], sums["left_amount"]) == (1_000, 1, 1_000)


def test_a_sim_at_two_records_is_the_one_in_service_of_the_most_trusted_source() -> None:
    ended = product(end=date(2026, 1, 1))
    fixed, mobile = _settled(record(products=(product(),)), record(key="2", products=(ended,)), mobile=record("mobile", products=(product(),)))
    assert [one.products[0].iccid for one in (*fixed.records, *mobile.records)] == [None, None, "8931990000000000018"]
    assert [finding.code for finding in fixed.findings] == ["sim_repeats", "sim_repeats"]
    assert [len(one.products) for one in fixed.records] == [1, 1], "the customer and the product stay"
    assert fixed.expected.sums(fixed.records.record_ids(), set()).sims == 0


def test_a_sim_that_goes_on_in_the_next_contract_of_a_record_stays() -> None:
    before, after = product(end=date(2026, 1, 1)), replace(product(start=date(2026, 1, 1)), item_key="S2")
    (fixed,) = _settled(record(products=(before, after)))
    assert [one.iccid for one in fixed.records[0].products] == ["8931990000000000018"] * 2
    assert fixed.findings == []


@pytest.mark.parametrize(
    ("iccid", "code"), [("8931990000000000019", "iccid_check_digit"), ("89319900", "not_an_iccid"), ("893199000000000001", None)]
)
def test_a_sims_number_has_its_check_digit(tmp_path: Path, iccid: str, code: str | None) -> None:
    got, codes = read(tmp_path, sims=[{**MOBILE["sims"][0], "iccid": iccid}])
    assert (got.products[0].iccid, codes) == (None if code else iccid, [code] if code else [])
