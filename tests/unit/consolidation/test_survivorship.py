"""Which value a merged customer keeps, and where it came from."""

from dataclasses import replace
from datetime import date
from typing import Any

from factories.legacy import product, record
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import in_parts
from hoeksteen.consolidation.survivorship import Golden, survive

TRUST = {"fixed": 3, "mobile": 2, "broadband": 1}
OLD, NEW = Address("Oudeweg", 1, None, "1111AA", "Noordbeek"), Address("Nieuweweg", 2, None, "2222BB", "Zuidbeek")


def survived(*records: Any) -> Golden:
    return survive(records=records, trust=TRUST)


def test_what_most_records_say_survives_a_typing_error_of_a_trusted_one() -> None:
    typed = record("broadband", name=in_parts(family_name="Begr", initials="J.M."))
    golden = survived(typed, record("fixed"), record("mobile"))
    assert golden.value("identity", "family_name") == ("van den", "Berg")
    kept = golden.kept["identity", "family_name"]
    assert (kept.rule, [one.source for one in kept.records]) == ("most_frequent", ["fixed", "mobile"])


def test_trust_decides_between_two() -> None:
    golden = survived(record("fixed", birth_date=date(1960, 4, 7)), record("mobile"))
    assert golden.value("identity", "birth_date") == date(1960, 7, 4)
    assert golden.kept["identity", "birth_date"].rule == "most_trusted"


def test_initials_are_kept_as_far_as_anyone_knows_them() -> None:
    short = record("broadband", name=in_parts(family_name="Berg", initials="J."))
    assert survived(short, record("fixed")).value("identity", "initials") == "J.M."


def test_the_address_is_the_one_at_which_a_line_works() -> None:
    line = product(item_key="L1", number="31302123456", number_kind="line", start=date(2024, 1, 1))
    moved = record("fixed", addresses={"residential": NEW}, products=(line,))
    golden = survived(record("mobile", addresses={"residential": OLD}, products=(product(start=date(2025, 1, 1)),)), moved)
    assert golden.value("contact", "residential_address") == NEW
    assert golden.kept["contact", "residential_address"].rule == "verified"


def test_the_account_and_its_mandate_survive_together() -> None:
    paying = record("fixed", iban="NL02ABNA0123456789", mandate_reference="LF9", products=(product(start=date(2025, 1, 1)),))
    golden = survived(record("broadband", payment_method="transfer"), paying)
    assert golden.value("payment", "payment") == ("direct_debit", "NL02ABNA0123456789", "LF9", date(2019, 3, 1))


def test_every_telephone_and_address_is_kept_once() -> None:
    golden = survived(record("fixed", phones=("1", "2")), record("mobile", phones=("2", "3"), emails=("other@post.example",)))
    assert golden.value("contact", "phones") == ["1", "2", "3"]
    assert golden.value("contact", "emails") == ["jan@post.example", "other@post.example"]


def test_a_single_record_is_kept_as_it_is() -> None:
    golden = survived(record())
    assert {kept.rule for kept in golden.kept.values()} == {"only", "all"}
    assert all([one.source for one in kept.records] == ["fixed"] for kept in golden.kept.values())


def test_a_company_keeps_its_contact_person() -> None:
    company = replace(record("mobile"), kind="organization", trading_name="De Gouden Aar", legal_form="B.V.", birth_date=None)
    golden = survived(company)
    assert golden.value("identity", "trading_name") == "De Gouden Aar"
    assert golden.value("identity", "contact_person") == "J.M. van den Berg"
    assert golden.value("identity", "family_name") is None
