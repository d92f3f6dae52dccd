"""`hoeksteen bill` and `hoeksteen payment`: run, show, draw and audit bills; register a payment."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hoeksteen.billing import operations as billing
from hoeksteen.billing import queries as bills
from hoeksteen.billing.audit import audit_bills, ledger_difference
from hoeksteen.billing.credit_notes import credit_notes_of
from hoeksteen.billing.model import BillAudit, BillRunProgress, BillRunResult, CustomerBill, RunKind
from hoeksteen.billing.wording import line_text, money, percent
from hoeksteen.consolidation.comparing import compare_bills
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli import bill_credit, bill_documents, bill_explain, bill_terms
from hoeksteen.interfaces.cli.options import (
    a_day,
    a_month,
    counted,
    data_option,
    emit_json,
    json_option,
    progress_bars,
    report_console,
    report_table,
)
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import Corrupt, InvalidInput
from hoeksteen.kernel.time_period import BillPeriod, add_months, local_day
from hoeksteen.party.queries import billing_accounts, customer_by_number
from hoeksteen.product.queries import offerings
from hoeksteen.receivables import operations as receivables
from hoeksteen.receivables.queries import balance

_SERVICE = "bss"
_PURPOSE = "billing"
_SAMPLE = 5
_DIFFERENCES_SHOWN_MAX = 50
_LANGUAGE = "en"


@click.group()
def bill() -> None:
    """Run, show, draw and audit bills."""


@click.group()
def payment() -> None:
    """Register payments."""


period_option = click.option("--period", "month", required=True, callback=a_month, help="The month of usage, such as 2026-10.")


@bill.command()
@period_option
@click.option("--cycle-day", type=click.IntRange(1, 28), default=1, show_default=True, help="The day on which the bill periods begin.")
@click.option("--bill-date", callback=a_day, help="The day on the bills; by default the first day after the period.")
@click.option("--trial", is_flag=True, help="Compute only: no numbers, no postings, no disclosure, no messages.")
@data_option
@json_option
def run(month: date, cycle_day: int, bill_date: date | None, trial: bool, data: Path, as_json: bool) -> None:
    """Bill a period; a run that was interrupted goes on where it was."""
    first = month.replace(day=cycle_day)
    period = BillPeriod(first, add_months(first, 1))
    kind: RunKind = "trial" if trial else "final"
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with _progress() as tell:
            result = billing.run_bills(
                database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, period=period, bill_date=bill_date or period.end_day, kind=kind,
                now=runtime.clock.now(), identifiers=runtime.identifiers, progress=tell,
            )  # fmt: skip
        difference = None if trial else ledger_difference(database=runtime.database, bill_run_id=result.bill_run_id)
        with runtime.database.transaction() as tx:
            sample = [] if trial else bills.bills_of_run(tx=tx, bill_run_id=result.bill_run_id, limit=_SAMPLE)
            held = bills.held(tx=tx, bill_run_id=result.bill_run_id)
    seconds = round(time.monotonic() - began, 2)
    _show_run(report_console(as_json=as_json), result, difference, seconds, [(str(one.billing_account_id), one.reason, one.detail) for one in held])
    if as_json:
        emit_json(_run_figures(result, difference, seconds) | {"sample": [one.bill_number for one in sample]})
    if difference:
        raise Corrupt(f"The bills and the ledger differ by {difference}.", remedy=f"Run `hoeksteen bill audit --period {month:%Y-%m}`.")


@bill.command()
@click.argument("bill_number")
@data_option
@json_option
def show(bill_number: str, data: Path, as_json: bool) -> None:
    """Show a bill line by line; it holds no personal data."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = bills.bill_by_number(tx=tx, bill_number=bill_number)
        names = {offering.product_offering_id: offering for offering in offerings(tx=tx)}
        notes = credit_notes_of(tx=tx, customer_id=found.customer_id, customer_bill_id=found.customer_bill_id)
    lines = [(rate, line_text(rate=rate, offerings=names, language=_LANGUAGE)) for rate in found.rates]
    if as_json:
        emit_json(
            _bill_figures(found)
            | {
                "lines": [
                    {"line": rate.line, "kind": rate.kind.value, "text": text.description, "period": text.period, "quantity": text.quantity,
                     "net": rate.net, "gross": rate.gross, "detail": dict(rate.detail)}
                    for rate, text in lines
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
    for rate, text in lines:
        table.add_row(str(rate.line), text.description, text.period, text.quantity, _money(rate.net), _money(rate.amount))
    table.add_section()
    for tax in found.taxes:
        table.add_row("", f"VAT {percent(tax.tax_rate, language=_LANGUAGE)} on {_money(tax.taxable)}", "", "", "", _money(tax.tax))
    if found.rounding:
        table.add_row("", "rounding", "", "", "", _money(found.rounding))
    table.add_row("", "[bold]total[/]", "", "", _money(found.net), f"[bold]{_money(found.gross)}[/]")
    for note in notes:
        table.add_row("", f"credited by {note.bill_number}", "", "", "", _money(note.gross))
    Console().print(table)


@bill.command()
@period_option
@data_option
@json_option
def audit(month: date, data: Path, as_json: bool) -> None:
    """Add everything up anew: usage = lines, lines = bills, bills = ledger, numbers without gaps; each difference is listed."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        found = audit_bills(database=runtime.database, lake=runtime.lake, period=BillPeriod(month, add_months(month, 1)))
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
            period=BillPeriod(month, add_months(month, 1)), today=local_day(runtime.clock.now()),
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


@payment.command()
@click.option("--customer", "customer_number", required=True, help="The customer's number.")
@click.option("--amount", required=True, help="Euros received, such as 54.95.")
@click.option("--received-on", callback=a_day, help="The day of the bank statement; by default today.")
@click.option("--reference", default="", help="What the payer wrote: a bill number or a payment reference.")
@click.option("--bank-reference", help="By which the bank names the booking; it is registered once, however often it is given.")
@click.option("--billing-account", "billing_account_number", help="By default the customer's first.")
@data_option
@json_option
def register(
    customer_number: str, amount: str, received_on: date | None, reference: str, bank_reference: str | None, billing_account_number: str | None,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Register a payment: post it, and match it with the bills that it settles."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", amount):
        raise InvalidInput(f"--amount is {amount[:40]}.", remedy="Give euros and cents, such as 54.95.")
    euros = Decimal(amount)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        customer = customer_by_number(tx=tx, customer_number=customer_number)
        if customer is None:
            raise InvalidInput(f"--customer: nobody has the number {customer_number}.", remedy="Look the number up on a bill.")
        held = billing_accounts(tx=tx, customer_id=customer.customer_id)
        chosen = [one for one in held if billing_account_number in (None, one.billing_account_number)]
        if not chosen:
            raise InvalidInput(f"--billing-account: the customer has no {billing_account_number}.", remedy="Look the number up on a bill.")
        now = runtime.clock.now()
        done = receivables.register_payment(
            tx=tx, customer_id=customer.customer_id, billing_account_id=chosen[0].billing_account_id, amount=euros,
            received_on=received_on or local_day(now), reference=reference, bank_reference=bank_reference, now=now,
            identifiers=runtime.identifiers,
        )  # fmt: skip
        owes = balance(tx=tx, customer_id=customer.customer_id)
    if as_json:
        figures = {"payment": done.payment.payment_id, "amount": done.payment.amount, "bill_named": done.payment.reference, "repeated": done.repeated}
        emit_json({**figures, "settled": done.settled, "left": done.left, "balance": owes})
        return
    said = "was registered before" if done.repeated else "received"
    click.echo(f"{done.payment.amount} {said}: {done.settled} settles bills, {done.left} is left. Balance now {owes}.")


def _run_figures(result: BillRunResult, difference: Decimal | None, seconds: float) -> dict[str, Any]:
    totals = result.totals
    amounts = {"count": totals.count, "net": totals.net, "vat": totals.vat, "rounding": totals.rounding, "gross": totals.gross}
    return {
        "bills": amounts if difference is None else amounts | {"ledger_difference": difference},
        "kind": result.kind,
        "period": f"{result.period.first_day:%Y-%m}",
        "bill_date": result.bill_date,
        "billing_accounts": result.billing_accounts,
        "without_charge": result.without_charge,
        "was_done": result.was_done,
        "held": result.held,
        "suspended_records": result.suspended,
        "seconds": seconds,
    }


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


def _show_run(
    console: Console, result: BillRunResult, difference: Decimal | None, seconds: float, held: list[tuple[str, str, str]]
) -> None:  # fmt: skip
    totals = result.totals
    table = report_table(f"Bills of {result.period.first_day:%Y-%m}, {result.kind}, dated {result.bill_date}")
    for heading in ("accounts", "bills", "held", "net", "VAT", "rounding", "gross", "ledger difference"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{result.billing_accounts:,}", f"{totals.count:,}", f"{result.held:,}", _money(totals.net), _money(totals.vat), _money(totals.rounding),
        f"[bold]{_money(totals.gross)}[/]", "not posted" if difference is None else _money(difference),
    )  # fmt: skip
    console.print(table)
    for billing_account, reason, detail in held[:_DIFFERENCES_SHOWN_MAX]:
        console.print(f"  held {billing_account}: {reason}: {detail}", highlight=False)
    if result.suspended:
        waiting = counted(result.suspended, "usage record is", "usage records are")
        console.print(f"{waiting} suspended, on no bill yet: `hoeksteen usage balance`; each rating tries them again.")
    if result.without_charge:
        console.print(f"{counted(result.without_charge, 'billing account')} without any charge: no bill.")
    if result.was_done:
        console.print(f"The bills of {result.period.first_day:%Y-%m} were final already; nothing was done.")
    else:
        console.print(f"{result.billing_accounts / max(seconds, 0.01):,.0f} billing accounts a second, {seconds} s")


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


@contextmanager
def _progress() -> Iterator[Callable[[BillRunProgress], None]]:
    with progress_bars() as bars:
        task = bars.add_task("billing accounts", total=None)

        def tell(progress: BillRunProgress) -> None:
            bars.update(task, completed=progress.billing_accounts, total=progress.billing_accounts_total)

        yield tell


def _money(amount: Decimal) -> str:
    return money(amount, language=_LANGUAGE)


for command in (*bill_documents.commands, *bill_credit.commands, *bill_terms.commands, *bill_explain.commands):
    bill.add_command(command)

commands: list[click.Command] = [bill, payment]
