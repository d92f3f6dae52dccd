"""
One-off charges and credits that people grant to a billing account, beside what its products cost.

One of them is a line of the account's next bill, or of the bill of a named period, and until then it can be withdrawn. What goes beyond a limit
waits for a second person. An amount is as the account has it: with tax for consumers, without for businesses.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from hoeksteen.billing import _charge_store, _run_store
from hoeksteen.kernel.errors import AccessDenied, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_printable, require_said
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import billing_account
from hoeksteen.product.charge_kinds import TAX_CATEGORIES, TAX_RATES, charge_kind, tax_fits
from hoeksteen.storage.postgres import Transaction

ChargeState = Literal["asked", "granted", "declined", "withdrawn"]

# What one billing account is charged, or credited, within so many days without a second person; beyond it somebody else approves.
CHARGED_ALONE_MAX = Decimal("250.00")
CREDITED_ALONE_MAX = Decimal("50.00")
ALONE_DAYS = 31
AMOUNT_MAX = Decimal("100000.00")
TEXT_CHARACTERS_MAX = 80
_DAYS_AHEAD_MAX = 366


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """
    What somebody charges a billing account once, or credits it.

    :param amount: euros; below zero a credit
    :param from_day: on the bill whose usage period this day lies in, or a later one; None for the next bill
    :param state: `asked` waits for a second person; what is `granted` is billed, or will be
    :param decided_by: the second person, where one was needed
    :param bill_number: the final bill on which it stands, and `billed` what it comes to there
    """

    customer_id: UUID
    account_charge_id: UUID
    billing_account_id: UUID
    charge_kind_id: str | None
    text_nl: str
    text_en: str
    amount: Decimal
    tax_included: bool
    tax_category: str
    tax_rate: Decimal
    from_day: date | None
    why: str
    state: ChargeState
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    bill_number: str | None
    billed: Decimal | None

    @property
    def standing(self) -> str:
        """Say in a word where it stands: `billed`, or its state."""
        return "billed" if self.bill_number is not None else self.state


@dataclass(frozen=True, slots=True)
class Worded:
    """
    What a charge is called and how it is taxed.

    :param amount: what it usually costs, and whether tax is in it; None where nobody says
    """

    charge_kind_id: str | None
    text_nl: str
    text_en: str
    tax_category: str
    tax_rate: Decimal
    amount: Decimal | None = None
    tax_included: bool | None = None


def worded(*, tx: Transaction, kind: str | None, text: str | None, tax_category: str | None = None, tax_rate: Decimal | None = None) -> Worded:
    """
    Give the words and the tax of a kind of charge that the catalogue names, or of a text.

    :param text: on the bill in place of the kind's name: up to 80 characters, the same in either language, about nobody
    :param tax_category: and `tax_rate`, of a text without a kind; S at 21 % unless said
    :raises NotFound: when the catalogue has no such kind
    :raises InvalidInput: when there is neither kind nor text, the text is too long or seems to be about a person, or the tax is none
    """
    if text is not None:
        require_said(text=text)
        require_impersonal(text=text)
        if len(text.strip()) > TEXT_CHARACTERS_MAX or "\n" in text.strip():
            raise InvalidInput(f"The field text is one line of up to {TEXT_CHARACTERS_MAX} characters.", remedy="Say it shorter.", field="text")
        require_printable(text=text.strip())
    if kind is not None:
        if tax_category is not None or tax_rate is not None:
            raise InvalidInput("The tax of a kind is the catalogue's.", remedy="Leave out the tax, or the kind.", field="tax_category")
        known = charge_kind(tx=tx, charge_kind_id=kind)
        nl, en = (known.name_nl, known.name_en) if text is None else (text.strip(), text.strip())
        return Worded(kind, nl, en, known.tax_category, known.tax_rate, known.amount, known.tax_included)
    if text is None:
        raise InvalidInput("The fields kind and text are both empty.", remedy="Name a kind of the catalogue, or write a text.", field="kind")
    category = tax_category or "S"
    rate = tax_rate if tax_rate is not None else Decimal(21 if category == "S" else 0)
    if category not in TAX_CATEGORIES or not rate.is_finite() or not tax_fits(category, rate):
        raise InvalidInput(
            f"The fields tax_category and tax_rate are {category} and {rate}.",
            remedy=f"Give one of {', '.join(TAX_CATEGORIES)}; a rate above 0 for S, and 0 for the others.",
            field="tax_category",
        )
    if category == "S" and rate not in TAX_RATES:
        raise InvalidInput(
            f"The field tax_rate is {rate}, which is no rate of Dutch VAT.",
            remedy=f"Give one of {', '.join(str(one) for one in TAX_RATES)}; another rate takes a kind of charge in the catalogue.",
            field="tax_rate",
        )
    return Worded(None, text.strip(), text.strip(), category, rate)


def grant(
    *, tx: Transaction, billing_account_id: UUID, amount: Decimal | None, kind: str | None = None, text: str | None = None,
    tax_category: str | None = None, tax_rate: Decimal | None = None, from_day: date | None = None, why: str, by: str, now: datetime,
    identifiers: Identifiers, account_charge_id: UUID | None = None,
) -> AccountCharge:  # fmt: skip
    """
    Charge a billing account something once, or credit it when the amount is below zero; beyond a limit it waits for a second person.

    The limit counts together what was granted to the account in the last 31 days without a second person, so that several small ones are no way
    around it.

    :param amount: as the account has it; None for what the kind usually costs
    :param from_day: as of `AccountCharge`; at most a year ahead
    :param why: stands in the books; never about a person
    :param account_charge_id: its identifier, where it was chosen before
    :raises NotFound: when there is no such billing account or kind
    :raises WrongState: when the billing account is not active
    :raises InvalidInput: when the amount is no money, or a field says nothing, too much, or something about a person
    """
    require_said(why=why, by=by)
    require_impersonal(why=why)
    _charge_store.lock_account(tx, billing_account_id)
    account = active_account(tx=tx, billing_account_id=billing_account_id)
    words = worded(tx=tx, kind=kind, text=text, tax_category=tax_category, tax_rate=tax_rate)
    value = words.amount if amount is None else amount
    if value is None or not value.is_finite() or not value or abs(value) > AMOUNT_MAX or value != value.quantize(CENT):
        raise InvalidInput(
            f"The field amount is {value}.", remedy=f"Give euros and whole cents, not 0 and up to {AMOUNT_MAX:,} either way.", field="amount"
        )
    if from_day is not None and from_day > local_day(now) + timedelta(days=_DAYS_AHEAD_MAX):
        raise InvalidInput(f"The field from_day is {from_day}.", remedy="Give a day within a year.", field="from_day")
    alone = _charge_store.granted_alone(tx, billing_account_id, now - timedelta(days=ALONE_DAYS), charges=value > 0)
    enough = alone + abs(value) <= (CHARGED_ALONE_MAX if value > 0 else CREDITED_ALONE_MAX)
    charge_id = account_charge_id or identifiers.new(now)
    of_kind = amount is None and words.tax_included is not None
    tx.insert(
        "billing.account_charge",
        {
            "customer_id": account.customer_id, "account_charge_id": charge_id, "billing_account_id": billing_account_id,
            "charge_kind_id": words.charge_kind_id, "text_nl": words.text_nl, "text_en": words.text_en, "amount": value,
            "tax_included": words.tax_included if of_kind else account.tax_included, "tax_category": words.tax_category,
            "tax_rate": words.tax_rate, "from_day": from_day, "why": why.strip(), "state": "granted" if enough else "asked", "asked_by": by.strip(),
            "asked_at": now,
        },
    )  # fmt: skip
    return _charge(tx, charge_id)


def active_account(*, tx: Transaction, billing_account_id: UUID) -> BillingAccount:
    """
    Give a billing account to which something may be granted.

    :raises NotFound: when there is none with this identifier
    :raises WrongState: when it is not active: it gets no bill any more
    """
    found = billing_account(tx=tx, billing_account_id=billing_account_id)
    if found.status != "active":
        raise WrongState(
            f"The billing account is {found.status}.", remedy="Credit one of its bills, or refund.", billing_account_id=billing_account_id
        )
    return found


def to_be_decided(*, tx: Transaction, account_charge_id: UUID) -> dict[str, str]:
    """
    Give what somebody approves or declines with a charge.

    :raises NotFound: when there is no such charge
    """
    found = _locked(tx, account_charge_id)
    return facts(
        account_charge_id=account_charge_id, billing_account_id=found.billing_account_id, amount=found.amount, text=found.text_en,
        tax=(found.tax_category, found.tax_rate), from_day=found.from_day, why=found.why,
    ) | {"asked_by": found.asked_by}  # fmt: skip


def typed_facts(*, amount: Decimal | None, text: str | None, from_day: date | None, why: str) -> dict[str, str]:
    """Give those of the facts of a charge that somebody who asks for it types; `amount` and `text` only where they are no kind's."""
    found = {"from_day": f"{from_day or 'next bill'}", "why_sha256": hashlib.sha256(why.strip().encode()).hexdigest()}
    if amount is not None:
        found["amount"] = str(amount)
    if text is not None:
        found["text_sha256"] = hashlib.sha256(text.strip().encode()).hexdigest()
    return found


def facts(
    *, account_charge_id: UUID, billing_account_id: UUID, amount: Decimal | None, text: str, tax: tuple[str, Decimal], from_day: date | None, why: str
) -> dict[str, str]:
    """Give what a charge is as facts that somebody signs: of its words the digests, because what people write may be about a person."""
    return {
        "account_charge_id": str(account_charge_id), "billing_account_id": str(billing_account_id), "tax": f"{tax[0]} {tax[1]:.2f}",
        **typed_facts(amount=amount, text=text, from_day=from_day, why=why),
    }  # fmt: skip


def decide(*, tx: Transaction, account_charge_id: UUID, approve: bool, by: str, now: datetime) -> AccountCharge:
    """
    Grant what somebody else asked for, or decline it.

    :raises NotFound: when there is no such charge
    :raises AccessDenied: with the reason `second_person`, when whoever asked would decide
    :raises WrongState: when it waits for nobody
    """
    require_said(by=by)
    found = _locked(tx, account_charge_id)
    if found.state != "asked":
        raise WrongState(f"The charge is {found.standing}.", remedy="Grant another one.", account_charge_id=account_charge_id)
    if by.strip() == found.asked_by:
        raise AccessDenied("Who asks for a charge or a credit does not decide about it.", reason="second_person", remedy="Let somebody else decide.")
    _charge_store.decide(tx, account_charge_id, "granted" if approve else "declined", by.strip(), now)
    return _charge(tx, account_charge_id)


def withdraw(*, tx: Transaction, account_charge_id: UUID, by: str, now: datetime) -> AccountCharge:
    """
    Take back what is on no final bill yet.

    :raises NotFound: when there is no such charge
    :raises WrongState: when it is billed, declined or withdrawn, or the bills of its account are just being made
    """
    require_said(by=by)
    found = _locked(tx, account_charge_id)
    if found.bill_number is not None:
        raise WrongState(
            f"It stands on bill {found.bill_number}, which does not change.",
            remedy="Give a credit note on that line." if found.amount > 0 else "Charge it again.",
            account_charge_id=account_charge_id,
        )
    if found.state not in ("asked", "granted"):
        raise WrongState(f"The charge is {found.state}.", remedy="Look at the list: `hoeksteen charge list`.", account_charge_id=account_charge_id)
    require_no_run(tx=tx, billing_account_id=found.billing_account_id)
    _charge_store.withdraw(tx, account_charge_id, by.strip(), now)
    return _charge(tx, account_charge_id)


def require_no_run(*, tx: Transaction, billing_account_id: UUID) -> None:
    """
    Refuse while final bills of a billing account's cycle are being made: they may have what would be taken back.

    :raises WrongState: when they are
    """
    if _run_store.final_under_way(tx, billing_account(tx=tx, billing_account_id=billing_account_id).cycle_day):
        raise WrongState(
            "The bills of its cycle are just being made.", remedy="Wait until the run is done; then withdraw it, or credit its line.",
            billing_account_id=billing_account_id,
        )  # fmt: skip


def charges_of(*, tx: Transaction, customer_id: UUID | None = None, state: ChargeState | None = None, limit: int = 100) -> list[AccountCharge]:
    """
    Give charges and credits, the newest first.

    :param customer_id: only those of this customer's billing accounts
    :param state: only those in it; `asked` are those that wait for a second person
    """
    return [AccountCharge(**row) for row in _charge_store.charges(tx, customer_id=customer_id, state=state, limit=min(limit, 1_000))]


def charges_by_id(*, tx: Transaction, account_charge_ids: Sequence[UUID]) -> list[AccountCharge]:
    """Give some charges and credits; unknown ones are absent."""
    return [AccountCharge(**row) for row in _charge_store.charges(tx, ids=account_charge_ids, limit=len(account_charge_ids))]


def _charge(tx: Transaction, account_charge_id: UUID) -> AccountCharge:
    (found,) = charges_by_id(tx=tx, account_charge_ids=[account_charge_id])
    return found


def _locked(tx: Transaction, account_charge_id: UUID) -> AccountCharge:
    row = _charge_store.lock(tx, account_charge_id)
    if row is None:
        raise NotFound("There is no such charge.", remedy="List them: `hoeksteen charge list`.", account_charge_id=account_charge_id)
    return AccountCharge(**row)
