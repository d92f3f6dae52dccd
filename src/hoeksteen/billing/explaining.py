"""What made a line of a bill: its price and days, its exact amount before rounding, the records that were added up, what was credited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.billing import _credit_store, _leaving_store, _store
from hoeksteen.billing.charges import charges_by_id
from hoeksteen.billing.credit_notes import CREDITS
from hoeksteen.billing.granted import CHARGE, INSTALMENT
from hoeksteen.billing.instalments import InstalmentPlan, plans_by_id
from hoeksteen.billing.model import AppliedCustomerBillingRate, CustomerBill, RateKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.queries import bill_by_number
from hoeksteen.billing.wording import LineText, line_text
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.queries import offerings
from hoeksteen.rating.model import RatedRecord
from hoeksteen.rating.queries import records_of
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Transaction

_UNCOUNTED = ("suspended", "reversed")


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """
    What made one line.

    :param exact: euros before rounding, of a usage line; the prices' own way of holding tax or not
    :param records: rated records that the line adds up, by their start; empty for what no record carries
    :param of_records: the sum of their charges in euros, exact
    :param flat: euros of the line that no record carries: fees of a period
    :param before: euros of these records that a bill, made when the account left, charged before
    :param since: euros of these records that were rated after the bill was made, when the account left
    :param credited: euros that credit notes gave back of it
    :param granted: who decided that it stands there, and why, each fact with its name
    :param credits: the bill and line that this line gives back, on a credit note
    """

    bill: CustomerBill
    rate: AppliedCustomerBillingRate
    text: LineText
    exact: Decimal | None
    records: tuple[RatedRecord, ...]
    of_records: Decimal
    flat: Decimal
    before: Decimal
    since: Decimal
    credited: Decimal
    credits: tuple[str, int] | None
    granted: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Name what it rests on, each with its value."""
        rate, detail = self.rate, self.rate.detail
        found = [("line", f"{self.bill.bill_number} {rate.line}"), ("what", self.text.description), ("kind", rate.kind.value)]
        if rate.product_id is not None:
            found += [("product", str(rate.product_id)), ("offering", str(rate.product_offering_id))]
        found += self.granted
        prices = [rate.price_id] if rate.price_id else list(detail.get("prices", ()))
        found += [("price", price) for price in prices]
        found += [("period", self.text.period)] if self.text.period else []
        if "days" in detail:
            found.append(("days", f"{detail['days']} of {detail['days_in_period']}"))
        if "minimum_micro" in detail:
            found += [("minimum of a whole period", f"{euros(int(detail['minimum_micro']))}"), ("spent", f"{euros(int(detail['spent_micro']))}")]
        if self.exact is not None:
            found.append(("exact amount", f"{self.exact:f}"))
        if self.flat:
            found.append(("fees without record", f"{self.flat:f}"))
        if self.before:
            found.append(("billed before", f"{self.before:f} on {detail['billed_before']['bill_number']}"))
        if self.since:
            found.append(("rated since", f"{self.since:f}"))
        if detail.get("corrects") is True:
            found.append(("why", "an earlier bill charged something else for this period"))
        elif detail.get("corrects"):
            found.append(("takes back", f"record {detail['corrects']}, charged on {detail.get('bill_number') or detail.get('billed_on')}"))
        if self.credits is not None:
            found.append(("gives back", f"line {self.credits[1]} of {self.credits[0]}"))
        found += [("net", f"{rate.net}"), ("VAT", f"{rate.tax_category} {rate.tax_rate} %"), ("on the bill", f"{rate.amount}")]
        return [*found, ("credited since", f"{self.credited}")] if self.credited else found


def explain_line(*, tx: Transaction, lake: Lake, bill_number: str, line: int) -> LineExplanation:
    """
    Explain a line of a final bill, down to the records that it adds up.

    :raises NotFound: when no bill has this number, or it has no such line
    """
    found = bill_by_number(tx=tx, bill_number=bill_number)
    rate = next((one for one in found.rates if one.line == line), None)
    if rate is None:
        raise NotFound(f"{bill_number} has no line {line}.", remedy="`hoeksteen bill show` numbers the lines.")
    catalogue = offerings(tx=tx)
    text = line_text(rate=rate, offerings={offering.product_offering_id: offering for offering in catalogue}, language="en")
    credits = rate.detail.get(CREDITS)
    usage = rate.kind is RateKind.USAGE and credits is None
    records = _records(lake, found, rate, PriceBook(catalogue), _bill_days(tx, found, rate)) if usage else ()
    of_records = euros(sum(_sign(rate.detail) * record.amount_micro for record in records))
    exact = euros(int(rate.detail["amount_micro"])) if usage else None
    given = _credit_store.credited_lines(tx, found.customer_id, found.customer_bill_id).get(line, Decimal("0.00"))
    before = euros(int(rate.detail.get("billed_before", {}).get("amount_micro", 0)))
    rest = Decimal(0) if exact is None else exact + before - of_records
    late = rest < 0 and _leaving_store.is_leaving_bill(tx, found.customer_bill_id)
    return LineExplanation(
        found, rate, text, exact, records, of_records, Decimal(0) if late else rest, before, -rest if late else Decimal(0), given,
        None if credits is None else (credits["bill_number"], int(credits["line"])), _granted(tx, rate),
    )  # fmt: skip


def _granted(tx: Transaction, rate: AppliedCustomerBillingRate) -> tuple[tuple[str, str], ...]:
    """Say who granted a line that is no product's."""
    if (sold := rate.detail.get(INSTALMENT)) is not None:
        return tuple(fact for plan in plans_by_id(tx=tx, instalment_plan_ids=[UUID(sold["id"])]) for fact in _of_plan(plan, sold))
    said = rate.detail.get(CHARGE)
    found = [] if said is None else charges_by_id(tx=tx, account_charge_ids=[UUID(said["id"])])
    if not found:
        return ()
    one = found[0]
    facts = [("granted as", str(one.account_charge_id)), ("granted by", one.asked_by), ("granted on", f"{local_day(one.asked_at)}"), ("why", one.why)]
    facts += [("kind of charge", one.charge_kind_id)] if one.charge_kind_id else []
    return tuple([*facts, ("approved by", one.decided_by)] if one.decided_by else facts)


def _of_plan(plan: InstalmentPlan, sold: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("of plan", str(plan.instalment_plan_id)), ("in the plan", str(sold["role"]))]
    facts += [("part", f"{sold['part']} to {sold['last']} of {plan.parts}")] if "part" in sold else []
    facts += [("price", f"{plan.amount}"), ("parts come to", f"{plan.total}"), ("agreed by", plan.agreed_by), ("why", plan.why)]
    facts += [("of the product", str(plan.product_id))] if plan.product_id else []
    return [*facts, ("ended", f"{plan.ending} by {plan.ended_by}")] if plan.ending else facts


def _sign(detail: Any) -> int:
    return -1 if detail.get("corrects") else 1


def _bill_days(tx: Transaction, bill: CustomerBill, rate: AppliedCustomerBillingRate) -> set[date]:
    """Give the first days of the periods whose records a bill shows of the account that made a line: its own, and those it makes up for."""
    account = rate.department or bill.billing_account_id
    made_up = _store.released_periods(tx, bill.bill_run_id) if bill.bill_run_id is not None else ()
    return {bill.period.first_day, *(period.first_day for released, period in made_up if released == account)}


def _records(
    lake: Lake, bill: CustomerBill, rate: AppliedCustomerBillingRate, book: PriceBook, bill_days: set[date]
) -> tuple[RatedRecord, ...]:  # fmt: skip
    """Give the records that a run added up for this line: by the same product, service, zone and place, for the same bill."""
    detail, period = rate.detail, rate.period or bill.period
    taken_back = UUID(detail["corrects"]) if detail.get("corrects") else None
    return tuple(
        record
        for record in records_of(lake=lake, billing_account_id=rate.department or bill.billing_account_id, month=period.first_day)
        if (
            record.record_id == taken_back and record.state != "reversed"
            if taken_back is not None
            else record.bill_day in bill_days and record.state not in _UNCOUNTED and record.reason != "corrected"
            and (record.product_id, record.service, record.roaming) == (rate.product_id, detail["service"], detail["roaming"])
            and book.zone_shown(record.zone, record.price_id) == detail["zone"]
        )
    )  # fmt: skip
