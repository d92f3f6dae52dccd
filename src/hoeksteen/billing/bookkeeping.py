"""What a bill does to the books: debtors owe the gross amount; revenue per family, VAT and rounding are booked against it."""

from datetime import date, datetime
from uuid import UUID

from hoeksteen.billing.assembly import BillDraft, euros_of_cents
from hoeksteen.billing.granted import INSTALMENT_FAMILY
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting

SOURCE = "bill"
_REVENUE = {
    "mobile": LedgerAccountCode.REVENUE_MOBILE,
    "fixed": LedgerAccountCode.REVENUE_FIXED,
    "broadband": LedgerAccountCode.REVENUE_BROADBAND,
    INSTALMENT_FAMILY: LedgerAccountCode.INSTALMENTS_TO_BE_BILLED,  # no revenue: what a sale asked for later, and each part of it
}
REVENUE = frozenset({*_REVENUE.values(), LedgerAccountCode.REVENUE_OTHER} - {LedgerAccountCode.INSTALMENTS_TO_BE_BILLED})
# What a bill's lines are posted to; together they come to its net amount.
OF_LINES = REVENUE | {LedgerAccountCode.INSTALMENTS_TO_BE_BILLED}


def journal_entry(*, draft: BillDraft, journal_entry_id: UUID, customer_bill_id: UUID, bill_date: date, now: datetime) -> JournalEntry | None:
    """Give the journal entry of a bill; None when every amount of it is zero."""
    billing_account, taxation = draft.billing_account, draft.taxation
    revenue: dict[LedgerAccountCode, int] = {}
    for line, net in zip(draft.lines, taxation.line_nets, strict=True):
        code = _REVENUE.get(line.offering.family, LedgerAccountCode.REVENUE_OTHER)
        revenue[code] = revenue.get(code, 0) + net
    amounts = [(LedgerAccountCode.DEBTORS, taxation.gross)]
    amounts += [(code, -cents) for code, cents in sorted(revenue.items())]
    amounts += [(LedgerAccountCode.VAT_PAYABLE, -taxation.vat), (LedgerAccountCode.ROUNDING_DIFFERENCES, -taxation.rounding)]
    postings = tuple(
        Posting(code, euros_of_cents(cents), billing_account.customer_id, billing_account.billing_account_id)
        if code is LedgerAccountCode.DEBTORS
        else Posting(code, euros_of_cents(cents))
        for code, cents in amounts
        if cents
    )
    return JournalEntry(journal_entry_id, bill_date, SOURCE, str(customer_bill_id), now, postings) if postings else None
