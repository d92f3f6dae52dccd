"""
The specification of a bill: the single records behind its usage lines, as its billing account chose (none, masked, full).

The other party's number is sealed traffic data: it is opened by the keeper, one entry of its log per subject and month, each time a
specification is made, and is kept nowhere. Calls that cost the caller nothing, and those to helplines, are never told (`unlisted`).
A specification stands beside the bill and is no part of what the bill says: its sums are compared with the lines when it is made,
and once its numbers are gone, months before the bill may go, there is none any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing import _leaving_store, _store
from hoeksteen.billing.model import AppliedCustomerBillingRate, CustomerBill, RateKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.unlisted import is_unlisted
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import Context, open_traffic
from hoeksteen.kernel.errors import AccessDenied, Corrupt
from hoeksteen.kernel.money import euros
from hoeksteen.party.model import Itemisation
from hoeksteen.party.queries import customers
from hoeksteen.rating.itemising import BilledFee, BilledRecord, BilledUsage, billed_usage
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Transaction

COLUMN = "other_number"
HIDDEN_DIGITS = 4
_SHORT_BELOW = 10**6
_WITH_NUMBERS = ("voice", "sms")
_GONE = ("shredded", "key_destroyed")
_MASKED_BELOW = 100  # what a masked look leaves of a number; every number has three digits or more


class ItemisedRecord(NamedTuple):
    """
    One record as a specification shows it.

    :param zone: as its bill shows it
    :param number: digits of the other party, the last ones as `x` where masked; empty for data, and where it may not be shown
    :param units: after minimum and step, `free_units` of them inside allowances
    """

    start: datetime
    service: str
    zone: str
    roaming: str
    number: str
    units: int
    free_units: int
    amount_micro: int


@dataclass(frozen=True, slots=True)
class ItemisedLine:
    """
    A usage line with the records that it adds up.

    :param left_out: records that are not told, all of them free of charge
    :param fees_micro: micro-euros of it that no record carries
    """

    rate: AppliedCustomerBillingRate
    records: tuple[ItemisedRecord, ...]
    left_out: int
    fees_micro: int

    @property
    def records_micro(self) -> int:
        """What its records come to, exact."""
        return sum(record.amount_micro for record in self.records)


@dataclass(frozen=True, slots=True)
class Specification:
    """
    The records of a bill.

    :param withheld: empty, or why nothing is told: `gone` (numbers or records are kept no longer), `early` (it was billed when its
        account left, or subtracts that), `masked` or the keeper's reason (whoever asks
        may not see them)
    """

    bill: CustomerBill
    lines: tuple[ItemisedLine, ...]
    withheld: str = ""


def specifications(
    *, tx: Transaction, lake: Lake, keeper: KeeperClient, bills: Sequence[CustomerBill], choices: Mapping[UUID, Itemisation], book: PriceBook,
    purpose: str, context: Context | None = None, withhold_if_denied: bool = False,
) -> dict[UUID, Specification]:  # fmt: skip
    """
    Give the specifications of those bills that have one to give: who chose `none`, and bills without usage, are absent.

    The lake is read once per bill period, and the keeper asked once per subject and month, whatever the number of records.

    :param bills: with their lines
    :param choices: by billing account
    :param withhold_if_denied: give an empty specification that says so, instead of an error, to who may not see the numbers
    :raises AccessDenied: when the actor may not see traffic data for this purpose
    :raises Corrupt: when the records of a line do not come to what the bill says
    """
    chosen = {account_id: choice for account_id, choice in choices.items() if choice != "none"}
    wanted = [bill for bill in bills if bill.bill_run_id is not None and _usage(bill, chosen)]
    early = _of_who_left(tx, wanted, chosen)
    usage = _usage_of_bills(tx, lake, [bill for bill in wanted if bill.customer_bill_id not in early], chosen) if wanted else {}
    known: dict[UUID, int] = {}
    reasons = _open(tx, keeper, [record for each in usage.values() for record in each.records], purpose, context, withhold_if_denied, known)
    found: dict[UUID, Specification] = {}
    for bill in wanted:
        if bill.customer_bill_id in early:
            found[bill.customer_bill_id] = Specification(bill, (), "early")
            continue
        mine = usage[bill.customer_bill_id]
        withheld = next((reasons[record.customer_id] for record in mine.records if record.customer_id in reasons), "")
        if not withheld and _blind(mine.records, known):
            withheld = "gone"
        found[bill.customer_bill_id] = Specification(bill, () if withheld else tuple(_lines(bill, mine, book, known, chosen)), withheld)
    return found


def _of_who_left(tx: Transaction, bills: Sequence[CustomerBill], chosen: Mapping[UUID, Itemisation]) -> set[UUID]:
    """Give the bills that were made when an account left, and those that subtract them: no set of whole records comes to their lines."""
    accounts_of = {bill.customer_bill_id: {rate.department or bill.billing_account_id for rate in _usage(bill, chosen)} for bill in bills}
    runs = {bill.bill_run_id for bill in bills if bill.bill_run_id is not None}
    apart = _leaving_store.bills_apart(tx, sorted(runs), sorted({one for some in accounts_of.values() for one in some}))
    return {
        bill.customer_bill_id for bill in bills if any((bill.bill_run_id, account) in apart for account in accounts_of[bill.customer_bill_id])
    }  # fmt: skip


def hidden(number: int, itemisation: Itemisation) -> str:
    """Give the digits of a number as chosen: in full, or with the last ones hidden; of a short code all but the first."""
    digits = str(number)
    if itemisation == "full":
        return digits
    kept = 1 if number < _SHORT_BELOW else len(digits) - HIDDEN_DIGITS
    return digits[:kept] + "x" * (len(digits) - kept)


def _usage(bill: CustomerBill, chosen: Mapping[UUID, Itemisation]) -> list[AppliedCustomerBillingRate]:
    """Give the usage lines that are to be specified."""
    return [rate for rate in bill.rates if rate.kind is RateKind.USAGE and (rate.department or bill.billing_account_id) in chosen]


def _usage_of_bills(
    tx: Transaction, lake: Lake, bills: Sequence[CustomerBill], chosen: Mapping[UUID, Itemisation]
) -> dict[UUID, BilledUsage]:  # fmt: skip
    """Give what each bill adds up: of its own period, and of earlier ones in which its billing account was passed by."""
    runs = {bill.bill_run_id for bill in bills if bill.bill_run_id is not None}
    made_up: dict[tuple[UUID, UUID], list[date]] = {}
    for run in sorted(runs):
        for account, period in _store.released_periods(tx, run):
            made_up.setdefault((run, account), []).append(period.first_day)
    asked: dict[date, set[UUID]] = {}
    shown: dict[tuple[UUID, date], list[UUID]] = {}
    for bill in bills:
        assert bill.bill_run_id is not None, "a credit note has no specification"
        for account in {rate.department or bill.billing_account_id for rate in _usage(bill, chosen)}:
            for day in {bill.period.first_day, *made_up.get((bill.bill_run_id, account), ())}:
                asked.setdefault(day, set()).add(account)
                shown.setdefault((account, day), []).append(bill.customer_bill_id)
    records: dict[UUID, list[BilledRecord]] = {bill.customer_bill_id: [] for bill in bills}
    fees: dict[UUID, list[BilledFee]] = {bill.customer_bill_id: [] for bill in bills}
    for day, accounts in sorted(asked.items()):
        usage = billed_usage(lake=lake, bill_day=day, billing_account_ids=sorted(accounts))
        for record in usage.records:
            for bill_id in shown[record.billing_account_id, day]:
                records[bill_id].append(record)
        for fee in usage.fees:
            for bill_id in shown[fee.billing_account_id, day]:
                fees[bill_id].append(fee)
    return {bill_id: BilledUsage(tuple(records[bill_id]), tuple(fees[bill_id])) for bill_id in records}


def _open(
    tx: Transaction, keeper: KeeperClient, records: Sequence[BilledRecord], purpose: str, context: Context | None, withhold: bool,
    known: dict[UUID, int],
) -> dict[UUID, str]:  # fmt: skip
    """Fill in the number of each record, and give the customers whose numbers cannot be told, each with why."""
    party_of = {one.customer_id: one.party_id for one in customers(tx=tx, customer_ids=sorted({record.customer_id for record in records}))}
    sealed: dict[tuple[UUID, int], list[BilledRecord]] = {}
    for record in records:
        if record.other_number is not None:
            sealed.setdefault((record.customer_id, record.sealed_month), []).append(record)
    reasons: dict[UUID, str] = {}
    for (customer_id, month), some in sorted(sealed.items()):
        if customer_id in reasons:
            continue
        try:
            values = open_traffic(
                keeper=keeper, purpose=purpose, month=f"{month // 100:04d}-{month % 100:02d}", column=COLUMN, subject=party_of[customer_id],
                records=b"".join(record.record_id.bytes for record in some), blocks=b"".join(bytes(record.other_number or b"") for record in some),
                context=context,
            )  # fmt: skip
        except AccessDenied as error:
            if error.reason not in _GONE and not withhold:
                raise
            reasons[customer_id] = "gone" if error.reason in _GONE else error.reason
            continue
        numbers = [int.from_bytes(values[at : at + 8], "little") for at in range(0, len(values), 8)]
        if any(number < _MASKED_BELOW for number in numbers):
            if not withhold:
                raise AccessDenied("Only part of these numbers may be seen.", reason="masked", remedy="Let somebody ask whose work it is.")
            reasons[customer_id] = "masked"
        else:
            known.update(zip((record.record_id for record in some), numbers, strict=True))
    return reasons


def _blind(records: Sequence[BilledRecord], known: Mapping[UUID, int]) -> bool:
    """Tell whether nothing is left to tell: the records are gone, or each call's and message's number is."""
    told = [record for record in records if record.service in _WITH_NUMBERS]
    return not records or (bool(told) and not any(record.record_id in known for record in told))


def _lines(
    bill: CustomerBill, usage: BilledUsage, book: PriceBook, known: Mapping[UUID, int], chosen: Mapping[UUID, Itemisation]
) -> Iterator[ItemisedLine]:
    """
    Give each usage line with its records, and see that they come to it.

    :raises Corrupt: when they do not, or a record belongs to no line
    """
    records: dict[tuple[object, ...], list[BilledRecord]] = {}
    for record in usage.records:
        corrects = str(record.record_id) if record.taken_back else ""
        zone = book.zone_shown(record.zone, record.price_id)
        key = (record.billing_account_id, record.product_id, record.period_day, record.service, zone, record.roaming, corrects)
        records.setdefault(key, []).append(record)
    fees: dict[tuple[object, ...], int] = {}
    for fee in usage.fees:
        zone = book.zone_shown(fee.zone, fee.price_id)
        fee_key = (fee.billing_account_id, fee.product_id, fee.period_day, fee.service, zone, fee.roaming, "")
        fees[fee_key] = fees.get(fee_key, 0) + fee.amount_micro
    for rate in _usage(bill, chosen):
        detail, period, account = rate.detail, rate.period or bill.period, rate.department or bill.billing_account_id
        wanted = (account, rate.product_id, period.first_day, detail["service"], detail["zone"], detail["roaming"], detail.get("corrects", ""))
        mine, flat = records.pop(wanted, []), fees.pop(wanted, 0)
        micro, units = sum(record.amount_micro for record in mine) + flat, sum(record.units for record in mine)
        if (micro, units, len(mine)) != (int(detail["amount_micro"]), int(detail["units"]), int(abs(rate.quantity))):
            raise _differs(bill, f"line {rate.line} says {euros(detail['amount_micro'])}, its records come to {euros(micro)}")
        told = [_told(record, detail["zone"], book, known, chosen[account]) for record in mine]
        yield ItemisedLine(rate, tuple(one for one in told if one is not None), told.count(None), flat)
    rest = sum(len(some) for some in records.values()) + sum(fee != 0 for fee in fees.values())
    if rest:
        raise _differs(bill, f"{rest} of the records or fees of its period stand on no line")


def _differs(bill: CustomerBill, how: str) -> Corrupt:
    return Corrupt(
        f"The specification of {bill.bill_number} does not come to its bill: {how}.",
        remedy="`hoeksteen bill audit` names what differs; the bill itself is drawn once its account chooses no specification.",
    )


def _told(record: BilledRecord, zone: str, book: PriceBook, known: Mapping[UUID, int], itemisation: Itemisation) -> ItemisedRecord | None:
    """Give a record as it is shown; None when it is not: it is free of charge and to a number that is never told."""
    number = known.get(record.record_id)
    unlisted = record.service in _WITH_NUMBERS and is_unlisted(number=number, zone=book.zone_within(record.zone))
    if unlisted and not record.amount_micro:
        return None
    text = "" if unlisted or number is None else hidden(number, itemisation)
    return ItemisedRecord(record.start, record.service, zone, record.roaming, text, record.units, record.free_units, record.amount_micro)
