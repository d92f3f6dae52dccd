"""Reading a directory of catalogue files, all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.definition import Faults, Fields, from_file_offering
from hoeksteen.product.model import ProductOffering
from hoeksteen.product.validation import check_catalogue, check_offering

SHIPPED = Path(__file__).parent / "catalogue"
_FAULTS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class DeclaredOffering:
    """An offering, and the mapping that it was read from, price lists written out."""

    offering: ProductOffering
    declared: dict[str, Any]


def read_directory(directory: Path) -> list[DeclaredOffering]:
    """
    Read every `*.yaml` file of a directory, in the order of their names.

    :raises InvalidInput: naming each file, price and field that is wrong; nothing is read then
    """
    found, faults = check_directory(directory)
    return _without(found, faults)


def check_directory(directory: Path) -> tuple[list[DeclaredOffering], list[str]]:
    """
    Read every `*.yaml` file of a directory, and give what was read beside every fault.

    :raises InvalidInput: when there is no such file
    """
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise InvalidInput(f"{directory} holds no catalogue file.", remedy="Name a directory with *.yaml files.")
    faults: list[str] = []
    found: list[DeclaredOffering] = []
    for file in files:
        try:
            content = yaml.safe_load(file.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
            line = getattr(getattr(error, "problem_mark", None), "line", None)
            faults.append(f"{file.name}: {'line ' + str(line + 1) if line is not None else 'file'}: is not YAML in UTF-8")
            continue
        found += _read(file.name, content, faults)
    return found, faults + _across(found)


def read_mapping(content: Mapping[str, Any], *, name: str = "catalogue") -> list[DeclaredOffering]:
    """
    Read one catalogue that is already a mapping.

    :raises InvalidInput: naming each price and field that is wrong
    """
    faults: list[str] = []
    found = _read(name, content, faults)
    return _without(found, faults + _across(found))


def _across(found: list[DeclaredOffering]) -> list[str]:
    across = Faults("catalogue")
    check_catalogue(offerings=[entry.offering for entry in found], faults=across)
    return across.found


def _without(found: list[DeclaredOffering], faults: list[str]) -> list[DeclaredOffering]:
    if faults:
        more = f" (and {len(faults) - _FAULTS_SHOWN_MAX} more)" if len(faults) > _FAULTS_SHOWN_MAX else ""
        shown = "; ".join(faults[:_FAULTS_SHOWN_MAX])
        raise InvalidInput(f"The catalogue has faults: {shown}{more}.", remedy="Correct the file and load it again.")
    return found


def _read(name: str, content: Any, faults: list[str]) -> list[DeclaredOffering]:
    noted = Faults(name)
    if not isinstance(content, Mapping):
        noted.add("file", "offerings", "must be a mapping with a list of offerings")
        faults += noted.found
        return []
    top = Fields(noted, "file", content)
    top.known_only({"offerings", "price_lists"})
    price_lists = top.lists("price_lists")
    found = []
    for entry in top.mappings("offerings"):
        entry.where = str(entry.values.get("id", entry.where))
        offering = from_file_offering(fields=entry, price_lists=price_lists)
        check_offering(offering=offering, faults=noted)
        shared = [price for used in entry.texts("uses") for price in price_lists.get(used, [])]
        declared = {key: value for key, value in entry.values.items() if key not in {"uses", "prices"}}
        found.append(DeclaredOffering(offering, {**declared, "prices": shared + entry.listed("prices")}))
    faults += noted.found
    return found
