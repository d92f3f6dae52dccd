"""`hoeksteen audit`: the balance of the whole."""

import time
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click
from rich.console import Console

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import (
    a_month,
    background_option,
    counted,
    data_option,
    emit_json,
    json_option,
    print_table,
    report_console,
    report_table,
    tell_in_background,
)
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import work
from hoeksteen.journeys.balance import MonthAudit, audit_month
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import bill_period

_SERVICE = "bss"
_DIFFERENCES_SHOWN_MAX = 50


@click.group()
def audit() -> None:
    """Audit the whole: usage, bills, ledger, what is owed and paid."""


@audit.command("month")
@click.option("--period", "month", required=True, callback=a_month, help="The month, such as 2026-10.")
@background_option
@data_option
@json_option
def month_(month: date, background: bool, data: Path, as_json: bool) -> None:
    """Add a month up anew, from usage to open items, and list each difference by account; exit status 70 when there is one."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        if background:
            with runtime.database.transaction() as tx:
                started = work.audit(tx=tx, month=month)
            tell_in_background(f"The audit of {month:%Y-%m} (job {started.job_id})", {"job": started.job_id}, as_json=as_json)
            return
        found = audit_month(database=runtime.database, lake=runtime.lake, period=bill_period(month))
    seconds = round(time.monotonic() - began, 2)
    _show(report_console(as_json=as_json), found, seconds)
    if as_json:
        emit_json(_figures(found, seconds))
    if found.differences:
        raise Corrupt(
            f"{counted(len(found.differences), 'amount differs', 'amounts differ')}.",
            remedy="Keep the data directory; the list above names each of them.",
        )


def _show(console: Console, found: MonthAudit, seconds: float) -> None:
    table = report_table(f"Audit of {found.period.first_day:%Y-%m}")
    for heading in ("what", "should be", "is", "difference"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    records = sum(found.usage_records.values())
    table.add_row("usage records = their states", f"{found.usage_records_in:,}", f"{records:,}", f"{found.usage_records_in - records:,}")
    if found.bills is not None:
        bills = found.bills
        table.add_row("usage charges = usage lines", f"{bills.usage:,}", f"{bills.usage_lines:,}", f"{bills.usage - bills.usage_lines:,}")
        table.add_row("usage of accounts held", "", f"{bills.usage_held:,}", "")
        table.add_row(f"{counted(bills.bills, 'bill')} = ledger", f"{bills.gross:,}", f"{bills.ledger:,}", f"{bills.ledger_difference:,}")
    table.add_row(f"open items on {found.until} = debtors", f"{found.open_items:,}", f"{found.debtors:,}", f"{found.open_items - found.debtors:,}")
    for source, amount in found.debtors_by_source.items():
        table.add_row(f"of which booked as {source}", "", f"{amount:,}", "")
    console.print(table)
    states = report_table("Usage records by state")
    for state in found.usage_records:
        states.add_column(state.replace("_", " "), justify="right")
    states.add_row(*(f"{count:,}" for count in found.usage_records.values()))
    console.print(states)
    books = report_table(f"Ledger accounts on {found.until}")
    for heading in ("code", "ledger account", "balance"):
        books.add_column(heading, justify="right" if heading == "balance" else "left")
    for one in found.accounts:
        if one.debit or one.credit:
            books.add_row(one.ledger_account_code, one.name_en, f"{one.balance:,}")
    print_table(console, books, nothing=f"Nothing was booked until {found.until}.")
    for difference in found.differences[:_DIFFERENCES_SHOWN_MAX]:
        what = f"{difference.bill_number or ''} {difference.billing_account_id or ''}".strip()
        console.print(f"  [red]{difference.check}[/] {what}: {difference.expected} is {difference.found}", highlight=False)
    if found.bills is None:
        console.print("No final bill run lies in this month.")
    console.print(f"{counted(len(found.differences), 'difference')}, {seconds} s")


def _figures(found: MonthAudit, seconds: float) -> dict[str, object]:
    bills = found.bills
    return {
        "until": found.until, "usage_records_in": found.usage_records_in, "usage_records": dict(found.usage_records),
        "bills": None if bills is None else bills.bills, "usage": None if bills is None else bills.usage,
        "usage_lines": None if bills is None else bills.usage_lines, "usage_held": None if bills is None else bills.usage_held,
        "gross": None if bills is None else bills.gross, "ledger": None if bills is None else bills.ledger,
        "debtors": found.debtors, "open_items": found.open_items, "debtors_by_source": dict(found.debtors_by_source),
        "accounts": {one.ledger_account_code: one.balance for one in found.accounts},
        "differences": [asdict(one) for one in found.differences], "seconds": seconds,
    }  # fmt: skip


commands = [audit]
