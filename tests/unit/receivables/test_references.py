"""How a payer names a bill, and how little it takes to name none."""

import pytest

from factories.bank_files import payment_mark
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.iban import checked
from hoeksteen.receivables.references import bills_named

NUMBER = "LLT-2026-00000042"
RF = payment_reference(NUMBER)
MARK = payment_mark(NUMBER)
RF_IN_FOURS = " ".join(RF[i : i + 4] for i in range(0, 18, 4))
MARK_IN_FOURS = " ".join(MARK[i : i + 4] for i in range(0, 16, 4))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (NUMBER, [NUMBER]), ("betreft llt 2026 00000042, dank", [NUMBER]), (RF, [NUMBER]), (RF_IN_FOURS, [NUMBER]),
        (f"factuur {RF} van mei", [NUMBER]), (MARK, [NUMBER]), (MARK_IN_FOURS, [NUMBER]),
        (f"{NUMBER} en LLT-2026-00000043", [NUMBER, "LLT-2026-00000043"]), (f"{RF} {NUMBER}", [NUMBER]),
        ("", []), ("huur mei", []), ("LLT-2026-000000421", []), ("XLLT-2026-00000042", []), ("1234567890123456", []), (f"{MARK}1", []),
    ],
)  # fmt: skip
def test_a_bill_is_named_in_many_ways(text: str, named: list[str]) -> None:
    assert list(bills_named(references=(), text=text)) == named
    if text:
        assert list(bills_named(references=(text,), text="")) == named


@pytest.mark.parametrize("place", range(2, 18))
def test_one_wrong_digit_of_a_creditor_reference_names_nothing(place: int) -> None:
    if RF[place].isdigit():
        wrong = RF[:place] + str((int(RF[place]) + 1) % 10) + RF[place + 1 :]
        assert bills_named(references=(wrong,), text=wrong) == ()


def test_one_wrong_digit_of_a_payment_mark_names_nothing() -> None:
    for place in range(16):
        for step in range(1, 10):
            wrong = MARK[:place] + str((int(MARK[place]) + step) % 10) + MARK[place + 1 :]
            assert wrong == MARK or NUMBER not in bills_named(references=(wrong,), text="")
    caught = [bills_named(references=(MARK[:15] + str(digit),), text="") for digit in range(10) if str(digit) != MARK[15]]
    assert caught.count(()) == 9


@pytest.mark.parametrize("iban", ["NL91ABNA0417164301", "NL00ABNA0417164300", "NL99ABNA0417164300", "NL91ABNA041716430", "FR76", "", "NL91 ABNA"])
def test_an_iban_that_fails_its_check_is_refused_and_never_repeated(iban: str) -> None:
    with pytest.raises(InvalidInput, match="iban") as refused:
        checked(iban, field="iban")
    assert not iban or iban not in str(refused.value)
    assert not iban_holds(iban)


def test_a_good_iban_is_written_plainly() -> None:
    assert checked(" nl91 abna 0417 1643 00 ", field="iban") == "NL91ABNA0417164300"
    assert iban_holds("NL91ABNA0417164300")
