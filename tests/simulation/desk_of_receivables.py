"""What comes by the bank and over the desk in a month: statements, direct debits, refunds, deposits, write-offs, credit notes, dunning."""

import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from factories.bank_files import Answer, Booking, Part, Statement, camt, pain002
from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing.queries import bills_of
from hoeksteen.kernel.bank_days import bank_day_on_or_after
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables import bank, collecting, crediting, dunning, interest, mandates, refunds, settling, status_reports
from hoeksteen.receivables.queries import balance, open_items

_MORE = Decimal("60.00")
_POLICY = dunning.read_policy("{minimum: 5, steps: [{kind: interest, after_days: 7}, {kind: reminder, after_days: 0}]}")


@dataclass
class Desk:
    """
    The operator's desk of receivables, and what its bank says.

    :param stated: euros on the bank account by its statements
    """

    operator: BilledOperator
    chance: random.Random
    folder: Path
    stated: Decimal = Decimal("0.00")
    signed: list[Held] = field(default_factory=list)
    credited: set[UUID] = field(default_factory=set)
    files: int = 0

    def month(self, month: date) -> None:
        """Let the month after a bill pass."""
        without = {one.customer_id: one for one in reversed(self.operator.held)}
        for one in [one for one in reversed(without.values()) if one.customer_id not in {held.customer_id for held in self.signed}][:3]:
            self._sign(one, month)
        payer = self.signed[0]
        self._receive(payer, month + timedelta(days=9))
        self._refund_and_hold(payer, month + timedelta(days=10))
        self._collect(month)
        self._give_up(month + timedelta(days=25))
        at = _at(month + timedelta(days=26))
        day, common = month + timedelta(days=26), {"now": at, "identifiers": self.operator.identifiers}
        dunning.run(database=self.operator.database, day=day, policy=_POLICY, **common)
        self._waive(day)

    def _waive(self, day: date) -> None:
        """One charge of interest is taken back."""
        customers = sorted({one.customer_id for one in self.operator.held})
        with self.operator.database.transaction() as tx:
            charged = [item for one in customers for item in open_items(tx=tx, customer_id=one) if item.kind == "interest"]
            if charged:
                item = self.chance.choice(charged)
                assert item.customer_bill_id is not None
                interest.waive(
                    tx=tx, customer_id=item.customer_id, fee_id=item.customer_bill_id, why="goodwill", by="bram", now=_at(day),
                    identifiers=self.operator.identifiers,
                )  # fmt: skip

    def _sign(self, one: Held, month: date) -> None:
        account = f"{self.operator.identifiers.new(_at(month)).int % 10**10:010d}"
        check = 98 - int("".join(str(int(sign, 36)) for sign in f"ABNA{account}NL00")) % 97
        with self.operator.database.transaction() as tx:
            mandates.add(
                tx=tx, keeper=self.operator.keeper, customer_id=one.customer_id, text=f"NL{check:02d}ABNA{account}", account_holder="J. Berg",
                signed_on=month, by="bram", now=_at(month), identifiers=self.operator.identifiers,
            )  # fmt: skip
        self.signed.append(one)

    def _receive(self, payer: Held, day: date) -> None:
        """Somebody pays too much, as a notification announces and a statement books; somebody else says not who they are."""
        with self.operator.database.transaction() as tx:
            bill = bills_of(tx=tx, customer_id=payer.customer_id)[0]
            amount = max(balance(tx=tx, customer_id=payer.customer_id), Decimal(0)) + _MORE
        paid = Booking(str(amount), f"N{self.files}", parts=(Part(str(amount), text=str(bill.bill_number)),), day=day)
        nobody = Booking("7.77", f"U{self.files}", parts=(Part("7.77", text="met dank"),), day=day)
        self._take(day, paid, kind="054")
        self._take(day + timedelta(days=1), paid, nobody)
        if self.chance.random() < 0.5:
            with self.operator.database.transaction() as tx:
                waits = bank.unmatched(tx=tx)[0]
                bank.assign(
                    tx=tx, bank_entry_id=waits.bank_entry_id, customer_id=payer.customer_id, by="bram", now=_at(day + timedelta(days=1)),
                    identifiers=self.operator.identifiers,
                )  # fmt: skip

    def _refund_and_hold(self, payer: Held, day: date) -> None:
        """Of what was paid too much, a part goes back and a part is held; a part of what is held is released at once."""
        common = {"now": _at(day), "identifiers": self.operator.identifiers}
        with self.operator.database.transaction() as tx:
            asked = refunds.ask(tx=tx, customer_id=payer.customer_id, amount=Decimal("30.00"), reason="paid too much", by="bram", **common)
            refunds.decide(tx=tx, refund_id=asked.refund_id, approve=True, by="fatma", **common)
            refunds.write_file(tx=tx, keeper=self.operator.keeper, path=self._path("pain001"), by="fatma", **common)
            for amount in ("10.00", "5.00"):
                held = settling.hold_deposit(tx=tx, customer_id=payer.customer_id, amount=Decimal(amount), why="late before", by="bram", **common)
            settling.release_deposit(tx=tx, customer_id=payer.customer_id, deposit_id=held.deposit_id, by="bram", **common)
        back = Booking("-30.00", f"R{self.files}", parts=(Part("-30.00", asked.end_to_end_id),), day=day + timedelta(days=1))
        self._take(day + timedelta(days=1), back)

    def _collect(self, month: date) -> None:
        """What is due is collected: the first is refused by the bank, the second comes back, the others are paid."""
        day = bank_day_on_or_after(month + timedelta(days=19))
        common = {"identifiers": self.operator.identifiers}
        try:
            with self.operator.database.transaction() as tx:
                run = collecting.prepare(tx=tx, collection_day=day, by="bram", now=_at(month + timedelta(days=1)), **common).run
            with self.operator.database.transaction() as tx:
                keeper, path, at = self.operator.keeper, self._path("pain008"), _at(month + timedelta(days=14))
                collecting.file(tx=tx, keeper=keeper, collection_run_id=run.collection_run_id, path=path, now=at, **common)
                sql = (
                    "SELECT end_to_end_id AS id, amount, batch FROM receivables.collection WHERE collection_run_id = %s AND state = 'sent' ORDER BY 1"
                )
                rows = tx.rows(sql, (run.collection_run_id,))
            sent = [(str(row["id"]), str(row["amount"])) for row in rows]
            if len(sent) > 1:
                name, amount = sent.pop(0)
                refused = Answer(name, "RJCT", "AM04", str(rows[0]["batch"]), amount)
                report = pain002(self._path("pain002"), refused, about=run.message_id, message=f"R-{self.files}", group=("PART", ""))
                status_reports.take(database=self.operator.database, path=report, now=at, **common)
        except WrongState:
            return  # nobody owes anything by direct debit
        bookings = [Booking(amount, f"{name}+", "PMNT/IDDT/ESDD", (Part(amount, name),), day=day) for name, amount in sent]
        name, amount = sent[0]
        back = Booking(f"-{amount}", f"{name}-", "PMNT/IDDT/UPDD", (Part(f"-{amount}", name, return_reason="AM04"),), day=day + timedelta(days=2))
        self._take(day + timedelta(days=2), *bookings, back)

    def _give_up(self, day: date) -> None:
        """One open bill is written off, another bill is credited."""
        with self.operator.database.transaction() as tx:
            customers = sorted({one.customer_id for one in self.operator.held})
            items = [item for one in customers for item in open_items(tx=tx, customer_id=one) if item.kind == "bill"]
            bills = [bill for one in customers for bill in bills_of(tx=tx, customer_id=one) if bill.gross > 0]
        common = {"by": "bram", "now": _at(day), "identifiers": self.operator.identifiers}
        with self.operator.database.transaction() as tx:
            if items:
                settling.write_off(tx=tx, bill_number=self.chance.choice(items).reference, why="bankrupt", **common)
            left = [bill for bill in bills if bill.customer_bill_id not in self.credited]
            if left:
                bill = self.chance.choice(left)
                self.credited.add(bill.customer_bill_id)
                with suppress(WrongState):  # a sale in parts is taken back, not credited
                    crediting.credit_and_settle(tx=tx, number=str(bill.bill_number), lines=None, why="out of order", **common)

    def _take(self, day: date, *bookings: Booking, kind: str = "053") -> None:
        name, opening = f"S-{self.files}", str(self.stated)
        path = camt(self._path("camt"), Statement(bookings, name, None, opening), kind=kind)
        bank.take(database=self.operator.database, keeper=self.operator.keeper, path=path, now=_at(day), identifiers=self.operator.identifiers)
        if kind == "053":
            self.stated += sum(Decimal(one.amount) for one in bookings)

    def _path(self, name: str) -> Path:
        self.files += 1
        return self.folder / f"{name}-{self.files}.xml"


def _at(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=12)
