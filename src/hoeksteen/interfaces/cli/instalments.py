"""`hoeksteen instalment`: what is sold for monthly parts, such as a handset."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.billing import instalments
from hoeksteen.billing.instalment_lines import OnEnd
from hoeksteen.billing.instalments import InstalmentPlan
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.charges import worded_options
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

_SERVICE = "bss"
_ID = click.argument("instalment_plan_id", metavar="PLAN", type=click.UUID)


@click.group()
def instalment() -> None:
    """Sell something for monthly parts; show, pay off and take back such sales."""


@instalment.command()
@customer_argument
@click.option("--amount", required=True, callback=a_euro_amount, help="The price as the account has it: with VAT for consumers.")
@click.option("--parts", required=True, type=click.IntRange(instalments.PARTS[0], instalments.PARTS[-1]), help="In how many monthly parts.")
@click.option("--first", "first_day", callback=a_day, help="The day on which the first part falls due; by default today.")
@click.option("--product", "product_id", type=click.UUID, help="Whose end ends the plan; `hoeksteen products` lists them.")
@click.option(
    "--on-end",
    type=click.Choice(["goes-on", "falls-due", "stops"]),
    default="goes-on",
    show_default=True,
    help="What becomes of the rest when it ends.",
)
@worded_options
@click.option("--why", required=True, help="The reason or the order, which stands in the books: never about a person.")
@by_option()
@data_option
@json_option
def agree(
    customer: str, number: str | None, amount: Decimal, parts: int, first_day: date | None, product_id: UUID | None, on_end: str, kind: str | None,
    text: str | None, tax_category: str | None, tax_rate: Decimal | None, why: str, who: str, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Sell something in parts: its VAT stands on the next bill, and each bill asks for the parts that fell due."""
    ends: dict[str, OnEnd] = {"goes-on": "goes_on", "falls-due": "falls_due", "stops": "stops"}
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        made = instalments.agree(
            tx=tx, billing_account_id=meant_billing_account(tx=tx, named=customer, number=number).billing_account_id, amount=amount, parts=parts,
            first_day=first_day, product_id=product_id, on_end=ends[on_end], kind=kind, text=text, tax_category=tax_category, tax_rate=tax_rate,
            why=why, by=who, now=runtime.clock.now(), identifiers=runtime.identifiers,
        )  # fmt: skip
    _tell([made], as_json=as_json)


@instalment.command()
@_ID
@by_option()
@data_option
@json_option
def settle(instalment_plan_id: UUID, who: str, data: Path, as_json: bool) -> None:
    """Let what is left be paid at once: it stands on the next bill."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = instalments.settle(tx=tx, instalment_plan_id=instalment_plan_id, by=who, now=runtime.clock.now())
    _tell([done], as_json=as_json)


@instalment.command("take-back")
@_ID
@by_option()
@data_option
@json_option
def take_back(instalment_plan_id: UUID, who: str, data: Path, as_json: bool) -> None:
    """Take the goods back: the next bill credits the sale, and what was paid; one that no bill has yet is withdrawn."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = instalments.take_back(tx=tx, instalment_plan_id=instalment_plan_id, by=who, now=runtime.clock.now())
    _tell([done], as_json=as_json)


@instalment.command("list")
@click.option("--customer", help="Only those of this customer.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@data_option
@json_option
def list_plans(customer: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show sales in parts, the newest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        customer_id = None if customer is None else meant_customer(tx=tx, named=customer).customer_id
        found = instalments.plans_of(tx=tx, customer_id=customer_id, limit=limit)
    _tell(found, as_json=as_json)


def _tell(found: list[InstalmentPlan], *, as_json: bool) -> None:
    table = report_table("Sales in parts")
    for heading in ("plan", "what", "total", "parts", "billed", "left", "state", "when the product ends", "why"):
        table.add_column(
            heading, justify="right" if heading in ("total", "parts", "billed", "left") else "left", no_wrap=heading in ("plan", "total")
        )
    for one in found:
        on_end = one.on_end.replace("_", " ") if one.product_id else ""
        table.add_row(
            str(one.instalment_plan_id), escape(one.text_en), f"{one.total:,}", f"{one.parts_billed} of {one.parts}", f"{one.billed:,}",
            f"{one.left:,}", one.standing, on_end, escape(one.why),
        )  # fmt: skip
    print_table(report_console(as_json=as_json), table, nothing="Nothing was sold in parts.")
    if as_json:
        emit_json({"plans": [asdict(one) | {"left": one.left, "state": one.standing} for one in found]})


commands: list[click.Command] = [instalment]
