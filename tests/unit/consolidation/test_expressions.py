"""The small language of mappings: what it computes, what it refuses, and that nothing gets out of it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoeksteen.consolidation.expressions import FUNCTIONS, ExpressionFault, ValueFault, parse

ROW = {
    "VOORL": "J.M.", "NAAM": "Berg", "LEEG": "", "NIETS": None, "BEDRAG": "1.234,50", "CENT": "1250", "N": "3",
    "adres.straat": "Kerkstraat 12", "@nr": "7", "Datum van afgifte": "2026",
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("NAAM", "Berg"),
        ("'vast'", "vast"),
        ("'it''s'", "it's"),
        ("concat(VOORL, ' ', NAAM)", "J.M. Berg"),
        ("concat(NIETS, NAAM)", "Berg"),
        ("coalesce(LEEG, NIETS, NAAM)", "Berg"),
        ("coalesce(LEEG, ' ')", ""),
        ("split(adres.straat, ' ', 1)", "Kerkstraat"),
        ("split(adres.straat, ' ', -1)", "12"),
        ("split(adres.straat, ' ', 9)", ""),
        ("slice(NAAM, 2, 3)", "er"),
        ("slice(NAAM, -2)", "rg"),
        ("slice(NAAM, 1, -2)", "Ber"),
        ("upper(NAAM)", "BERG"),
        ("lower(trim('  A  B '))", "a b"),
        ("replace(VOORL, '.', '')", "JM"),
        ("pad(N, 4, '0')", "0003"),
        ("when(equals(NAAM, 'Vis', 'Berg'), 'ja', 'nee')", "ja"),
        ("when(filled(LEEG), LEEG, when(starts(NAAM, 'B'), 'b', 'c'))", "b"),
        ("when(all(filled(NAAM), not(filled(NIETS))), 'x', 'y')", "x"),
        ("when(any(filled(LEEG), filled(NIETS)), 'x', 'y')", "y"),
        ("number(BEDRAG, 'comma') * 2", "2469.00"),
        ("number(CENT, 'cents')", "12.50"),
        ("N + 4 * 2", "11"),
        ("(N + 4) * 2", "14"),
        ("-N - -4", "1"),
        ("round(10 / 3, 2)", "3.33"),
        ("round(2.5, 0)", "3"),
        ("0.1 + 0.2", "0.3"),
        ("`Datum van afgifte`", "2026"),
        ("concat(@nr, '/', `adres.straat`)", "7/Kerkstraat 12"),
    ],
)
def test_what_an_expression_gives(expression: str, value: str) -> None:
    assert parse(expression).value(ROW) == value


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("", "ends too early"),
        ("concat(NAAM", ", is missing"),
        ("(NAAM", ") is missing"),
        ("NAAM NAAM", "too much"),
        ("shout(NAAM)", "is no function"),
        ("__import__('os')", "is no function"),
        ("NAAM.upper()", "is no function"),
        ("split(NAAM)", "takes 3 values, not 1"),
        ("equals(NAAM, 'x')", "gives true or false"),
        ("when(NAAM, 'x', 'y')", "must be a condition"),
        ("upper(filled(NAAM))", "not a condition"),
        ("filled(NAAM) + 1", "needs numbers"),
        ("NAAM; DROP", "begins nothing that is known"),
        ("[x for x in y]", "begins nothing"),
        ("'open", "begins nothing"),
        ("(" * 30 + "1" + ")" * 30, "nested deeper"),
        ("-" * 900 + "1", "nested deeper"),
        ("'" + "x" * 2_000 + "'", "longer than"),
    ],
)
def test_what_is_no_expression(expression: str, what: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        parse(expression)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("NAAM + 1", "not_a_number"),
        ("1 / 0", "not_a_number"),
        ("number(NAAM, 'comma')", "not_a_number"),
        ("number(CENT, 'miles')", "not_a_number"),
        ("slice(NAAM, 1.5)", "not_a_number"),
        ("slice(NAAM, 99999)", "not_a_number"),
        ("LANG", "too_long"),
        ("replace('" + "a" * 300 + "', 'a', 'bbbbbbbbbb')", "too_long"),
        ("pad(N, 400, '0')", "too_long"),
    ],
)
def test_what_cannot_be_computed_of_a_record_is_a_code_without_a_value(expression: str, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        parse(expression).value({**ROW, "LANG": "x" * 5_000})
    assert (caught.value.code, str(caught.value)) == (code, code)


def test_the_columns_that_are_read_are_known() -> None:
    assert parse("concat(VOORL, when(filled(TUSSEN), `Tussen voegsel`, ''), 'NAAM')").columns == {"VOORL", "TUSSEN", "Tussen voegsel"}


WORDS = st.sampled_from([*FUNCTIONS, "NAAM", "BEDRAG", "'x'", "''", "1", "12.5", "(", ")", ",", "+", "-", "*", "/", " ", "`q`", "."])


@given(st.lists(WORDS, max_size=14).map("".join), st.text(max_size=30))
@settings(max_examples=150)
def test_anything_is_a_text_or_a_typed_fault(expression: str, value: str) -> None:
    with contextlib.suppress(ExpressionFault, ValueFault):
        assert len(parse(expression).value({"NAAM": value, "BEDRAG": "12"})) <= 1_100
