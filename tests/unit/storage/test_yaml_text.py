"""YAML that people write is read as it looks, or refused with its line."""

from datetime import date

import pytest

from hoeksteen.storage.yaml_text import NoYaml, read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 200)}]"


def test_plain_values_are_read() -> None:
    text = 'a: &a {day: 2026-10-01, n: 60, "m": "060"}\nb: [*a, *a]\nc: {<<: *a, n: 61}\n'
    inner = {"day": date(2026, 10, 1), "n": 60, "m": "060"}
    assert read_yaml(text) == {"a": inner, "b": [inner, inner], "c": {**inner, "n": 61}}
    assert read_yaml("") is None and read_yaml("0") == 0


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('x: 1\namount: "0.20"\namount: "0.02"\n', 3, "amount stands twice"),
        ('[{a: {b: 1, c: 2, "b": 3}}]', 1, "b stands twice"),
        ("units: 1\nminimum: 060\n", 2, "060 is read as another number"),
        ("units: 1:30", 1, "1:30 is read as another number"),
        ("a: &a [1, *a]", 1, "holds itself"),
        ("a: &a {b: {c: *a}}", 1, "holds itself"),
        (LAUGHS, 7, "is larger than"),
        (LONG, 2, "is larger than"),
        ("a: [", 1, "is not YAML"),
        ("a: 2026-13-45", None, "is not YAML"),
        ("[" * 5_000, None, "is not YAML"),
        ("a: \0", None, "is not YAML"),
        ("a: !!python/object:os.system x", 1, "is not YAML"),
        ("--- 1\n--- 2", 2, "is not YAML"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused_with_its_line(text: str, line: int | None, what: str) -> None:
    with pytest.raises(NoYaml, match=what) as refused:
        read_yaml(text)
    assert refused.value.line == line
