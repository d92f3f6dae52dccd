"""Double entry: ledger accounts, journal entries and their postings; a debit is positive, a credit negative."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class LedgerAccountCode(StrEnum):
    """The chart of accounts; the migration of this room names them in Dutch and English."""

    CONVERSION = "0990"
    BANK = "1100"
    PAYMENTS_IN_TRANSIT = "1110"
    UNMATCHED_RECEIPTS = "1120"
    DEBTORS = "1300"
    DIRECT_DEBITS_SENT = "1310"
    INSTALMENTS_TO_BE_BILLED = "1320"
    DEPOSITS = "1400"
    CUSTOMERS_CREDIT = "1410"
    VAT_PAYABLE = "1600"
    VAT_ON_BAD_DEBTS = "1610"
    ROUNDING_DIFFERENCES = "4700"
    BAD_DEBTS = "4710"
    BANK_COSTS = "4720"
    REVENUE_MOBILE = "8010"
    REVENUE_FIXED = "8020"
    REVENUE_BROADBAND = "8030"
    REVENUE_OTHER = "8090"
    COLLECTION_FEES = "8100"
    STATUTORY_INTEREST = "8110"


@dataclass(frozen=True, slots=True)
class Posting:
    """
    One line of a journal entry.

    :param amount: euros with two decimals; a debit is positive, a credit negative
    """

    ledger_account_code: LedgerAccountCode
    amount: Decimal
    customer_id: UUID | None = None
    billing_account_id: UUID | None = None
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """
    What is posted together, or not at all.

    :param booked_on: the local day whose books it belongs to; `posted_at` is when it was written
    :param source: the kind of thing that made it, such as `bill`; with `reference` it is unique, so that nothing is posted twice
    """

    journal_entry_id: UUID
    booked_on: date
    source: str
    reference: str
    posted_at: datetime
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class LedgerAccountBalance:
    """
    What stands on one ledger account.

    :param balance: debits less credits
    """

    ledger_account_code: str
    name_nl: str
    name_en: str
    kind: str
    debit: Decimal
    credit: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class AccountingPeriod:
    """
    A calendar month whose books are closed, for good.

    :param end_day: the first day after it
    :param closed_by: who closed it, by the name that was given
    :param debit: the sum of its debits in euros, which is that of its credits
    :param digest: SHA-256 of its journal as CSV (`exporting.journal_csv`), in hexadecimal digits
    """

    first_day: date
    end_day: date
    closed_at: datetime
    closed_by: str
    entries: int
    postings: int
    debit: Decimal
    digest: str
