"""The tables by which collection finds zones: the numbering plan, and the zones that the operator's price lists refine it with."""

from collections.abc import Sequence

import pyarrow as pa

from hoeksteen.product.model import NamedZone
from hoeksteen.product.numbering_plan import ZONE_OF_ROAMING, countries, prefixes, prefixes_by_country


def prefix_table(zones: Sequence[NamedZone]) -> pa.Table:
    """Give every prefix and the zone of the numbers that begin so; the longest one decides."""
    found: dict[str, str] = dict(prefixes())
    for zone in zones:
        for prefix in [*(one for country in zone.countries for one in prefixes_by_country().get(country, ())), *zone.prefixes]:
            found[prefix] = zone.zone_id
    return pa.table({"prefix": pa.array(list(found), pa.string()), "zone": pa.array([str(zone) for zone in found.values()], pa.string())})


def country_table(zones: Sequence[NamedZone]) -> pa.Table:
    """Give every country, what being there means, and the zone of data that is used there."""
    return pa.table(
        {
            "country": pa.array([country for country, _ in countries()], pa.string()),
            "roaming": pa.array([str(roaming) for _, roaming in countries()], pa.string()),
            "data_zone": pa.array(list(zones_of_data(zones).values()), pa.string()),
        }
    )


def zones_of_data(zones: Sequence[NamedZone]) -> dict[str, str]:
    """Give the zone of data by the country in which it is used."""
    named = {country: zone.zone_id for zone in zones for country in zone.countries}
    return {country: named.get(country, str(ZONE_OF_ROAMING[roaming])) for country, roaming in countries()}
