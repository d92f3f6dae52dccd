"""What the desk shows of allowances: one pool is one, however many products carry it, and only what it covers is taken from it."""

from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hoeksteen.interfaces.desk.usage import allowances_used
from hoeksteen.product.model import Allowance, Roaming, Service, Zone

ACCOUNT = UUID(int=1)
OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)  # what is late used up September's


def allowance(*, shared: bool) -> Allowance:
    return Allowance("plan/pool", "plan", Service.DATA, (Zone.NL, Zone.EU), (Roaming.HOME,), 10_000, shared, False, False)


def shown(*, shared: bool) -> list[Any]:
    held = [SimpleNamespace(product_id=UUID(int=n), billing_account_id=ACCOUNT, product_offering_id="plan", status="active") for n in (2, 3)]
    totals = [
        SimpleNamespace(
            service=Service.DATA, zone=Zone.NL, roaming=roaming, free_units=free, product_id=UUID(int=n), billing_account_id=ACCOUNT, period_day=day
        )
        for n, roaming, free, day in (
            (2, Roaming.HOME, 6_000, OCTOBER), (3, Roaming.HOME, 3_000, OCTOBER), (3, Roaming.EU, 500, OCTOBER), (3, Roaming.HOME, 70, SEPTEMBER)
        )
    ]  # fmt: skip
    offerings: Any = {"plan": SimpleNamespace(allowances=(allowance(shared=shared),), zones=())}
    left = {(ACCOUNT, "plan/pool"): 700, (UUID(int=3), "plan/pool"): 400, (UUID(int=3), "plan/other"): 9}
    return allowances_used(held=held, offerings=offerings, totals=totals, first_day=OCTOBER, rolled_over=left)  # type: ignore[arg-type]  # they have only what the function reads


def test_a_shared_pool_is_shown_once_with_its_own_units() -> None:
    [pool] = shown(shared=True)
    assert (pool.units, pool.used, pool.rolled_over) == (10_700, 9_000, 700)


def test_a_products_own_allowance_is_shown_for_each() -> None:
    assert [(one.units, one.used) for one in shown(shared=False)] == [(10_000, 6_000), (10_400, 3_000)]
