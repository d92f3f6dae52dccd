"""Bank statements against bills, on real parts: who paid what, what waits, and that the books say the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from factories.bank_files import Booking, Part, Statement, camt, payment_mark, receipt
from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.disclosure import SealItem, Term
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.errors import Conflict, InvalidInput, WrongState
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables import _intake, bank
from hoeksteen.receivables.bank import BankIntake
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items
from hoeksteen.storage.postgres import Transaction

NOW = start_of_day(date(2026, 12, 20))
IBANS = ("NL91ABNA0417164300", "NL20INGB0001234567", "NL69INGB0123456789")
Taking = Callable[..., BankIntake]


@pytest.fixture
def three(operator: BilledOperator) -> list[Held]:
    """Three customers, each with bills of 20.00, 20.00: the first has LLT-2026-00000001 and 4."""
    found = [operator.add("mobile-m")[0] for _ in range(3)]
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1))
    return found


@pytest.fixture
def take(operator: BilledOperator, tmp_path: Path) -> Taking:
    def taking(*bookings: Booking, kind: str = "053", name: str = "f.xml", **options: Any) -> BankIntake:
        path = camt(tmp_path / name, Statement(bookings, **options), kind=kind)
        return bank.take(database=operator.database, keeper=operator.keeper, path=path, now=NOW, identifiers=operator.identifiers)

    return taking


def _number(operator: BilledOperator, one: Held, index: int = 0) -> str:
    return str(operator.bills(one)[index].bill_number)


def _open(operator: BilledOperator, one: Held) -> list[str]:
    with operator.database.transaction() as tx:
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert sum((item.open_amount for item in items), Decimal(0)) == balance(tx=tx, customer_id=one.customer_id)
    return [str(item.open_amount) for item in items]


def _books(operator: BilledOperator) -> dict[str, str]:
    with operator.database.transaction() as tx:
        rows = trial_balance(tx=tx)
    assert sum(row.balance for row in rows) == 0
    return {row.ledger_account_code: str(row.balance) for row in rows if row.balance}


def _knows(operator: BilledOperator, one: Held, iban: str) -> None:
    """Let the keeper know whose IBAN it is."""
    fields = {"iban": iban, "account_holder": "J. van den Berg", "mandate_reference": None, "mandate_date": None}
    item = SealItem(one.party_id, fields, {"iban": [Term(iban, one.customer_id)]})
    with operator.database.transaction() as tx:
        store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.PAYMENT, items=[item])


def _fresh_iban(operator: BilledOperator) -> str:
    """An IBAN that no other test of this keeper has told it."""
    account = f"{operator.identifiers.new(NOW).int % 10**10:010d}"
    digits = "".join(str(int(character, 36)) for character in f"TEST{account}NL00")
    return f"NL{98 - int(digits) % 97:02d}TEST{account}"


def test_bills_are_named_by_number_by_reference_and_by_mark(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    first, second, third = three
    done = take(
        receipt("20.00", "A1", text=f"betreft {_number(operator, first)}"),
        receipt("20.00", "A2", structured=payment_reference(_number(operator, second))),
        receipt("20.00", "A3", text=payment_mark(_number(operator, third))),
    )
    assert (done.statements, done.count["payment"], done.count["payment: bill_named"], done.amount["payment"]) == (("S-1",), 3, 3, Decimal("60.00"))
    assert [_open(operator, one) for one in three] == [["20.00"]] * 3
    assert (_books(operator)["1100"], _books(operator)["1300"]) == ("60.00", "60.00")


def test_too_little_and_too_much(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    first, second, _ = three
    done = take(
        receipt("12.00", "A1", text=_number(operator, first)), receipt("45.00", "A2", text=_number(operator, second, 1)),
    )  # fmt: skip
    assert (done.count["half_paid"], done.count["overpaid"]) == (1, 1)
    assert _open(operator, first) == ["8.00", "20.00"]
    assert _open(operator, second) == ["-5.00"], "what is too much settles the other bill and stays to their credit"


def test_one_payment_of_two_bills(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    take(receipt("40.00", "A1", text=f"{_number(operator, three[0])} + {_number(operator, three[0], 1)}"))
    assert _open(operator, three[0]) == []


def test_the_iban_with_exactly_what_is_open(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    first, second, third = three
    known, shared = _fresh_iban(operator), _fresh_iban(operator)
    _knows(operator, first, known)
    for one in (second, third):
        _knows(operator, one, shared)
    take(receipt("20.00", "A0", text=_number(operator, third)))
    done = take(
        receipt("20.00", "A1", iban=known), receipt("19.00", "A2", iban=known), receipt("20.00", "A3", iban=shared),
        receipt("40.00", "A4", iban=shared), receipt("20.00", "A5", iban="NL91ABNA0417164301"), receipt("20.00", "A6"),
        receipt("20.00", "A7", iban=_fresh_iban(operator), text="huur"),
        opening="1020.00", identification="S-2", sequence=2, name="g.xml",
    )  # fmt: skip
    ways = {name.partition(": ")[2]: count for name, count in done.count.items() if ": " in name}
    assert ways == {
        "iban_and_amount": 2, "amount_differs": 1, "several_customers": 1, "iban_fails_its_check": 1, "no_iban": 1, "unknown_payer": 1,
    }  # fmt: skip
    assert _open(operator, first) == ["20.00"]
    assert _open(operator, second) == [], "of the two with this IBAN only one owed 40.00"
    with operator.database.transaction() as tx:
        [suggested] = [one for one in bank.unmatched(tx=tx) if one.way == "amount_differs"]
        assert suggested.perhaps_of == (first.customer_id,)
        [several] = [one for one in bank.unmatched(tx=tx) if one.way == "several_customers"]
        assert {*several.perhaps_of} == {second.customer_id, third.customer_id}
        assert sum(one.amount for one in bank.waiting(tx=tx)) == Decimal("99.00")
    assert _books(operator)["1120"] == "-99.00"


def test_nothing_is_taken_twice(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    booking = receipt("20.00", "A1", text=_number(operator, three[0]))
    take(booking)
    before = _books(operator)
    again = take(booking)
    assert (again.already_taken, again.statements) == (True, ())
    copied = take(booking, copy="DUPL", name="copy.xml")
    assert (copied.already_taken, copied.count["statements_taken_before"]) == (True, 1)
    with pytest.raises(Conflict, match="S-1 was taken before with other balances"):
        take(booking, opening="0.00", name="other.xml")
    with pytest.raises(Conflict, match="S-1 was taken before, and now has entry B1"):
        take(receipt("20.00", "B1", text=_number(operator, three[1])), name="another.xml")
    with pytest.raises(Conflict, match="S-1 was taken before, and now has 0 entries where it had 1"):
        take(closing="1020.00", name="fewer.xml")
    with pytest.raises(Conflict, match="S-2 books A1, which was booked before"):
        take(booking, identification="S-2", sequence=2, opening="1020.00", name="next.xml")
    assert _books(operator) == before


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"currency": "USD"}, InvalidInput, "S-1 is in USD, not in EUR"),
        ({"iban": "NL91ABNA0417164300"}, InvalidInput, "S-1 is of a bank account that is not ours"),
        ({"closing": "1020.01"}, InvalidInput, "opens with 1000.00, books 20.00 and closes with 1020.01"),
    ],
)
def test_a_statement_that_cannot_be_is_refused_whole(
    operator: BilledOperator, three: list[Held], take: Taking, options: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        take(receipt("20.00", "A1", text=_number(operator, three[0])), **options)
    assert _open(operator, three[0]) == ["20.00", "20.00"]
    assert "1100" not in _books(operator)
    with operator.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM receivables.bank_entry") == 0


def test_statements_come_in_their_order(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    take(receipt("20.00", "A1"))
    with pytest.raises(WrongState, match=r"S-3 opens with 1050\.00, but S-1 before it closed with 1020\.00"):
        take(receipt("1.00", "A3"), identification="S-3", sequence=3, opening="1050.00", name="c.xml")
    with pytest.raises(WrongState, match="S-3 has the number 3, and the last one taken 1"):
        take(receipt("1.00", "A3"), identification="S-3", sequence=3, opening="1020.00", name="d.xml")
    take(receipt("1.00", "A3"), identification="S-2", sequence=2, opening="1020.00", name="e.xml")


def test_another_currency_waits_and_is_never_booked_as_euros(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    done = take(Booking("20.00", "A1", currency="USD", parts=(Part("20.00", currency="USD", text=_number(operator, three[0])),)))
    assert done.count["unmatched: wrong_currency"] == 1
    assert "1100" not in _books(operator)


def test_parts_that_do_not_add_up_wait_as_one(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    numbers = [_number(operator, one) for one in three]
    done = take(
        Booking("40.00", "A1", parts=(Part("20.00", text=numbers[0]), Part("20.00", text=numbers[1]))),
        Booking("40.00", "A2", parts=(Part("20.00", text=numbers[2]), Part("19.00", text=numbers[0]))),
        receipt("7.00", "A3", text=f"{numbers[0]} {numbers[2]}"),
    )
    assert (done.count["payment"], done.count["unmatched: parts_do_not_add_up"], done.count["unmatched: bills_of_several_customers"]) == (2, 1, 1)
    assert (_books(operator)["1100"], _books(operator)["1120"]) == ("87.00", "-47.00")


def test_costs_and_unknown_debits(operator: BilledOperator, take: Taking) -> None:
    done = take(Booking("-3.10", "A1", "PMNT/MCOP/CHRG"), Booking("-10.00", "A2", "PMNT/ICDT/ESCT", (Part("10.00", name="X"),)))
    assert (done.amount["bank_costs"], done.count["unmatched: unknown_debit"]) == (Decimal("-3.10"), 1)
    assert _books(operator) == {"1100": "-13.10", "4720": "3.10", "1120": "10.00"}


def test_a_notification_announces_and_the_statement_books_once(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    booking = receipt("20.00", "A1", text=_number(operator, three[0]))
    told = take(booking, Booking("5.00", ""), kind="054", identification="N-1", name="n.xml")
    assert (told.count["payment"], told.count["without_reference"]) == (1, 1)
    assert (_open(operator, three[0]), _books(operator)["1110"]) == (["20.00"], "20.00")
    done = take(booking, receipt("5.00", "A2"))
    assert (done.count["confirmed"], done.count["payment"], done.count["unmatched"]) == (1, 0, 1)
    books = _books(operator)
    assert ("1110" not in books, books["1100"], _open(operator, three[0])) == (True, "25.00", ["20.00"])
    late = take(booking, kind="054", identification="N-2", name="late.xml")
    assert (late.count["announced_before"], _books(operator)) == (1, books)


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_equal_payments_are_taken_the_same_however_many_are_matched_at_once(
    operator: BilledOperator, three: list[Held], take: Taking, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(_intake, "_BATCH", at_once)
    iban = _fresh_iban(operator)
    _knows(operator, three[0], iban)
    done = take(receipt("20.00", "A1", text=_number(operator, three[0])), *(receipt("20.00", f"A{number}", iban=iban) for number in (2, 3, 4)))
    assert [done.count[f"payment: {way}"] for way in ("bill_named", "iban_and_amount")] == [1, 1]
    assert (done.count["unmatched: amount_differs"], done.count["overpaid"], _open(operator, three[0])) == (2, 0, [])


def test_what_was_typed_by_hand_is_not_booked_again(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    one = three[0]
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("20.00"), received_on=date(2026, 12, 10),
            reference="", bank_reference="A1", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
    done = take(receipt("20.00", "A1", text=_number(operator, one)))
    assert (done.count["payment: registered_by_hand"], _books(operator)["1100"], _open(operator, one)) == (1, "20.00", ["20.00"])


def test_the_bank_takes_back_what_it_booked(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    take(receipt("20.00", "A1", text=_number(operator, three[0])), receipt("30.00", "A2"))
    back = [
        Booking(f"-{amount}", reference, is_reversal=True, parts=(Part(amount, reverses=reverses),))
        for amount, reference, reverses in (("20.00", "A3", "A1"), ("30.00", "A4", "A2"), ("9.00", "A5", "A9"))
    ]
    done = take(*back, identification="S-2", sequence=2, opening="1050.00", name="b.xml")
    assert (done.count["reversal"], done.count["unmatched: reverses_unmatched"], done.count["unmatched: reverses_nothing_known"]) == (1, 1, 1)
    assert _open(operator, three[0]) == ["20.00", "20.00"]
    assert (_books(operator)["1100"], _books(operator)["1120"]) == ("-9.00", "9.00")
    with operator.database.transaction() as tx:
        assert [one.way for one in bank.unmatched(tx=tx)] == ["reverses_nothing_known"]
    take(receipt("20.00", "A6", text=_number(operator, three[0])), identification="S-3", sequence=3, opening="991.00", name="c.xml")
    assert _open(operator, three[0]) == ["20.00"]


def test_who_paid_what_the_bank_took_back_is_not_kept(operator: BilledOperator, take: Taking) -> None:
    take(receipt("30.00", "A1", iban=IBANS[1], name="T. Ester"))
    with operator.database.transaction() as tx:
        [waiting] = bank.unmatched(tx=tx)
        assert bank.payer(tx=tx, keeper=operator.keeper, bank_entry_id=waiting.bank_entry_id).account_holder == "T. Ester"
    back = Booking("-30.00", "A2", is_reversal=True, parts=(Part("30.00", reverses="A1"),))
    take(back, identification="S-2", sequence=2, opening="1030.00", name="b.xml")
    with operator.database.transaction() as tx:
        assert bank.unmatched(tx=tx) == []
        assert bank.payer(tx=tx, keeper=operator.keeper, bank_entry_id=waiting.bank_entry_id) == bank.Payer(None, None)


def test_two_who_decide_about_a_payment_do_it_once(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    take(receipt("30.00", "A1"))
    with operator.database.transaction() as tx:
        [waiting] = bank.unmatched(tx=tx)

    def assign(tx: Transaction, one: Held) -> None:
        bank.assign(
            tx=tx, bank_entry_id=waiting.bank_entry_id, customer_id=one.customer_id, by="bram.visser", now=NOW, identifiers=operator.identifiers
        )  # fmt: skip

    def second() -> None:
        with operator.database.transaction() as tx:
            assign(tx, three[1])

    with ThreadPoolExecutor(1) as pool:
        with operator.database.transaction() as tx:
            assign(tx, three[0])
            waits = pool.submit(second)
            with pytest.raises(TimeoutError):
                waits.result(timeout=0.5)
        with pytest.raises(WrongState, match="waits for no decision"):
            waits.result(timeout=30)


def test_who_paid_is_sealed_until_somebody_decides(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    take(
        receipt("20.00", "A1", iban=IBANS[1], name="T. Ester", text="voor opa"),
        receipt("20.00", "A2", text=_number(operator, three[1]), name="Betaler"),
    )
    with operator.database.transaction() as tx:
        [waiting] = bank.unmatched(tx=tx)
        found = bank.payer(tx=tx, keeper=operator.keeper, bank_entry_id=waiting.bank_entry_id)
        assert (found.iban, found.account_holder) == (IBANS[1], "T. Ester")
        kept = str(tx.rows("SELECT * FROM receivables.bank_entry")) + str(tx.rows("SELECT * FROM receivables.payment"))
        assert not any(word in kept for word in (IBANS[1], "Ester", "opa", "Betaler"))
    with operator.database.transaction() as tx:
        done = bank.assign(
            tx=tx, bank_entry_id=waiting.bank_entry_id, customer_id=three[0].customer_id, reference=_number(operator, three[0], 1), by="bram.visser",
            now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
        assert done.left == 0
        assert bank.payer(tx=tx, keeper=operator.keeper, bank_entry_id=waiting.bank_entry_id).iban is None
        assert bank.unmatched(tx=tx) == []
    assert "1120" not in _books(operator)
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="waits for no decision"):
        bank.assign(tx=tx, bank_entry_id=waiting.bank_entry_id, customer_id=three[0].customer_id, by="x", now=NOW, identifiers=operator.identifiers)


def test_what_was_registered_by_hand_stands_at_the_bank_once(operator: BilledOperator, three: list[Held], take: Taking) -> None:
    """A notification and then a statement tell of it too."""
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=three[0].customer_id, billing_account_id=three[0].billing_account_id, amount=Decimal("20.00"),
            received_on=date(2026, 12, 10), reference="", bank_reference="H1", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
    booking = receipt("20.00", "H1", text=_number(operator, three[0]))
    take(booking, kind="054", name="n.xml")
    assert take(booking, name="s.xml").count["confirmed"] == 1
    books = _books(operator)
    assert (books["1100"], books.get("1110")) == ("20.00", None)
