"""Reading the ledger."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger import _store
from hoeksteen.ledger.exporting import digest_of_journal
from hoeksteen.ledger.model import AccountingPeriod, LedgerAccountBalance, LedgerAccountCode
from hoeksteen.storage.postgres import Transaction


def trial_balance(*, tx: Transaction, until: date = date.max) -> list[LedgerAccountBalance]:
    """
    Give the balance of every ledger account; the balances sum to zero.

    :param until: the last local day whose entries count
    """
    return _store.trial_balance(tx, until)


def balance_of_customer(*, tx: Transaction, customer_id: UUID) -> Decimal:
    """Give what a customer owes in euros by the books; negative when the operator owes the customer."""
    return _store.balances_of_customers(tx, [customer_id], LedgerAccountCode.DEBTORS).get(customer_id, Decimal("0.00"))


def sums_by_reference(*, tx: Transaction, source: str, references: Sequence[UUID]) -> dict[UUID, dict[str, Decimal]]:
    """Give, for each reference that was posted from a source, the amount per ledger account code; for audits."""
    return _store.sums_by_reference(tx, source, references)


def open_from(*, tx: Transaction) -> date | None:
    """Give the first day on which the books are open; None while no period was closed."""
    return _store.open_from(tx)


def accounting_periods(*, tx: Transaction) -> list[AccountingPeriod]:
    """Give the periods that are closed, the oldest first."""
    return _store.periods(tx)


def changed_periods(*, tx: Transaction) -> list[AccountingPeriod]:
    """Give the closed periods whose journal is no longer the one that was closed: somebody with the database owner's rights was there."""
    periods = _store.periods(tx)
    return [one for one in periods if digest_of_journal(tx=tx, period=BillPeriod(one.first_day, one.end_day)) != one.digest]


def sums_by_source(*, tx: Transaction, end_day: date) -> dict[tuple[str, str], dict[UUID | None, Decimal]]:
    """Give what each source booked on each ledger account before a day, by billing account; for audits."""
    return _store.sums_by_source(tx, end_day)


def unbalanced_entries(*, tx: Transaction) -> list[UUID]:
    """Give the entries without balanced postings on accounts that exist, and those that only postings name; the database lets none be written."""
    return _store.unbalanced_entries(tx)
