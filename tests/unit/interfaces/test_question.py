"""One search box: what was typed tells which index is asked."""

import pytest

from hoeksteen.interfaces.desk.question import CHARACTERS_MAX, read_question
from hoeksteen.kernel.errors import InvalidInput

UNDERSTOOD = [
    ("06 12345678", "phone", "31612345678"),
    ("+31 (0)6-1234 5678".replace("(0)", ""), "phone", "31612345678"),
    ("0031612345678", "phone", "31612345678"),
    ("31612345678", "phone", "31612345678"),
    ("020-1234567", "phone", "31201234567"),
    ("+32 470 12 34 56", "phone", "32470123456"),
    ("anna@voorbeeld.nl", "email", "anna@voorbeeld.nl"),
    ("NL91 ABNA 0417 1643 00", "iban", "NL91ABNA0417164300"),
    ("nl91abna0417164300", "iban", "NL91ABNA0417164300"),
    ("10000001", "customer_number", "10000001"),
    ("200001729", "customer_number", "200001729"),
    ("mb-0012345", "customer_number", "MB-0012345"),
    ("de Vries 1234 AB", "surname_postcode", "de Vries|1234AB"),
    ("1234ab van 't Hof", "surname_postcode", "van 't Hof|1234AB"),
    ("De Vries, 1234AB", "surname_postcode", "De Vries|1234AB"),
    ("Jansen 3-4-1980", "surname_birth_date", "Jansen|1980-04-03"),
    ("1980-04-03 Jansen", "surname_birth_date", "Jansen|1980-04-03"),
    ("Özdemir-Smit 31.12.1999", "surname_birth_date", "Özdemir-Smit|1999-12-31"),
    ("1234AB 12", "address", "1234AB|12|"),
    ("1234AB 12 bis", "address", "1234AB|12|BIS"),
    ("Kerkstraat 12-A, 1234 AB", "address", "1234AB|12|A"),
]


@pytest.mark.parametrize(("typed", "index", "value"), UNDERSTOOD, ids=[index + ": " + str(n) for n, (_, index, _) in enumerate(UNDERSTOOD)])
def test_what_a_caller_says_is_understood(typed: str, index: str, value: str) -> None:
    question = read_question(typed)
    assert (question.index, question.value) == (index, value)


@pytest.mark.parametrize(
    "typed", ["", "   ", "Jansen", "1234AB", "31-12-1980", "12", "x" * (CHARACTERS_MAX + 1), "Jansen 31-2-1980", "NL92ABNA0417164300"]
)
def test_anything_else_is_refused_with_what_to_do_and_never_repeated(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_question(typed)
    assert refused.value.remedy
    if typed.strip() and len(typed) > 3:
        assert typed.strip() not in str(refused.value)
