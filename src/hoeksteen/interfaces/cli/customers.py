"""`hoeksteen customers` and `products`: which customers there are, by number and pseudonym, and what they hold; no personal data."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.storage.postgres import Database


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many to list.")
@data_option
@json_option
def customers(limit: int, data: Path, as_json: bool) -> None:
    """List customers by number and pseudonym, without personal data."""
    with Database(read_settings(data).business_dsn) as database, database.transaction() as tx:
        total, found = party.count(tx=tx), party.list_customers(tx=tx, after=None, limit=limit)
    table = report_table(f"{len(found)} of {total} customers")
    for heading in ("number", "segment", "since", "status", "party"):
        table.add_column(heading)
    for customer in found:
        table.add_row(customer.customer_number, customer.segment, customer.customer_since.isoformat(), customer.status, str(customer.party_id))
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"total": total, "customers": [asdict(customer) for customer in found]})


@click.command()
@customer_argument
@data_option
@json_option
def products(customer: str, data: Path, as_json: bool) -> None:
    """List a customer's products, ended ones too, with the identifiers that other commands ask for, and the discounts that they have or get."""
    today = local_day(SystemClock().now())
    with Database(read_settings(data).business_dsn) as database, database.transaction() as tx:
        whose = meant_customer(tx=tx, named=customer)
        held = product.products_held(tx=tx, customer_id=whose.customer_id)
        found = product.alterations(tx=tx, customer_ids=[whose.customer_id])
    discounts = [one for one in found if one.valid_to is None or one.valid_to > today]
    table = report_table(f"Products of customer {whose.customer_number}")
    table.add_column("product", no_wrap=True)
    for heading in ("plan", "status", "since"):
        table.add_column(heading)
    for one in held:
        names = [
            escape(f"{each.name}, until {each.valid_to}" if each.valid_to else each.name) for each in discounts if each.product_id == one.product_id
        ]
        status = f"{one.status} from {local_day(one.valid_from)}" if local_day(one.valid_from) > today else str(one.status)
        table.add_row(str(one.product_id), "\n".join([escape(one.product_offering_id), *names]), status, str(one.start_day))
    print_table(report_console(as_json=as_json), table, nothing=f"Customer {whose.customer_number} never had a product.")
    if as_json:
        of_product = {one.product_id: [asdict(each) for each in discounts if each.product_id == one.product_id] for one in held}
        emit_json(
            {"customer": asdict(whose), "products": [{**asdict(one), "alterations": of_product[one.product_id]} for one in held]},
        )


commands = [customers, products]
