"""`hoeksteen mandate`, `collect` and `refund`: direct debit from mandate to file, and money that goes back."""

import hashlib
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TextIO
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.deciding import Deciding, deciding
from hoeksteen.interfaces.cli.options import (
    a_day,
    a_euro_amount,
    by_option,
    counted,
    data_option,
    emit_json,
    json_option,
    print_table,
    report_console,
    report_table,
    require_writable,
)
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.receivables import collecting, mandates, refunds
from hoeksteen.receivables.mandates import Mandate

_SERVICE = "bss"
_ASK = "ask for a refund"
_AGAIN = "pay a refund again"
_OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file for the bank; nobody but its owner may read it."
)


@click.group()
def mandate() -> None:
    """Record, show and revoke mandates for direct debit."""


@mandate.command("add")
@customer_argument
@click.option(
    "--iban-from", type=click.File(), required=True, help="A file with the IBAN, or - : what is typed on a command line stays in its history."
)
@click.option("--holder", "account_holder", required=True, help="Whose bank account it is.")
@click.option("--signed-on", required=True, callback=a_day, help="The day of the signature.")
@click.option("--scheme", type=click.Choice(["core", "b2b"]), default="core", show_default=True)
@click.option("--one-off", is_flag=True, help="For one collection only.")
@by_option()
@data_option
@json_option
def add_mandate(
    customer: str, iban_from: TextIO, account_holder: str, signed_on: date, scheme: str, one_off: bool, who: str, data: Path, as_json: bool
) -> None:
    """Record a mandate that a customer signed; the IBAN is sealed."""
    text = iban_from.read().strip()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        made = mandates.add(
            tx=tx, keeper=runtime.keeper, customer_id=meant_customer(tx=tx, named=customer).customer_id, text=text, account_holder=account_holder,
            signed_on=signed_on, scheme="b2b" if scheme == "b2b" else "core", one_off=one_off, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    _tell_mandates([made], as_json=as_json)


@mandate.command("take-over")
@customer_argument
@by_option()
@data_option
@json_option
def take_over(customer: str, who: str, data: Path, as_json: bool) -> None:
    """Go on with the mandate that another system had, as it was sealed when the customer came in."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        made = mandates.take_over(
            tx=tx, keeper=runtime.keeper, customer_id=meant_customer(tx=tx, named=customer).customer_id, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    _tell_mandates([made], as_json=as_json)


@mandate.command("show")
@customer_argument
@data_option
@json_option
def show_mandates(customer: str, data: Path, as_json: bool) -> None:
    """Show a customer's mandates; their IBANs stay sealed."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = mandates.mandates_of(tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id)
    _tell_mandates(found, as_json=as_json)


@mandate.command("amend")
@customer_argument
@click.argument("mandate_id", metavar="MANDATE", type=click.UUID)
@click.option("--iban-from", type=click.File(), required=True, help="A file with the new IBAN, or -.")
@click.option("--holder", "account_holder", help="Whose bank account it is, where that is another name.")
@by_option()
@data_option
@json_option
def amend(
    customer: str, mandate_id: UUID, iban_from: TextIO, account_holder: str | None, who: str, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Let a mandate go on with another bank account of its payer; the next collection tells the bank."""
    text = iban_from.read().strip()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = mandates.amend(
            tx=tx, keeper=runtime.keeper, customer_id=meant_customer(tx=tx, named=customer).customer_id, mandate_id=mandate_id, text=text,
            account_holder=account_holder, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers,
        )  # fmt: skip
    _tell_mandates([done], as_json=as_json)
    if done.scheme == "b2b" and not as_json:
        click.echo("A mandate between businesses: the payer tells their new bank of it too, or it refuses.")


@mandate.command("revoke")
@customer_argument
@click.argument("mandate_id", metavar="MANDATE", type=click.UUID)
@click.option("--why", required=True, help="Why; it stands beside the mandate.")
@data_option
@json_option
def revoke(customer: str, mandate_id: UUID, why: str, data: Path, as_json: bool) -> None:
    """End a mandate; what was announced and is in no file yet is not collected."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = mandates.revoke(
            tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id, mandate_id=mandate_id, why=why, now=runtime.clock.now()
        )
    _tell_mandates([done], as_json=as_json)


def _tell_mandates(found: list[Mandate], *, as_json: bool) -> None:
    table = report_table("Mandates")
    for heading in ("mandate", "reference", "scheme", "signed", "state", "next"):
        table.add_column(heading, no_wrap=heading in ("mandate", "scheme"))
    for one in found:
        state = one.state + (f" ({escape(one.ended_why)})" if one.ended_why else "")
        following = "" if one.state != "active" else "once" if one.kind == "one_off" else "first" if one.is_first else "recurring"
        following += ", tells of the new account" if following and one.amendment_is_due else ""
        signed = f"{one.signed_on}" + (f", amended {one.amended_on}" if one.amended_on else "")
        table.add_row(str(one.mandate_id), one.reference or "sealed", one.scheme.upper(), signed, state, following)
    print_table(report_console(as_json=as_json), table, nothing="No mandate: this customer pays by transfer.")
    if as_json:
        emit_json({"mandates": [asdict(one) for one in found]})


@click.group()
def collect() -> None:
    """Collect what is due by direct debit: announce it, write the bank's file, take back what came back."""


@collect.command()
@click.option("--day", required=True, callback=a_day, help="The day of the collection, at least 14 days away; banks must settle on it.")
@by_option()
@data_option
@json_option
def prepare(day: date, who: str, data: Path, as_json: bool) -> None:
    """Prepare a run, and announce each collection to its customer."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = collecting.prepare(tx=tx, collection_day=day, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers)
    console = report_console(as_json=as_json)
    console.print(f"Run {done.run.collection_run_id}: {counted(done.run.count, 'collection')} of {done.run.amount:,} on {day}.", soft_wrap=True)
    for reason, count in done.passed_by.items():
        if count:
            console.print(f"  not taken, {reason.replace('_', ' ')}: {count:,}")
    if as_json:
        emit_json({"run": asdict(done.run), "passed_by": dict(done.passed_by)})


@collect.command("file")
@click.argument("run_id", metavar="RUN", type=click.UUID)
@_OUT
@data_option
@json_option
def file_(run_id: UUID, out: Path, data: Path, as_json: bool) -> None:
    """Write the bank's file (pain.008.001.08) of a run; again, it is the same to the byte."""
    require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = collecting.file(
            tx=tx, keeper=runtime.keeper, collection_run_id=run_id, path=out, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    console = report_console(as_json=as_json)
    console.print(f"{'Written again' if done.repeated else 'Written'}: {out}, SHA-256 {done.run.sha256}", soft_wrap=True, markup=False)
    for reason, count in done.withdrawn.items():
        console.print(f"  withdrawn, {reason.replace('_', ' ')}: {count:,}")
    if as_json:
        emit_json({"run": asdict(done.run), "withdrawn": dict(done.withdrawn), "repeated": done.repeated, "file": str(out)})


@collect.command("show")
@data_option
@json_option
def show_runs(data: Path, as_json: bool) -> None:
    """Show the runs, and what became of their collections."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = collecting.runs(tx=tx)
    table = report_table("Collection runs")
    for heading in ("day", "state", "collections", "euros", "settled", "came back", "withdrawn"):
        table.add_column(heading, justify="left" if heading in ("day", "state") else "right")
    for one in found:
        figures = [f"{figure:,}" for figure in (one.count, one.amount, one.settled, one.came_back, one.withdrawn)]
        table.add_row(f"{one.collection_day}", one.state, *figures)
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="No run yet: `hoeksteen collect prepare`.")
    for one in found:  # beside the table they would be broken on a terminal of 80 columns
        console.print(f"  run of {one.collection_day}: {one.collection_run_id}", highlight=False, soft_wrap=True)
    if as_json:
        emit_json({"runs": [asdict(one) for one in found]})


@collect.command()
@click.argument("end_to_end_id")
@click.option("--reason", required=True, type=click.STRING, help="The bank's code, such as AM04.")
@data_option
def reject(end_to_end_id: str, reason: str, data: Path) -> None:
    """Record that the bank refused a collection before settling it."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        collecting.reject(
            tx=tx, end_to_end_id=end_to_end_id, reason=reason.upper(), now=runtime.clock.now(), identifiers=runtime.identifiers
        )  # fmt: skip
    click.echo("Recorded; the bill is open again.")


@click.group()
def refund() -> None:
    """Pay money back: one person asks, another approves, and a file goes to the bank."""


@refund.command()
@customer_argument
@click.option("--amount", required=True, callback=a_euro_amount, help="Euros of the customer's credit, such as 54.95.")
@click.option("--why", required=True, help="What the customer reads on their bank statement.")
@click.option("--nonce", type=click.UUID, hidden=True)
@deciding
@data_option
@json_option
def ask(customer: str, amount: Decimal, why: str, nonce: UUID | None, decides: Deciding, data: Path, as_json: bool) -> None:
    """Ask that a customer's credit is paid back."""
    said = {"customer": customer, "amount": str(amount), "why_sha256": _sha256(why)}
    if not decides.is_asked:
        words = ("refund", "ask", customer, "--amount", str(amount), "--why", why)
        decides.decide(*words, what=_ASK, said=said, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        customer_id = meant_customer(tx=tx, named=customer).customer_id
        nonce = nonce or runtime.identifiers.new(runtime.clock.now())
        facts = {"refund_id": str(nonce), "customer_id": str(customer_id), **said}
        signer = decides.signer(runtime.keeper, what=_ASK, facts=facts, more=("--nonce", str(nonce)))
        if signer is None:
            return
        done = refunds.ask(
            tx=tx, customer_id=customer_id, amount=amount, reason=why, by=signer.actor, now=runtime.clock.now(), identifiers=runtime.identifiers,
            refund_id=nonce,
        )  # fmt: skip
    _tell_refunds([done], as_json=as_json)


@refund.command("back")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@click.option("--why", required=True, help="What the payer reads on their bank statement.")
@click.option("--nonce", type=click.UUID, hidden=True)
@deciding
@data_option
@json_option
def give_back(entry_id: UUID, why: str, nonce: UUID | None, decides: Deciding, data: Path, as_json: bool) -> None:
    """Ask that an unmatched receipt goes back to whom it came from."""
    said = {"bank_entry_id": str(entry_id), "why_sha256": _sha256(why)}
    if not decides.is_asked:
        decides.decide("refund", "back", str(entry_id), "--why", why, what=_ASK, said=said, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        nonce = nonce or runtime.identifiers.new(runtime.clock.now())
        signer = decides.signer(runtime.keeper, what=_ASK, facts={"refund_id": str(nonce), **said}, more=("--nonce", str(nonce)))
        if signer is None:
            return
        done = refunds.give_back(
            tx=tx, bank_entry_id=entry_id, reason=why, by=signer.actor, now=runtime.clock.now(), identifiers=runtime.identifiers, refund_id=nonce
        )
    _tell_refunds([done], as_json=as_json)


@refund.command()
@click.argument("refund_id", metavar="REFUND", type=click.UUID)
@click.option("--decline", is_flag=True, help="Decline it instead.")
@deciding
@data_option
@json_option
def approve(refund_id: UUID, decline: bool, decides: Deciding, data: Path, as_json: bool) -> None:
    """Approve what somebody else asked for."""
    what = "decline a refund" if decline else "approve a refund"
    if not decides.is_asked:
        words = ("refund", "approve", str(refund_id), *(["--decline"] if decline else []))
        decides.decide(*words, what=what, said={"refund_id": str(refund_id)}, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        signer = decides.signer(runtime.keeper, what=what, facts=refunds.to_be_decided(tx=tx, refund_id=refund_id))
        if signer is None:
            return
        done = refunds.decide(
            tx=tx, refund_id=refund_id, approve=not decline, by=signer.actor, now=runtime.clock.now(), identifiers=runtime.identifiers
        )  # fmt: skip
    _tell_refunds([done], as_json=as_json)


@refund.command()
@click.argument("refund_id", metavar="REFUND", type=click.UUID)
@deciding
@data_option
@json_option
def again(refund_id: UUID, decides: Deciding, data: Path, as_json: bool) -> None:
    """Let a refund that the bank refused go into the next file, as somebody other than who asked for it; see to the IBAN first."""
    if not decides.is_asked:
        decides.decide("refund", "again", str(refund_id), what=_AGAIN, said={"refund_id": str(refund_id)}, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        signer = decides.signer(runtime.keeper, what=_AGAIN, facts=refunds.to_be_paid_again(tx=tx, refund_id=refund_id))
        if signer is None:
            return
        done = refunds.pay_again(tx=tx, refund_id=refund_id, by=signer.actor, now=runtime.clock.now(), identifiers=runtime.identifiers)
    _tell_refunds([done], as_json=as_json)


def _sha256(text: str) -> str:
    """Give the digest of what somebody wrote, which may be about a person and so stands in no log itself."""
    return hashlib.sha256(text.encode()).hexdigest()


@refund.command("list")
@click.option("--state", type=click.Choice(["asked", "approved", "declined", "sent", "executed", "refused"]), help="Only those in this state.")
@data_option
@json_option
def list_refunds(state: str | None, data: Path, as_json: bool) -> None:
    """Show refunds, the newest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = refunds.refunds(tx=tx, state=state)
    _tell_refunds(found, as_json=as_json)


@refund.command("file")
@_OUT
@by_option()
@data_option
@json_option
def refund_file(out: Path, who: str, data: Path, as_json: bool) -> None:
    """Write the bank's file (pain.001.001.09) of what is approved."""
    require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = refunds.write_file(tx=tx, keeper=runtime.keeper, path=out, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers)
    console = report_console(as_json=as_json)
    console.print(f"{counted(done.count, 'refund')} of {done.amount:,}: {out}, SHA-256 {done.sha256}", soft_wrap=True, markup=False)
    for one in done.left_out:
        console.print(f"  left out, no good IBAN is known: {one}", soft_wrap=True)
    if as_json:
        emit_json(asdict(done) | {"file": str(out)})


def _tell_refunds(found: list[refunds.Refund], *, as_json: bool) -> None:
    table = report_table("Refunds")
    for heading in ("refund", "amount", "state", "asked by", "decided by", "why"):
        table.add_column(heading, justify="right" if heading == "amount" else "left", no_wrap=heading in ("refund", "amount"))
    for one in found:
        state = one.state + (f" ({one.refused_because})" if one.refused_because else "")
        table.add_row(str(one.refund_id), f"{one.amount:,}", state, escape(one.asked_by), escape(one.decided_by or ""), escape(one.reason))
    print_table(report_console(as_json=as_json), table, nothing="No refunds.")
    if as_json:
        emit_json({"refunds": [asdict(one) for one in found]})


commands: list[click.Command] = [mandate, collect, refund]
