"""Credit notes on a final bill: numbered in the same series, booked, settled, drawn, and never more than was billed."""

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from psycopg.errors import CheckViolation

from factories.billed_operator import BilledOperator, Held, change, terminate
from fixtures.en16931 import Document, faults
from fixtures.four_faces import Face, of_ledger, of_pdf, of_ubl
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.credit_notes import credit_notes_of
from hoeksteen.billing.documents import invoice_views, render_pdf, render_ubl
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.kernel.errors import HoeksteenError, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.ledger.queries import balance_of_customer, sums_by_reference
from hoeksteen.product.model import NewAlteration
from hoeksteen.receivables.crediting import Credited, credit_and_settle
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import open_items

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)


def _credit(operator: BilledOperator, number: str | None, lines: Mapping[int, Decimal | None] | None = None) -> Credited:
    with operator.database.transaction() as tx:
        return credit_and_settle(
            tx=tx, number=str(number), lines=lines, why="line was out of order", by="bram.visser", now=NOW, identifiers=operator.identifiers
        )


def _billed(operator: BilledOperator, *offerings: str, segment: str = "consumer") -> tuple[Held, CustomerBill]:
    held = operator.add(*offerings, segment=segment)
    operator.charge([one for one in held if "mobile" in one.offering], month=date(2026, 10, 1), records=5)
    operator.run()
    return held[0], operator.bills(held[0])[0]


@pytest.mark.parametrize(
    ("segment", "offerings"), [("consumer", ("mobile-l", "internet-500")), ("business", ("business-mobile", "business-internet"))]
)
def test_the_whole_of_a_bill(operator: BilledOperator, segment: str, offerings: tuple[str, ...]) -> None:
    held, billed = _billed(operator, *offerings, segment=segment)
    done = _credit(operator, billed.bill_number)
    note = done.note
    assert (note.net, note.vat, note.rounding, note.gross) == (-billed.net, -billed.vat, -billed.rounding, -billed.gross)
    assert note.bill_number == "LLT-2026-00000002" and note.bill_date == date(2026, 11, 12)
    assert (done.settled, done.left) == (billed.gross, Decimal("0.00"))
    with operator.database.transaction() as tx:
        assert balance_of_customer(tx=tx, customer_id=held.customer_id) == 0
        assert open_items(tx=tx, customer_id=held.customer_id) == []
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(note.customer_id, note.customer_bill_id)], purpose="billing")
        booked = sums_by_reference(tx=tx, source="bill", references=[note.customer_bill_id])[note.customer_bill_id]
        (told,) = credit_notes_of(tx=tx, customer_id=held.customer_id, customer_bill_id=billed.customer_bill_id)
        assert tx.value("SELECT count(*) FROM messages.message WHERE kind = 'credit_ready'") == 1
    assert (told.why, told.credited_by, told.gross) == ("line was out of order", "bram.visser", -billed.gross)
    bare = Face(str(note.bill_number), note.net, note.vat, note.gross)
    assert of_ledger(str(note.bill_number), booked) == bare
    assert of_pdf(render_pdf(view)) == Face(*[getattr(bare, name) for name in ("number", "net", "vat", "gross")], tuple(r.amount for r in note.rates))
    ubl = render_ubl(view)
    assert of_ubl(ubl) == Face(bare.number, bare.net, bare.vat, bare.gross, tuple(rate.net for rate in note.rates))
    assert faults(ubl) == []
    assert Document(ubl).text("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == billed.bill_number
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 10, 1)))
    assert audit.differences == (), "numbers without gaps, and the bill is what it was"


def test_nothing_is_credited_twice(operator: BilledOperator) -> None:
    _, billed = _billed(operator, "mobile-m")
    note = _credit(operator, billed.bill_number).note
    with pytest.raises(WrongState, match="Nothing is left"):
        _credit(operator, billed.bill_number)
    with pytest.raises(InvalidInput, match="nothing is left to credit"):
        _credit(operator, billed.bill_number, {1: None})
    with pytest.raises(WrongState, match="credit note itself"):
        _credit(operator, note.bill_number)
    with pytest.raises(NotFound):
        _credit(operator, "LLT-2026-99999999")


def test_what_a_discount_took_off_is_not_given_back(operator: BilledOperator) -> None:
    discount = NewAlteration(operator.identifiers.new(NOW), "loyalty", "amount", Decimal("-12.00"), date(2026, 1, 1))
    (held,) = operator.add("mobile-l", alterations=(discount,))
    operator.run()
    (billed,) = operator.bills(held)
    full = next(rate for rate in billed.rates if rate.amount > 0)
    assert full.amount - billed.gross == Decimal("12.00")
    with pytest.raises(InvalidInput, match="left to credit, and the lines come to"):
        _credit(operator, billed.bill_number, {full.line: None})
    note = _credit(operator, billed.bill_number, {full.line: billed.gross}).note
    assert (note.gross, abs(note.rounding) < Decimal("0.05")) == (-billed.gross, True)
    for lines in ({full.line: Decimal("1.00")}, None):
        with pytest.raises(WrongState, match="Nothing is left"):
            _credit(operator, billed.bill_number, lines)


def test_lines_and_parts_of_lines(operator: BilledOperator) -> None:
    held, billed = _billed(operator, "mobile-l", "internet-500")
    first = billed.rates[0]
    done = _credit(operator, billed.bill_number, {first.line: Decimal("4.50")})
    assert (done.note.gross, done.settled) == (Decimal("-4.50"), Decimal("4.50"))
    assert done.note.rates[0].detail["credits"] == {"bill_number": billed.bill_number, "line": first.line}
    for lines, what in (
        ({first.line: first.amount - Decimal("4.49")}, "is not between"), ({99: None}, "does not exist"),
        ({first.line: Decimal("0.001")}, "is not between"), ({first.line: Decimal(-1)}, "is not between"), ({}, "No line"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=what):
            _credit(operator, billed.bill_number, lines)
    assert _credit(operator, billed.bill_number, {first.line: None}).note.gross == Decimal("4.50") - first.amount
    with operator.database.transaction() as tx:
        (left,) = open_items(tx=tx, customer_id=held.customer_id)
    assert left.open_amount == billed.gross - first.amount


@pytest.mark.parametrize("seed", range(3))
def test_all_parts_together_give_back_what_was_billed(operator: BilledOperator, seed: int) -> None:
    chance = random.Random(seed)
    segment = chance.choice(("consumer", "business"))
    names = ("mobile-l", "internet-500") if segment == "consumer" else ("business-mobile", "business-internet")
    held, billed = _billed(operator, *names, segment=segment)
    left = {rate.line: rate.amount for rate in billed.rates if rate.amount > 0}
    given: list[CustomerBill] = []
    for _ in range(12):
        line = chance.choice([one for one, amount in left.items() if amount > Decimal("0.02")])
        part = Decimal(chance.randint(1, int(left[line] * 50))).scaleb(-2)
        left[line] -= part
        given.append(_credit(operator, billed.bill_number, {line: part}).note)
    given.append(_credit(operator, billed.bill_number).note)
    assert sum(note.gross for note in given) == -billed.gross
    assert sum(note.net for note in given) == -billed.net or segment == "consumer"
    assert abs(sum(note.vat for note in given) + billed.vat) <= Decimal("0.01") * len(given)
    with operator.database.transaction() as tx:
        assert balance_of_customer(tx=tx, customer_id=held.customer_id) == 0
        keys = [(note.customer_id, note.customer_bill_id) for note in given]
        views = invoice_views(tx=tx, keeper=operator.keeper, bills=keys, purpose="billing")
    assert [faults(render_ubl(view)) for view in views] == [[]] * len(views)


def test_what_was_paid_already_stays_to_the_customers_credit(operator: BilledOperator) -> None:
    held, billed = _billed(operator, "mobile-m")
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=held.customer_id, billing_account_id=held.billing_account_id, amount=billed.gross, received_on=date(2026, 11, 5),
            reference=str(billed.bill_number), now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
    done = _credit(operator, billed.bill_number)
    assert (done.settled, done.left) == (Decimal("0.00"), billed.gross)
    with operator.database.transaction() as tx:
        (item,) = open_items(tx=tx, customer_id=held.customer_id)
    assert (item.kind, item.open_amount) == ("credit", -billed.gross)


def test_two_people_at_once(operator: BilledOperator) -> None:
    _, billed = _billed(operator, "mobile-m")

    def attempt(_: int) -> str:
        try:
            return str(_credit(operator, billed.bill_number).note.gross)
        except HoeksteenError as error:
            return type(error).__name__

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(attempt, range(2))) == sorted([str(-billed.gross), "WrongState"])


def test_the_database_itself_refuses_more_than_was_billed(operator: BilledOperator) -> None:
    held, billed = _billed(operator, "mobile-m")
    _credit(operator, billed.bill_number, {1: Decimal("1.00")})
    columns = "billing_account_id, bill_date, due_date, period_from, period_to, tax_included, invoice_party"
    with pytest.raises(CheckViolation, match="more is credited"), operator.database.transaction() as tx:
        tx.execute(
            f"INSERT INTO billing.customer_bill (customer_id, customer_bill_id, bill_number, net, vat, rounding, gross, {columns})"
            f" SELECT customer_id, %s, 'LLT-2026-00000003', -net, -vat, -rounding, -gross, {columns}"
            " FROM billing.customer_bill WHERE bill_number = %s",
            (derived("too much"), billed.bill_number),
        )
        tx.execute(
            "INSERT INTO billing.credit_note VALUES (%s, %s, %s, 'x', 'y', %s)",
            (held.customer_id, derived("too much"), billed.customer_bill_id, NOW),
        )


def test_a_later_run_neither_charges_it_again_nor_gives_it_back_twice(operator: BilledOperator) -> None:
    """The month of November was billed in advance and credited; then it turns out that the customer had left, or moved up."""
    left, moved = operator.add("mobile-m")[0], operator.add("mobile-m")[0]
    operator.run()
    for one in (left, moved):
        (billed,) = operator.bills(one)
        _credit(operator, billed.bill_number, {1: None})
    terminate(operator, left, from_day=date(2026, 11, 2))
    change(operator, moved, "mobile-l", from_day=date(2026, 11, 16))
    operator.run(date(2026, 11, 1))
    with operator.database.transaction() as tx:
        assert balance_of_customer(tx=tx, customer_id=left.customer_id) == 0
    (later,) = [bill for bill in operator.bills(moved) if bill.period.first_day == date(2026, 11, 1)]
    november = [rate for rate in later.rates if rate.period is not None and rate.period.first_day.month == 11]
    assert [(rate.product_offering_id, rate.kind) for rate in november] == [("mobile-l", RateKind.RECURRING)], "the half month that was had"
