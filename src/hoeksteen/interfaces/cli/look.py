"""
`hoeksteen look`: one person looks at one category of one customer, with their own key.

The application hands out what it holds, which is ciphertext; the keeper opens it, or refuses, and writes down which.
"""

import base64
import json
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.application import ask_application
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_pairs
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.sealed import Category, Sealed
from hoeksteen.party import queries as party
from hoeksteen.storage.postgres import Database

CATEGORY = click.Choice([category.value for category in Category if category not in (Category.TRAFFIC, Category.INVOICE_PARTY)])


@click.command()
@click.argument("customer_number")
@click.option("--category", type=CATEGORY, default="identity", show_default=True, help="What to look at.")
@click.option("--as", "person", required=True, metavar="NAME", help="Who looks.")
@click.option("--key", "key_path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Their own key.")
@click.option("--purpose", default="support", show_default=True, help="What for.")
@click.option("--ticket", default="", help="The ticket that gives the reason.")
@data_option
@json_option
def look(customer_number: str, category: str, person: str, key_path: Path, purpose: str, ticket: str, data: Path, as_json: bool) -> None:
    """Show one category of one customer, as far as the keeper allows; the look stands in the log either way."""
    settings = read_settings(data)
    held = ask_application("sealed", customer_number, category, data=data)
    blob = Sealed(UUID(held["subject"]), Category(category), base64.b64decode(held["blob"]))
    with KeeperClient(socket_path=settings.keeper_socket, service=person, key_path=key_path) as keeper:
        opened = disclosure.open_blobs(
            keeper=keeper, purpose=purpose, category=blob.category, blobs=[(blob.subject, blob.blob)], context={"ticket": ticket} if ticket else None
        )
    revealed = opened[blob.subject]
    if as_json:
        emit_json({"subject": str(blob.subject), "category": category, "masked": revealed.masked, "fields": revealed.fields})
        return
    table = report_pairs(f"{category} of {customer_number}" + (", masked" if revealed.masked else ""))
    for name, value in revealed.fields.items():
        if value not in (None, "", []):
            table.add_row(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    Console().print(table)


@click.command(hidden=True)
@click.argument("customer_number")
@click.argument("category", type=CATEGORY)
@data_option
def sealed(customer_number: str, category: str, data: Path) -> None:
    """Print one sealed blob as the application holds it: ciphertext, and whose it is."""
    settings = read_settings(data)
    with Database(settings.business_dsn) as database, database.transaction() as tx:
        customer = party.customer_by_number(tx=tx, customer_number=customer_number)
        if customer is None:
            raise NotFound(f"There is no customer {customer_number}.", remedy="Check the customer number.")
        blobs = disclosure.sealed(tx=tx, category=Category(category), subjects=[customer.party_id])
    if not blobs:
        raise NotFound(f"Customer {customer_number} has no {category} data.", remedy="Choose another category.")
    emit_json({"subject": str(blobs[0].subject), "blob": base64.b64encode(blobs[0].blob).decode()})


commands = [look, sealed]
