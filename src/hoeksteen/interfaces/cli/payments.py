"""`hoeksteen payment`: register money received."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_day, counted, data_option, emit_json, json_option
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys.blocking import lift
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party.queries import billing_accounts, customer_by_number
from hoeksteen.receivables import operations as receivables
from hoeksteen.receivables.queries import balance

_SERVICE = "bss"


@click.group()
def payment() -> None:
    """Register payments."""


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
        lifted = lift(tx=tx, customer_ids=[customer.customer_id], day=local_day(now), now=now, identifiers=runtime.identifiers)
        owes = balance(tx=tx, customer_id=customer.customer_id)
    if as_json:
        figures = {"payment": done.payment.payment_id, "amount": done.payment.amount, "bill_named": done.payment.reference, "repeated": done.repeated}
        emit_json({**figures, "settled": done.settled, "left": done.left, "balance": owes, "services_lifted": lifted})
        return
    said = "was registered before" if done.repeated else "received"
    click.echo(f"{done.payment.amount} {said}: {done.settled} settles bills, {done.left} is left. Balance now {owes}.")
    if lifted:
        click.echo(f"{counted(lifted, 'service')} in use again.")


commands: list[click.Command] = [payment]
