"""`hoeksteen discount`: the discounts of the price list that products have, given and ended with who and why."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.interactions import reason_options, recorded_interaction
from hoeksteen.interfaces.cli.options import a_day, by_option, data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import operations as journeys
from hoeksteen.product import queries as product
from hoeksteen.product.model import PriceAlteration

_SERVICE = "bss"
_PRODUCT = click.argument("product_id", metavar="PRODUCT", type=click.UUID)


@click.group()
def discount() -> None:
    """Show, give and end the discounts of products."""


@discount.command()
@customer_argument
@data_option
@json_option
def show(customer: str, data: Path, as_json: bool) -> None:
    """Show the discounts and surcharges of a customer's products, ended ones too."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = product.alterations(tx=tx, customer_ids=[meant_customer(tx=tx, named=customer).customer_id])
    table = report_table("Discounts and surcharges")
    for heading in ("id", "product", "name", "of", "value", "from", "to"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for one in found:
        value = f"{one.value} %" if one.kind == "percentage" else f"EUR {one.value}"
        table.add_row(
            str(one.price_alteration_id), str(one.product_id), escape(one.name), escape(_of(one)), value, str(one.valid_from), str(one.valid_to or "")
        )
    print_table(report_console(as_json=as_json), table, nothing="No discount or surcharge.")
    if as_json:
        emit_json({"alterations": [asdict(one) for one in found]})


@discount.command()
@customer_argument
@_PRODUCT
@click.argument("discount_id", metavar="DISCOUNT")
@click.option("--from", "from_day", required=True, callback=a_day, help="Its first day, today or later.")
@by_option("actor")
@reason_options
@data_option
@json_option
def grant(customer: str, product_id: UUID, discount_id: str, from_day: date, actor: str, ticket: str, phone: bool, data: Path, as_json: bool) -> None:
    """Give a product a DISCOUNT of its offering, such as mobile-m/welcome."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        interaction = recorded_interaction(runtime=runtime, tx=tx, customer=customer, actor=actor, ticket=ticket, phone=phone)
        granted = journeys.grant_discount(
            tx=tx, interaction=interaction, product_id=product_id, discount_id=discount_id, from_day=from_day, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    end = "its plan ends" if granted.valid_to is None else granted.valid_to
    report_console(as_json=as_json).print(
        f"{escape(granted.name)} ({granted.price_alteration_id}) from {granted.valid_from} until {end}.", soft_wrap=True
    )  # fmt: skip
    if as_json:
        emit_json(asdict(granted))


@discount.command()
@customer_argument
@_PRODUCT
@click.argument("alteration", metavar="ID", type=click.UUID)
@click.option("--from", "from_day", required=True, callback=a_day, help="The first day without it, today or later.")
@by_option("actor")
@reason_options
@data_option
@json_option
def end(customer: str, product_id: UUID, alteration: UUID, from_day: date, actor: str, ticket: str, phone: bool, data: Path, as_json: bool) -> None:
    """End a discount of a product, by the ID that `hoeksteen discount show` gives."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        interaction = recorded_interaction(runtime=runtime, tx=tx, customer=customer, actor=actor, ticket=ticket, phone=phone)
        ended = journeys.end_discount(
            tx=tx, interaction=interaction, product_id=product_id, price_alteration_id=alteration, from_day=from_day, now=runtime.clock.now(),
        )  # fmt: skip
    report_console(as_json=as_json).print(f"{escape(ended.name)} holds until {ended.valid_to}.")
    if as_json:
        emit_json(asdict(ended))


def _of(one: PriceAlteration) -> str:
    if one.usage_prices is None:
        return "recurring"
    return ", ".join(price.rpartition("/")[2] for price in one.usage_prices) or "usage"


commands = [discount]
