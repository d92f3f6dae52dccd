"""`hoeksteen usage`: collect files, rate a month, explain a charge."""

import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_month, counted, data_option, emit_json, json_option, report_console, report_pairs
from hoeksteen.interfaces.cli.usage_balance import balance, rated_balance, require_closed, show_balance, show_reasons, totals
from hoeksteen.interfaces.cli.usage_correct import commands as correcting
from hoeksteen.interfaces.cli.usage_correct import told
from hoeksteen.interfaces.cli.usage_files import adapters, collect, shown_progress, watch
from hoeksteen.interfaces.cli.usage_list import list_
from hoeksteen.interfaces.cli.usage_senders import sender
from hoeksteen.interfaces.cli.usage_suspended import suspended
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import AccessDenied
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE, local_day
from hoeksteen.rating import operations as rating
from hoeksteen.rating import queries as rated
from hoeksteen.rating.model import Explanation
from hoeksteen.usage import operations as collection

_SERVICE = "bss"


@click.group()
def usage() -> None:
    """Collect, rate and explain usage."""


@usage.command()
@click.option("--month", callback=a_month, required=True, help="The month in which the bill periods begin, such as 2026-10.")
@data_option
@json_option
def rate(month: date, data: Path, as_json: bool) -> None:
    """Try suspended usage again, rate every record of a month's bill periods, and show that every record of every file has one final state."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, shown_progress("rating") as (bars, task):
        recycled, refusal = _recycle(runtime)
        run = rating.rate_month(
            database=runtime.database,
            lake=runtime.lake,
            month=month,
            now=runtime.clock.now(),
            identifiers=runtime.identifiers,
            progress=lambda step, records: bars.update(task, description=f"{step}: {records:,} records"),
        )
        balances, reasons = rated_balance(runtime)
    seconds = round(time.monotonic() - began, 2)
    console = report_console(as_json=as_json)
    if run.records:
        show_balance(console, balances)
        show_reasons(console, reasons)
    if recycled or refusal:
        told = f"\n{counted(recycled, 'record that was', 'records that were')} suspended can be rated now."
        console.print(refusal or told, soft_wrap=True)
    if not run.records:
        ahead = " It has not begun yet." if month > local_day(runtime.clock.now()) else ""
        console.print(f"There is no usage for the bills of {month:%Y-%m}.{ahead} `hoeksteen usage balance` shows what was taken.", soft_wrap=True)
    console.print(f"\n{counted(run.records, 'record')} of {run.month:%Y-%m} rated in {seconds} s; digest {run.digest.hex()}", soft_wrap=True)
    if as_json:
        figures = {"month": f"{run.month:%Y-%m}", "records": run.records, "digest": run.digest.hex(), "recycled": recycled, "seconds": seconds}
        emit_json({"usage": totals(balances), **figures})
    require_closed(balances)


@usage.command()
@click.argument("record", type=click.UUID)
@data_option
@json_option
def explain(record: UUID, data: Path, as_json: bool) -> None:
    """Explain one charge: price, allowance before and after, rounding. `usage list` and the desk show the RECORDs."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        explanation = rated.explain(tx=tx, lake=runtime.lake, record_id=record)
    if as_json:
        emit_json(asdict(explanation))
        return
    _show_explanation(explanation)


def _recycle(runtime: Runtime) -> tuple[int, str]:
    """Give how many suspended records can be rated now; or none and why, because rating need not wait for the keeper's permission."""
    try:
        guided = collection.recycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    except AccessDenied as error:
        return 0, f"\nSuspended records were not tried again. {error}"
    return guided, ""


def _show_explanation(explanation: Explanation) -> None:
    console = Console()
    console.print(explanation.sentence_en, soft_wrap=True)
    console.print(explanation.sentence_nl, soft_wrap=True, style="dim")
    table = report_pairs()
    valid_from = f"{explanation.price_valid_from.astimezone(OPERATOR_ZONE):%Y-%m-%d}" if explanation.price_valid_from else ""
    rows = {
        "record": explanation.record_id,
        "product": f"{explanation.product_id} ({explanation.product_offering_id})",
        "start": explanation.start.astimezone(OPERATOR_ZONE).isoformat(),
        "service, zone, roaming": f"{explanation.service} {explanation.zone} {explanation.roaming}",
        "state": f"{explanation.state} {explanation.reason}".strip(),
        "units delivered, rounded, free": f"{explanation.delivered_units:,} · {explanation.units:,} · {explanation.free_units:,}",
        "price": f"{explanation.price_id} valid from {valid_from}",
        "time band": explanation.band or "none",
        "amount": f"EUR {euros(explanation.amount_micro):.6f}",
    }
    if explanation.corrects is not None:
        rows["counts in the place of"] = f"{explanation.corrects.record_id}: {told(explanation.corrects)}"
    if explanation.corrected is not None:
        rows["corrected"] = f"{explanation.corrected.new_record_id or 'nothing was used'}: {told(explanation.corrected)}"
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    for step in explanation.allowances:
        table.add_row(f"allowance {step.allowance_id}", f"{step.units_before:,} before, {step.units_after:,} after")
    console.print(table)


for command in (collect, watch, adapters, balance, list_, suspended, sender, *correcting):
    usage.add_command(command)
commands = [usage]
