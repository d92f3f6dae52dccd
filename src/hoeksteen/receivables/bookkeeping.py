"""What the books must say by the rows of this room, source by source; for audits, which compare it with what the ledger says."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.queries import gross_of_bills
from hoeksteen.kernel.identifiers import derived
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.receivables import _audit_store, _carried_store, _intake, carried_over, collecting, dunning, interest, operations, refunds, settling
from hoeksteen.receivables._intake import AGAINST
from hoeksteen.storage.postgres import Transaction

BANK = _intake.SOURCE
SOURCES = {
    operations.SOURCE: "payments", BANK: "bank statements", collecting.SOURCE: "collections", collecting.REJECTED: "rejected collections",
    refunds.SOURCE: "refunds", settling.WRITTEN_OFF: "write-offs", settling.DEPOSIT: "deposits", dunning.SOURCE: "collection costs",
    interest.SOURCE: "statutory interest", interest.WAIVED: "waived fees", carried_over.SOURCE: "items carried over",
}  # fmt: skip
_NOTHING = Decimal("0.00")
_FROM = {
    "hand": (operations.SOURCE, LedgerAccountCode.BANK), "unmatched": (operations.SOURCE, LedgerAccountCode.UNMATCHED_RECEIPTS),
    "deposit": (operations.SOURCE, LedgerAccountCode.DEPOSITS), "collection": (collecting.SOURCE, LedgerAccountCode.DIRECT_DEBITS_SENT),
}  # fmt: skip
ByAccount = Mapping[UUID | None, Decimal]


class _Sums:
    """Sums by source and ledger account, then by billing account where it is of debtors."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], dict[UUID | None, Decimal]] = {}

    def add(self, source: str, code: LedgerAccountCode, amount: Decimal, account_id: UUID | None = None) -> None:
        of_code = self.found.setdefault((source, code), {})
        of_code[account_id] = of_code.get(account_id, _NOTHING) + amount


def wanted_in_the_books(*, tx: Transaction, end_day: date) -> dict[tuple[str, str], ByAccount]:
    """
    Give what each source of this room must have booked on each ledger account before a day: a debit is positive.

    :param end_day: the first day that does not count
    """
    sums, debtors = _Sums(), LedgerAccountCode.DEBTORS
    _bank(tx, sums, end_day)
    for row in _audit_store.payments(tx, end_day, [derived("released deposit", str(one)) for one in _audit_store.released_deposits(tx)]):
        source, against = _FROM.get(row["origin"], (BANK, None))
        sums.add(source, debtors, -row["amount"], row["billing_account_id"])
        if against is not None:
            sums.add(source, against, row["amount"])
    for row in _audit_store.reversals(tx, end_day):
        sums.add(BANK if row["by_statement"] else collecting.REJECTED, debtors, row["amount"], row["billing_account_id"])
        if not row["by_statement"]:
            sums.add(collecting.REJECTED, LedgerAccountCode.DIRECT_DEBITS_SENT, -row["amount"])
    for row in _audit_store.refunds(tx, end_day):
        sums.add(refunds.SOURCE, LedgerAccountCode.PAYMENTS_IN_TRANSIT, -row["amount"])
        code = LedgerAccountCode.UNMATCHED_RECEIPTS if row["was_unmatched"] else debtors
        sums.add(refunds.SOURCE, code, row["amount"], row["billing_account_id"])
    for row in _audit_store.deposits(tx, end_day):
        sums.add(settling.DEPOSIT, debtors, row["amount"], row["billing_account_id"])
        sums.add(settling.DEPOSIT, LedgerAccountCode.DEPOSITS, -row["amount"])
    for row in _audit_store.fees(tx, end_day):
        source = interest.SOURCE if row["kind"] == "interest" else dunning.SOURCE
        sums.add(source, debtors, row["amount"], row["billing_account_id"])
        sums.add(source, interest.ACCOUNTS[row["kind"]], -row["amount"])
    for row in _audit_store.waivers(tx, end_day):
        sums.add(interest.WAIVED, debtors, -row["amount"], row["billing_account_id"])
        sums.add(interest.WAIVED, interest.ACCOUNTS[row["kind"]], row["amount"])
    for row in _carried_store.in_the_books(tx, end_day):
        sums.add(carried_over.SOURCE, debtors, row["amount"], row["billing_account_id"])
        sums.add(carried_over.SOURCE, LedgerAccountCode.CONVERSION, -row["amount"])
    _write_offs(tx, sums, end_day)
    return {**sums.found}


def _bank(tx: Transaction, sums: _Sums, end_day: date) -> None:
    """Add what statements and notifications booked; what it was of debtors stands with the payments."""
    for row in _audit_store.bank_entries(tx, end_day):
        money = LedgerAccountCode.PAYMENTS_IN_TRANSIT if row["announced"] else LedgerAccountCode.BANK
        sums.add(BANK, money, row["amount"])
        if AGAINST[row["outcome"]] is not LedgerAccountCode.DEBTORS:
            sums.add(BANK, AGAINST[row["outcome"]], -row["amount"])
    confirmed = _audit_store.confirmed(tx, end_day)
    sums.add(BANK, LedgerAccountCode.BANK, confirmed)
    sums.add(BANK, LedgerAccountCode.PAYMENTS_IN_TRANSIT, -confirmed)


def _write_offs(tx: Transaction, sums: _Sums, end_day: date) -> None:
    rows = _audit_store.write_offs(tx, end_day)
    bills = gross_of_bills(tx=tx, customer_bill_ids=[row["customer_bill_id"] for row in rows])
    carried = _carried_store.accounts(tx, [row["customer_bill_id"] for row in rows if row["customer_bill_id"] not in bills])
    for row in rows:
        account_id = bills[row["customer_bill_id"]][0] if row["customer_bill_id"] in bills else carried.get(row["customer_bill_id"])
        sums.add(settling.WRITTEN_OFF, LedgerAccountCode.DEBTORS, -row["amount"], account_id)
        sums.add(settling.WRITTEN_OFF, LedgerAccountCode.BAD_DEBTS, row["amount"] - row["vat"])
        sums.add(settling.WRITTEN_OFF, LedgerAccountCode.VAT_ON_BAD_DEBTS, row["vat"])


def statements_that_differ(*, tx: Transaction) -> list[tuple[str, Decimal, Decimal]]:
    """Give the bank statements whose entries are not what the statement booked: its identification, that sum, and that of its entries."""
    return [(row["identification"], row["booked"], row["amount"]) for row in _audit_store.statements_that_differ(tx)]
