"""`hoeksteen account`: customers who leave, and accounts that are billed on another day; `hoeksteen bill final`."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console

from hoeksteen.billing import moving
from hoeksteen.billing.queries import bills_of_run
from hoeksteen.billing.wording import money
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.interactions import reason_options, recorded_interaction
from hoeksteen.interfaces.cli.options import a_day, by_option, counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_billing_account
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.journeys import leaving
from hoeksteen.journeys.leaving import Departure
from hoeksteen.kernel.time_period import local_day

_SERVICE = "bss"
_LANGUAGE = "en"
_NUMBER = click.option("--billing-account", "number", help="Its number, where the customer has several.")


@click.group()
def account() -> None:
    """End what an account holds, take an end back, close accounts, move one to another bill day."""


@account.command()
@customer_argument
@_NUMBER
@click.option("--from", "from_day", required=True, callback=a_day, help="The first day without its products, today or later.")
@click.option("--final-bill", is_flag=True, help="Make its final bill at once; its products must end today.")
@by_option("by")
@reason_options
@data_option
@json_option
def leave(
    customer: str, number: str | None, from_day: date, final_bill: bool, by: str, ticket: str, phone: bool, data: Path, as_json: bool
) -> None:  # fmt: skip
    """End every product of a billing account."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        now, found = runtime.clock.now(), None
        if final_bill and from_day != local_day(now):
            raise click.UsageError(f"--final-bill needs products that end today, {local_day(now)}; on a later day there is `hoeksteen bill final`.")
        with runtime.database.transaction() as tx:
            meant = meant_billing_account(tx=tx, named=customer, number=number)
            interaction = recorded_interaction(runtime=runtime, tx=tx, customer=customer, actor=by, ticket=ticket, phone=phone)
            ended = leaving.end_products(
                tx=tx, interaction=interaction, billing_account_id=meant.billing_account_id, from_day=from_day, now=now
            )  # fmt: skip
        if final_bill:
            found = _depart(runtime, meant.billing_account_id, local_day(now), by)
        numbers = _bill_numbers(runtime, found)
    console = report_console(as_json=as_json)
    console.print(f"{counted(ended, 'product')} of billing account {meant.billing_account_number} until {from_day}, that day not included.")
    _show(console, found, numbers)
    if as_json:
        emit_json({"products": ended, "from_day": from_day} | ({} if found is None else _figures(found, numbers)))


@account.command("take-back")
@customer_argument
@click.argument("product_id", metavar="PRODUCT", type=click.UUID)
@by_option("by")
@reason_options
@data_option
def take_back(customer: str, product_id: UUID, by: str, ticket: str, phone: bool, data: Path) -> None:
    """Let a product go on that has an end, while the bill period of its end is open."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        interaction = recorded_interaction(runtime=runtime, tx=tx, customer=customer, actor=by, ticket=ticket, phone=phone)
        leaving.take_back_termination(tx=tx, interaction=interaction, product_id=product_id, now=runtime.clock.now())
    click.echo(f"Product {product_id} goes on; what was given back of it stands on the next bill.")


@account.command("close-departed")
@data_option
@json_option
def close_departed(data: Path, as_json: bool) -> None:
    """Close the accounts that had their final bill, owe nothing, and wait for no late usage."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        done = leaving.close_departed(database=runtime.database, now=runtime.clock.now())
    if as_json:
        emit_json({"closed": [str(one) for one in done]})
        return
    click.echo(f"{counted(len(done), 'billing account is', 'billing accounts are')} closed.")


@account.command("move-cycle")
@customer_argument
@_NUMBER
@click.option("--day", "cycle_day", type=click.IntRange(1, 28), help="The day of the month on which its bill periods are to begin.")
@click.option("--from", "from_day", callback=a_day, help="A day on which a period of its present cycle begins, not billed yet.")
@click.option("--stay", is_flag=True, help="Take back a move that is not done.")
@by_option("by")
@data_option
@json_option
def move_cycle(
    customer: str, number: str | None, cycle_day: int | None, from_day: date | None, stay: bool, by: str, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Bill an account on another day of the month, after a shorter period; only accounts without prices of usage."""
    if sum(one is not None for one in (cycle_day, from_day)) != (0 if stay else 2):
        raise click.UsageError("Give --day and --from, or --stay.")
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        meant = meant_billing_account(tx=tx, named=customer, number=number)
        moved = None
        if cycle_day is None or from_day is None:
            moving.stay(tx=tx, billing_account=meant)
        else:
            moved = moving.move_cycle(
                tx=tx, billing_account_id=meant.billing_account_id, cycle_day=cycle_day, from_day=from_day, by=by, now=runtime.clock.now()
            )
    said = f"stays at day {meant.cycle_day}" if moved is None else f"moves to day {moved.day_after}, with a shorter period from {moved.from_day}"
    report_console(as_json=as_json).print(f"Billing account {meant.billing_account_number} {said}.", highlight=False)
    if as_json:
        emit_json({"billing_account": meant.billing_account_number, "day": cycle_day or meant.cycle_day, "from_day": from_day})


@click.command()
@customer_argument
@_NUMBER
@click.option("--bill-date", callback=a_day, help="The day on the bill; by default today.")
@by_option("by")
@data_option
@json_option
def final(customer: str, number: str | None, bill_date: date | None, by: str, data: Path, as_json: bool) -> None:
    """Bill an account that has left now, instead of with its cycle, set its deposits off, and close it if nothing is owed."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            meant = meant_billing_account(tx=tx, named=customer, number=number)
        found = _depart(runtime, meant.billing_account_id, bill_date or local_day(runtime.clock.now()), by)
        numbers = _bill_numbers(runtime, found)
    _show(report_console(as_json=as_json), found, numbers)
    if as_json:
        emit_json(_figures(found, numbers))


def _depart(runtime: Runtime, billing_account_id: UUID, bill_date: date, by: str) -> Departure:
    return leaving.depart(
        database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, billing_account_id=billing_account_id, bill_date=bill_date, by=by,
        now=runtime.clock.now(), identifiers=runtime.identifiers,
    )  # fmt: skip


def _bill_numbers(runtime: Runtime, found: Departure | None) -> list[str]:
    with runtime.database.transaction() as tx:
        runs = found.runs if found is not None else ()
        return [str(one.bill_number) for run in runs for one in bills_of_run(tx=tx, bill_run_id=run.bill_run_id)]


def _show(console: Console, found: Departure | None, numbers: list[str]) -> None:
    if found is None:
        return
    table = report_table("Final bill")
    for heading in ("usage of", "bills", "held", "gross"):
        table.add_column(heading, justify="right" if heading != "usage of" else "left")
    for run in found.runs:
        gross = money(run.totals.gross, language=_LANGUAGE)
        table.add_row(f"{run.period.first_day} to {run.period.end_day}", f"{run.totals.count}", f"{run.held}", gross)
    console.print(table)
    console.print(f"Bills: {', '.join(numbers) or 'none, there was nothing to bill'}", highlight=False)
    if found.deposits:
        console.print(f"Deposits set off: {money(found.deposits, language=_LANGUAGE)}")
    console.print(f"The account owes {money(found.balance, language=_LANGUAGE)}; it is {'closed' if found.closed else f'open: {found.why_open}'}")


def _figures(found: Departure, numbers: list[str]) -> dict[str, Any]:
    return {
        "bills": numbers, "held": sum(run.held for run in found.runs), "deposits": found.deposits, "balance": found.balance, "closed": found.closed,
        "why_open": found.why_open,
    }  # fmt: skip


commands: list[click.Command] = [account]
