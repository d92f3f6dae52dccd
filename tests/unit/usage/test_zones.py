"""The numbering plan: whole, without contradictions, and right about the numbers that matter most."""

import phonenumbers
import pytest

from hoeksteen.product.model import Roaming, Zone
from hoeksteen.product.numbering_plan import countries, prefixes, prefixes_by_country

EEA_TEXT = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"


def zone_of(number: str) -> Zone | None:
    matching = [(len(prefix), zone) for prefix, zone in prefixes() if number.startswith(prefix)]
    return max(matching)[1] if matching else None


def test_no_prefix_stands_twice() -> None:
    known = [prefix for prefix, _ in prefixes()]
    assert len(known) == len(set(known))


def test_every_country_code_that_is_assigned_has_a_zone() -> None:
    unknown = [code for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE if code != 31 and zone_of(f"{code}999999") is None]
    assert unknown == []


def test_the_zone_of_a_country_code_agrees_with_where_the_country_lies() -> None:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if code != 31 and regions[0] != "001" and len(regions) == 1:
            assert (zone_of(f"{code}999999") is Zone.EU) == (dict(countries())[regions[0]] is Roaming.EU), regions[0]


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("31612345678", Zone.NL), ("31201234567", Zone.NL), ("31881234567", Zone.NL), ("318001234", Zone.NL_FREE), ("319001234", Zone.NL_SERVICE),
        ("*112", Zone.NL_FREE), ("*116123", Zone.NL_FREE), ("*14020", Zone.NL), ("*1888", Zone.NL_SERVICE), ("*999999", None),
        ("4930123456", Zone.EU), ("442071234567", Zone.WORLD), ("12125551234", Zone.WORLD), ("59995551234", Zone.WORLD), ("2101234567", None),
    ],
)  # fmt: skip
def test_zone(number: str, zone: Zone | None) -> None:
    assert zone_of(number) is zone


def test_the_european_economic_area_is_at_home_prices() -> None:
    assert {country for country, roaming in countries() if roaming is not Roaming.WORLD} >= set(EEA_TEXT.split())
    assert dict(countries())["NL"] is Roaming.HOME
    assert {dict(countries())[country] for country in ("GB", "US", "CH", "TR")} == {Roaming.WORLD}


def test_every_range_of_no_country_has_a_class_of_its_own() -> None:
    shared = [str(code) for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if regions == ("001",)]
    class_of = {prefix: name for name, prefixes_of in prefixes_by_country().items() if len(name) > 2 for prefix in prefixes_of}
    assert set(shared) <= set(class_of)
    assert {code: class_of[code] for code in ("870", "881", "882", "883", "979", "888")} == {
        "870": "SATELLITE", "881": "SATELLITE", "882": "INTERNATIONAL-NETWORK", "883": "INTERNATIONAL-NETWORK", "979": "PREMIUM",
        "888": "DISASTER-RELIEF",
    }  # fmt: skip
    assert {zone_of(f"{code}1234567") for code in class_of} == {Zone.WORLD}
