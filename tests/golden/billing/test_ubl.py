"""The UBL of example invoices, byte for byte. Rebuild with `.venv/bin/python tests/golden/billing/test_ubl.py`, and read the difference."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from factories.invoices import EXAMPLES
from hoeksteen.billing.documents import render_ubl

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", EXAMPLES)
def test_ubl_is_what_it_was(name: str) -> None:
    assert render_ubl(EXAMPLES[name]()).decode() == (HERE / f"{name}.xml").read_text("utf-8")


if __name__ == "__main__":
    for name, example in EXAMPLES.items():
        (HERE / f"{name}.xml").write_bytes(render_ubl(example()))
