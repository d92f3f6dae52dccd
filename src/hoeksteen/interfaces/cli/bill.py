"""`hoeksteen bill`: run, show, draw and audit bills."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hoeksteen.billing import queries as bills
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.credit_notes import credit_notes_of
from hoeksteen.billing.model import BillAudit, CustomerBill
from hoeksteen.billing.wording import line_text, percent
from hoeksteen.consolidation.comparing import compare_bills
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli import accounts as leaving
from hoeksteen.interfaces.cli import bill_credit, bill_departments, bill_documents, bill_explain, bill_terms
from hoeksteen.interfaces.cli.bill_runs import commands as running
from hoeksteen.interfaces.cli.bill_runs import period_option
from hoeksteen.interfaces.cli.options import (
    counted,
    data_option,
    emit_json,
    in_euros,
    json_option,
    report_console,
    report_table,
)
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import bill_period, local_day
from hoeksteen.party.queries import billing_accounts
from hoeksteen.product.queries import offerings

_SERVICE = "bss"
_PURPOSE = "billing"
_SAMPLE = 5
_DIFFERENCES_SHOWN_MAX = 50
_LANGUAGE = "en"


@click.group()
def bill() -> None:
    """Run, show, draw and audit bills."""


@bill.command()
@click.argument("bill_number")
@data_option
@json_option
def show(bill_number: str, data: Path, as_json: bool) -> None:
    """Show a bill line by line; it holds no personal data."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = bills.bill_by_number(tx=tx, bill_number=bill_number)
        names = {offering.product_offering_id: offering for offering in offerings(tx=tx)}
        accounts = {one.billing_account_id: one.billing_account_number for one in billing_accounts(tx=tx, customer_id=found.customer_id)}
        notes = credit_notes_of(tx=tx, customer_id=found.customer_id, customer_bill_id=found.customer_bill_id)
    lines = [(rate, line_text(rate=rate, offerings=names, language=_LANGUAGE)) for rate in found.rates]
    if as_json:
        emit_json(
            _bill_figures(found)
            | {
                "lines": [
                    {"line": rate.line, "kind": rate.kind.value, "text": text.description, "period": text.period, "quantity": text.quantity,
                     "net": rate.net, "gross": rate.gross, "detail": dict(rate.detail),
                     "billing_account_number": accounts[rate.department or found.billing_account_id]}
                    for rate, text in lines
                ],
                "departments": [
                    {"billing_account_number": accounts[one], "amount": amount} for one, amount in found.sub_totals().items()
                ],
                "credit_notes": [
                    {"bill_number": note.bill_number, "gross": note.gross, "why": note.why, "credited_by": note.credited_by} for note in notes
                ],
            }
        )  # fmt: skip
        return
    table = report_table(f"{found.bill_number} · {found.bill_date} · due {found.due_date}")
    for heading, justify in (("", "right"), ("what", "left"), ("period", "left"), ("quantity", "left"), ("net", "right"), ("price", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    sums = found.sub_totals()
    for at, (rate, text) in enumerate(lines):
        if sums and (at == 0 or lines[at - 1][0].department != rate.department):
            made_by = rate.department or found.billing_account_id
            table.add_row("", f"[bold]account {accounts[made_by]}[/]", "", "", "", f"[bold]{in_euros(sums[made_by])}[/]")
        table.add_row(
            str(rate.line),
            text.description,
            text.period,
            text.quantity.replace("\u2212", "-"),
            in_euros(rate.net),
            in_euros(rate.amount),
        )
    table.add_section()
    for tax in found.taxes:
        table.add_row("", f"VAT {percent(tax.tax_rate, language=_LANGUAGE)} on {in_euros(tax.taxable)}", "", "", "", in_euros(tax.tax))
    if found.rounding:
        table.add_row("", "rounding", "", "", "", in_euros(found.rounding))
    table.add_row("", "[bold]total[/]", "", "", in_euros(found.net), f"[bold]{in_euros(found.gross)}[/]")
    for note in notes:
        table.add_row("", f"credited by {note.bill_number}", "", "", "", in_euros(note.gross))
    Console().print(table)


@bill.command()
@period_option
@data_option
@json_option
def audit(month: date, data: Path, as_json: bool) -> None:
    """Add everything up anew: usage = lines, lines = bills, bills = ledger, numbers without gaps; each difference is listed."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        found = audit_bills(database=runtime.database, lake=runtime.lake, period=bill_period(month))
    seconds = round(time.monotonic() - began, 2)
    _show_audit(report_console(as_json=as_json), found, seconds)
    if as_json:
        emit_json(_audit_figures(found, seconds))
    if found.differences:
        raise Corrupt(
            f"{counted(len(found.differences), 'amount differs', 'amounts differ')}.",
            remedy="Keep the data directory; the list above names each of them.",
        )


@bill.command()
@period_option
@click.option("--mapping", required=True, help="The mapping with which the source was loaded: a file, or the name of one that is shipped.")
@click.option("--input", "file", required=True, type=click.Path(path_type=Path), help="The export that was loaded.")
@data_option
@json_option
def compare(month: date, mapping: str, file: Path, data: Path, as_json: bool) -> None:
    """Compare recurring charges, as the bill run wrote them, with what a legacy system charged: each customer, to the cent."""
    began = time.monotonic()
    settings = read_settings(data)
    with open_runtime(settings, service=_SERVICE) as runtime:
        named = Path(mapping)
        found = compare_bills(
            database=runtime.database, source=Source(named if named.suffix else named.with_suffix(".yaml"), file),
            pseudonyms=Pseudonyms(read_or_make_key(settings.service_keys / "consolidation.key")),
            period=bill_period(month), today=local_day(runtime.clock.now()),
        )  # fmt: skip
    seconds = round(time.monotonic() - began, 2)
    table = report_table(f"{found.customers:,} customers: lines of {month:%Y-%m}, against what {mapping} charged")
    for heading in ("lines", "recurring total", "largest adjustment", "mismatches"):
        table.add_column(heading, justify="right")
    table.add_row(f"{found.lines:,}", f"{found.recurring_total:,}", f"{found.adjustment_abs_max}", f"{len(found.mismatches):,}")
    console = report_console(as_json=as_json)
    console.print(table)
    for one in found.mismatches[:_DIFFERENCES_SHOWN_MAX]:
        billed = "no bill" if one.billed is None else str(one.billed)
        console.print(f"  row {one.row}: charged {one.charged}, billed {billed}", highlight=False)
    if as_json:
        emit_json(
            {
                "customers": found.customers, "lines": found.lines, "recurring_total": found.recurring_total,
                "adjustment_abs_max": found.adjustment_abs_max, "mismatches": len(found.mismatches), "seconds": seconds,
            }
        )  # fmt: skip


def _bill_figures(found: CustomerBill) -> dict[str, Any]:
    return {
        "bill_number": found.bill_number, "bill_date": found.bill_date, "due_date": found.due_date, "net": found.net, "vat": found.vat,
        "rounding": found.rounding, "gross": found.gross,
    }  # fmt: skip


def _audit_figures(found: BillAudit, seconds: float) -> dict[str, Any]:
    return {
        "bills": found.bills, "usage": found.usage, "usage_lines": found.usage_lines, "usage_held": found.usage_held, "gross": found.gross,
        "ledger": found.ledger, "ledger_difference": found.ledger_difference, "differences": len(found.differences), "seconds": seconds,
    }  # fmt: skip


def _show_audit(console: Console, found: BillAudit, seconds: float) -> None:
    table = report_table(f"Audit of {found.bills:,} bills of {found.period.first_day:%Y-%m}")
    for heading, justify in (("what", "left"), ("should be", "right"), ("is", "right"), ("difference", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    rows = (("usage charges = usage lines", found.usage, found.usage_lines), ("bills = ledger", found.gross, found.ledger))
    for name, wanted, seen in rows:
        table.add_row(name, f"{wanted:,}", f"{seen:,}", f"{wanted - seen:,}")
    if found.usage_held:
        table.add_row("usage of accounts held", "", f"{found.usage_held:,}", "")
    console.print(table)
    for one in found.differences[:_DIFFERENCES_SHOWN_MAX]:
        console.print(f"  [red]{one.check}[/] {one.bill_number or ''} {one.billing_account_id or ''}: {one.expected} is {one.found}", highlight=False)
    console.print(f"{counted(len(found.differences), 'difference')}, {seconds} s")


_COMMANDS = (
    *running, *bill_documents.commands, *bill_credit.commands, *bill_terms.commands, *bill_departments.commands, *bill_explain.commands,
    leaving.final,
)  # fmt: skip
for command in _COMMANDS:
    bill.add_command(command)
commands: list[click.Command] = [bill]
