"""`hoeksteen bill departments`: which billing accounts of a company stand on the invoice of another one."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from hoeksteen.billing.departments import move_department
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_day, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer, meant_department
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.party.departments import departments as departments_known
from hoeksteen.party.queries import billing_accounts

_SERVICE = "bss"


@click.command()
@customer_argument
@click.option("--move", "moved", help="The billing account number of who is to be a department, or is one.")
@click.option("--to", "parent", help="The number of the billing account on whose invoice it shall stand, which may be a department itself.")
@click.option("--alone", is_flag=True, help="It shall have invoices of its own again.")
@click.option("--from", "from_day", callback=a_day, help="First day of the bill period from which it holds, such as 2026-11-01.")
@data_option
@json_option
def departments(
    customer: str, moved: str | None, parent: str | None, alone: bool, from_day: date | None, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Show which billing accounts of a customer are billed together, or move one; it holds from the first day of a bill period on."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        customer_id = meant_customer(tx=tx, named=customer).customer_id
        if moved is not None or parent is not None or alone:
            if moved is None or from_day is None or (parent is not None) == alone:
                raise InvalidInput(
                    "A move names who, whereto and from when.", remedy="Give --move ACCOUNT with --to ACCOUNT or --alone, and --from DAY."
                )
            child = meant_department(tx=tx, customer_id=customer_id, number=moved)
            top = None if parent is None else meant_department(tx=tx, customer_id=customer_id, number=parent).billing_account_id
            move_department(tx=tx, billing_account_id=child.billing_account_id, parent_billing_account_id=top, from_day=from_day)
        number_of = {one.billing_account_id: one.billing_account_number for one in billing_accounts(tx=tx, customer_id=customer_id)}
        known = departments_known(tx=tx, customer_id=customer_id)
    rows: list[dict[str, Any]] = [
        {
            "billing_account_number": number_of[one.billing_account_id], "parent": number_of[one.parent_billing_account_id],
            "valid_from": one.valid_from, "valid_to": one.valid_to,
        }
        for one in known
    ]  # fmt: skip
    table = report_table(f"Departments of {customer}")
    for heading in ("department", "stands on the invoice of", "from", "until"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row["billing_account_number"], row["parent"], f"{row['valid_from']}", f"{row['valid_to'] or ''}")
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"departments": rows})


commands: list[click.Command] = [departments]
