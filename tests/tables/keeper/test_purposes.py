"""Which role sees which category for which purpose: the shipped policies against one table that a privacy officer can read."""

from pathlib import Path

import pytest

from hoeksteen_keeper.access.model import ROLES, Actor, Facts, Organisation
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.vault.categories import CATEGORIES, PURPOSES

OPERATOR = Organisation("lage-landen", "Lage Landen Telecom B.V.", "NL", True)
VENDOR = Organisation("meridian", "Meridian Systems", "SG", False)
POLICIES = shipped()
NOTHING = "." * len(CATEGORIES)
TABLE = {
    (role, purpose): tuple(cells)
    for role, purpose, *cells in (
        line.split() for line in (Path(__file__).parent / "purposes.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")
    )
}


def someone(role: str) -> Actor:
    name, _, outside = role.partition("@")
    kind = name if name in ("service", "data_subject") else "person"
    return Actor("somebody", "Somebody", VENDOR if outside else OPERATOR, kind, (name,))


def seen(who: Actor, facts: Facts) -> str:
    """Give one sign per category, in their order: U unmasked, m masked, . not at all."""
    return "".join(
        "U" if POLICIES.decide(who, "reveal", category, facts).allowed
        else "m" if POLICIES.decide(who, "reveal_masked", category, facts).allowed else "."
        for category in CATEGORIES
    )  # fmt: skip


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("role", [*sorted(ROLES), *(f"{role}@vendor" for role in sorted(ROLES - {"data_subject"}))])
def test_a_role_sees_for_a_purpose_what_the_table_says(role: str, purpose: str) -> None:
    who = someone(role)
    own = who.kind == "data_subject"
    found = (
        seen(who, Facts(purpose, True, True, own)), seen(who, Facts(purpose, True, True, own, True)),
        seen(who, Facts(purpose, True, True, own, True, True)),
    )  # fmt: skip
    assert found == TABLE.get((role, purpose), (NOTHING,) * 3)


def test_the_table_names_roles_and_purposes_that_there_are() -> None:
    assert {role.partition("@")[0] for role, _ in TABLE} <= ROLES and {purpose for _, purpose in TABLE} == set(PURPOSES)


@pytest.mark.parametrize(("role", "purpose"), [("fraud_analyst", "fraud"), ("legal_officer", "legal_order")])
def test_an_inquiry_finds_people_under_its_grant_alone(role: str, purpose: str) -> None:
    for category in CATEGORIES:
        assert not POLICIES.decide(someone(role), "search", category, Facts(purpose, True, True)).allowed
        assert POLICIES.decide(someone(role), "search", category, Facts(purpose, grant=True)).allowed == (
            category != "credential" or purpose == "legal_order"
        )
        for other in ("care_agent", "technician", "service", f"{role}@vendor"):
            assert not POLICIES.decide(someone(other), "search", category, Facts(purpose, True, True, grant=True, unmasked=True)).allowed
