"""Which digits are hidden, which numbers are never told, and how amounts and numbers are written."""

import pytest

from hoeksteen.billing.itemisation import hidden
from hoeksteen.billing.unlisted import is_unlisted, unlisted_numbers
from hoeksteen.billing.wording import amount_exact, telephone


@pytest.mark.parametrize(
    ("number", "masked"), [(31612345678, "3161234xxxx"), (31201234567, "3120123xxxx"), (4930123456, "493012xxxx"), (1888, "1xxx"), (14020, "1xxxx")]
)
def test_the_last_digits_are_hidden(number: int, masked: str) -> None:
    assert hidden(number, "masked") == masked
    assert hidden(number, "full") == str(number)


@pytest.mark.parametrize(
    ("number", "zone", "unlisted"),
    [
        (112, "NL-FREE", True), (112, "WORLD", True), (116123, "NL", True), (318002000, "EU", True), (31880767000, "NL", True),
        (31880767001, "NL", False), (319000101, "NL-SERVICE", True), (31612345678, "NL", False), (31612345678, "NL-FREE", True), (None, "NL", False),
        (1121, "NL", False), (31112123456, "NL", False),
    ],
)  # fmt: skip
def test_numbers_that_are_never_told(number: int | None, zone: str, unlisted: bool) -> None:
    assert is_unlisted(number=number, zone=zone) is unlisted


def test_the_list_names_whom_it_protects() -> None:
    assert all(digits.removeprefix("*").isdigit() and name for digits, _, name in unlisted_numbers())


def test_amounts_and_numbers_as_people_write_them() -> None:
    assert [amount_exact(micro, language="nl") for micro in (203_333, 200_000, -1_234_500_000, 7)] == [
        "0,203333",
        "0,20",
        "\u22121.234,50",
        "0,000007",
    ]
    assert amount_exact(1_000_001, language="en") == "1.000001"
    assert [telephone(one) for one in ("3161234xxxx", "318002000", "1xxx", "3120123xxxx")] == ["06 1234 xxxx", "0800 2000", "1xxx", "020 123 xxxx"]
