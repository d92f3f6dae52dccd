"""`hoeksteen charge`: one-off charges and credits on a billing account, with who and why."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.billing import charges
from hoeksteen.billing.charges import AccountCharge
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.deciding import Deciding, deciding, unproven
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
from hoeksteen.interfaces.cli.whom import customer_argument, meant_billing_account, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.charge_kinds import TAX_CATEGORIES, charge_kinds

_SERVICE = "bss"
_ASK = "ask for a charge"
_BY_OR_AS = click.option("--by", "who", default="", help="Who does it, at their word, up to the limit; beyond it prove it by --as and --key.")
_ID = click.argument("account_charge_id", metavar="CHARGE", type=click.UUID)


def a_percentage(_context: click.Context, _option: click.Parameter, value: str | None) -> Decimal | None:
    """Read a tax rate such as 21 from an option."""
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        raise click.BadParameter(f"{value!r} is no rate; write percent as 21") from None


def worded_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a line is called on the bill, and its tax."""
    command = click.option("--tax-rate", callback=a_percentage, help="Percent, of a text without a kind; 21 for S unless said.")(command)
    command = click.option("--tax", "tax_category", type=click.Choice(TAX_CATEGORIES), help="Of a text without a kind; S unless said.")(command)
    command = click.option("--text", help="What the bill calls it, in place of the kind's name: 80 characters, about nobody.")(command)
    command = click.option("--kind", help="A one-off charge that the catalogue names; `hoeksteen charge kinds` lists them.")(command)
    return click.option("--billing-account", "number", help="Its number, where the customer has several.")(command)


def _grant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a charge and a credit have in common."""
    command = json_option(data_option(deciding(_BY_OR_AS(command))))
    command = click.option("--nonce", type=click.UUID, hidden=True)(command)
    command = click.option("--why", required=True, help="The reason, which stands in the books: never about a person.")(command)
    command = click.option("--from", "from_day", callback=a_day, help="On the bill whose period has this day; by default on the next one.")(command)
    return customer_argument(worded_options(command))


@click.group()
def charge() -> None:
    """Charge a billing account something once, or credit it."""


@charge.command()
@click.option("--amount", callback=a_euro_amount, help="Euros as the account has it: with VAT for consumers. By default what the kind costs.")
@_grant_options
def add(amount: Decimal | None, **given: Any) -> None:
    """Charge something once, on the next bill or on that of a period; beyond a limit a second person approves."""
    _grant("add", amount, **given)


@charge.command()
@click.option("--amount", required=True, callback=a_euro_amount, help="Euros that the customer gets, as the account has it: with VAT for consumers.")
@_grant_options
def credit(amount: Decimal, **given: Any) -> None:
    """Credit something, for goodwill or damage, on the next bill; beyond a limit a second person approves."""
    _grant("credit", -amount, **given)


def _grant(
    command: str, amount: Decimal | None, *, customer: str, number: str | None, kind: str | None, text: str | None, tax_category: str | None,
    tax_rate: Decimal | None, from_day: date | None, why: str, who: str, nonce: UUID | None, decides: Deciding, data: Path, as_json: bool,
) -> None:  # fmt: skip
    if who and decides.is_named:
        raise InvalidInput("The options --by and --as both say who does it.", remedy="Leave out --by.", field="by")
    typed = {"customer": customer, "billing_account": number or "the only one", "kind": kind or "none"}
    worded: dict[str, Any] = {"kind": kind, "text": text, "tax_category": tax_category, "tax_rate": tax_rate}
    if not who and not decides.is_asked:
        given = {"billing-account": number, "kind": kind, "text": text, "tax": tax_category, "tax-rate": tax_rate, "from": from_day, "why": why}
        given |= {"amount": None if amount is None else abs(amount)}
        words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
        said_now = typed | charges.typed_facts(amount=amount, text=text, from_day=from_day, why=why)
        decides.decide("charge", command, customer, *words, what=_ASK, said=said_now, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        account_id = meant_billing_account(tx=tx, named=customer, number=number).billing_account_id
        nonce = nonce or runtime.identifiers.new(runtime.clock.now())
        if decides.is_asked:
            said = charges.worded(tx=tx, **worded)
            facts = charges.facts(
                account_charge_id=nonce, billing_account_id=account_id, amount=said.amount if amount is None else amount, text=said.text_en,
                tax=(said.tax_category, said.tax_rate), from_day=from_day, why=why,
            )  # fmt: skip
            signer = decides.signer(runtime.keeper, what=_ASK, facts=facts | typed, more=("--nonce", str(nonce)))
            if signer is None:
                return
            who = signer.actor
        made = charges.grant(
            tx=tx, billing_account_id=account_id, amount=amount, from_day=from_day, why=why, by=who, now=runtime.clock.now(),
            identifiers=runtime.identifiers, account_charge_id=nonce, **worded,
        )  # fmt: skip
        if made.state == "asked" and not decides.is_asked:
            raise unproven("It goes beyond the limit, so that a second person approves it, and nobody proved who asks.")
    _tell([made], as_json=as_json)


@charge.command()
@_ID
@click.option("--decline", is_flag=True, help="Decline it instead.")
@deciding
@data_option
@json_option
def approve(account_charge_id: UUID, decline: bool, decides: Deciding, data: Path, as_json: bool) -> None:
    """Approve what somebody else asked for."""
    what, words = ("decline a charge", ["--decline"]) if decline else ("approve a charge", [])
    if not decides.is_asked:
        said = {"account_charge_id": str(account_charge_id)}
        decides.decide("charge", "approve", str(account_charge_id), *words, what=what, said=said, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        facts = charges.to_be_decided(tx=tx, account_charge_id=account_charge_id)
        signer = decides.signer(runtime.keeper, what=what, facts=facts)
        if signer is None:
            return
        done = charges.decide(tx=tx, account_charge_id=account_charge_id, approve=not decline, by=signer.actor, now=runtime.clock.now())
    _tell([done], as_json=as_json)


@charge.command()
@_ID
@by_option()
@data_option
@json_option
def withdraw(account_charge_id: UUID, who: str, data: Path, as_json: bool) -> None:
    """Take back what is on no bill yet."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = charges.withdraw(tx=tx, account_charge_id=account_charge_id, by=who, now=runtime.clock.now())
    _tell([done], as_json=as_json)


@charge.command("list")
@click.option("--customer", help="Only those of this customer.")
@click.option("--state", type=click.Choice(["asked", "granted", "declined", "withdrawn"]), help="Only those in this state; asked ones wait.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@data_option
@json_option
def list_charges(customer: str | None, state: charges.ChargeState | None, limit: int, data: Path, as_json: bool) -> None:
    """Show charges and credits, the newest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        customer_id = None if customer is None else meant_customer(tx=tx, named=customer).customer_id
        found = charges.charges_of(tx=tx, customer_id=customer_id, state=state, limit=limit)
    _tell(found, as_json=as_json)


@charge.command()
@data_option
@json_option
def kinds(data: Path, as_json: bool) -> None:
    """Show the one-off charges that the catalogue names."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = charge_kinds(tx=tx)
    table = report_table("One-off charges")
    for heading in ("kind", "Dutch", "English", "EUR", "VAT"):
        table.add_column(heading, justify="right" if heading == "EUR" else "left")
    for one in found:
        amount = "as said" if one.amount is None else f"{one.amount:.2f} {'with' if one.tax_included else 'without'} VAT"
        table.add_row(one.charge_kind_id, escape(one.name_nl), escape(one.name_en), amount, f"{one.tax_category} {one.tax_rate} %")
    print_table(report_console(as_json=as_json), table, nothing="The catalogue names no charges.")
    if as_json:
        emit_json({"kinds": [asdict(one) for one in found]})


def _tell(found: list[AccountCharge], *, as_json: bool) -> None:
    table = report_table("Charges and credits")
    for heading in ("charge", "what", "amount", "state", "from", "by", "approved by", "why"):
        table.add_column(heading, justify="right" if heading == "amount" else "left", no_wrap=heading in ("charge", "amount"))
    for one in found:
        standing = one.bill_number or ("waits for a second person" if one.state == "asked" else one.state)
        table.add_row(
            str(one.account_charge_id), escape(one.text_en), f"{one.amount:,}", standing, f"{one.from_day or 'next bill'}", escape(one.asked_by),
            escape(one.decided_by or ""), escape(one.why),
        )  # fmt: skip
    print_table(report_console(as_json=as_json), table, nothing="No charges or credits.")
    if as_json:
        emit_json({"charges": [asdict(one) for one in found]})


commands: list[click.Command] = [charge]
