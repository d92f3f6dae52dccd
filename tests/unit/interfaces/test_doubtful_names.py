"""What the desk shows of a doubtful pair has a name for everything that matching can say of one."""

import re
from pathlib import Path

import pytest

from hoeksteen.consolidation import guards
from hoeksteen.consolidation.comparisons import COMPANIES, PEOPLE
from hoeksteen.interfaces import desk

TEMPLATE = (Path(desk.__file__).parent / "templates/_doubtful.html").read_text("utf-8")
LEVELS = {level["label_for_charts"] for model in (PEOPLE, COMPANIES) for comparison in model.comparisons for level in comparison["comparison_levels"]}
REASONS = set(re.findall(r'return "([a-z_]+)"', Path(guards.__file__).read_text("utf-8")))
THIN = {"no_initials", "no_birth_date", "no_number_in_common"}


@pytest.mark.parametrize("name", sorted({*PEOPLE.names, *COMPANIES.names, "prior", *LEVELS, "any two records"} - {"phones", "emails"}))
def test_every_step_has_a_name(name: str) -> None:
    assert f'"{name}": _(' in TEMPLATE


@pytest.mark.parametrize("reason", ["weak", "rival", "alike_but_two_people", *sorted(THIN)])
def test_every_reason_has_a_name(reason: str) -> None:
    assert f'"{reason}": _(' in TEMPLATE


def test_every_guard_against_a_decision_has_a_name() -> None:
    against = REASONS - THIN
    assert len(against) > 5
    assert [reason for reason in sorted(against) if f'"decided_but_{reason}": _(' not in TEMPLATE] == []
