"""`hoeksteen counters`: what customers used so far in open bill periods, and the caps on roaming that they lift."""

import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_day, counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product import operations as product
from hoeksteen.product import queries as products
from hoeksteen.rating import counters as counting
from hoeksteen.rating.model import Counter, CounterKind
from hoeksteen.usage import queries as usage

_SERVICE = "bss"
_DAYS_SHOWN = 31  # no bill period that is open began earlier


@click.group()
def counters() -> None:
    """Count what was used so far, show it, lift a cap on roaming."""


@counters.command()
@click.option("--file", "files", type=click.UUID, multiple=True, help="A collected usage file; by default all of them.")
@data_option
@json_option
def refresh(files: tuple[UUID, ...], data: Path, as_json: bool) -> None:
    """Count again for whose usage lies in files, and tell customers of the thresholds that they reached."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        if not files:
            with runtime.database.transaction() as tx:
                files = tuple(file.usage_file_id for file in usage.balances(tx=tx))
        done = counting.refresh(
            database=runtime.database, lake=runtime.lake, usage_file_ids=files, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    figures = {**asdict(done), "seconds": round(time.monotonic() - began, 2)}
    report_console(as_json=as_json).print(
        f"{counted(done.billing_accounts, 'billing account')} counted in {figures['seconds']} s; {counted(done.notices, 'message')} to customers,"
        f" {counted(done.roaming_stopped, 'product roams', 'products roam')} no more, {done.roaming_resumed:,} again."
    )
    if as_json:
        emit_json(figures)


@counters.command()
@customer_argument
@data_option
@json_option
def show(customer: str, data: Path, as_json: bool) -> None:
    """Show what a customer used so far."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        since = local_day(runtime.clock.now()) - timedelta(days=_DAYS_SHOWN)
        whose = meant_customer(tx=tx, named=customer)
        found = counting.counters(tx=tx, customer_id=whose.customer_id, since=since)
        stops = products.roaming_stops(tx=tx, customer_id=whose.customer_id, since=since)
    table = report_table("So far")
    for heading in ("period", "what", "used", "of", "%"):
        table.add_column(heading, justify="left" if heading in ("period", "what") else "right")
    for one in found:
        table.add_row(str(one.period_day), escape(one.name or "spending"), _amount(one, one.used), _amount(one, one.bound), str(one.percent))
    console = report_console(as_json=as_json)
    if found:
        console.print(table)
    else:
        console.print(
            f"Nothing is counted for customer {whose.customer_number} in bill periods that began on {since} or later: no use of an allowance, and no"
            " spending. `hoeksteen counters refresh` counts what was collected.", soft_wrap=True,
        )  # fmt: skip
    for stop in stops:
        console.print(f"Roaming of product {stop.product_id} is stopped since {local_day(stop.stopped_at)} by {escape(stop.cap_id)}.", soft_wrap=True)
    if as_json:
        emit_json({"counters": [{**asdict(one), "percent": one.percent} for one in found], "roaming_stops": [asdict(stop) for stop in stops]})


@counters.command()
@customer_argument
@click.argument("product_id", metavar="PRODUCT", type=click.UUID)
@click.argument("cap")
@click.option("--until", callback=a_day, help="The first day on which the cap holds again, such as 2026-12-01.")
@data_option
def lift(customer: str, product_id: UUID, cap: str, until: date | None, data: Path) -> None:
    """Let a product roam beyond a cap, as its customer asked."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whose = meant_customer(tx=tx, named=customer).customer_id
        lifted = product.lift_roaming_cap(tx=tx, customer_id=whose, product_id=product_id, cap_id=cap, now=runtime.clock.now(), until=until)
    end = "it is restored" if lifted.valid_to is None else local_day(lifted.valid_to)
    click.echo(f"{cap} of product {product_id} is lifted until {end}.")


@counters.command()
@customer_argument
@click.argument("product_id", metavar="PRODUCT", type=click.UUID)
@click.argument("cap")
@data_option
def restore(customer: str, product_id: UUID, cap: str, data: Path) -> None:
    """Let a cap hold again for use that begins from now on."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whose = meant_customer(tx=tx, named=customer).customer_id
        product.restore_roaming_cap(tx=tx, customer_id=whose, product_id=product_id, cap_id=cap, now=runtime.clock.now())
    click.echo(f"{cap} of product {product_id} holds.")


def _amount(one: Counter, value: int | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if one.kind is CounterKind.ALLOWANCE else f"EUR {euros(value):,.2f}"


commands = [counters]
