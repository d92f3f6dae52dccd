"""A usage file is taken whole or refused with its line and field named; its lines are judged one by one."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from factories.invented_lines import Line, load_lines
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import operations, queries
from hoeksteen.usage.model import FileBalance
from hoeksteen.usage.tables import GUIDED

NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)
OWN = "31699900001"
HEAD = "H;voice_sms;1;2026-11-01T03:00:00+01:00"


@pytest.fixture
def take(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> Callable[..., FileBalance]:
    """Collect a file of this content, as the holder of one mobile line since September, suspended since 20 October."""
    line = Line(OWN, "mobile-m", date(2026, 9, 1), date(2026, 10, 20), None)
    load_lines(database=database, keeper=keeper.client("bss"), lines=[line], salt=str(tmp_path))
    identifiers = Identifiers(random.Random(1))

    def collect(content: str | bytes, name: str = "calls.csv", *, again: bool = False) -> FileBalance:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        adapter = "voice_sms_csv" if name.endswith(".csv") else "sessions_jsonl"
        return operations.collect(
            database=database, keeper=keeper.client("bss"), lake=lake, path=path, adapter=adapter, now=NOW, identifiers=identifiers, again=again
        )

    return collect


def calls(*lines: str) -> str:
    return "\n".join([f"{HEAD};{len(lines)}", *lines, f"T;{len(lines)}", ""])


def call(number: int = 1, *, own: str = OWN, other: str = "31201234567", start: str = "2026-10-03T12:00:00+02:00", units: str = "60") -> str:
    return f"R;{number};V;{own};{other};{start};{units}"


def states(balance: FileBalance) -> dict[str, int]:
    return {f"{count.state}:{count.reason}".rstrip(":"): count.records for count in balance.states}


LINES = [
    (call(own="+31 6 99900001"), "guided"),
    (call(own="0031699900001"), "guided"),
    (call(own="06-99900001"), "guided"),
    (call(own="+31(0)699900001"), "guided"),
    (call(own="31699900001.0"), "rejected:bad_number"),
    (call(own="6.999E8"), "rejected:bad_number"),
    (call(own="3169990000A"), "rejected:bad_number"),
    (call(own=""), "rejected:bad_number"),
    (call(other=""), "rejected:bad_number"),
    (call(other="112"), "guided"),
    (call(other="0800-1234"), "guided"),
    (call(other="09001234567"), "guided"),
    (call(other="999999"), "suspended:no_zone"),
    (call(other="21012345678"), "suspended:no_zone"),
    (call(own="31699900009"), "suspended:no_product"),
    (call(start="2026-08-31T23:59:59+02:00"), "suspended:no_product"),
    (call(start="2026-10-20T00:00:00+02:00"), "suspended:product_suspended"),
    (call(start="2026-10-19T23:59:59+02:00"), "guided"),
    (call(start="2026-10-32T12:00:00+02:00"), "rejected:bad_date"),
    (call(start="2026-10-03T12:00:00"), "rejected:bad_date"),
    (call(start="2026-10-03T12:00:00+99:99"), "rejected:bad_date"),
    (call(start="1970-01-01T00:00:00Z"), "rejected:date_out_of_range"),
    (call(start="2090-01-01T00:00:00Z"), "rejected:date_out_of_range"),
    (call(units="-60"), "rejected:negative_units"),
    (call(units="1e3"), "rejected:bad_units"),
    (call(units="9223372036854775808"), "rejected:bad_units"),
    (call(units="99999999"), "rejected:units_out_of_range"),
    (call(units="0"), "guided"),
    ("R;1;X;31699900001;31201234567;2026-10-03T12:00:00+02:00;1", "rejected:unknown_service"),
    ("R;1;V;31699900001", "rejected:cut_line"),
    ("Q;1;V;31699900001;31201234567;2026-10-03T12:00:00+02:00;1", "rejected:unknown_line"),
    ("", "rejected:cut_line"),
    ('R;1;V;"31699900001;31201234567;2026-10-03T12:00:00+02:00;1', "rejected:bad_number"),
]


def test_each_line_gets_the_state_that_the_table_says(take: Callable[..., FileBalance]) -> None:
    lines = [line.replace("R;1;", f"R;{number};", 1) for number, (line, _) in enumerate(LINES)]
    expected: dict[str, int] = {}
    for _, state in LINES:
        expected[state] = expected.get(state, 0) + 1
    balance = take(calls(*lines))
    assert states(balance) == expected
    assert balance.closes


def test_each_line_of_the_table_alone(take: Callable[..., FileBalance]) -> None:
    for number, (line, state) in enumerate(LINES[:12]):
        assert states(take(calls(line.replace("R;1;", f"R;{100 + number};", 1)))) == {state: 1}, line


def session(uplink: str, downlink: str, *, hour: int = 12, country: str = "NL", more: str = "") -> str:
    start = f"2026-10-03T{hour}:00:00+02:00"
    return f'{{"own_number":"{OWN}","start":"{start}","uplink_bytes":{uplink},"downlink_bytes":{downlink},{more}"visited_country":"{country}"}}'


SESSIONS = [
    (session("1", "2", more='"apn":"internet",'), "guided"),
    (session("2", "1", more='"apn":"other",'), "duplicate"),
    (session("1", "2", hour=13, country="de"), "guided"),
    (session("1", "2", hour=14, country="ZZ"), "suspended:no_country"),
    (session("1.5", "2", hour=14), "rejected:bad_units"),
    (session("null", "2", hour=14), "rejected:bad_units"),
    ('{"own_number":"31699900001","start":"2026-10-0', "rejected:cut_line"),
    ("[1, 2]", "rejected:cut_line"),
]


def test_sessions_without_an_identifier_are_told_apart_by_what_they_say(take: Callable[..., FileBalance]) -> None:
    expected: dict[str, int] = {}
    for _, state in SESSIONS:
        expected[state] = expected.get(state, 0) + 1
    content = "\n".join(line for line, _ in SESSIONS)
    assert states(take(content, "data.jsonl")) == expected
    assert states(take(SESSIONS[0][0] + "\n", "other.jsonl")) == {"duplicate": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEAD};2\n", "calls.csv: line 1: trailer: is missing: the file was cut"),
        (f"{HEAD};2\nT;0\n", "calls.csv: line 1: records: says 2, and the trailer 0"),
        (f"{HEAD};2\n{call(1)}\n{call(2)}\n", "calls.csv: line 3: trailer: is missing: the file was cut"),
        (calls(call(1), call(2))[:120], "calls.csv: line 3: trailer: is missing: the file was cut"),
        (f"{HEAD};2\n{call(1)}\nT;2\n", "calls.csv: line 3: records: says 2, and the file holds 1"),
        (f"{HEAD};2\n{call(1)}\nT;1\n", "calls.csv: line 1: records: says 2, and the trailer 1"),
        ("KLANTNR;NAAM\n1;X\n", "calls.csv: line 1: header: must be H;source;number"),
        ("", "calls.csv: file: is empty"),
        ("\ufeff", "calls.csv: file: is empty"),
        (calls(call(1)).encode() + b"\xff\xfe", "calls.csv: line 4: encoding: is not UTF-8"),
        (calls(call(1)).encode() + b"\xc3", "calls.csv: line 4: encoding: is not UTF-8"),
        (calls(call(1), "é" * 300_000, call(2)), "calls.csv: line 3: text: is longer than 250000 bytes"),
        (calls(call(1)).replace("R;1", "R;\x001"), "calls.csv: line 2: text: holds a control character"),
        (calls(call(1)).replace("R;1", "R;\r1"), "calls.csv: file: mixes line ends: 0 of 3 lines end in CR LF"),
        (calls(call(1)).replace("\n", "\r\n", 1), "calls.csv: file: mixes line ends: 1 of 3 lines end in CR LF"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_and_nothing_of_it_is_taken(
    take: Callable[..., FileBalance], database: Database, lake: Lake, content: str | bytes, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        take(content)
    assert str(refused.value).startswith(message)
    assert not lake.files(GUIDED)
    with database.transaction() as tx:
        assert queries.balances(tx=tx) == []
        [refused] = queries.refused_files(tx=tx)
    assert (refused.name, refused.adapter, refused.refused_at) == ("calls.csv", "voice_sms_csv", NOW)
    assert refused.why.startswith(message)


def test_a_refused_file_is_named_until_it_is_delivered_whole(take: Callable[..., FileBalance], database: Database) -> None:
    def refused() -> list[str]:
        with database.transaction() as tx:
            return [file.name for file in queries.refused_files(tx=tx)]

    whole = calls(call(1), call(2))
    for name in ("calls.csv", "copy.csv"):
        with pytest.raises(InvalidInput):
            take(whole[: len(whole) // 2], name)
    assert refused() == ["calls.csv", "copy.csv"]
    assert states(take(whole)) == {"guided": 2}
    assert refused() == ["copy.csv"]
    assert take(whole, "copy.csv").already_taken
    assert refused() == []


def test_of_sessions_that_were_cut_in_half_the_whole_lines_are_taken_and_the_rest_comes_with_the_whole_file(take: Callable[..., FileBalance]) -> None:
    lines = [session("1", "2", hour=hour) for hour in (10, 11, 12)]
    assert states(take("\n".join(lines)[: -len(lines[2]) // 2], "data.jsonl")) == {"guided": 2, "rejected:cut_line": 1}
    assert states(take("\n".join(lines), "data.jsonl")) == {"guided": 1, "duplicate": 2}
    with pytest.raises(InvalidInput, match="other.jsonl: file: is empty"):
        take("", "other.jsonl")


def test_a_file_of_no_records_is_taken_and_counts_nothing(take: Callable[..., FileBalance]) -> None:
    balance = take(calls())
    assert (balance.records_in, balance.units_in, balance.states, balance.closes) == (0, 0, (), True)


def test_a_file_with_windows_line_ends_is_read_alike(take: Callable[..., FileBalance]) -> None:
    assert states(take(calls(call(1), call(2)).replace("\n", "\r\n"))) == {"guided": 2}


def test_a_file_is_taken_once_under_any_name(take: Callable[..., FileBalance]) -> None:
    """Case 19 of docs/rating.md."""
    content = calls(call(1), call(1), call(2))
    first = take(content)
    assert states(first) == {"guided": 2, "duplicate": 1}
    same = take(content, "renamed.csv")
    assert same.already_taken and same.usage_file_id == first.usage_file_id
    assert states(take(content, again=True)) == {"duplicate": 3}


def test_a_file_that_is_not_there(take: Callable[..., FileBalance], database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        operations.collect(
            database=database, keeper=keeper.client("bss"), lake=lake, path=tmp_path / "none.csv", adapter="voice_sms_csv", now=NOW,
            identifiers=Identifiers(random.Random(1)),
        )  # fmt: skip


def test_usage_of_a_closed_period_is_late_and_comes_on_the_next_open_bill(take: Callable[..., FileBalance], database: Database, lake: Lake) -> None:
    take(calls(call(1)))
    for month in (9, 10):
        with database.transaction() as tx:
            assert operations.close_period(tx=tx, period=BillPeriod(date(2026, month, 1), date(2026, month + 1, 1)), now=NOW)
    take(calls(call(2), call(3, start="2026-09-03T12:00:00+02:00")), "late.csv")
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, lake.files(GUIDED))
        rows = duck.rows("SELECT generation, period_day, bill_day FROM guided ORDER BY generation, period_day")
    assert [tuple(row.values()) for row in rows] == [
        (0, date(2026, 10, 1), date(2026, 10, 1)),
        (1, date(2026, 10, 1), date(2026, 11, 1)),
        (2, date(2026, 9, 1), date(2026, 11, 1)),
    ]


def test_a_crash_after_the_lake_was_written_leaves_no_half_taken_file(
    take: Callable[..., FileBalance], database: Database, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = calls(call(1), call(2, other="999999"))
    with monkeypatch.context() as broken:
        broken.setattr("hoeksteen.usage._store.insert_file", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take(content)
    assert not lake.files(GUIDED)
    with database.transaction() as tx:
        assert queries.balances(tx=tx) == []
    assert states(take(content)) == {"guided": 1, "suspended:no_zone": 1}
