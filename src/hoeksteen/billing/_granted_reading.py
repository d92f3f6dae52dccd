"""Reading what was granted to the billing accounts of a batch: two index look-ups while nothing was."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from hoeksteen.billing import _charge_store, _instalment_store
from hoeksteen.billing.granted import CHARGE, CHARGED_FAMILY, Granted, taxed_as
from hoeksteen.billing.instalment_lines import Billed, Plan, lines_of_plan
from hoeksteen.billing.model import RateKind
from hoeksteen.kernel.time_period import BillPeriod, local_day
from hoeksteen.party.model import BillingAccount
from hoeksteen.product.model import ProductStatus
from hoeksteen.product.queries import terms
from hoeksteen.storage.postgres import Row, Transaction


def accounts_with_granted(*, tx: Transaction, billing_account_ids: Sequence[UUID]) -> set[UUID]:
    """Give those of some billing accounts to which something was granted that is on no final bill yet, for whatever period."""
    return _charge_store.accounts_with_some(tx, billing_account_ids) | _instalment_store.accounts_with_some(tx, billing_account_ids)


def read_granted(
    *, tx: Transaction, billing_accounts: Sequence[BillingAccount], period: BillPeriod, last: bool = False
) -> dict[UUID, list[Granted]]:  # fmt: skip
    """
    Give what the bills of a usage period have to show of what was granted, by billing account and the oldest first; absent where nothing is.

    :param last: whether they are the last bills of accounts that leave: they have all that waits, whatever the day that it is meant for
    """
    some = accounts_with_granted(tx=tx, billing_account_ids=[one.billing_account_id for one in billing_accounts])
    if not some:
        return {}
    found: dict[UUID, list[Granted]] = {}
    for row in _charge_store.to_come(tx, sorted(some), date.max if last else period.end_day):
        found.setdefault(row["billing_account_id"], []).append(_charge(row, period))
    for account_id, lines in _of_plans(tx, _instalment_store.open_plans(tx, sorted(some)), period, last=last):
        if lines:
            found.setdefault(account_id, []).extend(lines)
    return found


def parts_missed(
    *, tx: Transaction, bill_run_id: UUID, period: BillPeriod, before: datetime, departments: Sequence[UUID]
) -> dict[UUID, list[Granted]]:  # fmt: skip
    """
    Give the parts that fell due in a usage period or before it, and that no bill has though a run billed the account; for audits.

    :param departments: whom the run billed together with the account on top
    """
    rows = _instalment_store.plans_of_run(tx, bill_run_id, before, departments)
    found: dict[UUID, list[Granted]] = {}
    for account_id, lines in _of_plans(tx, [{**row, "product_id": None} for row in rows], period):
        found.setdefault(account_id, []).extend(lines)
    return {account_id: lines for account_id, lines in found.items() if lines}


def _of_plans(tx: Transaction, rows: Sequence[Row], period: BillPeriod, *, last: bool = False) -> Iterator[tuple[UUID, list[Granted]]]:
    """Give the lines of plans, each with its billing account."""
    billed = _instalment_store.billed(tx, [row["instalment_plan_id"] for row in rows]) if rows else {}
    ended = _ended_products(tx, [row for row in rows if row["product_id"] is not None and row["on_end"] != "goes_on"], period)
    day_max = period.next().end_day - timedelta(days=1)
    for row in rows:
        already = [
            Billed(one["role"], one["part"], one["last_part"], int(one["amount"].scaleb(2))) for one in billed.get(row["instalment_plan_id"], ())
        ]
        lines = lines_of_plan(_plan(row), already, end_day=period.end_day, product_ended=row["product_id"] in ended, day_max=day_max, last=last)
        yield row["billing_account_id"], lines


def _ended_products(tx: Transaction, rows: Sequence[Row], period: BillPeriod) -> set[UUID]:
    """Give which products of some plans have ended by the end of a usage period."""
    if not rows:
        return set()
    wanted = {row["product_id"] for row in rows}
    known = terms(tx=tx, customer_ids=sorted({row["customer_id"] for row in rows}))
    return {
        one.product_id
        for one in known
        if one.product_id in wanted and one.status is ProductStatus.TERMINATED and local_day(one.valid_from) < period.end_day
    }


def _plan(row: Row) -> Plan:
    taxed = taxed_as(family=CHARGED_FAMILY, category=row["tax_category"], rate=row["tax_rate"], tax_included=row["tax_included"])
    return Plan(
        row["instalment_plan_id"], row["text_nl"], row["text_en"], taxed, int(row["amount"].scaleb(2)), int(row["total"].scaleb(2)), row["parts"],
        local_day(row["agreed_at"]), row["first_day"], row["on_end"], row["ending"],
    )  # fmt: skip


def _charge(row: Row, period: BillPeriod) -> Granted:
    taxed = taxed_as(family=CHARGED_FAMILY, category=row["tax_category"], rate=row["tax_rate"], tax_included=row["tax_included"])
    detail = {CHARGE: {"id": str(row["account_charge_id"]), "nl": row["text_nl"], "en": row["text_en"]}}
    day = within(row["from_day"] or local_day(row["asked_at"]), period)
    kind = RateKind.ONE_TIME if row["amount"] > 0 else RateKind.CREDIT
    return Granted(CHARGE, row["account_charge_id"], (0, 0), kind, taxed, detail, day, int(row["amount"].scaleb(2)))


def within(day: date, period: BillPeriod) -> int:
    """Give the ordinal of a day, moved to the last one that a bill of the usage period may name: that of the period after it (Peppol R111)."""
    return min(day, period.next().end_day - timedelta(days=1)).toordinal()
