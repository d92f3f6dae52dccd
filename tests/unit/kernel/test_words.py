"""What people say is kept as it stands, or refused."""

import pytest

from hoeksteen.kernel.words import SAID_CHARACTERS_MAX, is_said


@pytest.mark.parametrize("text", ["a", "Zoë van 't Hof", "line\nline", "日本 👩‍👩‍👧", "a\u00a0b", "x" * SAID_CHARACTERS_MAX])
def test_words(text: str) -> None:
    assert is_said(text)


@pytest.mark.parametrize("text", ["", " \n", "a\x1b[31m", "a\0", "\x1b]0;title\x07", "\udcff", "a\u202eb", "x" * (SAID_CHARACTERS_MAX + 1)])
def test_what_are_no_words(text: str) -> None:
    assert not is_said(text)
