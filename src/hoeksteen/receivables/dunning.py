"""
Dunning: what becomes of bills that are late, by a policy that is a file (`dunning.yaml`).

Nothing is asked of a bill that is contested, about to be collected or in a payment plan that is kept, nor of a customer who is excepted.
Costs come after the letter of article 6:96 of the Dutch civil code only, never for the letter itself, and never more than it named.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import Any, Literal, get_args
from uuid import UUID

import yaml

from hoeksteen.care.disputes import open_disputes
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.queries import list_customers
from hoeksteen.receivables import _dunning_store, _settling_store, _store
from hoeksteen.receivables.collection_costs import collection_costs, last_day_to_pay
from hoeksteen.receivables.interest import Accrued, accrued_of, book
from hoeksteen.receivables.model import OpenItem
from hoeksteen.receivables.plans import review
from hoeksteen.receivables.queries import open_items_of
from hoeksteen.storage.postgres import Database, Row, Transaction

StepKind = Literal["reminder", "fourteen_day_letter", "collection_costs", "block_notice", "block", "interest", "hand_over"]
ExceptionKind = Literal["debt_counselling", "deceased", "arrangement", "other"]
_KINDS: tuple[StepKind, ...] = get_args(StepKind)
EXCEPTIONS: tuple[str, ...] = get_args(ExceptionKind)
SOURCE = "collection costs"
_PAGE = 2_500
_WARNING = timedelta(days=14)  # between the notice and a block, whatever a policy says
INCOMING_DAYS = 30
_NOTHING = Decimal("0.00")
_MESSAGES = {
    "reminder": MessageKind.REMINDER, "fourteen_day_letter": MessageKind.FOURTEEN_DAY_LETTER, "collection_costs": MessageKind.COLLECTION_COSTS,
    "block_notice": MessageKind.BLOCK_NOTICE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What is done about late bills.

    :param minimum: euros; below it nothing is done
    :param steps: kind, and days after the step before; of the first after the due date
    :param incoming_days: how long what is blocked can still be called
    """

    minimum: Decimal
    steps: tuple[tuple[StepKind, int], ...]
    incoming_days: int = INCOMING_DAYS


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """
    The services of a customer that are to be blocked: those on these bills, of which `principal` euros are open.

    :param incoming_days: how long they can still be called
    """

    customer_id: UUID
    dunning_case_id: UUID
    bills: tuple[OpenItem, ...]
    principal: Decimal
    incoming_days: int


Blocker = Callable[[Transaction, BlockOrder], int]


@dataclass(frozen=True, slots=True)
class DunningRun:
    """
    What a run did.

    :param steps: how many of each kind were taken
    :param passed_by: billing accounts of whom nothing was asked though something is late, by reason
    :param costs: euros that were charged, interest too
    """

    day: date
    steps: Mapping[str, int]
    passed_by: Mapping[str, int]
    closed: int
    costs: Decimal


@dataclass(frozen=True, slots=True)
class DunningStep:
    """
    A step that was taken.

    :param costs: that the letter named, or that were charged
    :param pay_by: of the letter, the last day without costs
    """

    customer_id: UUID
    dunning_case_id: UUID
    step: int
    kind: str
    taken_on: date
    principal: Decimal
    costs: Decimal
    customer_bill_ids: tuple[UUID, ...]
    pay_by: date | None


@dataclass(frozen=True, slots=True)
class DunningCase:
    """Late bills of a billing account, from the first reminder until they are paid."""

    customer_id: UUID
    dunning_case_id: UUID
    billing_account_id: UUID
    opened_on: date
    closed_on: date | None
    steps: tuple[DunningStep, ...]


@dataclass(frozen=True, slots=True)
class DunningException:
    """Why nothing is asked of a customer, from a day up to another."""

    dunning_exception_id: UUID
    kind: str
    from_day: date
    until_day: date | None
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class _Late:
    """What is late of one billing account and may be asked for."""

    bills: tuple[OpenItem, ...]
    principal: Decimal


def read_policy(text: str | None = None) -> Policy:
    """
    Read a policy; without a text, the one that is shipped.

    :raises InvalidInput: when a step is unknown, costs come before the letter, or a number is none; it names the step
    """
    found = yaml.safe_load(resources.files("hoeksteen.receivables").joinpath("dunning.yaml").read_text("utf-8") if text is None else text)
    remedy = "Write it as receivables/dunning.yaml shows."
    if not isinstance(found, dict) or set(found) != {"minimum", "steps"} or not isinstance(found["steps"], list):
        raise InvalidInput("The policy needs minimum and steps.", remedy=remedy, field="steps")
    steps: list[tuple[StepKind, int]] = []
    incoming_days = INCOMING_DAYS
    for number, step in enumerate(found["steps"], start=1):
        kind = next((one for one in _KINDS if isinstance(step, dict) and step.get("kind") == one), None)
        days = step.get("after_days") if isinstance(step, dict) else None
        if kind is None or not isinstance(days, int) or not 0 <= days <= 365:
            raise InvalidInput(f"Step {number} of the policy needs a kind and after_days from 0 to 365.", remedy=remedy, field="steps")
        if kind == "collection_costs" and (not steps or steps[-1][0] != "fourteen_day_letter"):
            raise InvalidInput(f"Step {number} charges costs without the letter just before it.", remedy=remedy, field="steps")
        if kind == "block":
            if "block_notice" not in [before for before, _ in steps]:
                raise InvalidInput(f"Step {number} blocks services without a notice before it.", remedy=remedy, field="steps")
            incoming_days = step.get("incoming_days", incoming_days)
            if not isinstance(incoming_days, int) or not 1 <= incoming_days <= 365:
                raise InvalidInput(f"Step {number} needs incoming_days from 1 to 365.", remedy=remedy, field="steps")
        steps.append((kind, days))
    minimum = _euros(found["minimum"])
    if not steps or minimum is None:
        raise InvalidInput("The policy needs a minimum and a step.", remedy=remedy, field="minimum")
    return Policy(minimum, tuple(steps), incoming_days)


def _euros(found: object) -> Decimal | None:
    try:
        amount = Decimal(str(found))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def run(
    *, database: Database, day: date, now: datetime, identifiers: Identifiers, policy: Policy | None = None, block: Blocker | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> DunningRun:  # fmt: skip
    """
    Take the step that is due of everybody who is late, page by page in transactions of their own; the same day again changes nothing.

    :param block: suspends services in the step's transaction, and says how many; without it that step waits
    :param progress: told after each page how many customers it had
    :raises WrongState: when the books of that day are closed
    """
    rules, after = policy or read_policy(), None
    steps, passed, closed, costs = Counter[str](), Counter[str](), 0, _NOTHING
    while True:
        with database.transaction() as tx:
            page = list_customers(tx=tx, after=after, limit=_PAGE)
            if not page:
                break
            require_open(tx=tx, day=day, what="the day of the run")
            _store.lock_all(tx)
            done = _Page(tx, rules, day, now, identifiers, block)
            done.take([one.customer_id for one in page])
        after = page[-1].customer_id
        steps += done.steps
        passed += done.passed
        closed, costs = closed + done.closed, costs + done.costs
        progress(len(page))
    return DunningRun(day, steps, passed, closed, costs)


class _Page:
    """The customers of one transaction."""

    def __init__(self, tx: Transaction, policy: Policy, day: date, now: datetime, identifiers: Identifiers, block: Blocker | None) -> None:
        self._block = block
        self._tx, self._policy, self._day, self._now, self._identifiers = tx, policy, day, now, identifiers
        self._accrued: dict[UUID, list[Accrued]] = {}
        self._interest: list[Accrued] = []
        self._new_cases: list[tuple[Any, ...]] = []
        self._new_steps: list[tuple[Any, ...]] = []
        self._fees: list[tuple[Any, ...]] = []
        self._entries: list[JournalEntry] = []
        self._messages: list[NewMessage] = []
        self._to_close: list[UUID] = []
        self.steps, self.passed, self.closed, self.costs = Counter[str](), Counter[str](), 0, _NOTHING

    def take(self, customer_ids: Sequence[UUID]) -> None:
        tx = self._tx
        items = open_items_of(tx=tx, customer_ids=customer_ids)
        disputed = {one.customer_bill_id for one in open_disputes(tx=tx, customer_ids=customer_ids)}
        collected = _settling_store.bills_to_be_collected(tx, customer_ids)
        planned = {claim for plan in review(tx=tx, items=items, day=self._day) for claim in plan.claims}
        excepted = _dunning_store.excepted(tx, customer_ids, self._day)
        if any(kind == "interest" for kind, _ in self._policy.steps):
            self._accrued = accrued_of(tx=tx, items=items, until=self._day)
        cases = {row["billing_account_id"]: row for row in _dunning_store.open_cases(tx, customer_ids)}
        steps: dict[UUID, list[Row]] = {}
        for row in _dunning_store.steps(tx, [case["dunning_case_id"] for case in cases.values()]):
            steps.setdefault(row["dunning_case_id"], []).append(row)
        for customer_id, found in items.items():
            late = [one for one in found if one.kind == "bill" and one.due_date is not None and one.due_date < self._day]
            accounts = {one.billing_account_id for one in late}
            for case in [one for account, one in cases.items() if one["customer_id"] == customer_id and account not in accounts]:
                self._close(case)
            for account in sorted(accounts):
                bills = [one for one in late if one.billing_account_id == account]
                asked = [one for one in bills if one.customer_bill_id not in disputed | collected | planned]
                if customer_id in excepted or not asked:
                    in_a_plan = any(one.customer_bill_id in planned for one in bills)
                    self.passed["excepted" if customer_id in excepted else "in_a_plan" if in_a_plan else "disputed_or_collected"] += 1
                    continue
                credit = -sum((one.open_amount for one in found if one.open_amount < 0), _NOTHING)
                known = cases.get(account)
                self._of_account(asked, credit, known, steps.get(known["dunning_case_id"], []) if known else [])
        self._write()

    def _of_account(self, bills: Sequence[OpenItem], credit: Decimal, case: Row | None, taken: Sequence[Row]) -> None:
        letter = next((row for row in taken if row["kind"] == "fourteen_day_letter"), None)
        if letter is not None:
            bills = [one for one in bills if one.customer_bill_id in letter["customer_bill_ids"]]
            if not bills and case is not None:
                self._close(case)  # what the letter named is paid; what else is late begins with a reminder
                return
        late = _Late(tuple(bills), max(_NOTHING, sum((one.open_amount for one in bills), -credit)))
        if late.principal < self._policy.minimum:
            self.passed["below_minimum"] += 1
            return
        if len(taken) >= len(self._policy.steps) or any(row["kind"] == "hand_over" for row in taken):
            self.passed["with_a_person"] += 1
            return
        kind, days = self._policy.steps[len(taken)]
        if kind == "block":
            narrowed = self._to_block(late, credit, taken)
            if narrowed is None:
                return
            late = narrowed
        since = taken[-1]["taken_on"] if taken else min(one.due_date for one in bills if one.due_date is not None)
        is_too_early = self._day < since + timedelta(days=days)
        if is_too_early or (kind == "collection_costs" and letter is not None and self._day <= letter["pay_by"]):
            return
        self._step(late, kind, case, len(taken) + 1, letter)

    def _to_block(self, late: _Late, credit: Decimal, taken: Sequence[Row]) -> _Late | None:
        """Give what services may be blocked for: bills of the notice alone, and that two weeks before."""
        notice = next((row for row in reversed(taken) if row["kind"] == "block_notice"), None)
        if notice is None or self._day <= notice["taken_on"] + _WARNING:
            return None
        if self._block is None:
            self.passed["nobody_to_block"] += 1
            return None
        bills = tuple(one for one in late.bills if one.customer_bill_id in notice["customer_bill_ids"])
        principal = max(_NOTHING, sum((one.open_amount for one in bills), -credit))
        if principal < self._policy.minimum:
            self.passed["below_minimum"] += 1
            return None
        return _Late(bills, principal)

    def _step(self, late: _Late, kind: StepKind, case: Row | None, number: int, letter: Row | None) -> None:
        first = late.bills[0]
        case_id = case["dunning_case_id"] if case is not None else self._identifiers.new(self._now)
        if case is None:
            self._new_cases.append((first.customer_id, case_id, first.billing_account_id, self._day))
        costs, pay_by = _NOTHING, None
        if kind == "fourteen_day_letter":
            costs, pay_by = collection_costs(late.principal), last_day_to_pay(self._day)
        elif kind == "collection_costs" and letter is not None:
            costs = min(letter["costs"], collection_costs(late.principal))
            self._charge(first, costs)
        elif kind == "block" and self._block is not None:
            self._block(self._tx, BlockOrder(first.customer_id, case_id, late.bills, late.principal, self._policy.incoming_days))
        elif kind == "interest":
            charged = [
                one for one in self._accrued.get(first.customer_id, []) if one.customer_bill_id in {bill.customer_bill_id for bill in late.bills}
            ]
            self._interest += charged
            costs = sum((one.amount for one in charged), _NOTHING)
            self.costs += costs
        bill_ids = [one.customer_bill_id for one in late.bills]
        self._new_steps.append((first.customer_id, case_id, number, kind, self._day, late.principal, costs, bill_ids, pay_by))
        self.steps[kind] += 1
        if kind in _MESSAGES:
            facts = {"bill_number": ", ".join(one.reference for one in late.bills), "amount": str(late.principal), "costs": str(costs)}
            until = pay_by or self._day + timedelta(days=14)
            parameters = {**facts, "until": until.isoformat()}
            self._messages.append(NewMessage(first.customer_id, self._identifiers.new(self._now), _MESSAGES[kind], parameters, self._now))

    def _charge(self, of: OpenItem, costs: Decimal) -> None:
        fee_id = self._identifiers.new(self._now)
        self._fees.append((of.customer_id, fee_id, of.billing_account_id, "collection_costs", costs, self._now, self._day))
        postings = (
            Posting(LedgerAccountCode.DEBTORS, costs, of.customer_id, of.billing_account_id), Posting(LedgerAccountCode.COLLECTION_FEES, -costs),
        )  # fmt: skip
        self._entries.append(JournalEntry(self._identifiers.new(self._now), self._day, SOURCE, str(fee_id), self._now, postings))
        self.costs += costs

    def _close(self, case: Row) -> None:
        self._to_close.append(case["dunning_case_id"])
        self.closed += 1

    def _write(self) -> None:
        _dunning_store.insert_cases(self._tx, self._new_cases)
        _dunning_store.insert_steps(self._tx, self._new_steps)
        _dunning_store.insert_fees(self._tx, self._fees)
        _dunning_store.close(self._tx, self._to_close, self._day)
        post(tx=self._tx, entries=self._entries)
        book(tx=self._tx, charges=self._interest, day=self._day, by="policy", now=self._now, identifiers=self._identifiers)
        enqueue(tx=self._tx, messages=self._messages)


def asked_for(*, tx: Transaction, customer_ids: Sequence[UUID], cases: Sequence[UUID], day: date) -> set[UUID]:
    """
    Give the bills for which services were blocked in some cases and that are still asked for: open, late, not contested, in no plan that
    is kept, and of no customer who is excepted.
    """
    items = open_items_of(tx=tx, customer_ids=customer_ids)
    disputed = {one.customer_bill_id for one in open_disputes(tx=tx, customer_ids=customer_ids)}
    planned = {claim for plan in review(tx=tx, items=items, day=day) for claim in plan.claims}
    excepted = _dunning_store.excepted(tx, customer_ids, day)
    of_steps = {bill for row in _dunning_store.steps(tx, cases) if row["kind"] == "block" for bill in row["customer_bill_ids"]}
    owed = {
        one.customer_bill_id for customer_id, found in items.items() if customer_id not in excepted for one in found
        if one.kind == "bill" and one.open_amount > 0 and one.customer_bill_id is not None
    }  # fmt: skip
    return {bill for bill in owed if bill is not None} & (of_steps - disputed - planned)


def except_customer(
    *, tx: Transaction, customer_id: UUID, kind: str, from_day: date, until_day: date | None, by: str, now: datetime, identifiers: Identifiers
) -> DunningException:  # fmt: skip
    """
    Ask nothing of a customer for a time.

    :param until_day: the first day on which something may be asked again; None: until further notice
    :raises InvalidInput: when the kind is no word of the list, the days are none, or nobody is named
    """
    if kind not in EXCEPTIONS or not 1 <= len(by.strip()) <= 60 or (until_day is not None and until_day <= from_day):
        raise InvalidInput(
            f"An exception needs a kind of {', '.join(EXCEPTIONS)}, days that follow each other, and who makes it.", remedy="Mend that.", field="kind"
        )
    exception_id = identifiers.new(now)
    _dunning_store.insert_exception(tx, (customer_id, exception_id, kind, from_day, until_day, by.strip(), now))
    return next(one for one in exceptions_of(tx=tx, customer_id=customer_id) if one.dunning_exception_id == exception_id)


def exceptions_of(*, tx: Transaction, customer_id: UUID) -> list[DunningException]:
    """Give a customer's exceptions, past ones too, the newest first."""
    return [DunningException(**row) for row in _dunning_store.exceptions(tx, customer_id)]


def cases_of(*, tx: Transaction, customer_id: UUID) -> list[DunningCase]:
    """Give a customer's dunning cases with their steps, the newest first."""
    rows = _dunning_store.cases(tx, customer_id)
    steps: dict[UUID, list[DunningStep]] = {}
    for row in _dunning_store.steps(tx, [one["dunning_case_id"] for one in rows]):
        steps.setdefault(row["dunning_case_id"], []).append(DunningStep(**{**row, "customer_bill_ids": tuple(row["customer_bill_ids"])}))
    return [DunningCase(**row, steps=tuple(steps.get(row["dunning_case_id"], ()))) for row in rows]
