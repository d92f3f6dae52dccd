"""What people say is kept as it stands, or refused."""

import pytest

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.words import SAID_CHARACTERS_MAX, is_said, require_impersonal, require_printable


@pytest.mark.parametrize("text", ["a", "Zoë van 't Hof", "line\nline", "日本 👩‍👩‍👧", "a\u00a0b", "x" * SAID_CHARACTERS_MAX])
def test_words(text: str) -> None:
    assert is_said(text)


@pytest.mark.parametrize("text", ["", " \n", "a\x1b[31m", "a\0", "\x1b]0;title\x07", "\udcff", "a\u202eb", "x" * (SAID_CHARACTERS_MAX + 1)])
def test_what_are_no_words(text: str) -> None:
    assert not is_said(text)


@pytest.mark.parametrize(
    "text",
    [
        "asked by j.jansen@voorbeeld.nl", "called from 06-12345678", "+31 6 1234 5678", "(020) 123 45 67 8", "customer 200000470",
        "to NL91 ABNA 0417 1643 00", "nl91abna0417164300", "lives at 1024 LL 5",
        "NL91 ABNA 0417 1643 00 paid late", "AC04 last time, now BE68539007547034", "AM04 last NL91 ABNA 0417 1643 00",
        "BE68 5390 0754 7034 received",
    ],
)  # fmt: skip
def test_what_is_about_a_person_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_impersonal(why=text)
    assert "why" in refused.value.message and text not in f"{refused.value.message} {refused.value.remedy}"


@pytest.mark.parametrize(
    "text", ["line 3 of LLT-2026-00000012", "outage of 2026-10-01 to 2026-10-03", "2 SIMs at 9.95, 1.234,50 in all", "from 01-10-2026 08:00",
             "MD06 paid back", "bank said AC04 last time", "AM04 came back twice"],
)  # fmt: skip
def test_what_is_about_a_thing_is_taken(text: str) -> None:
    require_impersonal(why=text)


@pytest.mark.parametrize("text", ["T １２", "日本", "Ω", "a\tb", "a\u202eb", "👩"])
def test_what_a_bill_cannot_show_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="The field text has a character that a bill cannot show"):
        require_printable(text=text)


def test_what_a_bill_can_show_is_taken() -> None:
    require_printable(text="Zoë's “Łódź” – 2 × SIM à € 9,95 … Ğ")
