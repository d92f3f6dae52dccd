"""What a bill does to the books sums to zero, whatever is on it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hoeksteen.billing.assembly import BillDraft, LineDraft, euros_of_cents
from hoeksteen.billing.bookkeeping import REVENUE, journal_entry
from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import OfferingPrices
from hoeksteen.billing.tax import TaxKey, tax_bill
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.party.model import BillingAccount

KEYS = st.sampled_from([TaxKey("S", 2100), TaxKey("S", 900), TaxKey("AE", 0)])
FAMILIES = st.sampled_from(["mobile", "fixed", "broadband", "something else"])
LINES = st.lists(st.tuples(KEYS, FAMILIES, st.integers(-100_000, 100_000)), min_size=1, max_size=20)


def _draft(lines: list[tuple[TaxKey, str, int]], tax_included: bool) -> BillDraft:
    billing_account = BillingAccount(UUID(int=1), UUID(int=2), "5", 1, "transfer", tax_included, "active")
    drafts = [
        LineDraft(RateKind.RECURRING, UUID(int=3), OfferingPrices("x", family, key, tax_included, (), ""), None, {}, 1, 2, Decimal(1), cents)
        for key, family, cents in lines
    ]
    taxation = tax_bill(keys=[key for key, _, _ in lines], amounts=[cents for _, _, cents in lines], tax_included=tax_included)
    return BillDraft(billing_account, drafts, taxation)


@given(LINES, st.booleans())
def test_an_entry_sums_to_zero_and_says_what_the_bill_says(lines: list[tuple[TaxKey, str, int]], tax_included: bool) -> None:
    draft = _draft(lines, tax_included)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    entry = journal_entry(draft=draft, journal_entry_id=UUID(int=4), customer_bill_id=UUID(int=5), bill_date=date(2026, 11, 1), now=now)
    postings = entry.postings if entry else ()
    assert sum(posting.amount for posting in postings) == 0
    assert all(posting.amount for posting in postings)
    booked = {posting.ledger_account_code: posting.amount for posting in postings}
    assert booked.get(LedgerAccountCode.DEBTORS, Decimal(0)) == euros_of_cents(draft.taxation.gross)
    assert booked.get(LedgerAccountCode.VAT_PAYABLE, Decimal(0)) == -euros_of_cents(draft.taxation.vat)
    assert sum((amount for code, amount in booked.items() if code in REVENUE), Decimal(0)) == -euros_of_cents(draft.taxation.net)
    assert len(postings) != 1
