"""`hoeksteen bill terms`: what a billing account agreed on."""

from dataclasses import replace
from pathlib import Path

import click

from hoeksteen.billing.legal_entity import PAYMENT_TERM_DAYS
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_billing_account, meant_customer
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.party.model import Itemisation
from hoeksteen.party.operations import set_terms
from hoeksteen.party.queries import billing_accounts

_SERVICE = "bss"


@click.command()
@customer_argument
@click.option("--billing-account", "billing_account_number", help="Which one is changed; needed when there are several.")
@click.option("--days", type=click.IntRange(0, 120), help="Days to pay in, moved to a day on which banks are open; 0 for the operator's own term.")
@click.option("--reference", help="What the buyer wants quoted on invoices, never about a person; empty for none.")
@click.option(
    "--vat", type=click.Choice(["domestic", "reverse-charge"]), help="Who accounts for it: a business in another member state does it itself."
)
@click.option(
    "--itemisation",
    type=click.Choice(["none", "masked", "full"]),
    help="Whether single calls are specified behind the invoice: not, with the last four digits of numbers hidden, or in full.",
)
@data_option
@json_option
def terms(
    customer: str, billing_account_number: str | None, days: int | None, reference: str | None, vat: str | None, itemisation: Itemisation | None,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Show the terms of a customer's billing accounts, or change those of one; bills that are there stay as they are."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        if (days, reference, vat, itemisation) != (None, None, None, None):
            changed = meant_billing_account(tx=tx, named=customer, number=billing_account_number)
            if days is not None:
                changed = replace(changed, payment_term_days=days or None)
            if reference is not None:
                changed = replace(changed, buyer_reference=reference or None)
            if vat is not None:
                changed = replace(changed, tax_treatment="reverse_charge" if vat == "reverse-charge" else "domestic")
            if itemisation is not None:
                changed = replace(changed, itemisation=itemisation)
            set_terms(tx=tx, billing_account=changed)
        held = billing_accounts(tx=tx, customer_id=meant_customer(tx=tx, named=customer).customer_id)
    table = report_table(f"Billing accounts of {customer}")
    for heading in ("account", "days to pay", "reference", "VAT", "itemisation"):
        table.add_column(heading)
    for one in held:
        days_text = str(one.payment_term_days or f"{PAYMENT_TERM_DAYS}, as everybody's")
        table.add_row(one.billing_account_number, days_text, one.buyer_reference or "", one.tax_treatment.replace("_", " "), one.itemisation)
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json(
            {
                "billing_accounts": [
                    {
                        "billing_account_number": one.billing_account_number, "payment_term_days": one.payment_term_days or PAYMENT_TERM_DAYS,
                        "buyer_reference": one.buyer_reference, "tax_treatment": one.tax_treatment, "itemisation": one.itemisation,
                    }
                    for one in held
                ]
            }
        )  # fmt: skip


commands: list[click.Command] = [terms]
