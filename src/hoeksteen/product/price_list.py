"""Reading a directory of catalogue files, all of it or nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.charge_kinds import ChargeKind, from_file_charge_kind, note_twice
from hoeksteen.product.definition import Faults, Fields, from_file_offering
from hoeksteen.product.model import NamedZone, ProductOffering
from hoeksteen.product.named_zones import check_zones, from_file_zone
from hoeksteen.product.validation import check_catalogue, check_offering
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

SHIPPED = Path(__file__).parent / "catalogue"
_FAULTS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class DeclaredOffering:
    """An offering, and the mapping that it was read from, price lists written out."""

    offering: ProductOffering
    declared: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredZone:
    """A zone that the price lists name, and the mapping that it was read from."""

    zone: NamedZone
    declared: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredChargeKind:
    """A one-off charge that the catalogue names, and the mapping that it was read from."""

    kind: ChargeKind
    declared: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """What some catalogue files declare; `faults` are `file: where: field: what is wrong`."""

    offerings: list[DeclaredOffering] = field(default_factory=list)
    zones: list[DeclaredZone] = field(default_factory=list)
    charges: list[DeclaredChargeKind] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_directory(directory: Path, *, zones: Sequence[NamedZone] = ()) -> Declared:
    """
    Read every `*.yaml` file of a directory, in the order of their names, or one file that is named itself.

    :param zones: those that are loaded, which prices may name beside those of the files
    :raises InvalidInput: naming each file, price and field that is wrong; nothing is read then
    """
    return _without_faults(check_directory(directory, zones=zones))


def check_directory(directory: Path, *, zones: Sequence[NamedZone] = ()) -> Declared:
    """
    Read every `*.yaml` file of a directory, or one file that is named itself, and give what was read beside every fault.

    :param zones: those that are loaded, which prices may name beside those of the files
    :raises InvalidInput: when there is no such file
    """
    files = sorted(directory.glob("*.yaml")) if directory.is_dir() else [directory]
    if not files:
        raise InvalidInput(f"{directory} holds no catalogue file.", remedy="Name a directory with *.yaml files.")
    faults: list[str] = []
    contents: list[tuple[str, Any]] = []
    for file in files:
        try:
            contents.append((file.name, read_yaml(file.read_text("utf-8"))))
        except OSError as error:
            faults.append(f"{file.name}: file: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            faults.append(f"{file.name}: file: is not YAML in UTF-8")
        except NoYaml as error:
            faults.append(f"{file.name}: {'file' if error.line is None else f'line {error.line}'}: {error}")
    return _read(contents, zones, faults)


def read_mapping(content: Mapping[str, Any], *, name: str = "catalogue", zones: Sequence[NamedZone] = ()) -> Declared:
    """
    Read one catalogue that is already a mapping.

    :param zones: those that are loaded, which prices may name beside its own
    :raises InvalidInput: naming each price and field that is wrong
    """
    return _without_faults(_read([(name, content)], zones, []))


def _without_faults(found: Declared) -> Declared:
    if found.faults:
        more = f" (and {len(found.faults) - _FAULTS_SHOWN_MAX} more)" if len(found.faults) > _FAULTS_SHOWN_MAX else ""
        shown = ";\n  ".join(found.faults[:_FAULTS_SHOWN_MAX])  # each on a line of its own: they are read by people, one after another
        raise InvalidInput(
            f"The catalogue has faults: {shown}{more}.", remedy="Correct the file and try again; `hoeksteen price check` names them too."
        )
    return found


def _read(contents: Sequence[tuple[str, Any]], loaded: Sequence[NamedZone], faults: list[str]) -> Declared:
    """Read files, first the zones of all of them, then the offerings that name these."""
    found = Declared(faults=faults)
    tops: list[Fields] = []
    for name, content in contents:
        noted = Faults(name, faults)
        if not isinstance(content, Mapping):
            noted.add("file", "offerings", "must be a mapping with a list of offerings")
            continue
        top = Fields(noted, "file", content)
        top.known_only({"offerings", "price_lists", "zones", "charges"})
        tops.append(top)
        for entry in top.mappings("zones"):
            entry.where = f"zone {entry.values.get('id', entry.where)}"
            found.zones.append(DeclaredZone(from_file_zone(fields=entry), entry.values))
        for entry in top.mappings("charges"):
            entry.where = f"charge {entry.values.get('id', entry.where)}"
            found.charges.append(DeclaredChargeKind(from_file_charge_kind(fields=entry), entry.values))
    across = Faults("catalogue", faults)
    declared = [entry.zone for entry in found.zones]
    for zone_id, count in Counter(zone.zone_id for zone in declared).items():
        if count > 1:
            across.add(f"zone {zone_id}", "id", "stands twice in the catalogue")
    zones = sorted({zone.zone_id: zone for zone in [*loaded, *declared]}.values(), key=lambda zone: zone.zone_id)
    check_zones(zones=zones, faults=across)
    note_twice(kinds=[entry.kind for entry in found.charges], faults=across)
    for top in tops:
        found.offerings.extend(_offerings(top, zones))
    check_catalogue(offerings=[entry.offering for entry in found.offerings], faults=across)
    return found


def _offerings(top: Fields, zones: Sequence[NamedZone]) -> Iterable[DeclaredOffering]:
    price_lists = top.lists("price_lists")
    for entry in top.mappings("offerings"):
        entry.where = str(entry.values.get("id", entry.where))
        offering = from_file_offering(fields=entry, price_lists=price_lists, zones=zones)
        check_offering(offering=offering, faults=top.faults)
        shared = [price for used in entry.texts("uses") for price in price_lists.get(used, [])]
        declared = {key: value for key, value in entry.values.items() if key not in {"uses", "prices"}}
        yield DeclaredOffering(offering, {**declared, "prices": shared + entry.listed("prices")})
