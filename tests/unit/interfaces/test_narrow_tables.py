"""Reports on a terminal of 80 columns, inside the demonstration's margin: every figure whole, every name readable."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from rich.console import Console

from hoeksteen.interfaces import cli
from hoeksteen.interfaces.cli.options import at_local, counted, print_table, report_table
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


def test_the_longest_name_of_a_demonstration_stays_whole() -> None:
    sink = io.StringIO()
    entry = RatedBalance(UUID(int=1), "sessions", "sessions_1.jsonl", 4_386_000, 4_360_000, 25_700, 110, 150, 40, 0, 151_849_000_000)
    show_balance(Console(file=sink, width=80), [entry])
    assert "sessions_1.jsonl" in sink.getvalue() and "4,360,000" in sink.getvalue()


def test_people_see_the_time_of_the_operators_clocks() -> None:
    assert at_local(datetime(2026, 10, 31, 23, 30, tzinfo=UTC)) == "2026-11-01 00:30"
    assert at_local(datetime(2026, 7, 31, 22, 30, tzinfo=UTC)) == "2026-08-01 00:30"
    tables = [file.read_text("utf-8") for file in Path(cli.__file__).parent.glob("*.py")]
    assert [found for text in tables for found in re.findall(r"\{[^{}]*_at:%[^}]*\}", text)] == [], "an instant is written by at_local"


def test_nothing_is_said_in_a_sentence_and_a_number_agrees_with_its_noun() -> None:
    sink = io.StringIO()
    print_table(Console(file=sink), report_table("Heading"), nothing="Nothing waits.")
    assert sink.getvalue() == "Nothing waits.\n"
    assert [counted(number, "fault") for number in (0, 1, 1_200)] == ["0 faults", "1 fault", "1,200 faults"]
    assert counted(1, "person", "people") == "1 person" and counted(2, "person", "people") == "2 people"
