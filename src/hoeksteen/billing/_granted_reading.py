"""Reading what was granted to the billing accounts of a batch: two index look-ups while nothing was."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from hoeksteen.billing import _charge_store
from hoeksteen.billing.granted import CHARGE, CHARGED_FAMILY, Granted, taxed_as
from hoeksteen.billing.model import RateKind
from hoeksteen.kernel.time_period import BillPeriod, local_day
from hoeksteen.party.model import BillingAccount
from hoeksteen.storage.postgres import Row, Transaction


def accounts_with_granted(*, tx: Transaction, billing_account_ids: Sequence[UUID]) -> set[UUID]:
    """Give those of some billing accounts to which something was granted that is on no final bill yet, for whatever period."""
    return _charge_store.accounts_with_some(tx, billing_account_ids)


def read_granted(*, tx: Transaction, billing_accounts: Sequence[BillingAccount], period: BillPeriod) -> dict[UUID, list[Granted]]:
    """Give what the bills of a usage period have to show of what was granted, by billing account and the oldest first; absent where nothing is."""
    some = accounts_with_granted(tx=tx, billing_account_ids=[one.billing_account_id for one in billing_accounts])
    if not some:
        return {}
    found: dict[UUID, list[Granted]] = {}
    for row in _charge_store.to_come(tx, sorted(some), period.end_day):
        found.setdefault(row["billing_account_id"], []).append(_charge(row, period))
    return found


def _charge(row: Row, period: BillPeriod) -> Granted:
    taxed = taxed_as(family=CHARGED_FAMILY, category=row["tax_category"], rate=row["tax_rate"], tax_included=row["tax_included"])
    detail = {CHARGE: {"id": str(row["account_charge_id"]), "nl": row["text_nl"], "en": row["text_en"]}}
    day = within(row["from_day"] or local_day(row["asked_at"]), period)
    kind = RateKind.ONE_TIME if row["amount"] > 0 else RateKind.CREDIT
    return Granted(CHARGE, row["account_charge_id"], (0, 0), kind, taxed, detail, day, int(row["amount"].scaleb(2)))


def within(day: date, period: BillPeriod) -> int:
    """Give the ordinal of a day, moved to the last one that a bill of the usage period may name: that of the period after it (Peppol R111)."""
    return min(day, period.next().end_day - timedelta(days=1)).toordinal()
