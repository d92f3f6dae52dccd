"""Who must never be one customer, and who may be."""

from typing import Any

import pytest

from factories.legacy import company_facts, facts
from hoeksteen.consolidation.guards import contradiction, distance, nearly_the_same_day, too_thin

NOTHING_OWN: dict[str, Any] = {"phones": frozenset(), "emails": frozenset(), "iban": ""}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (facts(birth_date="19300704"), facts(), "other_birth_date"),  # father and son, one digit of the decade apart
        (facts(birth_date="19610704"), facts(iban="", emails=frozenset(), phones=frozenset(), dwelling="9999ZZ|1|"), "other_birth_date"),
        (facts(given_name="JAN", initials="J"), facts(given_name="JOOST", initials="J", emails=frozenset()), "other_given_name"),  # twins too
        (facts(initials="J"), facts(initials="K"), "other_initials"),  # twins
        (facts(initials="JM"), facts(initials="JP"), "other_initials"),
        (facts(gender="male"), facts(gender="female"), "other_gender"),
        (facts(suffix="Jr"), facts(suffix="Sr"), "father_and_son"),
        (facts(surnames=("BERG",)), facts(surnames=("VISSER",), birth_date="", emails=frozenset(), iban=""), "other_surname"),
        (facts(), facts(test=True), "test_record"),
        (facts(surnames=("BERG",), initials="J"), facts(surnames=("VISSER",), **NOTHING_OWN, dwelling=""), "other_surname"),
        (facts(), company_facts(), "person_and_company"),
        (company_facts(), company_facts(chamber_of_commerce_number="87654321"), "other_chamber_number"),
        (company_facts(chamber_of_commerce_number=""), company_facts(company="ZILVERENAAR"), "other_company_name"),
    ],
)  # fmt: skip
def test_these_are_two_customers(one: Any, other: Any, reason: str) -> None:
    assert contradiction(one, other) == reason
    assert contradiction(other, one) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (facts(), facts()),
        (facts(birth_date=""), facts()),
        (facts(initials="J"), facts(initials="JM")),
        (facts(initials=""), facts()),
        (facts(birth_date="19600704"), facts(birth_date="19600407")),  # day and month exchanged
        (facts(birth_date="19600704"), facts(birth_date="19600714")),  # a mistyped digit
        (facts(surnames=("BERG",)), facts(surnames=("BEGR",))),
        (facts(gender="female", surnames=("JANSEN",)), facts(gender="female", surnames=("VRIESJANSEN", "VRIES", "JANSEN"))),
        (facts(gender="female", surnames=("JANSEN",)), facts(gender="female", surnames=("VRIES",))),  # at one door, all else the same: married
        (facts(surnames=("BERG",)), facts(surnames=("VISSER",), birth_date="")),  # renamed: the mobile number, the address and the account stay
        (facts(initials="J"), facts(birth_date="19600714")),  # fewer initials and a slip, but all that is one's own is the same
        (facts(dwelling="9999ZZ|1|"), facts()),  # moved
        (company_facts(), company_facts(company="ANDERS")),  # renamed: the KvK number stays
    ],
)
def test_these_may_be_one_customer(one: Any, other: Any) -> None:
    assert contradiction(one, other) is None
    assert contradiction(other, one) is None


def test_without_a_birth_date_it_takes_two_things_of_ones_own() -> None:
    unknown = facts(birth_date="", emails=frozenset(), iban="")
    assert too_thin(facts(), facts(birth_date="")) is None
    assert too_thin(facts(), unknown) == "no_birth_date"
    assert too_thin(facts(given_name="JAN"), facts(birth_date="", given_name="JAN", emails=frozenset(), iban="")) is None
    landline = frozenset({"31302123456"})
    assert too_thin(facts(phones=landline), facts(birth_date="", phones=landline, emails=frozenset())) == "no_birth_date"
    nothing: dict[str, Any] = {**NOTHING_OWN, "given_name": "JAN"}
    assert too_thin(facts(given_name="JAN"), facts(birth_date="", **nothing)) == "no_birth_date"


def test_companies_need_a_number_a_door_or_something_in_common() -> None:
    nameless = company_facts(chamber_of_commerce_number="", **NOTHING_OWN, dwelling="9999ZZ|1|")
    assert too_thin(company_facts(), nameless) == "no_number_in_common"
    assert too_thin(company_facts(), company_facts(dwelling="9999ZZ|1|", **NOTHING_OWN)) is None


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("19600704", "19600407", True), ("19600704", "19600714", True), ("19600704", "19610704", True), ("19600704", "19700704", False),
        ("19600704", "20600704", False), ("19600704", "19610714", False), ("20000704", "19990704", True), ("19600704", "19640704", True),
        ("19600704", "19560704", False), ("19600704", "19600705", True), ("19600731", "19590730", True), ("19600731", "19590727", False),
    ],
)  # fmt: skip
def test_days_that_may_be_typing_errors(one: str, other: str, near: bool) -> None:
    assert nearly_the_same_day(one, other) is near


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("JANSEN", "JANSEN", 0), ("JANSEN", "JANSSEN", 1), ("JANSEN", "JASNEN", 1), ("JANSEN", "HANSEL", 2), ("BERG", "VISSER", 3), ("", "AB", 2)],
)
def test_typing_errors_are_counted_up_to_two(one: str, other: str, steps: int) -> None:
    assert distance(one, other) == steps == distance(other, one)


@pytest.mark.parametrize("blank", ["dwelling", "iban", "chamber_of_commerce_number"])
def test_what_is_unknown_of_two_companies_is_not_the_same(blank: str) -> None:
    nothing: dict[str, Any] = {**NOTHING_OWN, "dwelling": "", "chamber_of_commerce_number": ""}
    assert too_thin(company_facts(**nothing), company_facts(**nothing)) == "no_number_in_common"
    shared = {**nothing, blank: getattr(company_facts(), blank)}
    assert too_thin(company_facts(**shared), company_facts(**shared)) is None
