"""`hoeksteen rate`: what rating would make of a month now, or at other prices; nothing is written. `hoeksteen lake`: merging its files."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_month, counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import numbered_billing_account
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.money import euros
from hoeksteen.party.queries import billing_accounts_by_id, customers
from hoeksteen.rating import rerating
from hoeksteen.rating.rerating import Difference
from hoeksteen.rating.retaining import retain
from hoeksteen.rating.tables import CHARGE
from hoeksteen.rating.what_if import WhatIf, what_if
from hoeksteen.storage.lake.compaction import FILES_MAX, compact
from hoeksteen.usage.tables import GUIDED

_SERVICE = "bss"


@click.group()
def rate() -> None:
    """Compare what was charged with what rating would make of it now, or at other prices; nothing is written."""


@rate.command()
@click.option("--month", callback=a_month, required=True, help="The month in which the bill periods begin, such as 2026-10.")
@click.option("--billing-account", "named", help="Of this one alone: its number, or its identifier.")
@data_option
@json_option
def difference(month: date, named: str | None, data: Path, as_json: bool) -> None:
    """Rate a month as everything stands now, and show where the result is not what was charged."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        if named is None:
            found = rerating.difference(tx=tx, lake=runtime.lake, month=month)
        else:
            chosen = numbered_billing_account(tx=tx, named=named).billing_account_id
            found = rerating.rerate_account(tx=tx, lake=runtime.lake, billing_account_id=chosen, month=month)
        accounts = billing_accounts_by_id(tx=tx, billing_account_ids=[*{one.billing_account_id for one in found}])
    _show_differences(found, {one.billing_account_id: one.billing_account_number for one in accounts}, as_json=as_json)
    if as_json:
        figures = {"month": f"{month:%Y-%m}", "differences": [asdict(one) for one in found]}
        emit_json({**figures, "micro": sum(one.micro_after - one.micro_before for one in found), "seconds": round(time.monotonic() - began, 2)})


@rate.command("what-if")
@click.option("--month", callback=a_month, required=True, help="The month in which the bill periods begin, such as 2026-10.")
@click.option(
    "--catalogue", type=click.Path(exists=True, path_type=Path, resolve_path=True), required=True,
    help="A file of the catalogue, or a directory of them: the offerings whose prices change.",
)  # fmt: skip
@data_option
@json_option
def what_if_command(month: date, catalogue: Path, data: Path, as_json: bool) -> None:
    """Rate a month at other prices, and show what it would have brought and for whom it would change most."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = what_if(tx=tx, lake=runtime.lake, month=month, catalogue=catalogue)
        known = customers(tx=tx, customer_ids=[one.customer_id for one in found.most])
    _show_what_if(found, {one.customer_id: one.customer_number for one in known}, as_json=as_json)
    if as_json:
        emit_json({**asdict(found), "month": f"{month:%Y-%m}", "micro_before": found.micro_before, "micro_after": found.micro_after})


def _show_differences(found: Sequence[Difference], numbers: Mapping[UUID, str], *, as_json: bool) -> None:
    console = report_console(as_json=as_json)
    if not found:
        console.print("Nothing differs: the charges are what rating would make of it now.")
        return
    table = report_table("Charged, and as it would be now")
    for heading in ("billing account", "price", "records", "now", "EUR", "EUR now"):
        table.add_column(heading, justify="left" if heading in ("billing account", "price") else "right")
    for one in found:
        amounts = (f"{euros(one.micro_before):,.6f}", f"{euros(one.micro_after):,.6f}")
        price = escape(one.price_id or "none")
        table.add_row(numbers[one.billing_account_id], price, f"{one.records_before:,}", f"{one.records_after:,}", *amounts)
    console.print(table)
    console.print(f"In all EUR {euros(sum(one.micro_after - one.micro_before for one in found)):+,.6f}.")


def _show_what_if(found: WhatIf, numbers: Mapping[UUID, str], *, as_json: bool) -> None:
    console = report_console(as_json=as_json)
    table = report_table(f"Usage of {found.month:%Y-%m} at these prices")
    for heading in ("offering", "service", "records", "EUR", "EUR then", "difference"):
        table.add_column(heading, justify="left" if heading in ("offering", "service") else "right")
    for line in found.revenue:
        amounts = [f"{euros(micro):,.2f}" for micro in (line.micro_before, line.micro_after, line.micro_after - line.micro_before)]
        table.add_row(escape(line.product_offering_id), line.service, f"{line.records:,}", *amounts)
    table.add_section()
    totals = (found.micro_before, found.micro_after, found.micro_after - found.micro_before)
    table.add_row("all", "", f"{sum(line.records for line in found.revenue):,}", *(f"{euros(micro):,.2f}" for micro in totals))
    console.print(table)
    console.print(f"Of {counted(found.customers, 'customer')} {found.cheaper:,} would pay less and {found.dearer:,} more.")
    for one in found.most:
        console.print(f"  customer {numbers[one.customer_id]}: EUR {euros(one.micro_before):,.2f} → {euros(one.micro_after):,.2f}")


@click.group()
def lake() -> None:
    """Look after the lake of usage and charges."""


@lake.command("compact")
@click.option("--files-max", type=click.IntRange(1), default=FILES_MAX, show_default=True, help="How many files of one partition may stay.")
@data_option
@json_option
def compact_command(files_max: int, data: Path, as_json: bool) -> None:
    """Merge the many small files that deliveries leave; every row stays what it is."""
    console = report_console(as_json=as_json)
    done = []
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        for table in (GUIDED, CHARGE):
            write_id = runtime.identifiers.new(runtime.clock.now())
            done.append(compact(database=runtime.database, lake=runtime.lake, table=table, write_id=write_id, files_max=files_max))
    for one in done:
        before = f"{counted(one.files_before, 'file')} of {counted(one.partitions, 'partition')}"
        console.print(f"{one.table}: {before} became {one.files_after:,}; {counted(one.rows, 'row')}.")
    if as_json:
        emit_json({"compacted": [asdict(one) for one in done]})


@lake.command("retain")
@click.option("--traffic-from", callback=a_month, required=True, help="The first month that keeps other parties' numbers, such as 2026-04.")
@click.option("--records-from", callback=a_month, required=True, help="The first month that keeps records and charges, such as 2019-01.")
@data_option
@json_option
def retain_command(traffic_from: date, records_from: date, data: Path, as_json: bool) -> None:
    """Let usage go when its time is over: numbers of other parties first, then records and charges; balances stay."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        write_id = runtime.identifiers.new(runtime.clock.now())
        done = retain(database=runtime.database, lake=runtime.lake, write_id=write_id, traffic_from=traffic_from, records_from=records_from)
    console = report_console(as_json=as_json)
    for what, months in (("numbers went of", done.months_blind), ("records and charges went of", done.months_dropped)):
        console.print(f"{what} {', '.join(f'{month // 100}-{month % 100:02d}' for month in months) or 'no month'}")
    if as_json:
        emit_json(asdict(done))


commands = [rate, lake]
