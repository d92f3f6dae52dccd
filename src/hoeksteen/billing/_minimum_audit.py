"""Auditing minimum spends: what usage lacks of them, worked out anew from the lake, = the lines of a run's bills."""

from datetime import date
from uuid import UUID

from hoeksteen.billing import _audit_store
from hoeksteen.billing._reading import read_products, usage_of
from hoeksteen.billing.assembly import Usage, euros_of_cents
from hoeksteen.billing.minimum_spend import counts, days_in_service, lacking
from hoeksteen.billing.model import BillRun, Difference
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, fingerprint
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.party.queries import billing_accounts_by_id
from hoeksteen.product.queries import offerings
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Transaction

_CHECK = "minimum spend = lines"
Key = tuple[UUID, str]  # product, offering


def minimums_that_differ(*, tx: Transaction, lake: Lake, run: BillRun) -> list[Difference]:
    """
    Name the lines of a run that are not what usage lacks of a minimum, and products with usage whose line is missing.

    What corrects an earlier bill is not worked out anew: it rests on what came since. Bills of accounts that left are compared with the usage
    that they say; what a period's own run made good of them is compared with the lake together with them.
    """
    book = PriceBook(offerings(tx=tx))
    if not book.minimums:
        return []
    found: list[Difference] = []
    rows = [row for row in _audit_store.minimums(tx, run.bill_run_id) if "corrects" not in row["detail"]]
    with_line: set[Key] = set()
    for period in sorted({bill_period(row["period_from"], cycle_day=run.cycle_day) for row in rows}, key=lambda one: one.first_day):
        some = [row for row in rows if period.first_day <= row["period_from"] < period.end_day]
        if run.kind == "leaving":
            spent = {(row["product_id"], row["product_offering_id"]): row["detail"]["spent_micro"] for row in some}
        else:
            spent = _spent(usage_of(period, sorted({row["billing_account_id"] for row in some}), lake=lake), period.first_day, book)
        for row in some:
            offering_id, detail = row["product_offering_id"], row["detail"]
            cents = lacking(
                micro=book.minimums[offering_id].micro, days=detail["days"], whole=detail["days_in_period"],
                spent=spent.get((row["product_id"], offering_id), 0), ratio=book.of(offering_id).ratio(row["tax_included"]),
            )  # fmt: skip
            if euros_of_cents(cents) != row["amount"]:
                found.append(Difference(_CHECK, row["billing_account_id"], row["bill_number"], euros_of_cents(cents), row["amount"]))
            with_line |= {(row["product_id"], offering_id)} if period == run.period else set()
    return found if run.kind == "leaving" else found + _missing(tx, lake, run, book, with_line) + _together(tx, lake, run, book)


def _together(tx: Transaction, lake: Lake, run: BillRun, book: PriceBook) -> list[Difference]:
    """Name products of accounts that left whose bills of a period, those made early and the run's own, are together not what usage lacks."""
    found: list[Difference] = []
    rows = _audit_store.minimums_settled(tx, run.bill_run_id, run.period.first_day, run.period.end_day)
    ids = sorted({row["billing_account_id"] for row in rows})
    spent = _spent(usage_of(run.period, ids, lake=lake), run.period.first_day, book) if ids else {}
    for row in rows:
        offering_id = row["product_offering_id"]
        cents = lacking(
            micro=book.minimums[offering_id].micro, days=row["days"], whole=run.period.days, spent=spent.get((row["product_id"], offering_id), 0),
            ratio=book.of(offering_id).ratio(row["tax_included"]),
        )  # fmt: skip
        if euros_of_cents(cents) != row["amount"]:
            found.append(Difference(_CHECK, row["billing_account_id"], row["bill_number"], euros_of_cents(cents), row["amount"]))
    return found


def _spent(usage: dict[UUID, list[Usage]], first_day: date, book: PriceBook) -> dict[Key, int]:
    spent: dict[Key, int] = {}
    for total in (one for some in usage.values() for one in some):
        minimum = book.minimums.get(total.product_offering_id)
        if minimum is not None and total.period_day == first_day and counts(minimum, total.price_id):
            key = (total.product_id, total.product_offering_id)
            spent[key] = spent.get(key, 0) + total.amount_micro
    return spent


def _missing(tx: Transaction, lake: Lake, run: BillRun, book: PriceBook, with_line: set[Key]) -> list[Difference]:
    """Name products that a run billed, that lack something, and have no line; but for those that changed since."""
    early = {row["product_id"] for row in _audit_store.minimums_settled(tx, run.bill_run_id, run.period.first_day, run.period.end_day)}
    numbers = _audit_store.bills_with_lines_of(tx, run.bill_run_id, list(book.minimums))
    accounts = billing_accounts_by_id(tx=tx, billing_account_ids=sorted(numbers))
    spent = _spent(usage_of(run.period, sorted(numbers), lake=lake), run.period.first_day, book) if numbers else {}
    inputs = read_products(tx=tx, billing_accounts=accounts, book=book, calendar=Calendar(run.period))
    found = []
    for account in accounts:
        for product, position, *_ in inputs.get(account.billing_account_id, ()):
            if position is None or fingerprint(product, book) != position.fingerprint or product.opening > run.period.end_day.toordinal():
                continue
            if product.product_id in early:
                continue
            for offering_id in {term.product_offering_id for term in product.terms} & set(book.minimums):
                begin, stop = run.period.first_day.toordinal(), run.period.end_day.toordinal()
                days, _, _ = days_in_service(product, offering_id, begin, stop)
                used, ratio = spent.get((product.product_id, offering_id), 0), book.of(offering_id).ratio(account.tax_included)
                cents = lacking(micro=book.minimums[offering_id].micro, days=days, whole=stop - begin, spent=used, ratio=ratio)
                if cents and (product.product_id, offering_id) not in with_line:
                    number = numbers[account.billing_account_id]
                    found.append(Difference(_CHECK, account.billing_account_id, number, euros_of_cents(cents), euros_of_cents(0)))
    return found
