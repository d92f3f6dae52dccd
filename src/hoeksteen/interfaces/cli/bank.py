"""`hoeksteen bank`: take bank statements, and decide about payments that nobody could be found for."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import (
    by_option,
    counted,
    data_option,
    emit_json,
    json_option,
    print_table,
    progress_bars,
    report_console,
    report_pairs,
    report_table,
)
from hoeksteen.interfaces.cli.whom import meant_customer
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.journeys.blocking import lift, lift_everywhere
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party.queries import customers
from hoeksteen.receivables import bank as banking
from hoeksteen.receivables import status_reports
from hoeksteen.receivables.bank import BankIntake
from hoeksteen.receivables.queries import balance
from hoeksteen.receivables.status_reports import ReportIntake

_SERVICE = "bss"
_ENTRY = click.argument("entry_id", metavar="ENTRY", type=click.UUID)
_SHOWN = 20
_LIMIT = click.option("--limit", type=click.IntRange(1, banking.SHOWN_MAX), default=50, show_default=True)


@click.group()
def bank() -> None:
    """Take bank statements; work on payments that nobody could be found for."""


@bank.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
@json_option
def take(files: tuple[Path, ...], data: Path, as_json: bool) -> None:
    """Take camt.053 statements and camt.054 notifications in the order given: match every entry, and post it."""
    console, done = report_console(as_json=as_json), []
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        for path in files:
            with progress_bars() as bars:
                task = bars.add_task(escape(path.name), total=None)
                taken = banking.take(
                    database=runtime.database, keeper=runtime.keeper, path=path, now=runtime.clock.now(),
                    identifiers=runtime.identifiers, progress=partial(bars.advance, task),
                )  # fmt: skip
            _show_intake(console, path.name, taken)
            lifted = _lift(runtime, console)
            done.append({
                "file": path.name, "kind": taken.kind, "already_taken": taken.already_taken, "statements": taken.statements,
                "count": dict(taken.count), "amount": dict(taken.amount), "booked_from": taken.booked_from, "services_lifted": lifted,
            })  # fmt: skip
    if as_json:
        emit_json({"files": done})


def _lift(runtime: Runtime, console: Console) -> int:
    """Let the services work again whose bills are paid now."""
    now = runtime.clock.now()
    lifted = lift_everywhere(database=runtime.database, day=local_day(now), now=now, identifiers=runtime.identifiers)
    if lifted:
        console.print(f"{counted(lifted, 'service')} in use again.")
    return lifted


def _show_intake(console: Console, name: str, taken: BankIntake) -> None:
    if taken.already_taken:
        console.print(f"{name} was taken before; nothing changed.", markup=False, soft_wrap=True)
        return
    table = report_table(f"{escape(name)}: {', '.join(map(escape, taken.statements))}")
    table.add_column("what it was")
    table.add_column("found by, or why not")
    table.add_column("payments", justify="right")
    table.add_column("euros", justify="right")
    for outcome in [one for one in taken.count if f"{one}: " in "".join(taken.count) and one in taken.amount]:
        ways = [(key.partition(": ")[2], count) for key, count in taken.count.items() if key.startswith(f"{outcome}: ")]
        for place, (way, count) in enumerate(ways):
            amount = f"{taken.amount[outcome]:,}" if not place else ""
            table.add_row(outcome.replace("_", " ") if not place else "", way.replace("_", " "), f"{count:,}", amount)
    console.print(table)
    for what, says in (("half_paid", "too little"), ("overpaid", "too much")):
        if taken.count[what]:
            console.print(f"{counted(taken.count[what], 'payment')} of {says}.")
    if taken.count["without_reference"]:
        console.print(f"{counted(taken.count['without_reference'], 'entry', 'entries')} without the bank's reference: they wait for the statement.")
    if taken.count["confirmed"]:
        console.print(f"{counted(taken.count['confirmed'], 'entry', 'entries')} that a notification announced.")
    if taken.booked_from is not None:
        console.print(
            f"{counted(taken.count['of_closed_months'], 'entry', 'entries')} of closed months: booked on {taken.booked_from}, the bank's own day "
            "stands beside.", soft_wrap=True,
        )  # fmt: skip
    if taken.count["unmatched"]:
        console.print(f"{counted(taken.count['unmatched'], 'payment waits', 'payments wait')}: `hoeksteen bank unmatched`.")


@bank.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
@json_option
def report(files: tuple[Path, ...], data: Path, as_json: bool) -> None:
    """Take pain.002 status reports: what the bank refuses of our own files before it settles anything."""
    console, done = report_console(as_json=as_json), []
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        for path in files:
            taken = status_reports.take(database=runtime.database, path=path, now=runtime.clock.now(), identifiers=runtime.identifiers)
            _show_report(console, path.name, taken)
            done.append({"file": path.name, **asdict(taken)})
    if as_json:
        emit_json({"files": done})


def _show_report(console: Console, name: str, taken: ReportIntake) -> None:
    if taken.already_taken:
        console.print(f"{name} was taken before; nothing changed.", markup=False, soft_wrap=True)
        return
    table = report_table(f"{escape(name)}: {escape(taken.message_id)} about {escape(taken.about)}")
    table.add_column("refused because")
    table.add_column("payments", justify="right")
    for reason, count in taken.refused.items():
        table.add_row(reason, f"{count:,}")
    print_table(console, table, nothing=f"{name} refuses nothing that was on its way.")
    if taken.refused:
        console.print(f"{taken.amount:,} in all: bills are open again, refunds wait for `hoeksteen refund again`.", soft_wrap=True)
    if taken.known_before:
        console.print(f"{counted(taken.known_before, 'refusal')} known before.")
    for one in taken.contradicted[:_SHOWN]:
        told = f"  {one}: refused, but its statements say otherwise or the bank has it already (a duplicate); look at them, nothing was done."
        console.print(told, soft_wrap=True, markup=False)
    if len(taken.contradicted) > _SHOWN:
        console.print(f"  And {len(taken.contradicted) - _SHOWN:,} more; `--json` names them all.", soft_wrap=True)


@bank.command("statements")
@_LIMIT
@data_option
@json_option
def statements_(limit: int, data: Path, as_json: bool) -> None:
    """Show the statements that were taken, the newest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = banking.statements(tx=tx, limit=limit)
    table = report_table("Bank statements")
    for heading in ("statement", "number", "entries", "opening", "booked", "closing"):
        table.add_column(heading, justify="left" if heading == "statement" else "right", no_wrap=heading != "statement")
    for one in found:
        sums = ["" if amount is None else f"{amount:,}" for amount in (one.opening, one.booked, one.closing)]
        name = escape(one.identification) + (" (notification)" if one.kind == "notification" else "")
        table.add_row(name, str(one.sequence or ""), f"{one.entries:,}", *sums)
    print_table(report_console(as_json=as_json), table, nothing="No statement was taken yet: `hoeksteen bank take FILE`.")
    if as_json:
        emit_json({"statements": [asdict(one) for one in found]})


@bank.command()
@_LIMIT
@data_option
@json_option
def unmatched(limit: int, data: Path, as_json: bool) -> None:
    """Show what waits and why, the oldest first; whose IBAN it is is told by `bank payer`."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found, sums = banking.unmatched(tx=tx, limit=limit), banking.waiting(tx=tx)
        known = customers(tx=tx, customer_ids=[*{whose for one in found for whose in one.perhaps_of}])
    numbers = {one.customer_id: one.customer_number for one in known}
    table = report_table("Payments that wait")
    for heading in ("entry", "booked", "amount", "why", "perhaps of"):
        table.add_column(heading, justify="right" if heading == "amount" else "left", no_wrap=heading in ("entry", "amount"))
    for one in found:
        amount = f"{one.amount:,}" + ("" if one.currency == "EUR" else f" {one.currency}")
        perhaps = ", ".join(numbers[whose] for whose in one.perhaps_of if whose in numbers)
        table.add_row(str(one.bank_entry_id), f"{one.bank_day}", amount, one.way.replace("_", " "), perhaps)
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="Nothing waits: somebody was found for every payment.")
    for each in sums:
        console.print(
            f"{counted(each.count, 'payment')} of {each.amount:,} {each.currency}: {each.way.replace('_', ' ')}, the oldest of {each.oldest}",
            soft_wrap=True, markup=False,
        )  # fmt: skip
    if as_json:
        emit_json({"unmatched": [asdict(one) for one in found], "waiting": [asdict(one) for one in sums]})


@bank.command()
@_ENTRY
@data_option
@json_option
def payer(entry_id: UUID, data: Path, as_json: bool) -> None:
    """Show who paid what waits; it is a look in the keeper's log."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        one = banking.entry(tx=tx, bank_entry_id=entry_id)
        found = banking.payer(tx=tx, keeper=runtime.keeper, bank_entry_id=entry_id)
    pairs = report_pairs(f"Payment of {one.amount:,} {one.currency}, booked on {one.bank_day}")
    pairs.add_row("bank's reference", escape(one.booking_key.partition(" ")[2]))
    pairs.add_row("account holder", escape(found.account_holder or "not told"))
    pairs.add_row("IBAN", escape(found.iban or "not told"))
    report_console(as_json=as_json).print(pairs)
    if as_json:
        emit_json({"entry": one.bank_entry_id, "booking": one.booking_key, **asdict(found)})


@bank.command()
@_ENTRY
@click.option("--customer", required=True, help="The customer's number or identifier.")
@click.option("--reference", default="", help="A bill that it is for, by number or payment reference.")
@by_option()
@data_option
@json_option
def assign(entry_id: UUID, customer: str, reference: str, who: str, data: Path, as_json: bool) -> None:
    """Give an unmatched payment to a customer, and let it settle what they owe."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whom = meant_customer(tx=tx, named=customer)
        done = banking.assign(
            tx=tx, bank_entry_id=entry_id, customer_id=whom.customer_id, reference=reference, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
        now = runtime.clock.now()
        lifted = lift(tx=tx, customer_ids=[whom.customer_id], day=local_day(now), now=now, identifiers=runtime.identifiers)
        owes = balance(tx=tx, customer_id=whom.customer_id)
    if as_json:
        figures = {"payment": done.payment.payment_id, "amount": done.payment.amount, "settled": done.settled, "left": done.left}
        emit_json({**figures, "balance": owes, "services_lifted": lifted})
        return
    click.echo(f"{done.payment.amount} given to {whom.customer_number}: {done.settled} settles bills, {done.left} is left. Balance now {owes}.")


commands: list[click.Command] = [bank]
