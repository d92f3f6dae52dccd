"""The shipped policies, and what no policy may be."""

import pytest

from hoeksteen_keeper.access.model import Actor, Facts, Organisation
from hoeksteen_keeper.access.policies import Policies, asker, shipped
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.categories import CATEGORIES, PURPOSES

OPERATOR = Organisation("lage-landen", "Lage Landen Telecom B.V.", "NL", True)
VENDOR = Organisation("meridian", "Meridian Systems", "SG", False)
POLICIES = shipped()


def actor(role: str, organisation: Organisation = OPERATOR, kind: str = "person") -> Actor:
    return Actor("somebody", "Somebody", organisation, kind, (role,))


def opens(who: Actor, facts: Facts) -> dict[str, str]:
    """Give how each category opens, where it does."""
    found = {}
    for category in CATEGORIES:
        for action in ("reveal", "reveal_masked"):
            if POLICIES.decide(who, action, category, facts).allowed:
                found[category] = action
                break
    return found


def test_a_care_agent_with_the_customer_on_the_line() -> None:
    facts = Facts("care", customer_on_the_line=True)
    assert opens(actor("care_agent"), facts) == {
        "identity": "reveal", "contact": "reveal", "note": "reveal", "invoice_party": "reveal", "payment": "reveal_masked",
        "traffic": "reveal_masked",
    }  # fmt: skip
    assert opens(actor("care_agent"), Facts("care", ticket=True)) == opens(actor("care_agent"), facts)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_nobody_sees_anything_without_a_reason_that_fits_the_role(purpose: str) -> None:
    assert opens(actor("care_agent"), Facts(purpose)) == {}
    for role in ("security_officer", "privacy_officer", "migration_engineer"):
        assert opens(actor(role), Facts(purpose, True, True)) == {}


@pytest.mark.parametrize("role", ["technician", "care_agent", "billing_manager", "security_officer", "privacy_officer", "migration_engineer"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_outsider_has_nothing_without_a_grant_whatever_the_role(role: str, purpose: str) -> None:
    who = actor(role, VENDOR)
    assert opens(who, Facts(purpose, True, True)) == {}
    for action in ("search", "seal"):
        assert not any(POLICIES.decide(who, action, category, Facts(purpose, True, True)).allowed for category in CATEGORIES)
    for action in (
        "decide_grant",
        "kill",
        "did_see_subject",
        "did_see_actor",
        "could_see",
        "export_log",
        "shred",
        "destroy_month",
        "administer",
        "check",
    ):
        assert not POLICIES.decide(who, action, "keeper", Facts()).allowed


def test_a_technician_sees_masked_unless_exactly_that_was_approved() -> None:
    who = actor("technician", VENDOR)
    assert set(opens(who, Facts("support", grant=True)).values()) == {"reveal_masked"}
    assert set(opens(who, Facts("support", grant=True, unmasked=True)).values()) == {"reveal"}
    assert not POLICIES.decide(who, "search", "identity", Facts("support", True, True, grant=True, unmasked=True)).allowed


def test_a_service_has_nothing_without_a_grant() -> None:
    bss = actor("service", kind="service")
    assert opens(bss, Facts("billing", True, True)) == {}
    assert not POLICIES.decide(bss, "seal", "identity", Facts("migration")).allowed
    assert POLICIES.decide(bss, "seal", "identity", Facts("migration", grant=True)).allowed


def test_a_data_subject_sees_all_of_their_own_and_nothing_else() -> None:
    customer = actor("data_subject", kind="data_subject")
    assert set(opens(customer, Facts("own_data", own=True))) == set(CATEGORIES)
    assert opens(customer, Facts("own_data", True, True)) == {}
    assert opens(customer, Facts("care", True, True, own=True)) == {}
    assert POLICIES.decide(customer, "did_see_subject", "keeper", Facts(own=True)).allowed
    assert not POLICIES.decide(customer, "did_see_subject", "keeper", Facts()).allowed
    assert not POLICIES.decide(customer, "request_grant", "keeper", Facts(own=True)).allowed


def test_whoever_decides_on_grants_sees_nobody() -> None:
    for role in ("security_officer", "privacy_officer"):
        assert POLICIES.decide(actor(role), "decide_grant", "keeper", Facts()).allowed
        assert opens(actor(role), Facts("care", True, True)) == {}
    assert not POLICIES.decide(actor("security_officer"), "shred", "keeper", Facts()).allowed


def test_every_permission_to_see_has_its_ceiling() -> None:
    verdict = POLICIES.decide(actor("care_agent"), "reveal", "identity", Facts("care", ticket=True))
    assert (verdict.per_hour, verdict.per_day) == (120, 600)
    assert verdict.because == ("care: identity, contact, notes and the buyer on a bill, with a reason",)


def test_equal_actors_are_one_asker() -> None:
    assert asker(actor("care_agent")) == asker(Actor("anna", "Anna", OPERATOR, "person", ("care_agent",)))
    assert asker(actor("care_agent")) != asker(actor("care_agent", VENDOR))


PERMIT = '@id("x") @per_hour("1") @per_day("1") permit (principal, action == Action::"reveal", resource)'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("permit (", "do not parse"),
        ('@id("x") permit (principal, action == Action::"fly", resource);', "do not fit the schema"),
        (f"{PERMIT} when {{ context.mood }};", "do not fit the schema"),
        ('@id("x") @limits("grant") permit (principal == Actor::"anna", action == Action::"reveal", resource);', "names a single actor"),
        (f'{PERMIT} when {{ principal == Actor::"anna" }};', "names a single actor"),
        ('permit (principal, action == Action::"kill", resource);', "lacks an @id"),
        ('@id("x") permit (principal, action == Action::"reveal", resource);', "without @per_hour"),
        ('@id("x") permit (principal, action, resource);', "without @per_hour"),
        ('@id("x") permit (principal, action == Action::"seal", resource);', "without @per_hour"),
        ('@id("x") @per_hour("²") @per_day("1") permit (principal, action == Action::"reveal", resource);', "without @per_hour"),
        (f'{PERMIT} when {{ principal.organisation == Organisation::"meridian" }};', "single actor or organisation"),
        (f"{PERMIT} when {{ !context.ticket }};", "may only widen"),
        (f'{PERMIT} when {{ context.purpose == "care" && context.strong == false }};', "may only widen"),
        (f"{PERMIT} when {{ if context.ticket then false else true }};", "may only widen"),
        (f"{PERMIT} unless {{ context.customer_on_the_line }};", "may only widen"),
        ('@id("x") forbid (principal, action, resource) when { context.ticket };', "may only widen"),
        (f'{PERMIT} when {{ context["ticket"] }};', "may only widen"),
        (f"{PERMIT} when {{ {'(' * 1000}true{')' * 1000} }};", "short conditions"),
        (f"{PERMIT} when {{ {' && '.join(['true'] * 20_000)} }};", "short conditions"),
        (f"{PERMIT} when {{ {' && '.join(['true'] * 400)} }};", "do not parse"),
        (f"// read \u202e this\n{PERMIT};", "cannot be seen"),
        ('@id("x") @per_hour("many") @per_day("1") permit (principal, action in [Action::"kill", Action::"search"], resource);', "without @per_hour"),
    ],
)
def test_a_policy_that_is_refused(text: str, why: str) -> None:
    with pytest.raises(KeeperInvalid, match=why):
        Policies(text)


def test_a_policy_that_fails_while_it_is_evaluated_allows_nothing() -> None:
    broken = Policies(f"{PERMIT} when {{ 9223372036854775807 + 1 > 0 }};")
    assert not broken.decide(actor("care_agent"), "reveal", "identity", Facts("care", True)).allowed
