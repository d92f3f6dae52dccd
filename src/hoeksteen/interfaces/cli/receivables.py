"""`hoeksteen receivables`: who owes what and since when, what money is to come, what is given up, and what is held."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import (
    a_day,
    a_euro_amount,
    by_option,
    data_option,
    emit_json,
    json_option,
    print_table,
    report_console,
    report_table,
)
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys.blocking import lift
from hoeksteen.kernel.errors import Corrupt, InvalidInput
from hoeksteen.kernel.time_period import local_day
from hoeksteen.receivables import outlook, plans, settling
from hoeksteen.receivables.queries import balance, open_items

_SERVICE = "bss"
_DAY = click.option("--day", callback=a_day, help="From which days are counted; by default today.")
_NAMES = {"not_due": "not due yet", "1_30": "1 to 30 days late", "31_60": "31 to 60", "61_90": "61 to 90", "over_90": "more than 90"}


@click.group()
def receivables() -> None:
    """See who owes what, and what money is to come; give up bills, hold deposits."""


@receivables.command("open")
@customer_argument
@data_option
@json_option
def open_(customer: str, data: Path, as_json: bool) -> None:
    """Show what a customer has not settled yet, and their deposits."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whom = meant_customer(tx=tx, named=customer).customer_id
        items, owes, held = open_items(tx=tx, customer_id=whom), balance(tx=tx, customer_id=whom), settling.deposits_of(tx=tx, customer_id=whom)
    table = report_table("Open items")
    for heading in ("what", "reference", "of", "due", "amount", "open"):
        table.add_column(heading, justify="right" if heading in ("amount", "open") else "left")
    for one in items:
        what = f"{one.kind}, from {one.origin}" if one.origin else one.kind
        table.add_row(escape(what), escape(one.reference), f"{one.item_date}", f"{one.due_date or ''}", f"{one.amount:,}", f"{one.open_amount:,}")
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="Nothing is open.")
    for one in items:
        if one.kind in ("fee", "interest"):
            console.print(f"Fee {one.customer_bill_id}: {one.reference}, {one.open_amount:,}", soft_wrap=True)
    console.print(f"Balance {owes:,}")
    for each in held:
        console.print(f"Deposit {each.deposit_id}: {each.amount:,}{', released' if each.released_at else ''}", soft_wrap=True)
    if as_json:
        emit_json({"open": [asdict(one) for one in items], "balance": owes, "deposits": [asdict(one) for one in held]})


@receivables.command()
@_DAY
@data_option
@json_option
def ageing(day: date | None, data: Path, as_json: bool) -> None:
    """Show how late what is owed is, and that it is what the ledger says."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        tx.see_one_moment()
        found = outlook.ageing(tx=tx, as_of=day or local_day(runtime.clock.now()))
    table = report_table(f"Receivables on {found.as_of}")
    table.add_column("how late")
    table.add_column("bills", justify="right")
    table.add_column("euros", justify="right")
    for bucket in outlook.BUCKETS:
        table.add_row(_NAMES[bucket], f"{found.counts[bucket]:,}", f"{found.amounts[bucket]:,}")
    table.add_row("owed", "", f"[bold]{found.owed:,}[/]")
    table.add_row("customers' credit", "", f"{found.credit:,}")
    table.add_row("interest, not charged", "", f"{found.interest:,}")
    table.add_row("difference with the ledger", "", f"{found.difference:,}")
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json(asdict(found) | {"owed": found.owed})
    if found.difference:
        raise Corrupt(f"Open items and ledger differ by {found.difference}.", remedy="Run `hoeksteen bill audit`.")


@receivables.command()
@_DAY
@click.option("--weeks", type=click.IntRange(1, 52), default=8, show_default=True)
@data_option
@json_option
def forecast(day: date | None, weeks: int, data: Path, as_json: bool) -> None:
    """Show what money is to come, week by week, from what is known."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        tx.see_one_moment()
        found = outlook.forecast(tx=tx, as_of=day or local_day(runtime.clock.now()), weeks=weeks)
    table = report_table(f"Money to come from {found.as_of}")
    for heading in ("week from", "direct debit", "transfer", "in parts", "together"):
        table.add_column(heading, justify="left" if heading == "week from" else "right")
    for one in found.weeks:
        table.add_row(f"{one.first_day}", f"{one.collections:,}", f"{one.transfers:,}", f"{one.instalments:,}", f"{one.total:,}")
    console = report_console(as_json=as_json)
    console.print(table)
    console.print(f"Overdue {found.overdue:,}, later {found.later:,}, refunds to be paid {found.refunds:,}")
    if as_json:
        emit_json(asdict(found) | {"weeks": [asdict(one) | {"total": one.total} for one in found.weeks]})


@receivables.command()
@customer_argument
@click.option(
    "--parts", "instalments", type=click.IntRange(2, plans.INSTALMENTS_MAX), help="Agree on so many monthly parts; without it, show the plans."
)
@click.option("--first", "first_due", callback=a_day, help="The day of the first part, the 1st to the 28th of a month.")
@click.option("--by", "who", default="", help="Who agrees to it.")
@data_option
@json_option
def plan(customer: str, instalments: int | None, first_due: date | None, who: str, data: Path, as_json: bool) -> None:
    """Agree that what a customer owes is paid in parts, or show such agreements."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whom = meant_customer(tx=tx, named=customer).customer_id
        if instalments is not None:
            if first_due is None:
                raise InvalidInput("--first is missing.", remedy="Name the day of the first part, such as 2026-12-28.")
            now = runtime.clock.now()
            plans.agree(
                tx=tx, customer_id=whom, instalments=instalments, first_due=first_due, by=who, now=now, identifiers=runtime.identifiers
            )  # fmt: skip
            lift(tx=tx, customer_ids=[whom], day=local_day(now), now=now, identifiers=runtime.identifiers)
        found = plans.plans_of(tx=tx, customer_id=whom)
    table = report_table("Payment plans")
    for heading in ("agreed", "state", "part of", "amount"):
        table.add_column(heading, justify="right" if heading == "amount" else "left")
    for one in found:
        for part in one.instalments:
            table.add_row(f"{one.agreed_on}", one.state, f"{part.due}", f"{part.amount:,}")
    print_table(report_console(as_json=as_json), table, nothing="No payment plan.")
    if as_json:
        emit_json({"plans": [asdict(one) for one in found]})


@receivables.command("write-off")
@click.argument("bill_number")
@click.option("--why", required=True, help="Why; it stands beside the write-off.")
@by_option()
@data_option
@json_option
def write_off(bill_number: str, why: str, who: str, data: Path, as_json: bool) -> None:
    """Give up what is open of a bill."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = settling.write_off(tx=tx, bill_number=bill_number, why=why, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers)
    if as_json:
        emit_json(asdict(done))
        return
    click.echo(f"{done.amount:,} of {bill_number} written off; {done.vat:,} of it is VAT to be asked back.")


@receivables.command("hold-deposit")
@customer_argument
@click.option("--amount", required=True, callback=a_euro_amount, help="Euros of the customer's credit, such as 100.00.")
@click.option("--why", required=True, help="Why; it stands beside the deposit.")
@by_option()
@data_option
@json_option
def hold_deposit(customer: str, amount: Decimal, why: str, who: str, data: Path, as_json: bool) -> None:
    """Hold a part of a customer's credit as security."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = settling.hold_deposit(
            tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id, amount=amount, why=why, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    if as_json:
        emit_json(asdict(done))
        return
    click.echo(f"Deposit {done.deposit_id} of {done.amount:,} is held.")


@receivables.command("release-deposit")
@customer_argument
@click.argument("deposit_id", metavar="DEPOSIT", type=click.UUID)
@by_option()
@data_option
@json_option
def release_deposit(customer: str, deposit_id: UUID, who: str, data: Path, as_json: bool) -> None:
    """Release a deposit: it settles what is owed, and the rest is credit."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whom = meant_customer(tx=tx, named=customer).customer_id
        done = settling.release_deposit(
            tx=tx, customer_id=whom, deposit_id=deposit_id, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers
        )  # fmt: skip
    if as_json:
        emit_json({"amount": done.payment.amount, "settled": done.settled, "left": done.left})
        return
    click.echo(f"{done.payment.amount:,} released: {done.settled:,} settles bills, {done.left:,} is left.")


commands: list[click.Command] = [receivables]
