"""Play `recurring.txt`: each case moves the months on and states every line that the runs must give."""

from pathlib import Path

import pytest

from factories.recurring_story import Story, day_of
from hoeksteen.billing.prices import FOREVER
from hoeksteen.billing.recurring import Alteration, HeldProduct

TABLE = Path(__file__).with_name("recurring.txt")


def _cases() -> list[tuple[str, list[str]]]:
    blocks = [block.splitlines() for block in TABLE.read_text("utf-8").split("\n\n")]
    return [(lines[0], lines[1:]) for lines in blocks if not lines[0].startswith("#")]


@pytest.mark.parametrize(("name", "lines"), _cases(), ids=[name for name, _ in _cases()])
def test_case(name: str, lines: list[str]) -> None:
    story = Story()
    expected: list[str] = []
    found: list[str] = []
    for line in lines:
        if line.startswith("  "):
            expected.append(line.strip())
        else:
            words = line.split()
            if words[0] == "run":
                expected.append(line)
                found.append(line)
                found += story.run(words[1])
            else:
                story.step(words)
    assert found == expected


def test_the_table_is_read_whole() -> None:
    assert len(_cases()) == TABLE.read_text("utf-8").count("\nproduct ")


def test_a_run_again_after_nothing_changed_bills_nothing_twice() -> None:
    story = Story()
    story.step(["product", "2026-10-16", "M"])
    assert len(story.run("2026-10")) == 2
    assert story.run("2026-10") == []
    assert story.product
    story.product = replace_start(story.product)
    assert story.run("2026-10") == []


def replace_start(product: HeldProduct) -> HeldProduct:
    """Change the fingerprint and nothing that has a price."""
    return product._replace(alterations=(Alteration("x", "x", True, -100, day_of("2030-01-01"), FOREVER),))
