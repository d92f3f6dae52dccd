"""The zones that price lists name beside the built-in ones: read from their declared form, and checked against the numbering plan."""

import re
from collections.abc import Iterable, Sequence

from hoeksteen.product.fields import Faults, Fields
from hoeksteen.product.model import NamedZone, Zone
from hoeksteen.product.numbering_plan import ZONE_OF_ROAMING, countries, prefixes_by_country, zone_of

_ZONE = {"id", "within", "name", "countries", "prefixes"}
_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9-]{1,29}")
_PREFIX = re.compile(r"\*?[0-9]{1,15}")
_NAMES = {
    Zone.NL: ("Nederland", "the Netherlands"),
    Zone.EU: ("de EU", "the EU"),
    Zone.WORLD: ("de rest van de wereld", "the rest of the world"),
    Zone.NL_SERVICE: ("servicenummers", "service numbers"),
    Zone.NL_FREE: ("gratis nummers", "free numbers"),
}


def zone_ids(zones: Iterable[NamedZone]) -> list[str]:
    """
    Give every zone that a record can have, the built-in ones first.

    :param zones: those that the catalogue names
    """
    return [*map(str, Zone), *(zone.zone_id for zone in zones)]


def zone_name(*, zone: str, zones: Sequence[NamedZone], language: str) -> str:
    """
    Give a zone's name in `nl` or `en`, as it stands behind "to"; one that nobody knows shows as its identifier.

    :param zones: those that the catalogue names
    """
    if zone in _NAMES:
        return _NAMES[Zone(zone)][0 if language == "nl" else 1]
    found = next((one for one in zones if one.zone_id == zone), None)
    return zone if found is None else found.name_nl if language == "nl" else found.name_en


def from_file_zone(*, fields: Fields) -> NamedZone:
    """Read one zone; faults are noted in `fields.faults`."""
    fields.known_only(_ZONE)
    zone_id, name = fields.text("id"), fields.mapping("name")
    if zone_id in list(Zone) or not _IDENTIFIER.fullmatch(zone_id):
        fields.faults.add(fields.where, "id", f"must be capitals, digits and hyphens such as TURKEY, and none of {', '.join(Zone)}")
    found = NamedZone(
        zone_id, fields.one_of("within", Zone) or Zone.WORLD, name.text("nl"), name.text("en"), tuple(fields.texts("countries")),
        tuple(fields.texts("prefixes")),
    )  # fmt: skip
    if not found.countries and not found.prefixes:
        fields.faults.add(fields.where, "countries", "or prefixes must name something")
    return found


def check_zones(*, zones: Sequence[NamedZone], faults: Faults) -> None:
    """Note every country and prefix that the numbering plan does not know, that lies in another zone, or that stands in two of these zones."""
    seen: dict[str, str] = {}
    for zone in zones:
        where = f"zone {zone.zone_id}"
        taken = [(country, prefix) for country in zone.countries for prefix in _of_country(zone, country, faults)]
        taken += [("", prefix) for prefix in zone.prefixes if _known(zone, prefix, faults)]
        for country, prefix in taken:
            other = seen.setdefault(prefix, zone.zone_id)
            what = f"{prefix} of {country}" if country else prefix
            if other != zone.zone_id:
                faults.add(where, "countries" if country else "prefixes", f"{what} stands in {other} too; leave it in one of them")
            elif zone_of(prefix) is not zone.within:
                faults.add(where, "countries" if country else "prefixes", f"{what} lies in {zone_of(prefix)}, not within {zone.within}")


def _of_country(zone: NamedZone, country: str, faults: Faults) -> tuple[str, ...]:
    where, roaming = f"zone {zone.zone_id}", dict(countries()).get(country)
    if roaming is None:
        faults.add(where, "countries", f"{country} is no country of the numbering plan (ISO 3166-1, two letters)")
        return ()
    prefixes = prefixes_by_country().get(country, ())
    if not prefixes:
        faults.add(where, "countries", f"{country} shares its country code and has no prefix of its own; name its prefixes")
    elif ZONE_OF_ROAMING[roaming] is not zone.within:
        faults.add(where, "countries", f"{country} lies in {ZONE_OF_ROAMING[roaming]}, not within {zone.within}")
        return ()
    return prefixes


def _known(zone: NamedZone, prefix: str, faults: Faults) -> bool:
    if _PREFIX.fullmatch(prefix) and zone_of(prefix) is not None:
        return True
    faults.add(f"zone {zone.zone_id}", "prefixes", f"{prefix} begins with no prefix of the numbering plan; write digits without + or 00")
    return False
