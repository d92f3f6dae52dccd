"""
`hoeksteen erase`: destroy what is known of one person, or one category of it (GDPR art. 17).

A person erases with a key of their own, which the keeper must allow; what is left, blobs that nothing opens any more, the application removes.
"""

from pathlib import Path
from uuid import UUID

import click

from hoeksteen.consolidation import merging
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure import operations as disclosure
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.application import ask_application
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party
from hoeksteen.storage.postgres import Database

CATEGORY = click.Choice([category.value for category in Category])


@click.command()
@click.argument("subject", metavar="CUSTOMER")
@click.option("--category", type=CATEGORY, help="One category; without it all of them: only when nothing is to be billed any more.")
@click.option("--reason", required=True, help="Why, without personal data: it stands in the log.")
@click.option("--as", "person", required=True, metavar="NAME", help="Who erases.")
@click.option("--key", "key_path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Their own key.")
@data_option
@json_option
def erase(subject: str, category: str | None, reason: str, person: str, key_path: Path, data: Path, as_json: bool) -> None:
    """
    Erase a person, for ever and in every backup; done again, it finishes what was cut off.

    CUSTOMER is a customer number, or the party of `hoeksteen customers`; all that one person is customer for goes.
    """
    party_id = _party(subject, data)
    removed, subjects = 0, [party_id]
    with KeeperClient(socket_path=read_settings(data).keeper_socket, service=person, key_path=key_path) as keeper:
        for one in subjects:  # and those of the customers that were merged into theirs, which the application names
            disclosure.shred(keeper=keeper, subject=one, category=Category(category) if category else None, reason=reason)
            told = ask_application("forget", str(one), *([category] if category else []), data=data)
            removed += told["removed"]
            subjects += [also for text in told["also"] if (also := UUID(text)) not in subjects]
    if as_json:
        emit_json({"subject": str(party_id), "category": category, "removed": removed})
        return
    whose = subject if subject == str(party_id) else f"customer {subject} ({party_id})"
    click.echo(f"{category or 'everything'} of {whose} is erased; {removed} sealed blobs were removed")


def _party(subject: str, data: Path) -> UUID:
    """
    Give the party of a customer number; a party is taken as it is, because it can be erased after its customer is gone.

    :raises NotFound: when no customer has that number
    """
    try:
        return UUID(subject)
    except ValueError:
        return UUID(ask_application("whose", subject, data=data)["party_id"])


@click.command(hidden=True)
@click.argument("customer_number")
@data_option
def whose(customer_number: str, data: Path) -> None:
    """Print the party of a customer number."""
    with Database(read_settings(data).business_dsn) as database, database.transaction() as tx:
        customer = party.customer_by_number(tx=tx, customer_number=customer_number)
    if customer is None:
        raise NotFound(f"There is no customer {customer_number}.", remedy="Check the customer number; `hoeksteen customers` lists them.")
    emit_json({"party_id": str(customer.party_id)})


@click.command(hidden=True)
@click.argument("subject", type=click.UUID)
@click.argument("category", type=CATEGORY, required=False)
@data_option
def forget(subject: UUID, category: str | None, data: Path) -> None:
    """Remove a person's blobs after the keeper destroyed their keys, and name the parties of customers that were merged into theirs."""
    with Database(read_settings(data).business_dsn) as database, database.transaction() as tx:
        removed = disclosure.forget(tx=tx, subject=subject, category=Category(category) if category else None)
        also, records = merging.forget_records(tx=tx, party_id=subject)
    emit_json({"removed": removed + records, "also": [str(one) for one in also]})


commands = [erase, whose, forget]
