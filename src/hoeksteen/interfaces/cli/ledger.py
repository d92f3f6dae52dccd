"""`hoeksteen ledger`: the trial balance, closing the books of a month, and what accountants and tax inspectors take along."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_day, a_month, counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.ledger.model import AccountingPeriod
from hoeksteen.ledger.queries import accounting_periods, changed_periods, open_from, trial_balance

_SERVICE = "bss"


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
        closed = close_books(tx=tx, period=BillPeriod(month, add_months(month, 1)), by=by, now=runtime.clock.now())
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


def _table(closed: list[AccountingPeriod]) -> object:
    table = report_table("Closed months")
    for heading in ("month", "entries", "postings", "debit = credit", "closed at", "by", "digest"):
        table.add_column(heading, justify="right" if heading in ("entries", "postings", "debit = credit") else "left")
    for one in closed:
        table.add_row(
            f"{one.first_day:%Y-%m}", f"{one.entries:,}", f"{one.postings:,}", f"{one.debit:,}", f"{one.closed_at:%Y-%m-%d %H:%M}", one.closed_by,
            one.digest[:16],
        )  # fmt: skip
    return table


commands = [ledger]
