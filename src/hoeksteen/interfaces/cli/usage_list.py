"""`hoeksteen usage list`: the rated records of one customer's month, by the identifiers that `explain` and `correct` take."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_month, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.party import queries as party
from hoeksteen.rating import queries as rated

_SERVICE = "bss"


@click.command("list")
@customer_argument
@click.option("--month", callback=a_month, required=True, help="The month in which the bill period begins, such as 2026-10.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many to show, the first ones.")
@data_option
@json_option
def list_(customer: str, month: date, limit: int, data: Path, as_json: bool) -> None:
    """Show the rated records of one customer's month; `usage explain RECORD` says how each was charged."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whose = meant_customer(tx=tx, named=customer)
        held = party.billing_accounts(tx=tx, customer_id=whose.customer_id)
        found = [one for each in held for one in rated.records_of(lake=runtime.lake, billing_account_id=each.billing_account_id, month=month)]
    shown = found[:limit]
    console = report_console(as_json=as_json)
    if shown:
        table = report_table(f"Usage of customer {whose.customer_number}, {month:%Y-%m}")
        for heading in ("record", "start", "service", "units", "EUR"):
            right = heading in ("units", "EUR")
            table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "service")
        for one in shown:
            start = f"{one.start.astimezone(OPERATOR_ZONE):%m-%d %H:%M}"
            said = " ".join(part for part in (one.service, one.zone, one.reason) if part)
            table.add_row(str(one.record_id), start, escape(said), f"{one.delivered_units:,}", f"{euros(one.amount_micro):,.2f}")
        console.print(table)
    console.print(f"{len(shown):,} of {len(found):,} records rated of customer {whose.customer_number} in {month:%Y-%m}.", soft_wrap=True)
    if as_json:
        emit_json({"customer_number": whose.customer_number, "total": len(found), "records": [asdict(one) for one in shown]})
