"""What people charge, credit and sell in parts in a month, some of it withdrawn, approved, paid off or taken back."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing import charges, instalments
from hoeksteen.kernel.time_period import start_of_day

_KINDS = ("sim-replacement", "engineer-visit", "compensation")


@dataclass
class Counter:
    """Who grants things; `plans` are those that were agreed."""

    operator: BilledOperator
    chance: random.Random
    plans: list[UUID] = field(default_factory=list)

    def month(self, month: date) -> None:
        """Let a month pass, before it is billed."""
        for one in self._some(3):
            self._charge(one, start_of_day(month + timedelta(days=self.chance.randrange(27))))
        for one in self._some(2):
            self._sell(one, start_of_day(month + timedelta(days=self.chance.randrange(27))))
        if self.plans and self.chance.random() < 0.6:
            self._end(self.plans.pop(self.chance.randrange(len(self.plans))), start_of_day(month + timedelta(days=27)))

    def _some(self, most: int) -> list[Held]:
        return self.chance.sample(self.operator.held, min(most, len(self.operator.held)))

    def _charge(self, one: Held, now: datetime) -> None:
        amount = Decimal(self.chance.choice(("4.95", "-7.50", "33.33", "-120.00", "0.01")))
        with self.operator.database.transaction() as tx:
            made = charges.grant(
                tx=tx, billing_account_id=one.billing_account_id, amount=amount, kind=self.chance.choice(_KINDS), why="seed", by="anna", now=now,
                identifiers=self.operator.identifiers,
            )  # fmt: skip
            if made.state == "asked" and self.chance.random() < 0.7:
                charges.decide(tx=tx, account_charge_id=made.account_charge_id, approve=self.chance.random() < 0.6, by="bas", now=now)
            elif self.chance.random() < 0.2:
                charges.withdraw(tx=tx, account_charge_id=made.account_charge_id, by="bas", now=now)

    def _sell(self, one: Held, now: datetime) -> None:
        amount, parts = Decimal(self.chance.choice(("100.00", "479.99"))), self.chance.randrange(2, 6)
        on_end = self.chance.choice(("goes_on", "falls_due", "stops"))
        with self.operator.database.transaction() as tx:
            made = instalments.agree(
                tx=tx, billing_account_id=one.billing_account_id, amount=amount, parts=parts, product_id=one.product_id, on_end=on_end,
                kind="device", why="seed", by="anna", now=now, identifiers=self.operator.identifiers,
            )  # fmt: skip
        self.plans.append(made.instalment_plan_id)

    def _end(self, plan_id: UUID, now: datetime) -> None:
        with self.operator.database.transaction() as tx:
            (plan,) = instalments.plans_by_id(tx=tx, instalment_plan_ids=[plan_id])
            if plan.standing == "open":
                end = instalments.settle if self.chance.random() < 0.5 else instalments.take_back
                end(tx=tx, instalment_plan_id=plan_id, by="anna", now=now)
