"""Companies whose departments have billing accounts of their own."""

from datetime import date

from factories.billed_operator import NOW, BilledOperator, Held
from hoeksteen.billing.departments import move_department
from hoeksteen.party.model import NewBillingAccount
from hoeksteen.party.operations import add_billing_accounts

OCTOBER = date(2026, 10, 1)


def company(
    operator: BilledOperator, departments: int, *, records: int = 2, cycle_day: int = 1, offering: str = "business-mobile", parts: int = 1
) -> tuple[Held, list[Held]]:
    """
    Add a company whose own account has a line of internet, and one mobile in each department.

    :param records: of usage in October, of each kind and department
    :param parts: of a run, in which the departments lie in turn; the first of them in another one than the company's own account
    """
    held = operator.add("business-internet", *([offering] * departments), segment="business")
    own, mobiles = held[0], held[1:]
    moved = []
    with operator.database.transaction() as tx:
        for number, one in enumerate(mobiles, start=1):
            account_id = operator.identifiers.new(NOW)
            while (account_id.int - own.billing_account_id.int - number) % parts:
                account_id = operator.identifiers.new(NOW)
            add_billing_accounts(tx=tx, billing_accounts=[NewBillingAccount(own.customer_id, account_id, "transfer", False, cycle_day)])
            tx.execute("UPDATE product.product SET billing_account_id = %s WHERE product_id = %s", (account_id, one.product_id))
            moved.append(Held(own.customer_id, own.party_id, account_id, one.product_id, one.offering))
    operator.held[-len(held) :] = [own, *moved]
    if records:
        operator.charge(moved, month=OCTOBER, records=records, called=(31612345678,))
    return own, moved


def move(operator: BilledOperator, one: Held, parent: Held | None, from_day: date = OCTOBER) -> None:
    """Let a department be billed with a parent, or by itself."""
    with operator.database.transaction() as tx:
        move_department(
            tx=tx, billing_account_id=one.billing_account_id, parent_billing_account_id=None if parent is None else parent.billing_account_id,
            from_day=from_day,
        )  # fmt: skip
