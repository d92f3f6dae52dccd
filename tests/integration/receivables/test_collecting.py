"""Direct debit and refunds on real parts: from mandate to bank statement, and every way in which it goes otherwise."""

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sepaxml
from lxml import etree

from factories.bank_files import Booking, Part, Statement, camt, receipt
from factories.billed_operator import BilledOperator, Held
from hoeksteen.care import disputes
from hoeksteen.kernel.errors import AccessDenied, Conflict, InvalidInput, WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.party.model import NewBillingAccount
from hoeksteen.party.operations import add_billing_accounts
from hoeksteen.receivables import _collection_store, bank, collecting, dunning, mandates, plans, refunds, settling
from hoeksteen.receivables.crediting import credit_and_settle
from hoeksteen.receivables.mandates import Mandate
from hoeksteen.receivables.queries import balance, open_items, over_settled
from hoeksteen.storage.postgres import Transaction

NOW = start_of_day(date(2026, 12, 2)) + timedelta(hours=9)
DAY = date(2026, 12, 17)
_P8 = "{urn:iso:std:iso:20022:tech:xsd:pain.008.001.08}"


@pytest.fixture
def three(operator: BilledOperator) -> list[Held]:
    """Three customers, each with one bill of 20.00, due on 15 November."""
    found = [operator.add("mobile-m", payment_method="direct_debit")[0] for _ in range(3)]
    operator.run(date(2026, 10, 1))
    return found


def _iban(operator: BilledOperator) -> str:
    account = f"{operator.identifiers.new(NOW).int % 10**10:010d}"
    digits = "".join(str(int(character, 36)) for character in f"ABNA{account}NL00")
    return f"NL{98 - int(digits) % 97:02d}ABNA{account}"


def _sign(operator: BilledOperator, one: Held, **options: Any) -> Mandate:
    with operator.database.transaction() as tx:
        return mandates.add(
            tx=tx, keeper=operator.keeper, customer_id=one.customer_id, text=_iban(operator), account_holder="J. van den Berg",
            signed_on=date(2026, 11, 1), **{"by": "bram.visser"} | options, now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def _prepare(operator: BilledOperator, day: date = DAY, now: datetime = NOW) -> collecting.Prepared:
    with operator.database.transaction() as tx:
        return collecting.prepare(tx=tx, collection_day=day, by="bram.visser", now=now, identifiers=operator.identifiers)


def _file(operator: BilledOperator, run: collecting.CollectionRun, path: Path, now: datetime | None = None) -> collecting.Filed:
    with operator.database.transaction() as tx:
        return collecting.file(
            tx=tx, keeper=operator.keeper, collection_run_id=run.collection_run_id, path=path, now=now or NOW + timedelta(days=12),
            identifiers=operator.identifiers,
        )  # fmt: skip


def _sent(path: Path) -> list[tuple[str, str, str, str]]:
    """What stands in a file: batch, sequence, end-to-end identifier, amount; and that the published schema allows it."""
    root = etree.parse(path)
    etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.008.001.08.xsd")).assertValid(root)
    return [
        (str(batch.findtext(f"{_P8}PmtInfId")), str(batch.findtext(f".//{_P8}SeqTp")), str(one.findtext(f".//{_P8}EndToEndId")),
         str(one.findtext(f"{_P8}InstdAmt")))
        for batch in root.iterfind(f".//{_P8}PmtInf") for one in batch.iterfind(f"{_P8}DrctDbtTxInf")
    ]  # fmt: skip


def _take(operator: BilledOperator, path: Path, *bookings: Booking, number: int = 1, opening: str = "0.00") -> Counter[str]:
    file = camt(path, Statement(bookings, f"S-{number}", number, opening))
    now = NOW + timedelta(days=20 + number)
    return bank.take(database=operator.database, keeper=operator.keeper, path=file, now=now, identifiers=operator.identifiers).count


def _owed(operator: BilledOperator, one: Held) -> str:
    with operator.database.transaction() as tx:
        owed = balance(tx=tx, customer_id=one.customer_id)
        assert owed == sum((item.open_amount for item in open_items(tx=tx, customer_id=one.customer_id)), Decimal(0))
    return str(owed)


def _books(operator: BilledOperator) -> dict[str, str]:
    with operator.database.transaction() as tx:
        rows = trial_balance(tx=tx)
    assert sum(row.balance for row in rows) == 0
    return {row.ledger_account_code: str(row.balance) for row in rows if row.balance and row.ledger_account_code < "1500"}


def _told(operator: BilledOperator) -> Counter[str]:
    with operator.database.transaction() as tx:
        return Counter(row["kind"] for row in tx.rows("SELECT kind FROM messages.message WHERE kind <> 'bill_ready'"))


def test_from_a_mandate_to_the_bank(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    signed = [_sign(operator, one) for one in three]
    prepared = _prepare(operator)
    assert (prepared.run.count, prepared.run.amount, _told(operator)) == (3, Decimal("60.00"), {"pre_notification": 3})
    assert [_owed(operator, one) for one in three] == ["20.00"] * 3, "an announcement settles nothing"
    filed = _file(operator, prepared.run, tmp_path / "out" / "c.xml")
    assert (tmp_path / "out" / "c.xml").stat().st_mode & 0o777 == 0o600
    assert filed.run.sha256 == hashlib.sha256((tmp_path / "out" / "c.xml").read_bytes()).hexdigest()
    sent = _sent(tmp_path / "out" / "c.xml")
    assert [(sequence, amount) for _, sequence, _, amount in sent] == [("FRST", "20.00")] * 3
    assert ([_owed(operator, one) for one in three], _books(operator)) == (["0.00"] * 3, {"1310": "60.00"})
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="on its way by direct debit"):
        plans.agree(
            tx=tx, customer_id=three[0].customer_id, instalments=2, first_due=date(2026, 12, 28), by="anna", now=NOW, identifiers=operator.identifiers
        )
    again = _file(operator, prepared.run, tmp_path / "again.xml", NOW + timedelta(days=14))
    assert (again.repeated, (tmp_path / "again.xml").read_bytes()) == (True, (tmp_path / "out" / "c.xml").read_bytes())
    done = _take(operator, tmp_path / "s.xml", Booking("60.00", "B1", "PMNT/IDDT/ESDD", batch_id=sent[0][0]))
    assert (done["collection: batch"], _books(operator)) == (1, {"1100": "60.00"})
    with operator.database.transaction() as tx:
        assert collecting.runs(tx=tx)[0].settled == 3
        [used] = mandates.mandates_of(tx=tx, customer_id=three[0].customer_id)
        assert (used.mandate_id, used.is_first, used.last_used_on) == (signed[0].mandate_id, False, DAY)
    operator.run(date(2026, 11, 1))
    second = _prepare(operator, date(2026, 12, 31))
    _file(operator, second.run, tmp_path / "d.xml", NOW + timedelta(days=20))
    assert {sequence for _, sequence, _, _ in _sent(tmp_path / "d.xml")} == {"RCUR"}


def test_what_changed_between_run_and_file(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    revoked, paid, half = three
    signed = [_sign(operator, one) for one in three]
    run = _prepare(operator).run
    with operator.database.transaction() as tx:
        mandates.revoke(tx=tx, customer_id=revoked.customer_id, mandate_id=signed[0].mandate_id, why="customer asked", now=NOW)
    numbers = [str(operator.bills(one)[0].bill_number) for one in three]
    _take(operator, tmp_path / "s.xml", receipt("20.00", "A1", text=numbers[1]), receipt("5.00", "A2", text=numbers[2]))
    filed = _file(operator, run, tmp_path / "c.xml")
    assert filed.withdrawn == {"mandate_revoked": 1, "paid": 1}
    assert [amount for _, _, _, amount in _sent(tmp_path / "c.xml")] == ["15.00"]
    assert [_owed(operator, one) for one in (revoked, paid, half)] == ["20.00", "0.00", "0.00"]
    assert _told(operator) == {"pre_notification": 3, "collection_withdrawn": 1}


def test_no_more_is_collected_than_is_owed(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    """What a customer has to their credit settles their bills first: when the run is prepared, and what came since when it is filed."""
    before, since, enough = three
    for one in three:
        _sign(operator, one)
    numbers = [str(operator.bills(one)[0].bill_number) for one in three]
    paid = ("32.00", "20.00", "41.00")
    _take(operator, tmp_path / "s.xml", *(receipt(amount, f"A{amount}", text=number) for amount, number in zip(paid, numbers, strict=True)))
    operator.run(date(2026, 11, 1))
    prepared = _prepare(operator, date(2026, 12, 31))
    assert (prepared.run.count, prepared.run.amount, prepared.passed_by["paid_by_credit"]) == (2, Decimal("28.00"), 1)
    later = NOW + timedelta(days=20)
    with operator.database.transaction() as tx:
        lines = {1: Decimal("5.00")}
        credit_and_settle(tx=tx, number=numbers[1], lines=lines, why="late", by="anna", now=later, identifiers=operator.identifiers)
    filed = _file(operator, prepared.run, tmp_path / "c.xml", later)
    assert (filed.withdrawn, sorted(amount for _, _, _, amount in _sent(tmp_path / "c.xml"))) == ({}, ["15.00", "8.00"])
    assert [_owed(operator, one) for one in three] == ["0.00", "0.00", "-1.00"]
    with operator.database.transaction() as tx:
        assert [open_items(tx=tx, customer_id=one.customer_id) for one in (before, since)] == [[], []]
        assert [*over_settled(tx=tx)] == []


def test_what_is_paid_in_parts_or_contested_meanwhile_is_not_collected(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    in_parts, contested, other = three
    for one in three:
        _sign(operator, one)
    run = _prepare(operator).run
    with operator.database.transaction() as tx:
        plans.agree(
            tx=tx, customer_id=in_parts.customer_id, instalments=2, first_due=date(2026, 12, 28), by="anna.dekker", now=NOW,
            identifiers=operator.identifiers,
        )  # fmt: skip
        disputes.open_dispute(
            tx=tx, customer_id=contested.customer_id, customer_bill_id=operator.bills(contested)[0].customer_bill_id, about="amount",
            by="anna.dekker", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
    filed = _file(operator, run, tmp_path / "c.xml")
    assert filed.withdrawn == {"in_a_plan": 1, "disputed": 1}
    assert [_owed(operator, one) for one in (in_parts, contested, other)] == ["20.00", "20.00", "0.00"]
    assert _told(operator)["collection_withdrawn"] == 0, "who pays in parts is not asked for the whole"


def test_a_batch_that_is_booked_after_a_return_settles_the_others_only(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    for one in three:
        _sign(operator, one)
    _file(operator, _prepare(operator).run, tmp_path / "c.xml")
    sent = _sent(tmp_path / "c.xml")
    back = Booking("-20.00", "R1", "PMNT/IDDT/UPDD", (Part("20.00", end_to_end_id=sent[0][2], return_reason="MD06"),))
    done = _take(operator, tmp_path / "s.xml", back, Booking("60.00", "B1", "PMNT/IDDT/ESDD", batch_id=sent[0][0]))
    assert (done["return"], done["collection: batch"], _books(operator)) == (1, 1, {"1100": "40.00", "1300": "20.00"})
    with operator.database.transaction() as tx:
        states = {row["end_to_end_id"]: row["state"] for row in tx.rows("SELECT end_to_end_id, state FROM receivables.collection")}
    assert [states[one[2]] for one in sent] == ["refunded", "settled", "settled"]


def test_two_who_record_the_same_refusal_do_it_once(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    _sign(operator, three[0])
    _file(operator, _prepare(operator).run, tmp_path / "c.xml")
    [(_, _, end_to_end_id, _)] = _sent(tmp_path / "c.xml")

    def reject(tx: Transaction) -> None:
        collecting.reject(tx=tx, end_to_end_id=end_to_end_id, reason="AC04", now=NOW + timedelta(days=13), identifiers=operator.identifiers)

    def second() -> None:
        with operator.database.transaction() as tx:
            reject(tx)

    with ThreadPoolExecutor(1) as pool:
        with operator.database.transaction() as tx:
            reject(tx)
            waits = pool.submit(second)
            with pytest.raises(TimeoutError):
                waits.result(timeout=0.5)
        with pytest.raises(WrongState, match="is rejected, not on its way"):
            waits.result(timeout=30)
    with operator.database.transaction() as tx, pytest.raises(InvalidInput, match="no code of the bank"):
        collecting.reject(tx=tx, end_to_end_id=end_to_end_id, reason="meneer A. is boos", now=NOW, identifiers=operator.identifiers)


def test_every_mandate_revoked_leaves_nothing_to_file(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    one = _sign(operator, three[0])
    run = _prepare(operator).run
    with operator.database.transaction() as tx:
        mandates.revoke(tx=tx, customer_id=one.customer_id, mandate_id=one.mandate_id, why="customer asked", now=NOW)
    with pytest.raises(WrongState, match="Nothing is left to collect"):
        _file(operator, run, tmp_path / "c.xml")
    assert not (tmp_path / "c.xml").exists()


def test_what_a_statement_settles_is_written_at_once(
    operator: BilledOperator, three: list[Held], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in three:
        _sign(operator, one)
    _file(operator, _prepare(operator).run, tmp_path / "c.xml")
    moved: list[tuple[int, str]] = []

    def move(tx: Transaction, ids: list[UUID], state: str, *words: str, of: tuple[str, ...]) -> None:
        moved.append((len(ids), state))
        really(tx, ids, state, *words, of=of)

    really = _collection_store.move_collections
    monkeypatch.setattr(_collection_store, "move_collections", move)
    ids = [end_to_end_id for _, _, end_to_end_id, _ in _sent(tmp_path / "c.xml")]
    settled = [Booking("20.00", f"B{one}", "PMNT/IDDT/ESDD", (Part("20.00", end_to_end_id=one),)) for one in ids]
    back = [Booking("-20.00", f"R{one}", "PMNT/IDDT/UPDD", (Part("20.00", end_to_end_id=one, return_reason="AM04"),)) for one in ids[:2]]
    done = _take(operator, tmp_path / "s.xml", *settled, *back)
    assert (done["collection"], done["return"], moved) == (3, 2, [(3, "settled"), (2, "returned")])
    assert _books(operator) == {"1100": "20.00", "1300": "40.00"}


def test_collections_that_come_back(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    poor, gone, asks = three
    for one in three:
        _sign(operator, one)
    run = _prepare(operator).run
    _file(operator, run, tmp_path / "c.xml")
    with operator.database.transaction() as tx:
        ids = {row["customer_id"]: row["end_to_end_id"] for row in tx.rows("SELECT customer_id, end_to_end_id FROM receivables.collection")}
    reasons = ((poor, "AM04"), (gone, "AC04"), (asks, "MD06"))
    back = [
        Booking("-20.00", f"R{reason}", "PMNT/IDDT/UPDD", (Part("20.00", end_to_end_id=ids[one.customer_id], return_reason=reason),))
        for one, reason in reasons
    ]
    done = _take(operator, tmp_path / "s.xml", Booking("60.00", "B1", "PMNT/IDDT/ESDD", batch_id=_sent(tmp_path / "c.xml")[0][0]), *back)
    assert (done["collection"], done["return"]) == (1, 3)
    assert ([_owed(operator, one) for one in three], _books(operator)) == (["20.00"] * 3, {"1300": "60.00"})
    assert _told(operator)["collection_returned"] == 2, "not yet of the one that is tried again"
    with operator.database.transaction() as tx:
        states = {row["reason"]: row["state"] for row in tx.rows("SELECT reason, state FROM receivables.collection")}
        assert states == {"AM04": "returned", "AC04": "returned", "MD06": "refunded"}
        assert [mandates.mandates_of(tx=tx, customer_id=one.customer_id)[0].state for one in three] == ["active", "revoked", "active"]
    later = NOW + timedelta(days=25)
    second = _prepare(operator, date(2027, 1, 12), later)
    assert (second.run.count, dict(second.passed_by)["came_back_before"]) == (1, 1)
    _file(operator, second.run, tmp_path / "d.xml", later + timedelta(days=14))
    [(_, sequence, again, _)] = _sent(tmp_path / "d.xml")
    assert sequence == "RCUR"
    with operator.database.transaction() as tx:
        collecting.reject(tx=tx, end_to_end_id=again, reason="AM04", now=later + timedelta(days=15), identifiers=operator.identifiers)
    assert (_owed(operator, poor), _books(operator)) == ("20.00", {"1300": "60.00"})
    with pytest.raises(WrongState, match="Nothing is to be collected"):
        _prepare(operator, date(2027, 2, 12), later)
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="is rejected, not on its way"):
        collecting.reject(tx=tx, end_to_end_id=again, reason="AM04", now=later + timedelta(days=15), identifiers=operator.identifiers)


def test_bad_days_and_bad_mandates_are_refused(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    _sign(operator, three[0])
    for day, says in ((date(2026, 12, 25), "banks do not settle"), (date(2026, 12, 15), "less than 14 days")):
        with pytest.raises(InvalidInput, match=says):
            _prepare(operator, day)
    run = _prepare(operator).run
    with pytest.raises(InvalidInput, match="too late"):
        _file(operator, run, tmp_path / "c.xml", start_of_day(DAY) + timedelta(hours=1))
    with pytest.raises(WrongState, match="has an active mandate"):
        _sign(operator, three[0])
    with pytest.raises(InvalidInput, match="no consumer"):
        _sign(operator, three[1], scheme="b2b")
    with operator.database.transaction() as tx, pytest.raises(InvalidInput, match="iban"):
        mandates.add(
            tx=tx, keeper=operator.keeper, customer_id=three[1].customer_id, text="NL91ABNA0417164301", account_holder="X",
            signed_on=date(2026, 11, 1), by="b", now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip
    with pytest.raises(WrongState, match="Nothing is to be collected"):
        _prepare(operator)
    with operator.database.transaction() as tx:
        kept = str([tx.rows(f"SELECT * FROM receivables.{table}") for table in ("mandate", "collection", "payment")])
    assert "ABNA" not in kept and "Berg" not in kept


def test_a_customer_has_one_active_mandate(operator: BilledOperator, three: list[Held]) -> None:
    """One IBAN is sealed per party: a second one would be collected from for both."""
    one, second = three[0], operator.identifiers.new(NOW)
    account = NewBillingAccount(one.customer_id, second, "transfer", tax_included=True)
    with operator.database.transaction() as tx:
        add_billing_accounts(tx=tx, billing_accounts=[account])
    signed = _sign(operator, one)
    with pytest.raises(WrongState, match="The customer has an active mandate"):
        _sign(operator, one, billing_account_id=second)
    with operator.database.transaction() as tx:
        with pytest.raises(InvalidInput, match="why seems to hold an e-mail address"):
            mandates.revoke(tx=tx, customer_id=one.customer_id, mandate_id=signed.mandate_id, why="asked by j.jansen@voorbeeld.nl", now=NOW)
        mandates.revoke(tx=tx, customer_id=one.customer_id, mandate_id=signed.mandate_id, why="another account", now=NOW)
    assert _sign(operator, one, billing_account_id=second).billing_account_id == second


@pytest.mark.parametrize("said", ["", " ", "a\x1b[31m", "x" * 1_001])
def test_nobody_acts_without_a_name_and_a_reason_that_can_be_shown(operator: BilledOperator, three: list[Held], tmp_path: Path, said: str) -> None:
    signed = _sign(operator, three[0])
    bill = operator.bills(three[0])[0]
    with operator.database.transaction() as tx:
        common: dict[str, Any] = {"tx": tx, "now": NOW}
        making: dict[str, Any] = common | {"identifiers": operator.identifiers}
        whose: dict[str, Any] = {"customer_id": three[0].customer_id}
        contest: dict[str, Any] = whose | {"customer_bill_id": bill.customer_bill_id, "by": said}
        some, entry, path = Decimal(1), operator.identifiers.new(NOW), tmp_path / "r.xml"
        acts: list[Callable[[], object]] = [
            lambda: collecting.prepare(collection_day=DAY, by=said, **making),
            lambda: mandates.revoke(mandate_id=signed.mandate_id, why=said, **whose, **common),
            lambda: refunds.write_file(keeper=operator.keeper, path=path, by=said, **making),
            lambda: refunds.decide(refund_id=entry, approve=True, by=said, **making),
            lambda: refunds.pay_again(refund_id=entry, by=said, **making),
            lambda: settling.write_off(bill_number=str(bill.bill_number), why=said, by="anna", **making),
            lambda: settling.hold_deposit(amount=some, why="security", by=said, **whose, **making),
            lambda: settling.release_deposit(deposit_id=entry, by=said, **whose, **making),
            lambda: bank.assign(bank_entry_id=entry, by=said, **whose, **making),
            lambda: plans.agree(instalments=2, first_due=date(2026, 12, 28), by=said, **whose, **making),
            lambda: dunning.except_customer(kind="other", from_day=DAY, until_day=None, by=said, **whose, **making),
            lambda: disputes.open_dispute(about="amount", **contest, **making),
            lambda: disputes.settle_dispute(outcome="upheld", **contest, **common),
        ]
        for act in acts:
            with pytest.raises(InvalidInput, match="The field (by|why) is empty, too long"):
                act()
    with pytest.raises(InvalidInput, match="The field by is empty"):
        _sign(operator, three[1], by=said)


def test_a_mandate_of_another_system_is_taken_over(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    signed = _sign(operator, three[0])
    with operator.database.transaction() as tx:
        mandates.revoke(tx=tx, customer_id=signed.customer_id, mandate_id=signed.mandate_id, why="moved", now=NOW)
        taken = mandates.take_over(
            tx=tx, keeper=operator.keeper, customer_id=signed.customer_id, by="emma.bakker", now=NOW, identifiers=operator.identifiers
        )
    assert (taken.reference, taken.is_first, taken.signed_on) == (None, False, date(2026, 11, 1))
    _file(operator, _prepare(operator).run, tmp_path / "c.xml")
    assert [sequence for _, sequence, _, _ in _sent(tmp_path / "c.xml")] == ["RCUR"]
    assert str(signed.reference) in (tmp_path / "c.xml").read_text()


def test_refunds_need_two_people_and_go_through_the_bank(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    rich, _, _ = three
    _sign(operator, rich)
    iban = _iban(operator)
    _take(operator, tmp_path / "s.xml", receipt("50.00", "A1", text=str(operator.bills(rich)[0].bill_number)), receipt("9.00", "A2", iban=iban))
    assert _owed(operator, rich) == "-30.00"
    with operator.database.transaction() as tx:
        arguments: dict[str, Any] = {"tx": tx, "now": NOW, "identifiers": operator.identifiers}
        with pytest.raises(InvalidInput, match=r"has 30\.00 to their credit, not 30\.01"):
            refunds.ask(customer_id=rich.customer_id, amount=Decimal("30.01"), reason="te veel", by="bram", **arguments)
        asked = refunds.ask(customer_id=rich.customer_id, amount=Decimal("30.00"), reason="te veel betaald", by="bram", **arguments)
        [waiting] = bank.unmatched(tx=tx)
        back = refunds.give_back(bank_entry_id=waiting.bank_entry_id, reason="niet voor ons", by="bram", **arguments)
        with pytest.raises(AccessDenied, match="does not decide"):
            refunds.decide(refund_id=asked.refund_id, approve=True, by="bram", **arguments)
        with pytest.raises(WrongState, match="No approved refund"):
            refunds.write_file(keeper=operator.keeper, path=tmp_path / "r.xml", by="bram", **arguments)
    assert _owed(operator, rich) == "-30.00"
    with operator.database.transaction() as tx:
        for one in (asked, back):
            refunds.decide(tx=tx, refund_id=one.refund_id, approve=True, by="anna", now=NOW, identifiers=operator.identifiers)
        assert bank.unmatched(tx=tx) == []
    assert _told(operator) == {}, "nothing is on its way yet"
    with operator.database.transaction() as tx:
        made = refunds.write_file(tx=tx, keeper=operator.keeper, path=tmp_path / "r.xml", by="anna", now=NOW, identifiers=operator.identifiers)
    assert (made.count, made.amount, made.left_out) == (2, Decimal("39.00"), ())
    assert _told(operator) == {"refund_sent": 1}, "who is no customer is told of nothing"
    assert (_owed(operator, rich), _books(operator)) == ("0.00", {"1100": "59.00", "1110": "-39.00", "1300": "40.00"})
    root = etree.parse(tmp_path / "r.xml")
    etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")).assertValid(root)
    assert iban in (tmp_path / "r.xml").read_text()
    paid = [
        Booking(f"-{one.amount}", f"P{one.amount}", "PMNT/ICDT/ESCT", (Part(str(one.amount), end_to_end_id=one.end_to_end_id),))
        for one in (asked, back)
    ]
    done = _take(operator, tmp_path / "t.xml", *paid, number=2, opening="59.00")
    assert (done["refund"], _books(operator)) == (2, {"1100": "20.00", "1300": "40.00"})
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="is executed"):
        refunds.decide(tx=tx, refund_id=asked.refund_id, approve=False, by="anna", now=NOW, identifiers=operator.identifiers)
    with operator.database.transaction() as tx:
        payer = bank.payer(tx=tx, keeper=operator.keeper, bank_entry_id=waiting.bank_entry_id)
    assert payer == bank.Payer(None, None), "who got their money back is not kept"
    reversal = Booking("-50.00", "A9", is_reversal=True, parts=(Part("50.00", reverses="A1"),))
    _take(operator, tmp_path / "u.xml", reversal, number=3, opening="20.00")
    assert _owed(operator, rich) == "50.00", "the bill, and what was paid back from money that the bank took back"
    with operator.database.transaction() as tx:
        assert sorted(item.kind for item in open_items(tx=tx, customer_id=rich.customer_id)) == ["bill", "refund"]


def test_a_filed_run_whose_iban_changed_is_not_written_again(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    signed = _sign(operator, three[0])
    run = _prepare(operator).run
    _file(operator, run, tmp_path / "c.xml")
    with operator.database.transaction() as tx:
        mandates.revoke(tx=tx, customer_id=signed.customer_id, mandate_id=signed.mandate_id, why="new bank", now=NOW)
    _sign(operator, three[0])
    with pytest.raises(Conflict, match="would differ"):
        _file(operator, run, tmp_path / "d.xml")


def test_an_amended_mandate_tells_the_bank_with_its_next_collection(operator: BilledOperator, three: list[Held], tmp_path: Path) -> None:
    """The same mandate with another account: at the same bank it goes on, at another it begins anew, and one that was never used tells nothing."""
    same, other, unused = three
    signed = [_sign(operator, one) for one in (same, other)]
    run = _prepare(operator).run
    _file(operator, run, tmp_path / "a.xml")
    _take(operator, tmp_path / "s.xml", Booking("40.00", "B1", "PMNT/IDDT/ESDD", batch_id=_sent(tmp_path / "a.xml")[0][0]))
    signed.append(_sign(operator, unused))
    amended = [
        _amend(operator, has, text) for has, text in zip(signed, (_iban(operator), "NL69INGB0123456789", "NL20INGB0001234567"), strict=True)
    ]  # fmt: skip
    assert [(one.is_first, one.amendment_is_due, one.reference) for one in amended] == [
        (False, True, signed[0].reference), (True, True, signed[1].reference), (True, False, signed[2].reference),
    ]  # fmt: skip
    with pytest.raises(Conflict, match="has this IBAN already"):
        _amend(operator, signed[1], "NL69 INGB 0123 4567 89")
    with pytest.raises(InvalidInput, match="check fails"):
        _amend(operator, signed[1], "NL69INGB0123456788")
    operator.run(date(2026, 11, 1))
    later = _prepare(operator, date(2027, 1, 12), NOW + timedelta(days=15))
    _file(operator, later.run, tmp_path / "b.xml", NOW + timedelta(days=35))
    assert len(_sent(tmp_path / "b.xml")) == 4
    assert _amendments(tmp_path / "b.xml") == {("RCUR", "SMNDA"): 1, ("FRST", "SMNDA"): 1, ("FRST", None): 2}
    _file(operator, later.run, tmp_path / "again.xml", NOW + timedelta(days=36))
    assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "b.xml").read_bytes(), "written again, it is the same to the byte"
    with operator.database.transaction() as tx:
        assert [mandates.mandates_of(tx=tx, customer_id=one.customer_id)[0].amendment_is_due for one in three] == [False] * 3
        row = tx.row("SELECT end_to_end_id FROM receivables.collection WHERE is_amended AND sequence_type = 'FRST'")
        assert row is not None
        collecting.reject(tx=tx, end_to_end_id=row["end_to_end_id"], reason="AM04", now=NOW + timedelta(days=36), identifiers=operator.identifiers)
        again = mandates.mandates_of(tx=tx, customer_id=other.customer_id)[0]
        assert (again.is_first, again.amendment_is_due) == (True, True), "what the bank refused is told again"
    with operator.database.transaction() as tx:
        told = tx.rows("SELECT parameters FROM messages.message WHERE kind = 'mandate_amended'")
    assert [set(row["parameters"]) for row in told] == [{"mandate"}] * 3, "nothing of the IBAN"


def _amend(operator: BilledOperator, has: Mandate, text: str) -> Mandate:
    with operator.database.transaction() as tx:
        return mandates.amend(
            tx=tx, keeper=operator.keeper, customer_id=has.customer_id, mandate_id=has.mandate_id, text=text, by="bram.visser",
            now=NOW + timedelta(days=14), identifiers=operator.identifiers,
        )  # fmt: skip


def _amendments(path: Path) -> Counter[tuple[str, str | None]]:
    """How many collections of a pain.008 have each sequence type and say what of the account before."""
    found = Counter[tuple[str, str | None]]()
    for part in etree.parse(path).getroot().iter(f"{_P8}PmtInf"):
        kind = str(part.findtext(f".//{_P8}SeqTp"))
        for each in part.iter(f"{_P8}DrctDbtTxInf"):
            found[kind, each.findtext(f".//{_P8}OrgnlDbtrAcct//{_P8}Id/{_P8}Othr/{_P8}Id")] += 1
    return found
