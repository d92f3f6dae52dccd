"""A whole operator for some months, from one seed: customers come, change their plan and leave, use, are billed, and pay as people do."""

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from factories.billed_operator import NOW, BilledOperator, Held
from hoeksteen.billing.departments import move_department
from hoeksteen.billing.queries import bills_of
from hoeksteen.kernel.time_period import add_months, start_of_day
from hoeksteen.party.model import NewBillingAccount
from hoeksteen.party.operations import add_billing_accounts
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewAlteration
from hoeksteen.receivables.operations import register_payment
from hoeksteen.storage.postgres import Transaction
from simulation.desk_of_charges import Counter
from simulation.desk_of_receivables import Desk

MOBILE = ("mobile-s", "mobile-m", "mobile-l")
HOME = ("internet-100", "internet-500", "tv-basic")


@dataclass
class Simulation:
    """
    The operator, and what the world knows of it by itself.

    :param paid: euros that each billing account has paid, as was registered by hand
    :param companies: billing accounts of companies and of what may be their departments; those `inside` stand on the company's bills
    :param counter: what people charge, credit and sell in parts
    :param desk: what comes by the bank and over the desk beside them
    """

    operator: BilledOperator
    chance: random.Random
    paid: dict[UUID, Decimal] = field(default_factory=dict)
    bank: int = 0
    desk: Desk | None = None
    companies: list[tuple[UUID, UUID]] = field(default_factory=list)
    inside: set[UUID] = field(default_factory=set)
    counter: Counter | None = None

    def month(self, month: date) -> None:
        """Let a month pass, and bill it on the first day of the next."""
        for _ in range(self.chance.randrange(2, 5)):
            self._comes(month)
        for one in self._some(0.15):
            self._changes(one, month)
        self._reorganise(month)
        metered = [one for one in self.operator.held if "mobile" in one.offering and self.chance.random() < 0.8]
        if metered:
            self.operator.charge(metered, month=month, records=self.chance.randrange(1, 4))
        if self.counter is not None:
            self.counter.month(month)
        self.operator.run(month)
        self._pay(add_months(month, 1))
        if self.desk is not None:
            self.desk.month(add_months(month, 1))

    def _some(self, share: float) -> list[Held]:
        return [one for one in self.operator.held if self.chance.random() < share]

    def _comes(self, month: date) -> None:
        business = not self.operator.held or self.chance.random() < 0.2
        offerings = ("business-mobile", "business-internet") if business else (self.chance.choice(MOBILE), self.chance.choice(HOME))
        discount = NewAlteration(self.operator.identifiers.new(start_of_day(month)), "welkom", "percentage", Decimal("-12.50"), month)
        start = month + timedelta(days=self.chance.randrange(28))
        held = self.operator.add(
            *offerings, segment="business" if business else "consumer", start=start, billed_to=start,
            alterations=(discount,) if self.chance.random() < 0.4 else (),
        )  # fmt: skip
        if business and (not self.companies or self.chance.random() < 0.7):
            self._splits(held)

    def _splits(self, held: list[Held]) -> None:
        """Let a company keep its first product on a billing account of its own, which may become a department."""
        first, account_id = held[0], self.operator.identifiers.new(NOW)
        with self.operator.database.transaction() as tx:
            add_billing_accounts(tx=tx, billing_accounts=[NewBillingAccount(first.customer_id, account_id, "transfer", False)])
            tx.execute("UPDATE product.product SET billing_account_id = %s WHERE product_id = %s", (account_id, first.product_id))
        self.operator.held[self.operator.held.index(first)] = replace(first, billing_account_id=account_id)
        self.companies.append((first.billing_account_id, account_id))

    def _reorganise(self, month: date) -> None:
        """Move departments in and out, from the month that is still to be billed."""
        for parent, department in self.companies:
            if self.chance.random() < 0.5:
                inside = department in self.inside
                with self.operator.database.transaction() as tx:
                    top = None if inside else parent
                    move_department(tx=tx, billing_account_id=department, parent_billing_account_id=top, from_day=month)
                self.inside ^= {department}

    def _changes(self, one: Held, month: date) -> None:
        """Change a plan, suspend, resume or end a product, where it can be."""
        day = month + timedelta(days=self.chance.randrange(28))
        common = {"customer_id": one.customer_id, "product_id": one.product_id, "from_day": day, "now": start_of_day(month)}
        with self.operator.database.transaction() as tx:
            last = max(product_terms(tx, one), key=lambda row: row["valid_from"])
            if last["valid_from"] >= start_of_day(day) or last["status"] == "terminated":
                return
            kind = self.chance.choice(("plan", "suspend", "terminate", "plan"))
            if last["status"] == "suspended":
                product.resume(tx=tx, **common)
            elif kind == "plan" and one.offering in MOBILE:
                other = self.chance.choice([plan for plan in MOBILE if plan != last["product_offering_id"]])
                product.change_offering(tx=tx, product_offering_id=other, **common)
            elif kind == "suspend":
                product.suspend(tx=tx, **common)
            elif kind == "terminate":
                product.terminate(tx=tx, **common)

    def _pay(self, month: date) -> None:
        """Pay in time, late, in part, twice or too much, or not at all; with the number of a bill, or with none."""
        for customer_id in sorted({one.customer_id for one in self.operator.held}):
            with self.operator.database.transaction() as tx:
                bills = [bill for bill in bills_of(tx=tx, customer_id=customer_id) if bill.gross > 0]
            if not bills:
                continue
            bill = self.chance.choice(bills)
            for share in self.chance.choice(((), ("1",), ("1",), ("0.5",), ("0.3", "0.7"), ("1", "1"), ("1.4",))):
                amount = max((bill.gross * Decimal(share)).quantize(Decimal("0.01")), Decimal("0.01"))
                reference = str(bill.bill_number) if self.chance.random() < 0.7 else "met dank"
                self._register(customer_id, bill.billing_account_id, amount, month + timedelta(days=self.chance.randrange(28)), reference)

    def _register(self, customer_id: UUID, billing_account_id: UUID, amount: Decimal, day: date, reference: str) -> None:
        self.bank += 1
        now: datetime = start_of_day(day + timedelta(days=1))
        with self.operator.database.transaction() as tx:
            register_payment(
                tx=tx, customer_id=customer_id, billing_account_id=billing_account_id, amount=amount, received_on=day, reference=reference,
                bank_reference=f"B{self.bank}", now=now, identifiers=self.operator.identifiers,
            )  # fmt: skip
        self.paid[billing_account_id] = self.paid.get(billing_account_id, Decimal(0)) + amount


def product_terms(tx: Transaction, one: Held) -> list[dict[str, object]]:
    """The history of a product as rows."""
    return tx.rows("SELECT valid_from, status, product_offering_id FROM product.product_term WHERE product_id = %s", (one.product_id,))
