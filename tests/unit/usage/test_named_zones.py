"""Zones that price lists name are found by longest prefix, and for data by country; plans that know nothing of them charge as before."""

from pathlib import Path
from typing import Any

import pytest

from factories.usage_files import NOW, OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.product import operations as product
from hoeksteen.rating import queries as rated
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED

ZONES: list[dict[str, Any]] = [
    {"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]},
    {"id": "ISTANBUL", "within": "WORLD", "name": {"nl": "Istanbul", "en": "Istanbul"}, "prefixes": ["902125554433"]},
]


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


def name_zones(house: House) -> None:
    with house.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping={"zones": ZONES, "offerings": []}, now=NOW)


def test_the_longest_prefix_gives_the_zone_from_then_on(house: House) -> None:
    turkey = call(1, other="905321234567")
    house.take("before.csv", turkey)
    name_zones(house)
    house.take("after.csv", turkey, call(2, other="905321234567"), call(3, other="902125554433"), call(4, other="9021255544"), call(5))
    house.take("data.jsonl", session(OWN, country="TR"), session(OWN, country="DE", volume_bytes=2000))
    assert sorted((row["service"], row["zone"], row["roaming"]) for row in house.rows(GUIDED)) == [
        ("data", "EU", "EU"), ("data", "TURKEY", "WORLD"), ("voice", "ISTANBUL", "HOME"), ("voice", "NL", "HOME"), ("voice", "TURKEY", "HOME"),
        ("voice", "TURKEY", "HOME"), ("voice", "WORLD", "HOME"),
    ]  # fmt: skip
    house.rate()
    abroad = [row for row in house.rows(CHARGE) if row["service"] == "voice" and row["zone"] != "NL"]
    assert sorted(row["zone"] for row in abroad) == ["ISTANBUL", "TURKEY", "TURKEY", "WORLD"]
    assert {(row["price_id"], row["amount_micro"]) for row in abroad} == {("mobile-m/voice-world", 1_500_000)}


def test_an_explanation_names_the_zone_in_words(house: House) -> None:
    name_zones(house)
    house.take("calls.csv", call(1, other="905321234567"), call(2))
    house.rate()
    with house.database.transaction() as tx:
        told = [rated.explain(tx=tx, lake=house.lake, record_id=row["record_id"]) for row in house.rows(GUIDED)]
    assert [one.sentence_nl.partition(",")[0] for one in told] == ["Gesprek naar Turkije", "Gesprek naar Nederland"]
    assert [one.sentence_en.partition(",")[0] for one in told] == ["Call to Turkey", "Call to the Netherlands"]
    assert told[0].zone == "TURKEY"
