"""Two invented operators: a small one with usage, and a larger one whose shares can be held against the rule."""

from datetime import date

import pytest

from fixtures.invented_exports import Invented
from hoeksteen.synth.operator import invent

MONTH = date(2026, 10, 1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    directory = tmp_path_factory.mktemp("synth") / "small"
    invent(directory=directory, customers=800, seed=7, month=MONTH, records_per_line=60)
    return Invented(directory)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    directory = tmp_path_factory.mktemp("synth") / "large"
    invent(directory=directory, customers=20_000, seed=11, month=MONTH, records_per_line=1)
    return Invented(directory)
