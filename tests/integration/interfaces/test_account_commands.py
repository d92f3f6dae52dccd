"""The commands for accounts that leave or move to another bill day, against real parts."""

from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from fixtures.commands import figures_of, text_of
from hoeksteen.interfaces.cli.accounts import account
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import add_months, bill_period, local_day


def test_leave_with_a_final_bill_and_think_again(operator: BilledOperator, data: Path) -> None:
    one, other = operator.add("mobile-m")[0], operator.add("mobile-m", "tv-basic")[0]
    today = f"{local_day(SystemClock().now())}"
    told = figures_of(
        account, data, "leave", str(one.customer_id), "--from", today, "--final-bill", "--by", "anna", "--phone"
    )  # fmt: skip
    assert (told["products"], len(told["bills"]), told["held"], told["closed"]) == (1, 1, 0, False)
    assert told["balance"] == f"{operator.bills(one)[0].gross}"
    shown = text_of(bill, data, "final", str(one.customer_id), "--by", "anna")
    assert "none, there was nothing to bill" in shown and "may still arrive" in shown
    with pytest.raises(WrongState, match="no product, or one that has no end"):
        figures_of(bill, data, "final", str(other.customer_id), "--by", "anna")
    with pytest.raises(SystemExit):
        figures_of(account, data, "leave", str(other.customer_id), "--from", "2099-01-01", "--final-bill", "--by", "anna", "--phone")
    back = text_of(account, data, "take-back", str(one.customer_id), str(one.product_id), "--by", "anna", "--phone")
    assert "goes on" in back
    assert figures_of(account, data, "close-departed") == {"closed": []}


def test_move_and_stay(operator: BilledOperator, data: Path) -> None:
    (one,) = operator.add("internet-100")
    from_day = f"{add_months(bill_period(local_day(SystemClock().now())).first_day, 1)}"
    moved = figures_of(account, data, "move-cycle", str(one.customer_id), "--day", "15", "--from", from_day, "--by", "anna")
    assert (moved["day"], moved["from_day"]) == (15, from_day)
    stays = text_of(account, data, "move-cycle", str(one.customer_id), "--stay", "--by", "anna")
    assert "stays at day 1" in stays
    for half in (("--day", "15"), ("--stay", "--day", "15"), ("--stay", "--from", from_day), ()):
        with pytest.raises(SystemExit):
            figures_of(account, data, "move-cycle", str(one.customer_id), *half, "--by", "anna")
