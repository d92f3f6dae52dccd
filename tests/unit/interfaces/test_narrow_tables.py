"""Reports on a terminal of 80 columns, inside the demonstration's margin: every figure whole, every name readable."""

import io
from uuid import UUID

from rich.console import Console

from hoeksteen.interfaces.cli.usage_balance import show_balance
from hoeksteen.rating.model import RatedBalance

COLUMNS = 76


def test_the_balance_of_usage_shows_whole_figures_and_names() -> None:
    entries = [
        RatedBalance(UUID(int=number), "voice_sms", f"voice_sms_{number}.csv", 649_912, 521_515, 124_800, 1_601, 1_212, 784, 0, 151_849_000_000)
        for number in (1, 2)
    ]
    sink = io.StringIO()
    show_balance(Console(file=sink, width=COLUMNS), entries)
    told = sink.getvalue()
    assert "…" not in told
    for figure in ("649,912", "1,299,824", "1,043,030", "249,600", "3,202", "2,424", "1,568", "303,698.00"):
        assert figure in told
    assert told.count("voice_sms") == len(entries), "a name is not cut into letters"
    assert max(map(len, told.splitlines())) <= COLUMNS
