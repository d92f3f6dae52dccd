"""
The adapters that are there: those of installed packages, and layouts that the operator declares.

A package brings adapters by an entry point of the group `hoeksteen.usage_adapters`, which names a function without arguments that gives them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.usage.adapters.base import Adapter, LineAdapter, RecordAdapter
from hoeksteen.usage.adapters.declared import adapter_of
from hoeksteen.usage.adapters.layout import read_layout
from hoeksteen.usage.adapters.threegpp import BerRecords, CdrFile

GROUP = "hoeksteen.usage_adapters"
_LAYOUTS = Path(__file__).parent / "layouts"


def ours() -> list[Adapter]:
    """Give the adapters of this package: what its own entry point names."""
    declared = [adapter_of(read_layout(file.read_text("utf-8"), file.name)) for file in sorted(_LAYOUTS.glob("*.yaml"))]
    return [*declared, BerRecords("ts32298_ber", endings=(".ber",)), CdrFile("ts32297_cdr", endings=(".cdr",))]


def adapters(layouts: Path | None = None) -> dict[str, Adapter]:
    """
    Give every adapter by its name.

    :param layouts: a folder of the operator's own layouts, `*.yaml`; it need not be there
    :raises InvalidInput: when a layout has faults, two adapters have one name, or a package's function does not give adapters
    """
    found = dict(_installed())
    files = sorted(layouts.glob("*.yaml")) if layouts is not None else []
    for file in files:
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file.name}: cannot be read as text.", remedy="Mend the layout, or take it out of its folder.") from error
        _add(found, [adapter_of(read_layout(text, file.name))], file.name)
    return found


def named(name: str, layouts: Path | None = None) -> Adapter:
    """
    Give an adapter.

    :raises InvalidInput: when there is none of that name
    """
    known = adapters(layouts)
    if name not in known:
        raise InvalidInput(f"There is no adapter {name}.", remedy=f"Choose one of {', '.join(sorted(known))}.")
    return known[name]


def of_ending(file: str, known: Mapping[str, Adapter]) -> Adapter | None:
    """Give the one adapter that takes files of this ending; None when none does, or several."""
    fitting = [adapter for adapter in known.values() if any(file.lower().endswith(ending.lower()) for ending in adapter.endings)]
    return fitting[0] if len(fitting) == 1 else None


@cache
def _installed() -> Mapping[str, Adapter]:
    found: dict[str, Adapter] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            given = point.load()()
        except Exception as error:  # a package's own code; what it raises must name the package
            raise InvalidInput(f"The adapters of {point.name} do not load: {type(error).__name__}.", remedy="Mend or remove the package.") from error
        _add(found, given, point.name)
    return found


def _add(found: dict[str, Adapter], given: Iterable[Adapter] | Sequence[object], where: str) -> None:
    for adapter in given:
        if not isinstance(adapter, LineAdapter | RecordAdapter):
            raise InvalidInput(f"{where}: gives what is no adapter.", remedy="See docs/adapters.md.")
        if adapter.name in found:
            raise InvalidInput(f"{where}: there are two adapters {adapter.name}.", remedy="Give one of them another name.")
        found[adapter.name] = adapter
