"""`hoeksteen bill pdf` and `ubl`: draw an invoice."""

from collections.abc import Callable
from pathlib import Path

import click

from hoeksteen.billing import queries as bills
from hoeksteen.billing.documents import invoice_pdf, invoice_ubl
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, require_writable, write_private
from hoeksteen.interfaces.runtime import open_runtime

_SERVICE = "bss"
_PURPOSE = "billing"


@click.command()
@click.argument("bill_number")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The file to write, or - for standard output."
)
@data_option
def pdf(bill_number: str, out: Path, data: Path) -> None:
    """Draw an invoice as PDF; the disclosure of its buyer stands in the keeper's log."""
    _draw(bill_number, out, data, invoice_pdf)


@click.command()
@click.argument("bill_number")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="The file to write, or - for standard output."
)
@data_option
def ubl(bill_number: str, out: Path, data: Path) -> None:
    """Write an invoice as UBL 2.1 after EN 16931; the disclosure of its buyer stands in the keeper's log."""
    _draw(bill_number, out, data, invoice_ubl)


def _draw(bill_number: str, out: Path, data: Path, document: Callable[..., bytes]) -> None:
    if str(out) != "-":
        require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = bills.bill_by_number(tx=tx, bill_number=bill_number)
        content = document(tx=tx, keeper=runtime.keeper, customer_id=found.customer_id, customer_bill_id=found.customer_bill_id, purpose=_PURPOSE)
    if str(out) == "-":
        click.echo(content, nl=False)
        return
    write_private(out, content)
    click.echo(f"{out}: {len(content):,} bytes")


commands: list[click.Command] = [pdf, ubl]
