"""What `hoeksteen consolidate` prints of what records bring beside customer and products; and what to do about findings on it."""

from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.carried_report import Counted, Summed
from hoeksteen.consolidation.report import SourceBalance
from hoeksteen.interfaces.cli.options import counted, report_table

REMEDIES = {
    "more_open_than_total": "correct the invoice in the legacy system; it is not carried over",
    "signs_differ": "correct the invoice in the legacy system; it is not carried over",
    "another_currency": "settle it in the legacy system; only euros are carried over",
    "incomplete_invoice": "give the invoice its number, day and open amount; it is not carried over",
    "not_an_invoice_number": "give the number alone; the invoice is not carried over",
    "invoice_number_repeats": "find out whose it is; the later one is not carried over",
    "due_before_bill_date": "correct the due date; meanwhile it is due on its own day",
    "no_due_date": "give the due date; meanwhile it is due at the cutover",
    "number_holds_customer_number": "payers cannot quote it here; their bank account and the amount find it",
    "balance_differs": "explain the difference; the mapping's `balance` says which of the two counts",
    "mandate_incomplete": "complete the mandate, or have a new one signed: the customer pays by transfer",
    "mandate_in_the_future": "correct the day of the mandate: the customer pays by transfer",
    "mandate_of_another_account": "have a mandate signed for this account: the customer pays by transfer",
    "consent_without_day": "ask the customer again: consent that cannot be dated is none",
    "incomplete_consent": "say what it is for, and whether it was given",
    "consent_in_the_future": "correct its day",
    "contract_ends_before_it_begins": "correct the contract's days; it is not carried over",
    "contract_without_months": "say for how many months it binds; it is not carried over",
    "note_without_day": "nothing; it stands on the day before the cutover",
    "note_cut": "look the rest up in the legacy system",
    "control_characters": "nothing; they were taken out",
    "iccid_check_digit": "read the number on the SIM again; it is not carried over",
    "sim_repeats": "find out who holds the SIM; the later record does not get it",
}


def print_carried(console: Console, sources: tuple[SourceBalance, ...]) -> None:
    """Show what else each source brought, in and out."""
    if not any(_brings(source) for source in sources):
        return
    table = report_table("What customers owe, in and out; EUR")
    for heading in ("source", "open items", "EUR", "credits", "EUR", "net in", "net out", "left behind"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source in sources:
        it = source.carried
        left = f"{it.invoices_left_behind:,} of {it.left_behind:,}" if it.invoices_left_behind else "none"
        table.add_row(escape(source.title), *_summed(it.open_items), *_summed(it.credits), f"{it.net_in:,}", _or_red(it.net_in, it.net_out), left)
    console.print(table)
    table = report_table("What else was carried over")
    table.add_column("source")
    for name in ("mandates", "consents", "contact persons", "notes", "contracts"):
        table.add_column(name, justify="right")
    for source in sources:
        table.add_row(escape(source.title), *(_counted(one) for one in source.carried.counted.values()))
    console.print(table)
    superseded = sum(source.carried.mandates.superseded for source in sources)
    if superseded:
        console.print(f"{counted(superseded, 'mandate stands', 'mandates stand')} behind another one of the same customer.")


def _brings(source: SourceBalance) -> bool:
    it = source.carried
    return bool(it.open_items.into or it.credits.into or it.invoices_left_behind or any(one.into for one in it.counted.values()))


def _summed(one: Summed) -> tuple[str, str]:
    return _or_red(one.into, one.out, both=True), _or_red(one.amount_in, one.amount_out, both=True)


def _counted(one: Counted) -> str:
    return f"{one.into:,}" if one.closes else f"[red]{one.into:,} → {one.out + one.superseded:,}[/]"


def _or_red(into: object, out: object, *, both: bool = False) -> str:
    if into == out:
        return f"{out:,}"
    return f"[red]{into:,} → {out:,}[/]" if both else f"[red]{out:,}[/]"
