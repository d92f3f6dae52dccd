"""`hoeksteen ledger`: the trial balance, closing the books of a month, and what accountants and tax inspectors take along."""

import hashlib
import re
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
from rich.table import Table

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import (
    a_day,
    a_month,
    at_local,
    counted,
    data_option,
    emit_json,
    json_option,
    report_console,
    report_table,
    require_writable,
)
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys.audit_file import audit_file
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.private_files import private_file
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day
from hoeksteen.ledger.exporting import journal_csv
from hoeksteen.ledger.model import AccountingPeriod
from hoeksteen.ledger.queries import accounting_periods, changed_periods, open_from, trial_balance

_SERVICE = "bss"


def _months(context: click.Context, option: click.Parameter, value: str) -> BillPeriod:
    """Read a month or a year from an option."""
    if re.fullmatch(r"\d{4}", value):
        first = a_month(context, option, f"{value}-01")
        return BillPeriod(first or date.min, add_months(first or date.min, 12))
    first = a_month(context, option, value)
    return BillPeriod(first or date.min, add_months(first or date.min, 1))


@click.group()
def ledger() -> None:
    """The books: trial balance, closing a month, journal and audit file."""


@ledger.command()
@click.option("--until", callback=a_day, help="The last day whose entries count; all of them without it.")
@data_option
@json_option
def balance(until: date | None, data: Path, as_json: bool) -> None:
    """Show the trial balance: what stands on each ledger account."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        rows = trial_balance(tx=tx, until=until or date.max)
    table = report_table("Trial balance" + (f" until {until}" if until else ""))
    for heading in ("code", "ledger account", "debit", "credit", "balance"):
        table.add_column(heading, justify="left" if heading in ("code", "ledger account") else "right")
    for row in rows:
        table.add_row(row.ledger_account_code, row.name_en, f"{row.debit:,}", f"{row.credit:,}", f"{row.balance:,}")
    debit, credit = sum(row.debit for row in rows), sum(row.credit for row in rows)
    table.add_section()
    table.add_row("", "all", f"{debit:,}", f"{credit:,}", f"{debit - credit:,}")
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"accounts": [asdict(row) for row in rows], "debit": debit, "credit": credit, "difference": debit - credit})
    if debit != credit:
        raise Corrupt(f"The books do not sum to zero: {debit - credit} is left.", remedy="Stop, keep the data directory, and report it.")


@ledger.command()
@click.option("--period", "month", required=True, callback=a_month, help="The month to close, such as 2026-10; the oldest that is open.")
@click.option("--by", required=True, help="Who closes it.")
@data_option
@json_option
def close(month: date, by: str, data: Path, as_json: bool) -> None:
    """Close the books of a month, for good: nothing can be booked in it any more, and its journal's digest is kept."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        closed = close_books(tx=tx, period=bill_period(month), by=by, now=runtime.clock.now())
    if as_json:
        emit_json(asdict(closed))
        return
    entries, postings = counted(closed.entries, "entry", "entries"), counted(closed.postings, "posting")
    click.echo(f"The books of {month:%Y-%m} are closed: {entries}, {postings}, {closed.debit:,} debit and credit.")
    click.echo(f"SHA-256 of its journal as CSV: {closed.digest}")


@ledger.command()
@click.option("--check", is_flag=True, help="Compute each digest anew and compare.")
@data_option
@json_option
def periods(check: bool, data: Path, as_json: bool) -> None:
    """List the months whose books are closed, by whom, and from which day on they are open."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        closed, first_open = accounting_periods(tx=tx), open_from(tx=tx)
        changed = changed_periods(tx=tx) if check else []
    console = report_console(as_json=as_json)
    if closed:
        console.print(_table(closed))
    console.print(f"The books are open from {first_open} on." if first_open else "No month was closed yet.")
    if check and closed and not changed:
        console.print("The journal of every closed month is the one that was closed.")
    if as_json:
        figures = {"periods": [asdict(one) for one in closed], "open_from": first_open}
        emit_json(figures | ({"changed": [one.first_day for one in changed]} if check else {}))
    if changed:
        named = ", ".join(f"{one.first_day:%Y-%m}" for one in changed)
        raise Corrupt(f"The journal of {named} is not the one that was closed.", remedy="Find out who wrote to the database, and restore.")


@ledger.command()
@click.option("--period", required=True, callback=_months, help="A month such as 2026-10, or a year such as 2026.")
@click.option("--csv", "form", flag_value="csv", help="The journal, a line for each posting; `sha256sum` of a closed month is its digest.")
@click.option("--xaf", "form", flag_value="xaf", help="The audit file (XML Auditfile Financieel 3.2).")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The file to write, or - for standard output."
)
@data_option
@json_option
def export(period: BillPeriod, form: str | None, out: Path, data: Path, as_json: bool) -> None:
    """Write the journal of a month or year for accountants and tax inspectors; no name of a customer is in it."""
    if form is None:
        raise click.UsageError("Name the form: --csv or --xaf.")
    if str(out) != "-":
        require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        tx.see_one_moment()
        today = local_day(runtime.clock.now())
        pieces = journal_csv(tx=tx, period=period) if form == "csv" else audit_file(tx=tx, period=period, today=today)
        digest, size = _write(out, pieces)
    if str(out) == "-":
        return
    if as_json:
        emit_json({"file": out, "bytes": size, "sha256": digest})
    else:
        click.echo(f"{out}: {size:,} bytes, SHA-256 {digest}")


def _write(out: Path, pieces: Iterable[bytes]) -> tuple[str, int]:
    """Write a file that its owner alone can read, whole or not at all."""
    digest, size = hashlib.sha256(), 0
    with nullcontext(sys.stdout.buffer) if str(out) == "-" else private_file(out) as file:
        for piece in pieces:
            digest.update(piece)
            size += file.write(piece)
    return digest.hexdigest(), size


def _table(closed: list[AccountingPeriod]) -> Table:
    table = report_table("Closed months")
    for heading in ("month", "entries", "postings", "debit = credit", "closed at", "by", "digest"):
        table.add_column(heading, justify="right" if heading in ("entries", "postings", "debit = credit") else "left")
    for one in closed:
        table.add_row(
            f"{one.first_day:%Y-%m}", f"{one.entries:,}", f"{one.postings:,}", f"{one.debit:,}", at_local(one.closed_at), one.closed_by,
            one.digest[:16],
        )  # fmt: skip
    return table


commands = [ledger]
