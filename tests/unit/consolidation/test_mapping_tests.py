"""What a mapping derives, and its own tests and assertions: each stops a run before anything is written."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from factories.legacy import TODAY, extracted
from factories.sources import FIRST, MAPPINGS, SECOND, mapping_of, write_csv, write_jsonl
from hoeksteen.consolidation.examples import failing_examples, require_examples
from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.readers import read
from hoeksteen.kernel.errors import InvalidInput

CSV = MAPPINGS["csv"]


def declared(folder: Path, more: str, text: str = CSV) -> Mapping:
    return mapping_of(folder, "csv", text + more)


def failing(mapping: Mapping) -> list[str]:
    return [fault.what for fault in failing_examples(mapping=mapping, today=TODAY, cutover=TODAY)]


def test_a_value_is_derived_from_several_columns(tmp_path: Path) -> None:
    more = "derived:\n  volledig: {to: email, from: \"lower(concat(KLANT, '@post.example'))\"}\n"
    text = CSV.replace("{to: product.monthly}", "{to: product.monthly, from: \"number(BEDRAG, 'cents')\"}")
    found = extracted(write_csv(tmp_path, [{**FIRST, "BEDRAG": "1250"}]), declared(tmp_path, more, text))
    assert (found.records[0].emails, str(found.records[0].products[0].monthly)) == (("k1@post.example",), "12.50")


def test_columns_that_only_an_expression_of_a_product_reads_belong_to_its_row(tmp_path: Path) -> None:
    text = CSV.replace("  CODE: {to: product.offering, codes: {A: fixed-basic}}", "  CODE: {}").replace(
        "delimiter", "rows_per_record: many, delimiter"
    )
    more = 'derived:\n  aanbod: {to: product.offering, from: "upper(CODE)", codes: {A: fixed-basic, B: fixed-plus}}\n'
    rows = [{**FIRST, "CODE": "a"}, {**FIRST, "CODE": "b", "LIJN": "L2"}]
    found = extracted(write_csv(tmp_path, rows), declared(tmp_path, more, text))
    assert [product.product_offering_id for product in found.records[0].products] == ["fixed-basic", "fixed-plus"]


def test_an_entry_of_a_list_may_read_its_record(tmp_path: Path) -> None:
    text = MAPPINGS["jsonl"] + '    derived:\n      nummer: {to: number, from: "coalesce(`NR`, TELEFOON)"}\n'
    with pytest.raises(InvalidInput, match=r"field children.lijnen.derived.nummer.from: the column NR is not among columns"):
        mapping_of(tmp_path, "jsonl", text)
    mapping = mapping_of(tmp_path, "jsonl", text.replace("`NR`, ", "''" + ", "))
    assert extracted(write_jsonl(tmp_path, [FIRST]), mapping).records[0].products[0].number == "31612345677"


def test_what_cannot_be_computed_rejects_the_record(tmp_path: Path) -> None:
    text = CSV.replace("{to: product.monthly}", "{to: product.monthly, from: BEDRAG * 2}")
    found = extracted(write_csv(tmp_path, [FIRST, {**SECOND, "BEDRAG": "twaalf"}]), declared(tmp_path, "", text))
    assert [(entry.finding.place, entry.finding.field, entry.finding.code) for entry in found.rejected] == [("old.csv:3", "BEDRAG", "not_a_number")]
    assert str(found.records[0].products[0].monthly) == "25.00"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("whole_number", "12", "12.5"),
        ("decimal", "12.5", "12,5"),
        ("day", "2026-01-31", "2026-02-31"),
        ("instant", "2026-01-31T10:00:00Z", "2026-01-31"),
        ("truth", "ja", "misschien"),
        ("email", "a@post.example", "a@post"),
        ("phone", "0612345677", "112"),
        ("iban", "NL91ABNA0417164300", "NL92ABNA0417164300"),
    ],
)
def test_a_type_is_a_test(tmp_path: Path, kind: str, right: str, wrong: str) -> None:
    text = CSV.replace("TELEFOON: {to: phone}", f"TELEFOON: {{ignore: a test, type: {kind}}}")
    rows = [{**FIRST, "TELEFOON": value, "KLANT": f"K{place}"} for place, value in enumerate([right, wrong, ""])]
    found = extracted(write_csv(tmp_path, rows), declared(tmp_path, "", text))
    assert [(finding.place, finding.code) for finding in found.findings] == [("old.csv:3", f"no_{kind}")]


def test_codes_come_from_a_table_beside_the_mapping(tmp_path: Path) -> None:
    text = CSV.replace("codes: {A: fixed-basic}", "codes_from: codes.csv")
    (tmp_path / "codes.csv").write_text("code;word;remark\nA;fixed-basic;\n\nB;fixed-plus;new\n", "utf-8")
    found = extracted(write_csv(tmp_path, [FIRST, {**SECOND, "CODE": "B"}]), declared(tmp_path, "", text))
    assert [record.products[0].product_offering_id for record in found.records] == ["fixed-basic", "fixed-plus"]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (None, "there is no table"),
        (b"code,word\nA,x\nA,y\n", "codes.csv line 3: the code A stands twice"),
        (b"code,word\nA\n", "codes.csv line 2: needs a code and our word"),
        (b"code,word\n", "holds no codes"),
        (b"code,word\n\xff,x\n", "byte 10 is not UTF-8"),
        (b'code,word\n"A,x\n', "a quote is never closed"),
    ],
)
def test_a_table_of_codes_that_is_wrong(tmp_path: Path, table: bytes | None, what: str) -> None:
    if table is not None:
        (tmp_path / "codes.csv").write_bytes(table)
    with pytest.raises(InvalidInput, match=r"csv.yaml line 12, field columns.CODE.codes_from") as caught:
        declared(tmp_path, "", CSV.replace("codes: {A: fixed-basic}", "codes_from: codes.csv"))
    assert what in caught.value.message


GOOD: dict[str, Any] = {
    "a name": "{name: a name, given: {NAAM: BERG VAN DEN J.M. DHR}, expect: {family_name: Berg, prefix: van den, initials: J.M., suffix: ''}}",
    "a field alone": "{name: a field, given: {GEBOREN: 1960-07-04}, expect: {birth_date: 1960-07-04}, findings: []}",
    "a finding": "{name: a filler, given: {TELEFOON: 0612345678}, expect: {phone: ''}, findings: [filler]}",
    "a rejection": "{name: no name, given: {NAAM: onbekend}, rejected: no_name}",
    "a product": "{name: p, given: {CODE: A, LIJN: L1, SINDS: 2019-03-01, BEDRAG: '12.5'}, expect: {products: [{key: L1, monthly: '12.50'}]}}",
}  # fmt: skip


@pytest.mark.parametrize("example", GOOD)
def test_an_example_that_holds(tmp_path: Path, example: str) -> None:
    text = GOOD[example].replace("{TELEFOON: 0612345678}", "{TELEFOON: '0612345678'}")
    assert failing(declared(tmp_path, f"tests:\n  - {text}\n")) == []


@pytest.mark.parametrize(
    ("example", "what"),
    [
        ("{name: t, given: {NAAM: BERG J.M.}, expect: {family_name: Dal}}", "family_name: Dal is expected, and came: Berg"),
        ("{name: t, given: {NAAM: BERG J.M.}, expect: {surname: Berg}}", "surname is nothing that a record has"),
        ("{name: t, given: {NAAM: ''}, expect: {}}", "the record is rejected: no_name in field NAAM"),
        ("{name: t, given: {NAAM: BERG J.M.}, rejected: no_name}", "a rejection is expected (no_name), and the record is taken"),
        ("{name: t, given: {NAAM: BERG J.M.}, expect: {notes: [{text: x}]}}", "1 notes are expected, and came: 0"),
        ("{name: t, given: {NAAM: BERG J.M.}, expect: {products: 3}}", "products must be a list"),
        ("{name: t, given: {NAME: x}}", "given: the column NAME is not among columns"),
        ("{name: t, given: {GEBOREN: 1900-01-01}, findings: []}", "findings none are expected, and came: filler"),
        ("{name: t, given: {CODE: A, LIJN: L, SINDS: 2019-03-01, BEDRAG: '1'}, expect: {products: []}}", "0 products are expected, and came: 1"),
    ],
)
def test_an_example_that_does_not_hold_stops_the_run_and_says_what_came(tmp_path: Path, example: str, what: str) -> None:
    mapping = declared(tmp_path, f"tests:\n  - {example}\n")
    assert [what in fault for fault in failing(mapping)] == [True]
    with pytest.raises(InvalidInput, match="csv.yaml, test `t`"):
        require_examples(mapping=mapping, today=TODAY, cutover=TODAY)


ROWS = [FIRST, {**SECOND, "BEDRAG": "7.50", "GEBOREN": ""}]


@pytest.mark.parametrize(
    ("assertion", "refusal"),
    [
        ("unique: [KLANT, LIJN]", None),
        ("unique: [CODE]", "row 3: csv.yaml asserts unique.CODE, and found: 1 values again among 2"),
        ("filled_percent_min: {GEBOREN: 50}", None),
        ("filled_percent_min: {GEBOREN: 51}", "filled_percent_min.GEBOREN, and found: 1 of 2 filled"),
        ("sum_equals: {BEDRAG: '20.00'}", None),
        ("sum_equals: {BEDRAG: '20.01'}", "20.00, and 20.01 asserted"),
        ("sum_equals: {TELEFOON: '0'}", "1,224,691,350.00, and 0.00 asserted"),
        ("count_between: {records: [2, 2], rows: [1, 5]}", None),
        ("count_between: {records: [3, 9]}", "count_between.records, and found: 2, and 3 to 9 asserted"),
    ],
)
def test_an_assertion_about_the_whole_export(tmp_path: Path, assertion: str, refusal: str | None) -> None:
    mapping = declared(tmp_path, f"assertions: {{{assertion}}}\n")
    file = write_csv(tmp_path, ROWS)
    if refusal is None:
        assert len(extracted(file, mapping).records) == 2
        return
    with pytest.raises(InvalidInput) as caught:
        list(read(mapping=mapping, file=file))
    assert refusal in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("more", "field", "what"),
    [
        ("derived: {x: {to: email}}", "derived.x", "needs `from`"),
        ("derived: {x: {from: KLANT}}", "derived.x", "needs `from` (an expression) and `to`"),
        ("derived: {x: {to: email, from: 'concat('}}", "derived.x.from", "ends too early"),
        ("derived: {x: {to: email, from: KLNT}}", "derived.x.from", "the column KLNT is not among columns"),
        ("derived: {NAAM: {to: email, from: KLANT}}", "derived.NAAM", "is a column already"),
        ("assertions: {unique: [FAX]}", "assertions.unique.FAX", "is not among columns"),
        ("assertions: {filled_percent_min: {NAAM: 101}}", "assertions.filled_percent_min.NAAM", "0 to 100"),
        ("assertions: {sum_equals: {BEDRAG: veel}}", "assertions.sum_equals.BEDRAG", "an amount such as"),
        ("assertions: {count_between: {sims: [1, 2]}}", "assertions.count_between.sims", "records, or a list"),
        ("assertions: {count_between: {records: [2, 1]}}", "assertions.count_between.records", "smallest and the largest"),
        ("assertions: {count_between: {records: [2]}}", "assertions.count_between", "length"),
        ("tests: [{given: {}}]", "tests.0", "missing required field `name`"),
    ],
)
def test_a_fault_in_what_is_derived_or_asserted_is_named(tmp_path: Path, more: str, field: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared(tmp_path, more)
    assert f"field {field}" in caught.value.message
    assert what in caught.value.message
    assert "csv.yaml line" in caught.value.message


def test_the_mapping_of_the_handbook_is_right_and_its_tests_hold(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/consolidation.md").read_text("utf-8")
    found = re.search(r"^    source: crm\n(?:    .*\n)+", text, re.MULTILINE)
    assert found is not None
    (tmp_path / "soorten.csv").write_text("code,word\nP,individual\nB,organization\n")
    mapping = mapping_of(tmp_path, "csv", textwrap.dedent(found[0]))
    assert failing(mapping) == []
    columns = "KLANT;VOORL;NAAM;GEBOREN;SOORT;CREDITLIMIET;CODE;LIJN;SINDS;BEDRAG"
    file = tmp_path / "crm.csv"
    file.write_text(f"{columns}\nK1;J.M.;van den Berg;04-07-1960;P;100.00;T1;L1;2019-03-01;12,10\n")
    with pytest.raises(InvalidInput, match=r"asserts sum_equals.BEDRAG, and found: 10.00, and 18,234.50 asserted, and 1 more do not hold"):
        extracted(file, mapping)
