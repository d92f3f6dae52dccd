"""`hoeksteen bill pdf`, `ubl` and `documents`: draw an invoice, or those of a whole period."""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hoeksteen.billing import queries as bills
from hoeksteen.billing.documents import invoice_pdf, invoice_ubl, invoice_views
from hoeksteen.billing.documents.bulk import DocumentKind, Refusal
from hoeksteen.billing.documents.specification import specification_csv
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.document_worker import Written, write_period
from hoeksteen.interfaces.cli.options import (
    a_month,
    background_option,
    counted,
    data_option,
    emit_json,
    json_option,
    progress_bars,
    report_console,
    report_table,
    require_writable,
    tell_in_background,
)
from hoeksteen.interfaces.cli.whom import meant_department
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import work
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.private_files import write_private
from hoeksteen.kernel.time_period import bill_period

_SERVICE = "bss"
_PURPOSE = "billing"
_REFUSED_SHOWN_MAX = 50


@click.command()
@click.argument("bill_number")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The file to write, or - for standard output."
)
@click.option("--department", help="The billing account number of a department: its specification, without anything to pay.")
@data_option
def pdf(bill_number: str, out: Path, department: str | None, data: Path) -> None:
    """Draw an invoice as PDF, with the specification that its account chose; what is disclosed stands in the keeper's log."""
    _draw(bill_number, out, data, invoice_pdf, department=department, with_records=True)


@click.command()
@click.argument("bill_number")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The file to write, or - for standard output."
)
@data_option
def ubl(bill_number: str, out: Path, data: Path) -> None:
    """Write an invoice as UBL 2.1 after EN 16931; the disclosure of its buyer stands in the keeper's log."""
    _draw(bill_number, out, data, invoice_ubl)


@click.command()
@click.argument("bill_number")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The CSV file to write, or - for standard output."
)
@data_option
@json_option
def specification(bill_number: str, out: Path, data: Path, as_json: bool) -> None:
    """Write the single records of a bill as CSV, as its account chose; that their numbers are opened stands in the keeper's log."""
    if str(out) != "-":
        require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = bills.bill_by_number(tx=tx, bill_number=bill_number)
        key = [(found.customer_id, found.customer_bill_id)]
        (view,) = invoice_views(tx=tx, keeper=runtime.keeper, bills=key, purpose=_PURPOSE, lake=runtime.lake)
    if view.specification is None:
        raise WrongState(
            f"{bill_number} has no specification: no usage stands on it, or its account chose none.",
            remedy="`hoeksteen bill terms CUSTOMER --itemisation masked` chooses one.",
        )
    if view.specification.withheld:
        raise WrongState(
            f"The specification of {bill_number} cannot be made: its numbers or records are gone, or it was billed when its account left.",
            remedy="The bill itself stays.",
        )
    lines = view.specification.lines
    content = specification_csv(view)
    if str(out) == "-":
        click.echo(content, nl=False)
        return
    write_private(out, content.encode())
    exact = euros(sum(line.records_micro + line.fees_micro for line in lines))
    figures = {
        "bill_number": bill_number, "lines": len(lines), "records": sum(len(line.records) for line in lines),
        "left_out": sum(line.left_out for line in lines), "amount": exact, "out": str(out),
    }  # fmt: skip
    if as_json:
        emit_json(figures)
    else:
        click.echo(
            f"{out}: {figures['records']:,} records of {figures['lines']} lines, {figures['amount']} exact; {figures['left_out']} free ones left out"
        )


def _draw(
    bill_number: str, out: Path, data: Path, document: Callable[..., bytes], *, department: str | None = None, with_records: bool = False
) -> None:
    if str(out) != "-":
        require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = bills.bill_by_number(tx=tx, bill_number=bill_number)
        more: dict[str, Any] = {"lake": runtime.lake} if with_records else {}
        if department is not None:
            more["department"] = meant_department(tx=tx, customer_id=found.customer_id, number=department).billing_account_id
        content = document(
            tx=tx, keeper=runtime.keeper, customer_id=found.customer_id, customer_bill_id=found.customer_bill_id, purpose=_PURPOSE, **more
        )
    if str(out) == "-":
        click.echo(content, nl=False)
        return
    write_private(out, content)
    click.echo(f"{out}: {len(content):,} bytes")


@click.command()
@click.option("--period", "month", required=True, callback=a_month, help="The month of usage, such as 2026-10.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder; a thousand bills to a folder within it.")
@click.option(
    "--kind", "kinds", type=click.Choice(["pdf", "ubl"]), multiple=True, default=["pdf", "ubl"], show_default=True, help="Which documents; repeat it."
)
@click.option("--processes", type=click.IntRange(1, 64), help="By default one per core.")
@background_option
@data_option
@json_option
def documents(
    month: date, out: Path | None, kinds: tuple[str, ...], processes: int | None, background: bool, data: Path, as_json: bool
) -> None:  # fmt: skip
    """
    Write the invoices of a period to a folder; what is there whole is passed by, so that a job that was cut off goes on.

    With --background the worker writes both kinds to the folder `app/documents` of the installation.
    """
    if background:
        if out is not None or processes is not None or len(set(kinds)) != 2:
            raise click.UsageError("--background has a folder, kinds and processes of its own: leave out --out, --kind and --processes.")
        _in_background(month, data, as_json=as_json)
        return
    if out is None:
        raise click.UsageError("Name a folder with --out, or say --background.")
    require_writable(out / "x")
    wanted = [DocumentKind.PDF if kind == "pdf" else DocumentKind.UBL for kind in dict.fromkeys(kinds)]
    period = bill_period(month)
    side_by_side = processes or len(os.sched_getaffinity(0))
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, progress_bars() as bars:
        task = bars.add_task("bills", total=None)

        def told(so_far: Written) -> None:
            rate = so_far.written / max(time.monotonic() - began, 0.001)
            bars.update(task, completed=so_far.bills, total=so_far.total, description=f"bills, {rate:,.0f} documents/s")

        done = write_period(
            database=runtime.database, period=period, kinds=wanted, folder=out, data=data, processes=side_by_side, told=told
        )  # fmt: skip
    seconds = time.monotonic() - began
    figures = {
        "bills": done.total, "written": done.written, "there_already": done.there, "refused": len(done.refused), "processes": side_by_side,
        "seconds": round(seconds, 2), "documents_per_second": round(done.written / max(seconds, 0.001), 1), "out": str(out),
    }  # fmt: skip
    _show_documents(report_console(as_json=as_json), figures, done.refused, month)
    if as_json:
        emit_json(figures)
    if done.refused:
        what = counted(len(done.refused), "bill has", "bills have")
        raise WrongState(f"{what} no documents.", remedy="The list above says why; all others are written.")


def _in_background(month: date, data: Path, *, as_json: bool) -> None:
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        started = work.write_documents(tx=tx, month=month)
    tell_in_background(f"Writing the documents of {month:%Y-%m} (job {started.job_id})", {"job": started.job_id}, as_json=as_json)


def _show_documents(console: Console, figures: dict[str, Any], refused: list[Refusal], month: date) -> None:
    table = report_table(f"Documents of {month:%Y-%m} in {figures['out']}")
    for heading in ("bills", "written now", "there already", "refused", "a second"):
        table.add_column(heading, justify="right")
    table.add_row(*(f"{figures[name]:,}" for name in ("bills", "written", "there_already", "refused", "documents_per_second")))
    console.print(table)
    for one in refused[:_REFUSED_SHOWN_MAX]:
        console.print(f"  {one.bill_number}: {one.why}", highlight=False, soft_wrap=True)


commands: list[click.Command] = [pdf, ubl, documents, specification]
