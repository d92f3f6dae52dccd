"""`hoeksteen bill credit`: give a credit note on a bill."""

import re
from decimal import Decimal
from pathlib import Path

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_pairs
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.crediting import credit_and_settle
from hoeksteen.receivables.queries import balance

_SERVICE = "bss"
_LINE = r"(\d{1,5})(?:=(\d{1,9}(?:\.\d{1,2})?))?"


@click.command()
@click.argument("bill_number")
@click.option(
    "--line", "wanted", multiple=True, metavar="LINE[=EUROS]", help="A line to credit, or part of it, such as 3=4.50; by default the whole bill."
)
@click.option("--why", required=True, help="The reason, which stands in the books: never about a person.")
@click.option("--by", required=True, help="Who gives it.")
@data_option
@json_option
def credit(bill_number: str, wanted: tuple[str, ...], why: str, by: str, data: Path, as_json: bool) -> None:
    """Give a credit note on a final bill, whole or by line; it settles what is still owed of it, and never gives more than was billed."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        done = credit_and_settle(
            tx=tx, number=bill_number, lines=_lines(wanted) if wanted else None, why=why, by=by, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
        owes = balance(tx=tx, customer_id=done.note.customer_id)
    note = done.note
    table = report_pairs(f"Credit note {note.bill_number}")
    for name, value in (
        ("on bill", bill_number), ("lines", f"{len(note.rates)}"), ("credited", f"{-note.gross:,}"), ("of which VAT", f"{-note.vat:,}"),
        ("settles the bill", f"{done.settled:,}"),
        ("to the customer's credit", f"{done.left:,}"), ("balance now", f"{owes:,}"),
    ):  # fmt: skip
        table.add_row(name, value)
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json(
            {
                "bill_number": note.bill_number, "credits": bill_number, "lines": len(note.rates), "net": note.net, "vat": note.vat,
                "rounding": note.rounding, "gross": note.gross, "settled": done.settled, "left": done.left, "balance": owes,
            }
        )  # fmt: skip


def _lines(wanted: tuple[str, ...]) -> dict[int, Decimal | None]:
    found: dict[int, Decimal | None] = {}
    for text in wanted:
        match = re.fullmatch(_LINE, text)
        if match is None:
            raise InvalidInput(f"--line is {text[:40]}.", remedy="Give a line number, or a line number and euros, such as 3=4.50.")
        if int(match[1]) in found:
            raise InvalidInput(f"--line names line {match[1]} twice.", remedy="Name each line once.")
        found[int(match[1])] = None if match[2] is None else Decimal(match[2])
    return found


commands: list[click.Command] = [credit]
