"""`hoeksteen bill run` and what goes with it: compare and approve trials, hold and release accounts, stop, bill what was held, announce."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import click
from rich.console import Console

from hoeksteen.billing import approving
from hoeksteen.billing import operations as billing
from hoeksteen.billing import queries as bills
from hoeksteen.billing.audit import ledger_difference
from hoeksteen.billing.comparing import LARGEST, compare_runs
from hoeksteen.billing.model import AccountChange, AccountHold, BillRunProgress, BillRunResult, HeldAccount, RunComparison
from hoeksteen.billing.sending import send_bills
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.deciding import Deciding, deciding
from hoeksteen.interfaces.cli.options import (
    a_day,
    a_month,
    at_local,
    background_option,
    counted,
    data_option,
    emit_json,
    in_euros,
    json_option,
    progress_bars,
    report_console,
    report_table,
    tell_in_background,
)
from hoeksteen.interfaces.cli.whom import customer_argument, meant_billing_account
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import work
from hoeksteen.kernel.errors import Corrupt, InvalidInput, NotFound
from hoeksteen.kernel.time_period import BillPeriod, bill_period, local_day
from hoeksteen.party.queries import customers
from hoeksteen.storage.postgres import Transaction

_SERVICE = "bss"
_SAMPLE = 5
_HELD_SHOWN_MAX = 50
_BEGIN = "begin a trial bill run"
_APPROVE = "approve a trial bill run"

period_option = click.option("--period", "month", required=True, callback=a_month, help="The month of usage, such as 2026-10.")
_cycle_option = click.option(
    "--cycle-day", type=click.IntRange(1, 28), default=1, show_default=True, help="The day on which the bill periods begin."
)  # fmt: skip
_account_option = click.option("--billing-account", "number", help="Its number, where the customer has several.")


def _by(what: str) -> Callable[..., Any]:
    return click.option("--by", required=True, metavar="NAME", help=what)


def _period(month: date, cycle_day: int) -> BillPeriod:
    return bill_period(month.replace(day=cycle_day), cycle_day=cycle_day)


@click.command()
@period_option
@_cycle_option
@click.option("--bill-date", callback=a_day, help="The day on the bills; by default the first day after the period.")
@click.option("--trial", is_flag=True, help="Compute only: no numbers, no postings, no disclosure, no messages.")
@click.option("--by", default="", metavar="NAME", help="Who makes bills final, for the record; who begins a trial proves it with --key.")
@click.option("--unapproved", is_flag=True, help="Make bills final of which nobody has approved a trial.")
@click.option("--send/--no-send", default=True, show_default=True, help="Announce the bills at once, or later with `bill send`.")
@click.option("--run-id", type=click.UUID, hidden=True)
@deciding
@background_option
@data_option
@json_option
def run(
    month: date, cycle_day: int, bill_date: date | None, trial: bool, by: str, unapproved: bool, send: bool, run_id: UUID | None, decides: Deciding,
    background: bool, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Bill a period: a trial, or for good what was approved; a run that was interrupted or stopped goes on where it was."""
    if trial and by:
        raise InvalidInput("A name alone does not prove who begins a trial.", remedy="Say --as NAME --key FILE, or start it on the desk.")
    period = _period(month, cycle_day)
    dated_on = bill_date or period.end_day
    if decides.is_named and not decides.is_asked:
        if not trial:
            raise InvalidInput("Only who begins a trial signs.", remedy="Leave --as and --key out: the approval says who stands for final bills.")
        dated = ["--bill-date", str(bill_date)] if bill_date else []
        words = ["bill", "run", "--trial", *_of_period(month, cycle_day), *dated, *(["--background"] if background else [])]
        decides.decide(*words, what=_BEGIN, said={"period": _days(period), "bill_date": str(dated_on)}, data=data, as_json=as_json)
        return
    kind: Literal["trial", "final"] = "trial" if trial else "final"
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        if decides.is_asked:
            run_id = run_id or runtime.identifiers.new(runtime.clock.now())
            facts = {"bill_run_id": str(run_id), "period": _days(period), "bill_date": str(dated_on)}
            signer = decides.signer(runtime.keeper, what=_BEGIN, facts=facts, more=("--run-id", str(run_id)))
            if signer is None:
                return
            by = signer.actor
        if background:
            started = work.start_run(
                database=runtime.database, lake=runtime.lake, period=period, bill_date=dated_on, kind=kind, by=by, unapproved=unapproved,
                now=runtime.clock.now(), identifiers=runtime.identifiers, bill_run_id=run_id,
            )  # fmt: skip
            tell_in_background(f"The {kind} run of {month:%Y-%m}", {"run": started.bill_run_id, "state": started.state}, as_json=as_json)
            return
        with _progress() as tell:
            result = billing.run_bills(
                database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, period=period, bill_date=dated_on, kind=kind, by=by,
                unapproved=unapproved, send=send, now=runtime.clock.now(), identifiers=runtime.identifiers, progress=tell, bill_run_id=run_id,
            )  # fmt: skip
        difference = None if trial else ledger_difference(database=runtime.database, bill_run_id=result.bill_run_id)
        with runtime.database.transaction() as tx:
            sample = [] if trial else bills.bills_of_run(tx=tx, bill_run_id=result.bill_run_id, limit=_SAMPLE)
            held = _held(tx, result)
    seconds = round(time.monotonic() - began, 2)
    _show_run(report_console(as_json=as_json), result, difference, seconds, held)
    if as_json:
        emit_json(_run_figures(result, difference, seconds) | {"sample": [one.bill_number for one in sample]})
    if difference:
        raise Corrupt(f"The bills and the ledger differ by {difference}.", remedy=f"Run `hoeksteen bill audit --period {month:%Y-%m}`.")


@click.command()
@data_option
@json_option
def runs(data: Path, as_json: bool) -> None:
    """
    List the newest 200 bill runs with their sums, who began and who approved them, and how far those under way are.

    Those of `bill final`, one to each account that left, are not among them.
    """
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        known = bills.runs(tx=tx)
        totals = bills.totals_of_runs(tx=tx, bill_run_ids=[one.bill_run_id for one in known])
        approvals = approving.approvals(tx=tx, bill_run_ids=[one.bill_run_id for one in known])
        progress = {one.bill_run_id: bills.progress(tx=tx, run=one, now=runtime.clock.now()) for one in known if one.state == "running"}
    rows: list[dict[str, Any]] = [
        {
            "run": str(one.bill_run_id), "period": f"{one.period.first_day:%Y-%m}", "cycle_day": one.cycle_day, "kind": one.kind, "state": one.state,
            "by": one.started_by, "approved_by": approvals[one.bill_run_id].approved_by if one.bill_run_id in approvals else "",
            "sent": one.sent_at is not None, "bills": totals[one.bill_run_id].count, "gross": totals[one.bill_run_id].gross,
            "progress": progress[one.bill_run_id].sentence if one.bill_run_id in progress else "",
        }
        for one in known
    ]  # fmt: skip
    if as_json:
        emit_json({"runs": rows})
        return
    table = report_table("Bill runs")
    for heading in ("period", "kind", "state", "by", "approved by", "bills", "gross"):
        table.add_column(heading, justify="right" if heading in ("bills", "gross") else "left")
    for row in rows:
        state = row["progress"] or ("sent" if row["sent"] else row["state"])
        table.add_row(
            row["period"], row["kind"], state, row["by"], row["approved_by"], f"{row['bills']:,}", in_euros(row["gross"])
        )  # fmt: skip
    console = Console()
    console.print(table)
    if len(rows) == bills.RUNS_LISTED_MAX:
        console.print(f"The newest {len(rows)} runs; older ones are not listed.")
    for row in rows:  # beside the table they would be broken on a terminal of 80 columns
        console.print(f"  {row['kind']} of {row['period']}: {row['run']}", highlight=False, soft_wrap=True)


@click.command()
@period_option
@_cycle_option
@click.option("--with", "before", type=click.UUID, help="Another run; by default last month's bills, else the trial before.")
@click.option("--show", type=click.IntRange(0, 10_000), default=LARGEST, show_default=True, help="How many billing accounts that differ most.")
@data_option
@json_option
def difference(month: date, cycle_day: int, before: UUID | None, show: int, data: Path, as_json: bool) -> None:
    """Compare the latest trial of a period with last month's bills, or with another run."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        trial = approving.latest_trial(tx=tx, period=_period(month, cycle_day))
        found = compare_runs(tx=tx, after=trial.bill_run_id, before=before, limit=show)
        numbers = _customer_numbers(tx, found.largest)
    if as_json:
        emit_json(
            {
                "before": found.before.bill_run_id, "after": found.after.bill_run_id, "same": found.same, "changed": found.changed, "new": found.new,
                "gone": found.gone, "gross_before": found.gross_before, "gross_after": found.gross_after,
                "by_kind": {kind: [was, now] for kind, was, now in found.by_kind},
                "largest": [
                    {"customer": numbers[one.customer_id], "billing_account": one.billing_account_id, "before": one.before, "after": one.after}
                    for one in found.largest
                ],
            }
        )  # fmt: skip
        return
    _show_comparison(Console(), found, numbers)


@click.command()
@period_option
@_cycle_option
@deciding
@data_option
@json_option
def approve(month: date, cycle_day: int, decides: Deciding, data: Path, as_json: bool) -> None:
    """Approve the latest trial of a period, as somebody other than who began it; `bill run` makes these bills final, and holds what changed since."""
    if not decides.is_asked:
        said = {"period": _days(_period(month, cycle_day))}
        decides.decide("bill", "approve", *_of_period(month, cycle_day), what=_APPROVE, said=said, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        trial = approving.latest_trial(tx=tx, period=_period(month, cycle_day))
        facts = approving.to_be_approved(tx=tx, run=trial)
        signer = decides.signer(runtime.keeper, what=_APPROVE, facts=facts)
        if signer is None:
            return
        found = approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by=signer.actor, signed=signer.digest, now=runtime.clock.now())
    if as_json:
        figures = {"run": found.bill_run_id, "approved_by": found.approved_by, "bills": found.bills, "gross": found.gross}
        emit_json(figures | {"content_sha256": facts["content_sha256"], "signed_sha256": signer.digest.hex()})
        return
    click.echo(f"{found.approved_by} approves {counted(found.bills, 'bill')} of {month:%Y-%m}, together {in_euros(found.gross)}.")
    click.echo(f"Signed, and in the keeper's log: SHA-256 {signer.digest.hex()}.")


def _days(period: BillPeriod) -> str:
    return f"{period.first_day} to {period.end_day}"


def _of_period(month: date, cycle_day: int) -> tuple[str, ...]:
    return "--period", f"{month:%Y-%m}", "--cycle-day", str(cycle_day)


@click.command()
@period_option
@_cycle_option
@data_option
def stop(month: date, cycle_day: int, data: Path) -> None:
    """Ask the run of a period that is under way to stop after its batch; `bill run` goes on with it."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = billing.stop_run(tx=tx, period=_period(month, cycle_day))
    click.echo(f"The {found.kind} run of {month:%Y-%m} stops after its batch; {counted(found.billing_accounts, 'billing account')} looked at so far.")


@click.command()
@period_option
@_cycle_option
@background_option
@data_option
@json_option
def send(month: date, cycle_day: int, background: bool, data: Path, as_json: bool) -> None:
    """Announce the final bills of a period that are not announced yet: messages to their customers, in the outbox."""
    period, count = _period(month, cycle_day), 0
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            known = [one for one in bills.runs_of_final_bills(tx=tx, period=period) if one.period == period and one.state == "done"]
        if not known:
            raise NotFound(f"No final run of {month:%Y-%m} is done.", remedy="Finish it with `hoeksteen bill run`.")
        if background:
            with runtime.database.transaction() as tx:
                started = [work.announce(tx=tx, bill_run_id=one.bill_run_id) for one in known if one.sent_at is None]
            tell_in_background(f"Announcing {month:%Y-%m}", {"jobs": [one.job_id for one in started]}, as_json=as_json)
            return
        for one in known:
            count += send_bills(database=runtime.database, bill_run_id=one.bill_run_id, now=runtime.clock.now())
    if as_json:
        emit_json({"messages": count})
        return
    click.echo(f"{counted(count, 'bill is', 'bills are')} announced; `hoeksteen messages send` delivers.")


@click.command()
@customer_argument
@_account_option
@_by("Who holds it.")
@click.option("--why", required=True, help="Why, without personal data.")
@data_option
def hold(customer: str, number: str | None, by: str, why: str, data: Path) -> None:
    """Keep a billing account from being billed; what it misses appears on its next bill."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        account = meant_billing_account(tx=tx, named=customer, number=number)
        approving.hold(tx=tx, billing_account_id=account.billing_account_id, by=by, why=why, now=runtime.clock.now())
    click.echo(f"Billing account {account.billing_account_number} is held. `hoeksteen bill release {customer}` lets it be billed again.")


@click.command()
@customer_argument
@_account_option
@_by("Who releases it.")
@data_option
def release(customer: str, number: str | None, by: str, data: Path) -> None:
    """Let a billing account be billed again: with the next run, or at once with `bill again`."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        account = meant_billing_account(tx=tx, named=customer, number=number)
        approving.release(tx=tx, billing_account_id=account.billing_account_id, by=by, now=runtime.clock.now())
    click.echo(f"Billing account {account.billing_account_number} is billed again.")


@click.command()
@data_option
@json_option
def holds(data: Path, as_json: bool) -> None:
    """List the billing accounts that somebody holds."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = approving.holds(tx=tx)
        numbers = _customer_numbers(tx, found)
    if as_json:
        emit_json(
            {
                "holds": [
                    {
                        "customer": numbers[one.customer_id], "billing_account": one.billing_account_id, "since": one.held_at, "by": one.held_by,
                        "why": one.why,
                    }
                    for one in found
                ]
            }
        )  # fmt: skip
        return
    table = report_table("Billing accounts that are held")
    for heading in ("customer", "since", "by", "why"):
        table.add_column(heading)
    for one in found:
        table.add_row(numbers[one.customer_id], str(local_day(one.held_at)), one.held_by, one.why)
    Console().print(table if found else "No billing account is held.")


@click.command()
@customer_argument
@_account_option
@period_option
@_cycle_option
@click.option("--bill-date", callback=a_day, help="The day on the bill; by default the first day after the period.")
@_by("Who wants it.")
@data_option
@json_option
def again(
    customer: str, number: str | None, month: date, cycle_day: int, bill_date: date | None, by: str, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Bill an account that the final run of a period held, now that its reason is gone."""
    period, began = _period(month, cycle_day), time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            account = meant_billing_account(tx=tx, named=customer, number=number)
        result = billing.bill_off_cycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, period=period, billing_account_ids=[account.billing_account_id],
            bill_date=bill_date or period.end_day, by=by, now=runtime.clock.now(), identifiers=runtime.identifiers,
        )  # fmt: skip
        difference = ledger_difference(database=runtime.database, bill_run_id=result.bill_run_id)
        with runtime.database.transaction() as tx:
            held = _held(tx, result)
    seconds = round(time.monotonic() - began, 2)
    _show_run(report_console(as_json=as_json), result, difference, seconds, held)
    if as_json:
        emit_json(_run_figures(result, difference, seconds))


def _customer_numbers(tx: Transaction, rows: Iterable[AccountChange | AccountHold | HeldAccount]) -> dict[UUID, str]:
    """Give the numbers by which people and other commands know the customers of some rows."""
    return {one.customer_id: one.customer_number for one in customers(tx=tx, customer_ids=[row.customer_id for row in rows])}


def _held(tx: Transaction, result: BillRunResult) -> list[tuple[str, HeldAccount]]:
    """Give the accounts that a run passed by, each with its customer's number."""
    found = bills.held(tx=tx, bill_run_id=result.bill_run_id)
    numbers = _customer_numbers(tx, found)
    return [(numbers[one.customer_id], one) for one in found]


def _show_comparison(console: Console, found: RunComparison, numbers: Mapping[UUID, str]) -> None:
    named = [f"{one.kind} of {one.period.first_day:%Y-%m}, begun {at_local(one.started_at)}" for one in (found.before, found.after)]
    table = report_table(f"{named[1]}, against {named[0]}")
    for heading in ("", "before", "after", "difference"):
        table.add_column(heading, justify="right" if heading else "left")
    for kind, was, now in found.by_kind:
        table.add_row(f"{kind.replace('_', '-')} lines, without VAT", in_euros(was), in_euros(now), in_euros(now - was))
    table.add_section()
    table.add_row(
        "bills, with VAT",
        in_euros(found.gross_before),
        in_euros(found.gross_after),
        in_euros(found.gross_after - found.gross_before),
    )
    console.print(table)
    console.print(f"Billing accounts: {found.same:,} the same, {found.changed:,} changed, {found.new:,} new, {found.gone:,} gone.")
    for one in found.largest:
        before, after = ("no bill" if amount is None else in_euros(amount) for amount in (one.before, one.after))
        console.print(f"  customer {numbers[one.customer_id]}: {before}, now {after}", highlight=False)


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
        "stopped": result.stopped,
        "held": result.held,
        "suspended_records": result.suspended,
        "seconds": seconds,
    }


def _show_run(
    console: Console, result: BillRunResult, difference: Decimal | None, seconds: float, held: list[tuple[str, HeldAccount]]
) -> None:  # fmt: skip
    totals = result.totals
    table = report_table(f"Bills of {result.period.first_day:%Y-%m}, {result.kind}, dated {result.bill_date}")
    for heading in ("accounts", "bills", "held", "net", "VAT", "rounding", "gross", "ledger difference"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{result.billing_accounts:,}", f"{totals.count:,}", f"{result.held:,}", in_euros(totals.net), in_euros(totals.vat),
        in_euros(totals.rounding), f"[bold]{in_euros(totals.gross)}[/]", "not posted" if difference is None else in_euros(difference),
    )  # fmt: skip
    console.print(table)
    for number, one in held[:_HELD_SHOWN_MAX]:
        console.print(f"  held, customer {number}: {one.reason}: {one.detail}", highlight=False)
    if result.suspended:
        waiting = counted(result.suspended, "usage record is", "usage records are")
        console.print(f"{waiting} suspended, on no bill yet: `hoeksteen usage balance`; each rating tries them again.")
    if result.without_charge:
        console.print(f"{counted(result.without_charge, 'billing account')} without any charge: no bill.")
    if result.stopped:
        console.print(f"Stopped after {counted(result.billing_accounts, 'billing account')}; the same command goes on.")
    elif result.was_done:
        console.print(f"The bills of {result.period.first_day:%Y-%m} were final already; nothing was done.")
    else:
        console.print(f"{result.billing_accounts / max(seconds, 0.01):,.0f} billing accounts a second, {seconds} s")


@contextmanager
def _progress() -> Iterator[Callable[[BillRunProgress], None]]:
    with progress_bars() as bars:
        task = bars.add_task("billing accounts", total=None)

        def tell(progress: BillRunProgress) -> None:
            bars.update(task, completed=progress.billing_accounts, total=progress.billing_accounts_total)

        yield tell


commands: list[click.Command] = [run, runs, difference, approve, stop, send, hold, release, holds, again]
