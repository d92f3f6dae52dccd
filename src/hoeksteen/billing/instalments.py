"""
Sales that are paid in monthly parts: agreed, paid off early, taken back, or withdrawn before any bill has them.

What a bill shows of them is worked out by `instalment_lines`; docs/decisions/0036 says why VAT stands on the first bill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing import _instalment_store
from hoeksteen.billing._charge_store import lock_account
from hoeksteen.billing.charges import AMOUNT_MAX, active_account, require_no_run, worded
from hoeksteen.billing.instalment_lines import Ending, OnEnd
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT, round_half_up
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.product.queries import products
from hoeksteen.storage.postgres import Transaction

PARTS = range(2, 61)
PART_LEAST = Decimal("1.00")
_DAYS_AHEAD_MAX = 92


@dataclass(frozen=True, slots=True)
class InstalmentPlan:
    """
    A sale that is paid in monthly parts.

    :param amount: the price, as the account has it; `total` what the parts come to: the price with its tax
    :param first_day: on which the first part falls due; the others in the months after it
    :param on_end: what becomes of the rest when `product_id` ends: it `goes_on` until the account's last bill, `falls_due` at once, or `stops`
    :param ending: what somebody decided: it is `settled` at once, the goods are `returned`, or it was `withdrawn` before any bill
    :param done: no bill has anything of it any more
    :param billed: what final bills asked for of the total, in `parts_billed` parts; `sold`: whether a final bill has the sale
    """

    customer_id: UUID
    instalment_plan_id: UUID
    billing_account_id: UUID
    product_id: UUID | None
    charge_kind_id: str | None
    text_nl: str
    text_en: str
    amount: Decimal
    tax_included: bool
    tax_category: str
    tax_rate: Decimal
    total: Decimal
    parts: int
    first_day: date
    on_end: OnEnd
    why: str
    agreed_by: str
    agreed_at: datetime
    ending: Ending | None
    ended_by: str | None
    ended_at: datetime | None
    done: bool
    billed: Decimal
    parts_billed: int
    sold: bool

    @property
    def standing(self) -> str:
        """Say in a word where it stands."""
        return self.ending or ("done" if self.done else "open")

    @property
    def left(self) -> Decimal:
        """What is still to be asked for."""
        return Decimal("0.00") if self.done else self.total - self.billed


def agree(
    *, tx: Transaction, billing_account_id: UUID, amount: Decimal, parts: int, first_day: date | None = None, product_id: UUID | None = None,
    on_end: OnEnd = "goes_on", kind: str | None = None, text: str | None = None, tax_category: str | None = None, tax_rate: Decimal | None = None,
    why: str, by: str, now: datetime, identifiers: Identifiers,
) -> InstalmentPlan:  # fmt: skip
    """
    Sell something for monthly parts: the next bill has the sale with all of its VAT, and each bill the parts that fell due.

    The parts are equal whole cents; the last one takes what does not divide.

    :param amount: the price, as the account has it
    :param first_day: on which the first part falls due; by default today
    :param product_id: whose end ends the plan as `on_end` says
    :param kind: `text`, `tax_category` and `tax_rate` as of `charges.worded`
    :param why: stands in the books; never about a person
    :raises NotFound: when there is no such billing account, kind, or product of it
    :raises WrongState: when the billing account is not active, or accounts for VAT itself
    :raises InvalidInput: when amount, parts or first day are none, or a field says nothing, too much, or something about a person
    """
    require_said(why=why, by=by)
    require_impersonal(why=why)
    lock_account(tx, billing_account_id)
    account = active_account(tx=tx, billing_account_id=billing_account_id)
    if account.tax_treatment != "domestic":
        raise WrongState("Goods are not sold in parts to who accounts for VAT itself.", remedy="Charge it at once.", field="billing_account_id")
    words = worded(tx=tx, kind=kind, text=text, tax_category=tax_category, tax_rate=tax_rate)
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != amount.quantize(CENT):
        raise InvalidInput(f"The field amount is {amount}.", remedy=f"Give euros and whole cents, up to {AMOUNT_MAX:,}.", field="amount")
    total = amount if account.tax_included else amount + round_half_up(amount * words.tax_rate / 100)
    if parts not in PARTS or total < parts * PART_LEAST:
        raise InvalidInput(
            f"The field parts is {parts}.", remedy=f"Give {PARTS[0]} to {PARTS[-1]}, each of at least {PART_LEAST} euro.", field="parts"
        )
    today = local_day(now)
    first = today if first_day is None else first_day
    if not today <= first <= today + timedelta(days=_DAYS_AHEAD_MAX):
        raise InvalidInput(f"The field first_day is {first}.", remedy="Give today or a day within three months.", field="first_day")
    if product_id is not None:
        held = {one.product_id for one in products(tx=tx, customer_ids=[account.customer_id]) if one.billing_account_id == billing_account_id}
        if product_id not in held:
            raise NotFound("The billing account has no such product.", remedy="`hoeksteen products` lists them.", product_id=product_id)
    elif on_end != "goes_on":
        raise InvalidInput("The field on_end is about a product, and none is named.", remedy="Name the product.", field="on_end")
    plan_id = identifiers.new(now)
    tx.insert(
        "billing.instalment_plan",
        {
            "customer_id": account.customer_id, "instalment_plan_id": plan_id, "billing_account_id": billing_account_id, "product_id": product_id,
            "charge_kind_id": words.charge_kind_id, "text_nl": words.text_nl, "text_en": words.text_en, "amount": amount,
            "tax_included": account.tax_included, "tax_category": words.tax_category, "tax_rate": words.tax_rate, "total": total, "parts": parts,
            "first_day": first, "on_end": on_end, "why": why.strip(), "agreed_by": by.strip(), "agreed_at": now,
        },
    )  # fmt: skip
    return _plan(tx, plan_id)


def settle(*, tx: Transaction, instalment_plan_id: UUID, by: str, now: datetime) -> InstalmentPlan:
    """
    Let what is left be paid at once: the next bill asks for all of it on one line.

    :raises NotFound: when there is no such plan
    :raises WrongState: when nothing is left of it, or it was ended before
    """
    return _end(tx, _open(tx, instalment_plan_id), "settled", by, now)


def take_back(*, tx: Transaction, instalment_plan_id: UUID, by: str, now: datetime) -> InstalmentPlan:
    """
    Take the goods back: the next bill credits the sale with its VAT, and asks for no part any more, so that what was paid comes back.

    A plan that no bill has yet is withdrawn instead.

    :raises NotFound: when there is no such plan
    :raises WrongState: when nothing is left of it, it was ended before, a credit note gave back something of it, or the bills of its account
        are just being made
    """
    found = _open(tx, instalment_plan_id)
    require_no_run(tx=tx, billing_account_id=found.billing_account_id)
    if not found.sold:
        return _end(tx, found, "withdrawn", by, now)
    if _instalment_store.is_credited(tx, instalment_plan_id):
        raise WrongState(
            "A credit note gave back something of it.", remedy="Credit what is left by line, and let the plan be settled.",
            instalment_plan_id=instalment_plan_id,
        )  # fmt: skip
    return _end(tx, found, "returned", by, now)


def plans_of(*, tx: Transaction, customer_id: UUID | None = None, limit: int = 100) -> list[InstalmentPlan]:
    """Give plans, the newest first; of one customer, or of all."""
    return [InstalmentPlan(**row) for row in _instalment_store.plans(tx, customer_id=customer_id, limit=min(limit, 1_000))]


def plans_by_id(*, tx: Transaction, instalment_plan_ids: Sequence[UUID]) -> list[InstalmentPlan]:
    """Give some plans; unknown ones are absent."""
    return [InstalmentPlan(**row) for row in _instalment_store.plans(tx, ids=instalment_plan_ids, limit=len(instalment_plan_ids))]


def _plan(tx: Transaction, instalment_plan_id: UUID) -> InstalmentPlan:
    (found,) = plans_by_id(tx=tx, instalment_plan_ids=[instalment_plan_id])
    return found


def _open(tx: Transaction, instalment_plan_id: UUID) -> InstalmentPlan:
    row = _instalment_store.lock(tx, instalment_plan_id)
    if row is None:
        raise NotFound("There is no such plan.", remedy="List them: `hoeksteen instalment list`.", instalment_plan_id=instalment_plan_id)
    found = InstalmentPlan(**row)
    if found.standing != "open":
        raise WrongState(f"The plan is {found.standing}.", remedy="Credit a line of its bills instead.", instalment_plan_id=instalment_plan_id)
    return found


def _end(tx: Transaction, found: InstalmentPlan, ending: Ending, by: str, now: datetime) -> InstalmentPlan:
    require_said(by=by)
    _instalment_store.end(tx, found.instalment_plan_id, ending, by.strip(), now)
    return _plan(tx, found.instalment_plan_id)
