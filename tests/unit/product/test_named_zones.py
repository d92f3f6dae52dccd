"""Zones that price lists name: read and checked against the numbering plan, and priced without a hole by whoever knows nothing of them."""

import copy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoeksteen.kernel.errors import Conflict, InvalidInput
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import local_day, start_of_day
from hoeksteen.product import operations, queries
from hoeksteen.product.model import NewProduct, NewTerm, ProductOffering, Roaming, Service, Zone
from hoeksteen.product.named_zones import zone_name
from hoeksteen.product.price_list import read_directory, read_mapping
from hoeksteen.product.validation import Combination, in_force, remarks, unused_zones
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
LIST: dict[str, Any] = yaml.safe_load("""
zones:
  - {id: TURKEY, within: WORLD, name: {nl: Turkije, en: Turkey}, countries: [TR]}
  - {id: SATELLITE, within: WORLD, name: {nl: satelliettelefoons, en: satellite phones}, prefixes: ["881", "8816"]}
offerings:
  - id: plan
    family: mobile
    name: {nl: Plan, en: Plan}
    segment: consumer
    tax_included: true
    prices:
      - {id: voice, kind: usage, service: voice, versions: [{valid_from: 2026-01-01, amount: "0.20"}]}
      - id: turkey
        kind: usage
        service: voice
        zones: [TURKEY]
        roaming: [HOME, EU]
        versions: [{valid_from: 2026-06-01, amount: "0.50", valid_to: 2026-09-01}]
    allowances:
      - {id: minutes, service: voice, zones: [WORLD], units: 6000, except_zones: [TURKEY]}
""")


def changed(path: list[str | int], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(LIST)
    target: Any = content
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return content


def offering(content: dict[str, Any]) -> ProductOffering:
    return read_mapping(content).offerings[0].offering


def told(zone: str, roaming: Roaming) -> list[tuple[str, date, date | None]]:
    stretches = in_force(offering(LIST), Combination(Service.VOICE, zone, roaming, Zone.WORLD))
    return [(one.price.price_id, local_day(one.begins), None if one.ends is None else local_day(one.ends)) for one in stretches]


def test_a_price_that_names_a_zone_goes_before_the_one_for_all_of_it_while_it_holds() -> None:
    assert told("TURKEY", Roaming.HOME) == [
        ("plan/voice", date(2026, 1, 1), date(2026, 6, 1)),
        ("plan/turkey", date(2026, 6, 1), date(2026, 9, 1)),
        ("plan/voice", date(2026, 9, 1), None),
    ]
    assert told("TURKEY", Roaming.WORLD) == [("plan/voice", date(2026, 1, 1), None)]
    assert told("SATELLITE", Roaming.HOME) == [("plan/voice", date(2026, 1, 1), None)]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["zones", 0, "id"], "NL", "zone NL: id: must be capitals, digits and hyphens such as TURKEY, and none of NL"),
        (["zones", 0, "within"], "MOON", "zone TURKEY: within: must be one of NL, EU"),
        (["zones", 0, "name"], {"nl": "Turkije"}, "zone TURKEY/name: en: is missing"),
        (["zones", 0, "colour"], "red", "zone TURKEY: colour: is not a known field"),
        (["zones", 0, "countries"], [], "zone TURKEY: countries: or prefixes must name something"),
        (["zones", 0, "countries"], ["ZZ"], "zone TURKEY: countries: ZZ is no country of the numbering plan"),
        (["zones", 0, "countries"], ["CA"], "zone TURKEY: countries: CA shares its country code and has no prefix of its own"),
        (["zones", 0, "countries"], ["DE"], "zone TURKEY: countries: DE lies in EU, not within WORLD"),
        (["zones", 1, "prefixes"], ["+881"], "prefixes: [+]881 begins with no prefix of the numbering plan"),
        (["zones", 1, "prefixes"], ["999"], "prefixes: 999 begins with no prefix of the numbering plan"),
        (["zones", 1, "prefixes"], ["49176"], "prefixes: 49176 lies in EU, not within WORLD"),
        (["zones", 1, "prefixes"], ["90"], "prefixes: 90 stands in SATELLITE too|90 of TR stands in SATELLITE too"),
        (["zones", 1, "id"], "TURKEY", "zone TURKEY: id: stands twice"),
        (["offerings", 0, "prices", 1, "zones"], ["MARS"], "plan/turkey: zones: must be a list of NL, EU"),
        (["offerings", 0, "prices", 0, "zones"], [*Zone, "TURKEY"], "zone TURKEY roaming HOME: has two prices at once: plan/voice and plan/turkey"),
        (["offerings", 0, "allowances", 0, "except_zones"], ["EU"], "minutes: except_zones: must be a list of SATELLITE, TURKEY"),
        (["offerings", 0, "allowances", 0, "zones"], ["EU"], "minutes: except_zones: TURKEY is no part of a zone that stands in zones here"),
        (
            ["offerings", 0, "prices"],
            [{**LIST["offerings"][0]["prices"][0], "id": "data", "service": "data", "zones": [*Zone, "SATELLITE"]}],
            "plan/data is for data, which is found by country, in a zone that names none",
        ),
    ],
)  # fmt: skip
def test_a_zone_that_cannot_be_found_is_a_fault(path: list[str | int], value: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_mapping(changed(path, value))


def test_what_is_seldom_meant_is_remarked() -> None:
    declared = read_mapping(LIST)
    assert unused_zones(zones=[entry.zone for entry in declared.zones], offerings=[offering(LIST)]) == [
        "zone SATELLITE: no price names it; use in it costs what WORLD costs"
    ]
    assert remarks(offering=offering(LIST)) == []
    assert remarks(offering=offering(changed(["offerings", 0, "allowances", 0, "except_zones"], []))) == [
        "plan/minutes: zones: is for TURKEY too, which has a price of its own; name it in except_zones, or beside WORLD"
    ]


def test_zones_are_named_in_words() -> None:
    zones = [entry.zone for entry in read_mapping(LIST).zones]
    names = [zone_name(zone=zone, zones=zones, language=language) for zone in ("TURKEY", "WORLD", "GONE") for language in ("nl", "en")]
    assert names == ["Turkije", "Turkey", "de rest van de wereld", "the rest of the world", "GONE", "GONE"]


def test_prices_of_one_file_name_the_zones_of_another(tmp_path: Path) -> None:
    (tmp_path / "a-prices.yaml").write_text(yaml.safe_dump({"offerings": LIST["offerings"]}))
    with pytest.raises(InvalidInput, match="a-prices.yaml: plan/turkey: zones: must be a list of NL"):
        read_directory(tmp_path)
    (tmp_path / "b-zones.yaml").write_text(yaml.safe_dump({"zones": LIST["zones"]}))
    assert len(read_directory(tmp_path).offerings) == 1


def load(database: Database, content: dict[str, Any], now: datetime = NOW) -> None:
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping=content, now=now)


def test_a_loaded_zone_stays_where_it_lies_and_may_be_made_of_more(database: Database) -> None:
    load(database, LIST)
    load(database, LIST)
    load(database, {"zones": [{**LIST["zones"][0], "countries": ["TR", "AZ"]}], "offerings": []})
    with database.transaction() as tx:
        assert [(zone.zone_id, zone.countries) for zone in queries.zones(tx=tx)] == [("SATELLITE", ()), ("TURKEY", ("TR", "AZ"))]
        assert queries.offering(tx=tx, product_offering_id="plan").zones == tuple(queries.zones(tx=tx))
    with pytest.raises(Conflict, match="Zone TURKEY has countries, and would have none"):
        load(database, {"zones": [{**LIST["zones"][0], "countries": [], "prefixes": ["90"]}], "offerings": []})
    with pytest.raises(Conflict, match="Zone TURKEY lies within WORLD, and would lie within NL"):
        load(database, {"zones": [{"id": "TURKEY", "within": "NL", "name": {"nl": "T", "en": "T"}, "prefixes": ["3188"]}], "offerings": []})
    with pytest.raises(InvalidInput, match="881 stands in SATELLITE too|881 stands in NEW too"):
        load(database, {"zones": [{"id": "NEW", "within": "WORLD", "name": {"nl": "N", "en": "N"}, "prefixes": ["881"]}], "offerings": []})


def test_a_price_for_a_zone_of_an_offering_that_is_held_begins_today_or_later(database: Database) -> None:
    load(database, {"zones": LIST["zones"], "offerings": [{**LIST["offerings"][0], "prices": LIST["offerings"][0]["prices"][:1]}]})
    day = date(2026, 11, 1)
    with database.transaction() as tx:
        product = NewProduct(derived("customer"), derived("product"), derived("account"), day, day, (NewTerm(start_of_day(day), None, "plan"),))
        operations.add_products(tx=tx, products=[product])
    with pytest.raises(Conflict, match="plan/turkey from 2026-06-01 would change what was charged before 2026-11-10"):
        load(database, {"offerings": LIST["offerings"]})
    load(database, {"offerings": changed(["offerings", 0, "prices", 1, "versions"], [{"valid_from": "2026-11-10", "amount": "0.50"}])["offerings"]})
