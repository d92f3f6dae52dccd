"""Normalising for blind indexes: what is the same to a person gives the same token, and nothing else does."""

import pytest

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.blind import INDEXES, index_of, phone, phonetic_surname, surname, token

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("van den Berg", "BERG"), ("Van 't Hof", "hof"), ("d'Hondt", "Hondt"), ("Özdemir", "ozdemir"), ("Müller-de Vries", "muller vries"),
        ("Wijnands", "Wynands"), ("Strauß", "Strauss"), ("Yıldız", "Yildiz"), ("  de   Boer ", "boer"),
    ],
)  # fmt: skip
def test_a_surname_without_case_diacritics_and_tussenvoegsels(written: str, same: str) -> None:
    assert surname(written) == surname(same) != ""


def test_a_surname_that_is_only_a_tussenvoegsel_stays() -> None:
    assert surname("Van") == "van"
    assert surname("in 't") == "int"


@pytest.mark.parametrize(
    "alike",
    [
        ("Meijer", "Meyer", "Meier", "Meijer"), ("Jansen", "Janssen", "Janszen"), ("de Wit", "de Witt"), ("Smit", "Schmidt", "Smid"), ("Visser",
        "Visscher"),
        ("Claassen", "Klaasen"), ("Pauw", "Paauw"), ("Bogaard", "Bogaert"), ("de Bruin", "de Bruijn", "de Bruyn"), ("Hendriks", "Hendrikx"),
        ("Bos", "Bosch"),
    ],
)  # fmt: skip
def test_surnames_that_sound_alike(alike: tuple[str, ...]) -> None:
    assert len({phonetic_surname(name) for name in alike}) == 1


def test_surnames_that_sound_different() -> None:
    names = ["Jansen", "Hansen", "Visser", "Vissers", "Bakker", "Dekker", "Bos", "Bas", "Smit", "Smits", "Mulder", "Muller", "de Jong", "de Jonge"]
    assert len({phonetic_surname(name) for name in names}) == len(names)


@pytest.mark.parametrize("written", ["0612345678", "+31 6 12345678", "0031612345678", "31612345678", "+31 (0)6-12 34 56 78"])
def test_ways_to_write_a_phone_number(written: str) -> None:
    assert phone(written) == "31612345678"


@pytest.mark.parametrize(
    ("index", "one", "other"),
    [
        ("surname_postcode", "van den Berg|1234 AB", "berg|1234ab"), ("surname_birth_date", "Meijer|1970-01-31", "van Meyer| 1970-01-31"),
        ("email", " Jan@Example.NL", "jan@example.nl"), ("iban", "nl91 abna 0417 1643 00", "NL91ABNA0417164300"), ("address", "1234 AB|12|a",
        "1234ab|12|A"),
        ("address", "1234AB|12|", "1234AB|12"), ("number", "0201234567", "31201234567"), ("customer_number", "k-001 23", "K00123"),
    ],
)  # fmt: skip
def test_equal_values_give_equal_tokens(index: str, one: str, other: str) -> None:
    assert token(KEY, index=index, value=one) == token(KEY, index=index, value=other) != b""


def test_a_token_depends_on_key_index_and_value() -> None:
    made = {
        token(KEY, index="phone", value="0612345678"), token(KEY, index="number", value="0612345678"), token(KEY, index="phone", value="0612345679"),
        token(bytes(32), index="phone", value="0612345678"),
    }  # fmt: skip
    assert len(made) == 4 and {len(value) for value in made} == {16}


@pytest.mark.parametrize(
    ("index", "value"),
    [
        ("surname_postcode", "|1234AB"),
        ("surname_postcode", "Jansen|"),
        ("surname_birth_date", "Jansen|31-01-1970"),
        ("phone", "onbekend"),
        ("address", "|12|"),
    ],
)
def test_a_value_that_says_nothing_gives_no_token(index: str, value: str) -> None:
    assert token(KEY, index=index, value=value) == b""


def test_an_unknown_index_is_named() -> None:
    with pytest.raises(KeeperInvalid, match="unknown_index"):
        index_of("shoe_size")
    assert len({index.number for index in INDEXES.values()}) == len(INDEXES)


def test_an_endless_value_is_refused() -> None:
    with pytest.raises(KeeperInvalid, match="value_too_long"):
        token(KEY, index="email", value="x" * 401)
