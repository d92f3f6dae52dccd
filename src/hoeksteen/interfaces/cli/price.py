"""`hoeksteen price`: what a price list says, before anybody is charged by it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.errors import Code, HoeksteenError
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product import operations as product
from hoeksteen.product import queries as products
from hoeksteen.product.model import NamedZone, ProductOffering
from hoeksteen.product.price_list import SHIPPED, check_directory
from hoeksteen.product.validation import remarks, unused_zones
from hoeksteen.rating.examples import Example, examples

_SERVICE = "bss"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a check found; each text is `file: price: field: what is wrong`."""

    offerings: list[ProductOffering]
    faults: list[str]
    remarks: list[str]
    examples: list[Example]


@click.group()
def price() -> None:
    """Check price lists, and load them."""


@price.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True))
@click.option("--examples", "with_examples", is_flag=True, help="Also what typical amounts of use cost at each price, beyond every allowance.")
@click.option("--beside", is_flag=True, help="Also as it would be loaded beside the prices of the installation; nothing is written.")
@data_option
@json_option
def check(directory: Path | None, with_examples: bool, beside: bool, data: Path, as_json: bool) -> None:
    """Name every hole, overlap and fault of the price lists in DIRECTORY (those that are shipped, by default); exit status 65 when there is one."""
    checked = _check(directory or SHIPPED, _loaded_zones(data) if beside else ())
    if beside and not checked.faults:
        checked.faults.extend(_beside(directory or SHIPPED, data))
    if with_examples and not checked.faults:
        checked.examples.extend(examples(offerings=checked.offerings, day=local_day(SystemClock().now())))
    _show(report_console(as_json=as_json), checked)
    if as_json:
        emit_json(_figures(checked))
    if checked.faults:
        sys.exit(PROBLEMS[Code.INVALID_INPUT].exit_status)


@price.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True))
@data_option
@json_option
def load(directory: Path, data: Path, as_json: bool) -> None:
    """Load the price lists in DIRECTORY beside those that are there: all of them, or nothing when one would change what was charged."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        count = product.load_catalogue(tx=tx, directory=directory, now=runtime.clock.now())
        zones = [zone.zone_id for zone in products.zones(tx=tx)]
    report_console(as_json=as_json).print(f"{counted(count, 'offering')} loaded; {counted(len(zones), 'zone is', 'zones are')} named.")
    if as_json:
        emit_json({"offerings": count, "zones": zones})


def _loaded_zones(data: Path) -> Sequence[NamedZone]:
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        return products.zones(tx=tx)


def _check(directory: Path, zones: Sequence[NamedZone]) -> _Checked:
    found = check_directory(directory, zones=zones)
    offerings = [entry.offering for entry in found.offerings]
    standing_out = [remark for offering in offerings for remark in remarks(offering=offering)]
    standing_out += unused_zones(zones=[entry.zone for entry in found.zones], offerings=offerings)
    return _Checked(offerings, found.faults, standing_out if not found.faults else [], [])


def _beside(directory: Path, data: Path) -> list[str]:
    """Load into a transaction that is undone, and give what refuses it."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        try:
            with runtime.database.transaction() as tx:
                product.load_catalogue(tx=tx, directory=directory, now=runtime.clock.now())
                raise _Undone
        except _Undone:
            return []
        except HoeksteenError as error:
            return [str(error)]


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


def _figures(checked: _Checked) -> dict[str, Any]:
    offerings = checked.offerings
    return {
        "valid": not checked.faults,
        "offerings": len(offerings),
        "zones": len({zone.zone_id for offering in offerings for zone in offering.zones}),
        "price_versions": sum(len(offering.prices) + len(offering.usage_prices) for offering in offerings),
        "allowances": sum(len(offering.allowances) for offering in offerings),
        "caps": sum(len(offering.caps) for offering in offerings),
        "faults": checked.faults,
        "remarks": checked.remarks,
        "examples": [asdict(example) for example in checked.examples],
    }


def _show(console: Console, checked: _Checked) -> None:
    table = report_table("Offerings")
    for heading in ("offering", "charges", "usage prices", "allowances", "caps"):
        table.add_column(heading, justify="left" if heading == "offering" else "right")
    for offering in checked.offerings:
        counts = (offering.prices, offering.usage_prices, offering.allowances, offering.caps)
        table.add_row(escape(offering.product_offering_id), *(f"{len(one):,}" for one in counts))
    console.print(table)
    _show_examples(console, checked.examples)
    for fault in checked.faults:
        console.print(f"[bold]fault[/]   {escape(fault)}", soft_wrap=True)
    for remark in checked.remarks:
        console.print(f"remark  {escape(remark)}", soft_wrap=True)
    console.print(
        f"\n{counted(len(checked.faults), 'fault')}, {counted(len(checked.remarks), 'remark')}."
        if checked.faults or checked.remarks
        else "\nNo faults."
    )


def _show_examples(console: Console, found: Sequence[Example]) -> None:
    """Show what typical use costs, price by price; the sentences are those that an explanation of a charge has."""
    for _, some in groupby(found, key=lambda one: (one.offering_ids, one.price, one.price_from)):
        of_price = list(some)
        first = of_price[0]
        console.print(f"\n[bold]{escape(first.price)}[/] from {first.price_from}: {escape(', '.join(first.offering_ids))}", soft_wrap=True)
        for one in of_price:
            console.print(f"  {escape(one.sentence_en)}", soft_wrap=True)


commands = [price]
