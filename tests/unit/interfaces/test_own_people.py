"""The file of an installation's own people: what YAML would read as something else is refused before anything is made."""

from pathlib import Path
from typing import Any

import pytest

from hoeksteen.interfaces.cli.people import _own_document
from hoeksteen.kernel.errors import InvalidInput

OPERATOR = "organisations:\n- {organisation: llt, name: LLT, country: NL, operator: true}\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (OPERATOR + "people: []\npeople: [{actor: j.wit}]\n", "line 4: people stands twice in one mapping"),
        ("organisations: [", "is not YAML"),
        (OPERATOR.replace("operator: true", "operator: false"), "names no organisations of which one is the operator"),
    ],
)
def test_a_file_of_people_that_could_be_misread_is_refused(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(text, "utf-8")
    nothing: Any = None  # nothing is asked of the installation before the file is read
    with pytest.raises(InvalidInput, match=what):
        _own_document(nothing, file)
