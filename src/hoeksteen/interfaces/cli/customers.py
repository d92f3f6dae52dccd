"""`hoeksteen customers`: which customers there are, by number and pseudonym; no personal data."""

from dataclasses import asdict
from pathlib import Path

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_table
from hoeksteen.party import queries as party
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


commands = [customers]
