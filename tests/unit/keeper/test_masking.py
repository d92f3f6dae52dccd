"""A masked look: an allow-list, so that a field nobody thought of is hidden."""

from hoeksteen_keeper.access.masking import masked, masked_number


def test_identity() -> None:
    assert masked("identity", {
        "kind": "individual", "given_name": "Jan Pieter", "initials": "J.P.", "family_name_prefix": "van den", "family_name": "berg",
        "birth_date": "1970-01-31",
        "gender": "male", "maiden_name": None, "shoe_size": 43,
    }) == {
        "kind": "individual", "given_name": "J. P.", "initials": "J. P.", "family_name_prefix": "••••", "family_name": "B••••",
        "birth_date": "1970", "gender": "••••",
        "maiden_name": None, "shoe_size": "••••",
    }  # fmt: skip


def test_contact() -> None:
    assert masked("contact", {
        "addresses": [{"role": "residential", "street": "Kerkstraat", "house_number": 12, "postcode": "1234 AB", "city": "Ons Dorp",
        "country": "NL", "floor": "3"}],
        "phones": [{"e164": "31612345678", "kind": "msisdn", "resource_id": None}], "sims": [{"iccid": "8931440000000000001"}],
        "emails": ["jan.jansen@example.nl"],
        "contact_persons": [{"name": "A. Smit", "function": "purchasing", "phone": "31612345679", "email": None, "nickname": "Ab"}],
    }) == {
        "addresses": [{"role": "residential", "street": "••••", "house_number": "••••", "postcode": "1234", "city": "••••", "country": "NL",
        "floor": "••••"}],
        "phones": [{"e164": "••••78", "kind": "msisdn", "resource_id": None}], "sims": [{"iccid": "••••0001"}], "emails": ["••••@nl"],
        "contact_persons": [{"name": "••••", "function": "purchasing", "phone": "••••79", "email": None, "nickname": "••••"}],
    }  # fmt: skip


def test_payment() -> None:
    fields = {"iban": "NL91ABNA0417164300", "account_holder": "J Jansen", "mandate_reference": "M-2020-0042", "mandate_date": "2020-05-01"}
    assert masked("payment", fields) == {"iban": "••••4300", "account_holder": "J••••", "mandate_reference": "••••42", "mandate_date": "2020"}


def test_notes_and_credentials_show_nothing() -> None:
    assert masked("note", {"text": "is angry", "by": ["anna"]}) == {"text": "••••", "by": ["••••"]}
    assert masked("credential", {"puk": "12345678", "questions": {"pet": "Rex"}}) == {"puk": "••••", "questions": {"pet": "••••"}}


def test_a_short_value_shows_no_tail() -> None:
    assert masked("payment", {"iban": "12345678"}) == {"iban": "••••"}


def test_a_value_of_another_shape_than_expected_is_hidden() -> None:
    assert masked("contact", {"phones": "31612345678", "emails": [{"address": "jan@example.nl"}], "addresses": ["Kerkstraat 1"]}) == {
        "phones": "••••", "emails": [{"address": "••••"}], "addresses": ["••••"],
    }  # fmt: skip


def test_a_number_keeps_its_last_two_digits() -> None:
    assert masked_number(31612345678) == 78
