"""The bills that a trial made, against invoice lines of a legacy system."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from factories.billed_operator import NOW, BilledOperator
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.holding import hold_customers
from hoeksteen.consolidation.parallel_run import Chosen, Next, compare_invoices
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.interfaces.cli.consolidate_group import consolidate
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import derived
from hoeksteen.product.model import NewAlteration

PSEUDONYMS = Pseudonyms(bytes(range(32)))
MAPPING = """
lines_of: old
reader: {kind: csv, encoding: utf-8, delimiter: ";"}
columns:
  FACTUUR: {to: invoice}
  KLANT: {to: record}
  AANSL: {to: product}
  OMSCHRIJVING: {ignore: may hold a number}
  SOORT: {to: kind, codes: {A: recurring, E: one_time, G: usage, K: discount}}
  NETTO: {to: net, decimal: comma}
  BTW: {to: vat, decimal: comma}
  VAN: {to: period_from, format: dd-mm-yyyy}
  TM: {to: period_to, format: dd-mm-yyyy}
period_to_is_last: true
"""
NOVEMBER = "01-11-2026;30-11-2026"


def _legacy(operator: BilledOperator, key: str, *offerings: str, alterations: Any = ()) -> list[str]:
    """A customer who came from the old system, and the keys of the products there; as a load would have left them."""
    held = operator.add(*offerings, segment="business", alterations=alterations)
    record_id = PSEUDONYMS.record_id("old", key)
    with operator.database.transaction() as tx:
        tx.execute(
            "INSERT INTO consolidation.source_record (source, source_key, digest, source_row, state, customer_id, loaded_at)"
            " VALUES ('old', %s, '', 1, 'loaded', %s, %s)",
            (record_id, held[0].customer_id, NOW),
        )
        for number, one in enumerate(held):
            became = derived("product", str(record_id), f"P{number}")
            tx.execute(
                "INSERT INTO consolidation.source_product (customer_id, product_id, source, source_key, monthly) VALUES (%s, %s, 'old', %s, 0)",
                (one.customer_id, became, record_id),
            )
            _rename(tx, one.customer_id, one.product_id, became)
    return [f"P{number}" for number in range(len(held))]


def _rename(tx: Any, customer_id: UUID, was: UUID, becomes: UUID) -> None:
    tx.execute(
        "INSERT INTO product.product SELECT customer_id, %s, billing_account_id, start_day, recurring_billed_to FROM product.product"
        " WHERE product_id = %s",
        (becomes, was),
    )
    for table in ("product_term", "price_alteration", "resource"):
        tx.execute(f"UPDATE product.{table} SET product_id = %s WHERE customer_id = %s AND product_id = %s", (becomes, customer_id, was))
    tx.execute("DELETE FROM product.product WHERE product_id = %s", (was,))


def _written(folder: Path, *rows: str) -> tuple[Path, Path]:
    mapping, file = folder / "lines.yaml", folder / "lines.csv"
    mapping.write_text(MAPPING, "utf-8")
    file.write_text("\n".join(["FACTUUR;KLANT;AANSL;OMSCHRIJVING;SOORT;NETTO;BTW;VAN;TM", *rows]) + "\n", "utf-8")
    return mapping, file


def _result(data: Path, *words: str | Path, as_json: bool = True) -> Result:
    called = ["compare", *map(str, words), "--data", str(data), *(["--json"] if as_json else [])]
    return CliRunner(env={"COLUMNS": "220"}).invoke(consolidate, called)


def test_a_trial_is_held_against_the_invoices_line_by_line(
    operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path
) -> None:
    data = installed(tmp_path, operator, business_dsn, keeper)
    (data / "app" / "keys" / "consolidation.key").write_bytes(bytes(range(32)))
    less = NewAlteration(UUID(int=5), "kept", "amount", Decimal("-9.00"), date(2024, 5, 1))
    _legacy(operator, "K1", "business-internet", alterations=[less])
    _legacy(operator, "K2", "business-internet", "business-voice")
    _legacy(operator, "K3", "business-internet")
    operator.run(kind="trial")
    files = _written(
        tmp_path,
        f"F1;K1;P0;Zakelijk internet 030-1234567;A;60,00;12,60;{NOVEMBER}",  # the discount is in their price
        f"F2;K2;P0;Zakelijk internet;A;65,00;13,65;{NOVEMBER}",
        f"F2;K2;;Porto;E;1,00;0,21;{NOVEMBER}",
        f"F9;K9;P0;Zakelijk internet;A;69,00;14,49;{NOVEMBER}",
        "F9;K9;P0;Gesprekken;X;69,00;14,49;;",
    )
    figures = json.loads(_result(data, "--period", "2026-10", "--mapping", files[0], "--input", files[1]).stdout.strip().splitlines()[-1])
    assert (figures["invoices"], figures["bills"], figures["lines_there"], figures["same"]) == (3, 3, 4, 1)
    causes = {one["cause"]: (one["lines"], Decimal(one["net"])) for one in figures["causes"]}
    assert causes["price"] == (1, Decimal("4.00"))
    assert causes["missing_here"] == (2, Decimal("-70.00")), "their postage, and the invoice of a record that is nobody here"
    assert causes["extra_product"][0] == 1
    assert causes["missing_there"] == (1, Decimal("69.00")), "they have no invoice of K3"
    assert figures["adds_up"] and set(causes) == {"price", "missing_here", "extra_product", "missing_there"}
    assert [(one["place"], one["field"], one["code"]) for one in figures["rejected"]] == [("lines.csv:6", "SOORT", "unknown_kind")]
    nobody = next(one for one in figures["customers"] if one["customer_id"] is None)
    assert nobody["differences"][0]["theirs"]["place"] == "lines.csv:5"
    assert "030-1234567" not in json.dumps(figures)
    named = next(one for one in figures["customers"] if any(each["cause"] == "price" for each in one["differences"]))
    said = dict(next(each for each in named["differences"] if each["cause"] == "price")["explain"])
    assert said["theirs"] == "65.00 net, 13.65 VAT, recurring, lines.csv:3"
    assert said["ours, days"] == "2026-11-01 to 2026-12-01, 30 days" and "ours, price" in said

    page, kept = tmp_path / "run.html", tmp_path / "run.json"
    shown = _result(data, "--period", "2026-10", "--mapping", files[0], "--input", files[1], "--out", page, as_json=False)
    assert shown.exit_code == 0 and "missing here" in shown.stdout
    assert "Parallelle proefrun" in page.read_text("utf-8")
    assert _result(data, "--period", "2026-10", "--mapping", files[0], "--input", files[1], "--out", kept).exit_code == 0
    assert json.loads(kept.read_text("utf-8"))["same"] == 1


@pytest.mark.parametrize(
    ("was", "becomes", "what"),
    [
        ("AANSL: {to: product}", "AANSL: {to: produkt}", "produkt is no target"),
        ("NETTO: {to: net, decimal: comma}", "NETTO: {ignore: x}", "none leads to net"),
        ("A: recurring", "A: monthly", "must lead to"),
        ("format: dd-mm-yyyy", "format: never", "a day needs one of"),
        ("lines_of: old", "lines_off: old", "lines_off"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_field(operator: BilledOperator, tmp_path: Path, was: str, becomes: str, what: str) -> None:
    mapping, file = _written(tmp_path, f"F1;K1;P0;x;A;60,00;12,60;{NOVEMBER}")
    mapping.write_text(MAPPING.replace(was, becomes), "utf-8")
    with pytest.raises(InvalidInput, match=what):
        compare_invoices(database=operator.database, files=[(mapping, file)], pseudonyms=PSEUDONYMS, bills=Chosen(UUID(int=0)))


def test_who_is_held_until_the_switch_is_compared_by_the_bill_that_would_be_next(operator: BilledOperator, tmp_path: Path) -> None:
    _legacy(operator, "K1", "business-internet")
    files = _written(tmp_path, f"F1;K1;P0;x;A;65,00;13,65;{NOVEMBER}")
    with operator.database.transaction() as tx:
        customer_ids = [row["customer_id"] for row in tx.rows("SELECT customer_id FROM party.customer")]
        hold_customers(tx=tx, customer_ids=customer_ids, by="emma.bakker", why="wave one: billed by the old system", now=NOW)
    asked = Next(operator.lake, datetime(2026, 10, 20, 6, tzinfo=UTC))
    found = compare_invoices(database=operator.database, files=[files], pseudonyms=PSEUDONYMS, bills=asked)
    assert (found.bills, found.run, found.period.first_day) == (1, None, date(2026, 10, 1))
    assert [(one.cause, one.net) for one in found.causes] == [("price", Decimal("4.00"))]
