"""Write-offs, deposits, ageing and forecast on real parts; all of them are what the ledger says."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables import collecting, mandates, outlook, settling
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items

NOW = start_of_day(date(2026, 12, 20))


@pytest.fixture
def billed(operator: BilledOperator) -> Held:
    """A customer with bills of 20.00 due on 15 November and 15 December."""
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1))
    return one


def _pay(operator: BilledOperator, one: Held, amount: str) -> None:
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=date(2026, 12, 1),
            reference="", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def _books(operator: BilledOperator) -> dict[str, str]:
    with operator.database.transaction() as tx:
        rows = trial_balance(tx=tx)
    assert sum(row.balance for row in rows) == 0
    return {row.ledger_account_code: str(row.balance) for row in rows if row.balance}


def _open(operator: BilledOperator, one: Held) -> list[str]:
    with operator.database.transaction() as tx:
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert sum((item.open_amount for item in items), Decimal(0)) == balance(tx=tx, customer_id=one.customer_id)
    return [f"{item.kind} {item.open_amount}" for item in items]


def test_a_bill_that_is_given_up(operator: BilledOperator, billed: Held) -> None:
    _pay(operator, billed, "5.00")
    number = str(operator.bills(billed)[0].bill_number)
    with operator.database.transaction() as tx:
        done = settling.write_off(tx=tx, bill_number=number, why="bankrupt", by="bram", now=NOW, identifiers=operator.identifiers)
    assert (done.amount, done.vat) == (Decimal("15.00"), Decimal("2.60")), "VAT of 3.47 on 20.00, of three quarters"
    assert _open(operator, billed) == ["bill 20.00"]
    books = _books(operator)
    assert (books["4710"], books["1610"], books["1300"]) == ("12.40", "2.60", "20.00")
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="Nothing is open"):
        settling.write_off(tx=tx, bill_number=number, why="again", by="bram", now=NOW, identifiers=operator.identifiers)
    with operator.database.transaction() as tx, pytest.raises(InvalidInput, match="field why"):
        settling.write_off(tx=tx, bill_number=number, why="", by="bram", now=NOW, identifiers=operator.identifiers)


def test_a_deposit_is_held_and_released(operator: BilledOperator, billed: Held) -> None:
    _pay(operator, billed, "140.00")
    with operator.database.transaction() as tx:
        held = settling.hold_deposit(
            tx=tx, customer_id=billed.customer_id, amount=Decimal("100.00"), why="new business", by="bram", now=NOW, identifiers=operator.identifiers
        )
        with pytest.raises(InvalidInput, match=r"nothing to their credit"):
            settling.hold_deposit(
                tx=tx, customer_id=billed.customer_id, amount=Decimal("0.01"), why="more", by="bram", now=NOW, identifiers=operator.identifiers
            )
    assert (_open(operator, billed), _books(operator)["1400"]) == ([], "-100.00")
    operator.run(date(2026, 12, 1))
    assert _open(operator, billed) == ["bill 20.00"], "a deposit pays no bill by itself"
    with operator.database.transaction() as tx:
        arguments: dict[str, Any] = {
            "tx": tx,
            "customer_id": billed.customer_id,
            "deposit_id": held.deposit_id,
            "by": "bram",
            "now": NOW + timedelta(days=20),
        }
        done = settling.release_deposit(identifiers=operator.identifiers, **arguments)
        assert (done.settled, done.left) == (Decimal("20.00"), Decimal("80.00"))
        with pytest.raises(WrongState, match="released before"):
            settling.release_deposit(identifiers=operator.identifiers, **arguments)
    assert (_open(operator, billed), "1400" in _books(operator)) == (["payment -80.00"], False)


def test_how_late_everything_is(operator: BilledOperator, billed: Held) -> None:
    (rich,) = operator.add("mobile-s")
    _pay(operator, rich, "7.50")
    with operator.database.transaction() as tx:
        found = outlook.ageing(tx=tx, as_of=date(2026, 12, 17))
        assert {bucket: str(amount) for bucket, amount in found.amounts.items() if amount} == {"1_30": "20.00", "31_60": "20.00"}
        assert (found.owed, found.credit, found.difference) == (Decimal("40.00"), Decimal("-7.50"), 0)
        astray = (
            Posting(LedgerAccountCode.DEBTORS, Decimal(1), billed.customer_id, billed.billing_account_id),
            Posting(LedgerAccountCode.BANK, Decimal(-1)),
        )
        post(tx=tx, entries=[JournalEntry(operator.identifiers.new(NOW), date(2026, 12, 1), "test", "astray", NOW, astray)])
        assert outlook.ageing(tx=tx, as_of=date(2026, 12, 17)).difference == Decimal("-1.00"), "a posting that no open item stands for"


@pytest.mark.parametrize(
    ("late", "bucket"),
    [(-5, "not_due"), (0, "not_due"), (1, "1_30"), (30, "1_30"), (31, "31_60"), (60, "31_60"), (61, "61_90"), (90, "61_90"), (91, "over_90")],
)
def test_the_bounds_of_the_buckets(late: int, bucket: str) -> None:
    assert outlook.bucket_of(date(2026, 6, 1), date(2026, 6, 1) + timedelta(days=late)) == bucket


def test_what_is_to_come(operator: BilledOperator, billed: Held) -> None:
    (direct,) = operator.add("mobile-l", payment_method="direct_debit", billed_to=date(2026, 12, 1))
    operator.run(date(2026, 12, 1))
    account = f"{operator.identifiers.new(NOW).int % 10**10:010d}"
    digits = "".join(str(int(character, 36)) for character in f"ABNA{account}NL00")
    with operator.database.transaction() as tx:
        arguments: dict[str, Any] = {"tx": tx, "now": NOW + timedelta(days=15), "identifiers": operator.identifiers}
        mandates.add(
            keeper=operator.keeper, customer_id=direct.customer_id, text=f"NL{98 - int(digits) % 97:02d}ABNA{account}", account_holder="X",
            signed_on=date(2026, 11, 1), by="b", **arguments,
        )  # fmt: skip
        owed = balance(tx=tx, customer_id=direct.customer_id)
        collecting.prepare(collection_day=date(2027, 1, 20), by="b", **arguments)
        found = outlook.forecast(tx=tx, as_of=date(2027, 1, 5), weeks=4)
    assert found.overdue == Decimal("40.00")
    assert [(one.first_day.isoformat(), one.collections, one.transfers) for one in found.weeks] == [
        ("2027-01-04", 0, 0), ("2027-01-11", 0, Decimal("20.00")), ("2027-01-18", owed, 0), ("2027-01-25", 0, 0),
    ]  # fmt: skip
    assert (found.later, found.refunds) == (0, 0)
