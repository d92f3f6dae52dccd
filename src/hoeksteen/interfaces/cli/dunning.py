"""`hoeksteen dun` and `hoeksteen dispute`: what becomes of late bills, and bills that customers contest."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.care import disputes
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import (
    a_day,
    by_option,
    counted,
    data_option,
    emit_json,
    json_option,
    print_table,
    progress_bars,
    report_console,
    report_table,
)
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import blocking
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.blocking import blocks_of
from hoeksteen.receivables import dunning, interest
from hoeksteen.receivables.carried_over import claim_named

_SERVICE = "bss"


@click.group()
def dun() -> None:
    """Remind of late bills by a policy, never of what is contested."""


@dun.command()
@click.option("--day", callback=a_day, help="By default today; never a day to come.")
@click.option("--policy", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A policy of your own instead of the shipped one.")
@data_option
@json_option
def run(day: date | None, policy: Path | None, data: Path, as_json: bool) -> None:
    """Take the step that is due of everybody who is late; the same day again changes nothing."""
    rules = dunning.read_policy(None if policy is None else policy.read_text("utf-8"))
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, progress_bars() as bars:
        now = runtime.clock.now()
        wanted = day or local_day(now)
        if wanted > local_day(now):
            raise InvalidInput(f"--day lies in the future: {wanted}.", remedy="Nobody can be late yet.")
        task = bars.add_task("customers", total=None)
        dunned = blocking.dun(
            database=runtime.database, day=wanted, now=now, identifiers=runtime.identifiers, policy=rules,
            progress=lambda customers: bars.advance(task, customers),
        )  # fmt: skip
    done = dunned.run
    table = report_table(f"Dunning of {done.day}")
    table.add_column("step, or why not")
    table.add_column("billing accounts", justify="right")
    for name, count in (*done.steps.items(), *((f"nothing asked: {why}", count) for why, count in done.passed_by.items())):
        table.add_row(name.replace("_", " "), f"{count:,}")
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="Nobody is late.")
    console.print(f"{counted(done.closed, 'case')} closed, {done.costs:,} of costs charged.")
    for count, what in ((dunned.blocked, "suspended"), (dunned.lifted, "in use again"), (dunned.left_open, "not suspended: a person looks at it")):
        if count:
            console.print(f"{counted(count, 'service')} {what}.")
    if as_json:
        emit_json({
            "day": done.day, "steps": dict(done.steps), "passed_by": dict(done.passed_by), "closed": done.closed, "costs": done.costs,
            "blocked": dunned.blocked, "lifted": dunned.lifted, "left_open": dunned.left_open,
        })  # fmt: skip


@dun.command()
@customer_argument
@data_option
@json_option
def show(customer: str, data: Path, as_json: bool) -> None:
    """Show what was asked of a customer so far, what they contest, and exceptions."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whom = meant_customer(tx=tx, named=customer).customer_id
        cases, exceptions = dunning.cases_of(tx=tx, customer_id=whom), dunning.exceptions_of(tx=tx, customer_id=whom)
        accruing = interest.of_customer(tx=tx, customer_id=whom, until=local_day(runtime.clock.now()))
        contested, blocked = disputes.disputes_of(tx=tx, customer_id=whom), blocks_of(tx=tx, customer_id=whom)
    table = report_table("Steps")
    for heading in ("case of", "step", "on", "about", "costs", "pay by"):
        table.add_column(heading, justify="right" if heading in ("about", "costs") else "left")
    for case in cases:
        for step in case.steps:
            row = (f"{step.taken_on}", f"{step.principal:,}", f"{step.costs:,}" if step.costs else "", f"{step.pay_by or ''}")
            table.add_row(f"{case.opened_on}{' (closed)' if case.closed_on else ''}", step.kind.replace("_", " "), *row)
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="Nothing was asked of this customer.")
    for one in exceptions:
        console.print(f"Exception {one.kind} from {one.from_day} to {one.until_day or 'further notice'}, by {escape(one.made_by)}", soft_wrap=True)
    for due in accruing:
        console.print(
            f"Interest on {due.bill_number}, not charged: {due.amount:,} over {due.since} to {due.until}; "
            f"{due.rate} % a year now on {due.principal:,}", soft_wrap=True,
        )  # fmt: skip
    for block in blocked:
        until = f"until {block.lifted_from}" if block.lifted_from else f"emergency calls go on, incoming ones until {block.incoming_until}"
        console.print(f"Service {block.product_id} suspended from {block.from_day}: {until}", soft_wrap=True)
    for each in contested:
        console.print(f"Dispute about {each.about.replace('_', ' ')} since {local_day(each.opened_at)}: {each.outcome or 'open'}", soft_wrap=True)
    if as_json:
        found = {"cases": [asdict(case) for case in cases], "exceptions": [asdict(one) for one in exceptions]}
        emit_json(
            found
            | {
                "disputes": [asdict(each) for each in contested],
                "blocks": [asdict(block) for block in blocked],
                "interest": [asdict(due) for due in accruing],
            }
        )


@dun.command("except")
@customer_argument
@click.option("--kind", type=click.Choice(dunning.EXCEPTIONS), required=True)
@click.option("--until", "until_day", callback=a_day, help="The first day on which something may be asked again; by default until further notice.")
@by_option()
@data_option
@json_option
def except_(customer: str, kind: str, until_day: date | None, who: str, data: Path, as_json: bool) -> None:
    """Ask nothing of a customer for a time."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        now, whom = runtime.clock.now(), meant_customer(tx=tx, named=customer).customer_id
        done = dunning.except_customer(
            tx=tx, customer_id=whom, kind=kind, from_day=local_day(now), until_day=until_day, by=who,
            now=now, identifiers=runtime.identifiers,
        )  # fmt: skip
        blocking.lift(tx=tx, customer_ids=[whom], day=local_day(now), now=now, identifiers=runtime.identifiers)
    if as_json:
        emit_json(asdict(done))
        return
    click.echo(f"Nothing is asked until {done.until_day or 'further notice'}.")


@dun.command("interest")
@customer_argument
@by_option()
@data_option
@json_option
def charge_interest(customer: str, who: str, data: Path, as_json: bool) -> None:
    """Charge by hand the statutory interest on a customer's late bills up to today."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = interest.charge(
            tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    if as_json:
        emit_json({"charged": [asdict(one) for one in done]})
        return
    for one in done:
        click.echo(f"{one.amount:,} on {one.bill_number}, {one.since} to {one.until}.")


@dun.command()
@customer_argument
@click.argument("fee_id", metavar="FEE", type=click.UUID)
@click.option("--why", required=True, help="Why; it stands beside what was taken back.")
@by_option()
@data_option
@json_option
def waive(customer: str, fee_id: UUID, why: str, who: str, data: Path, as_json: bool) -> None:
    """Take back what is open of a fee: costs of collecting, or interest."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = interest.waive(
            tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id, fee_id=fee_id, why=why, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    if as_json:
        emit_json(asdict(done))
        return
    click.echo(f"{done.amount:,} of {done.kind.replace('_', ' ')} taken back.")


@click.group()
def dispute() -> None:
    """Record that a customer contests a bill, and how it ended."""


@dispute.command("open")
@click.argument("bill_number")
@click.option("--about", type=click.Choice(disputes.ABOUT), required=True)
@by_option()
@data_option
@json_option
def open_(bill_number: str, about: str, who: str, data: Path, as_json: bool) -> None:
    """Record that a customer contests a bill: nobody reminds them of it, nothing of it is collected."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whose, claim_id = claim_named(tx=tx, number=bill_number)
        now = runtime.clock.now()
        done = disputes.open_dispute(
            tx=tx, customer_id=whose, customer_bill_id=claim_id, about=about, by=who, now=now, identifiers=runtime.identifiers
        )  # fmt: skip
        blocking.lift(tx=tx, customer_ids=[whose], day=local_day(now), now=now, identifiers=runtime.identifiers)
    _tell(done, bill_number, as_json=as_json)


@dispute.command()
@click.argument("bill_number")
@click.option("--outcome", type=click.Choice(disputes.OUTCOMES), required=True)
@by_option()
@data_option
@json_option
def settle(bill_number: str, outcome: str, who: str, data: Path, as_json: bool) -> None:
    """Record how a dispute ended; what is to be credited is credited by itself."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        whose, claim_id = claim_named(tx=tx, number=bill_number)
        done = disputes.settle_dispute(tx=tx, customer_id=whose, customer_bill_id=claim_id, outcome=outcome, by=who, now=runtime.clock.now())
    _tell(done, bill_number, as_json=as_json)


def _tell(done: disputes.Dispute, bill_number: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(asdict(done))
        return
    click.echo(f"{bill_number}: {'contested' if done.outcome is None else done.outcome.replace('_', ' ')}.")


commands: list[click.Command] = [dun, dispute]
