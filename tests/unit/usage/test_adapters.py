"""Formats are declared, or come with a package; each line of each of them has one state, with a reason that says what is wrong."""

import traceback
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage import adapters as registry
from hoeksteen.usage._intake import staged
from hoeksteen.usage._reading import read
from hoeksteen.usage.adapters import adapters, named, of_ending
from hoeksteen.usage.adapters.layout import read_layout

NOW = datetime(2026, 12, 1, tzinfo=UTC)
Rows = list[tuple[Any, ...]]


def rows_of(tmp_path: Path, adapter: str, content: bytes | str, *, layouts: Path | None = None) -> Rows:
    """Read a file and give (service, own, other, start, units, country, reason) of each record."""
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with staged(path, tmp_path / "stage") as file, Duck() as duck:
        read(duck, file, named(adapter, layouts), NOW)
        text = "SELECT * REPLACE (own_number::VARCHAR AS own_number, other_number::VARCHAR AS other_number) FROM checked"
        rows = duck.rows(f"SELECT service, own_number, other_number, start, units, country, reason FROM ({text}) ORDER BY line")
    return [tuple(row.values()) for row in rows]


def reasons(rows: Rows) -> list[str | None]:
    return [row[6] for row in rows]


def layout(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "layouts"
    folder.mkdir(exist_ok=True)
    (folder / "mine.yaml").write_text(text, "utf-8")
    return folder


MINE = """
name: mine
format: csv
separator: "|"
quote: "'"
header: names
trailer: {pattern: "END (?P<records>[0-9]{1,9})", says: END and the number of records}
fields: [id, kind, a, b, at, seconds, paid]
only: {kind: [call, text]}
needed: [id]
columns:
  source_record_id: id
  service: {field: kind, map: {call: voice, text: sms}}
  own_number: {field: a, extract: "^(?:sip:)?([0-9+]+)"}
  other_number: b
  start: {field: at, time: "%d-%m-%Y %H:%M:%S", zone: Europe/Amsterdam}
  units: {field: seconds, default: "1", zero_unless: {paid: "yes"}}
  country: {constant: NL}
"""


def mine(*lines: str) -> str:
    return "\n".join(["id|kind|a|b|at|seconds|paid", *lines, f"END {len(lines)}", ""])


def test_a_declared_layout_is_read_as_it_says(tmp_path: Path) -> None:
    folder = layout(tmp_path, MINE)
    rows = rows_of(
        tmp_path, "mine",
        mine(
            "1|call|sip:31600000001@x|'0201234567'|03-10-2026 12:00:00|61|yes",
            "2|text|31600000001|31600000002|03-01-2026 12:00:00||yes",
            "3|call|31600000001|31600000002|03-10-2026 12:00:00|61|no",
            "4|fax|31600000001|31600000002|03-10-2026 12:00:00|61|yes",
            "|call|31600000001|31600000002|03-10-2026 12:00:00|61|yes",
            "6|call|31600000001|31600000002|3-10-2026 12:00:00|61|yes",
            "7|call|31600000001|31600000002|31-02-2026 12:00:00|61|yes",
            "8|call|31600000001|31600000002|25-10-2026 02:30:00|61|yes",
            "9|call|31600000001|31600000002|29-03-2026 02:30:00|61|yes",
            "10|call|31600000001|'31600000002|03-10-2026 12:00:00|61|yes",
            "11|call|31600000001",
            "12|call|31600000001|31600000002|03-10-2026 12:00:00|61|'yes'''",
            "13|call|'316''|1'|31600000002|03-10-2026 12:00:00|61|yes",
        ),
        layouts=folder,
    )  # fmt: skip
    assert rows[0] == ("voice", "31600000001", "31201234567", datetime(2026, 10, 3, 10, tzinfo=UTC), 61, "NL", None)
    assert rows[1] == ("sms", "31600000001", "31600000002", datetime(2026, 1, 3, 11, tzinfo=UTC), 1, "NL", None)
    assert rows[2][4:] == (0, "NL", None)
    assert reasons(rows)[3:] == [
        "unknown_line", "unknown_line", "bad_date", "bad_date", "ambiguous_time", "bad_date", "cut_line", "cut_line", None, "bad_number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mine().replace("|at|", "|when|"), "file: line 1: header: must be id.kind.a.b.at.seconds.paid"),
        (mine("1|call|||||").replace("END 1", "END 2"), "file: line 3: records: says 2, and the file holds 1"),
        (mine("1|call|||||").replace("END 1\n", ""), "file: line 2: trailer: is missing"),
        (mine().splitlines()[0], "file: line 1: trailer: is missing"),
    ],
)
def test_header_and_trailer_of_a_layout_are_checked(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(tmp_path, "mine", content, layouts=layout(tmp_path, MINE))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("format: csv", "format: xml"), "format: is one of csv, jsonl, parquet"),
        (("name: mine", "name: Mine"), "name: is of small letters"),
        (("name: mine", "name: mine\nnames: x"), "there is no setting names"),
        (("  country: {constant: NL}", ""), "columns: country is missing"),
        (("country:", "land:"), "columns: there is no land"),
        (("needed: [id]", "needed: [nr]"), "fields: there is no nr"),
        (('time: "%d-%m-%Y %H:%M:%S"', 'time: "%d-%m"'), "columns: start: time"),
        (("Europe/Amsterdam", "Europe/Nowhere"), "columns: start: zone: is no time zone"),
        (('"^(?:sip:)?([0-9+]+)"', '"(?<=x)(y)"'), "extract: is a pattern with one group"),
        (('"^(?:sip:)?([0-9+]+)"', '"("'), "extract: is a pattern with one group"),
        (('separator: "|"', 'separator: "||"'), "separator, quote"),
        (("own_number: {field: a,", "own_number: {field: a, constant: b,"), "has either field or constant"),
        (("fields: [id, kind", "fields: [id, id, kind"), "one is named twice"),
        (("trailer: {pattern:", "trailer: {patterns:"), "trailer: has a pattern"),
    ],
)
def test_a_layout_with_a_fault_is_refused_with_all_of_them(change: tuple[str, str], fault: str) -> None:
    assert change[0] in MINE
    with pytest.raises(InvalidInput) as refused:
        read_layout(MINE.replace(*change) + "\nmore: 1", "mine.yaml")
    assert str(refused.value).startswith("mine.yaml: ")
    assert fault in str(refused.value) and "there is no setting more" in str(refused.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "{1: 2}", "&a [*a]", "columns: 3\nfields: {}\nonly: x"])
def test_what_is_no_layout_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_layout(text, "mine.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("format: csv", "format: csv\nformat: jsonl"), "format stands twice in one mapping"),
        (("country: {constant: NL}", "country: &a {constant: NL, map: {V: *a}}"), "holds itself"),
        (("  country: {constant: NL}", "  country: {constant: NL}\n  country: {constant: DE}"), "country stands twice in one mapping"),
    ],
)
def test_a_layout_that_yaml_reads_as_something_else_is_refused(change: tuple[str, str], said: str) -> None:
    assert change[0] in MINE
    with pytest.raises(InvalidInput, match=rf"mine.yaml: line [0-9]+: {said}"):
        read_layout(MINE.replace(*change), "mine.yaml")


ASTERISK = '"","{src}","{dst}","default","""Jan, de"" <{src}>","SIP/a-1","SIP/b-2","Dial","SIP/b,20","{start}","{answer}","2026-10-03 12:01:05",65,60,"{said}","DOCUMENTATION","{id}",""'  # noqa: E501


def asterisk(**values: str) -> str:
    usual = {
        "src": "31600000001",
        "dst": "0201234567",
        "start": "2026-10-03 12:00:00",
        "answer": "2026-10-03 12:00:05",
        "said": "ANSWERED",
        "id": "a.1",
    }
    return ASTERISK.format(**{**usual, **values})


def test_asterisk(tmp_path: Path) -> None:
    lines = [
        asterisk(),
        asterisk(said="NO ANSWER", answer="", id="a.2"),
        asterisk(src="anonymous", id="a.3"),
        asterisk(id=""),
        asterisk()[:-20],
        asterisk().replace(",60,", ",-60,"),
    ]
    rows = rows_of(tmp_path, "asterisk_csv", "\n".join(lines))
    assert rows[0] == ("voice", "31600000001", "31201234567", datetime(2026, 10, 3, 12, 0, 5, tzinfo=UTC), 60, "NL", None)
    assert rows[1] == ("voice", "31600000001", "31201234567", datetime(2026, 10, 3, 12, 0, 0, tzinfo=UTC), 0, "NL", None)
    assert reasons(rows)[2:] == ["bad_number", "unknown_line", "cut_line", "negative_units"]


def test_freeswitch(tmp_path: Path) -> None:
    line = (
        '"Jan","31600000001","+31201234567","default","{start}","{answer}","2026-10-03 12:01:05","65","{billsec}","NORMAL_CLEARING",'
        '"7c1d6e50-0000-4000-8000-000000000001","","","PCMA","PCMA"'
    )
    lines = [
        line.format(start="2026-10-03 12:00:00", answer="2026-10-03 12:00:05", billsec="60"),
        line.format(start="2026-10-03 12:00:00", answer="", billsec="0"),
        line.format(start="2026-10-25 02:59:59", answer="", billsec="0"),
        line.format(start="2026-10-25 03:00:00", answer="", billsec="0"),
    ]
    rows = rows_of(tmp_path, "freeswitch_csv", "\n".join(lines) + "\n")
    assert rows[0] == ("voice", "31600000001", "31201234567", datetime(2026, 10, 3, 10, 0, 5, tzinfo=UTC), 60, "NL", None)
    assert rows[1][3:] == (datetime(2026, 10, 3, 10, 0, 0, tzinfo=UTC), 0, "NL", None)
    assert reasons(rows)[2:] == ["ambiguous_time", None]


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"id":"1","service":"voice","own_number":"31600000001","other_number":"112","start":"2026-10-03T12:00:00Z","seconds":60}',
        '{"id":"2","service":"data","own_number":"31600000001","start":"2026-10-03T12:00:00Z","uplink_bytes":5,"downlink_bytes":7,"visited_country":"de"}',
        '{"id":"3","service":"data","own_number":"31600000001","start":"2026-10-03T12:00:00Z","uplink_bytes":9223372036854775808}',
        '{"id":"4","service":"fax","own_number":"31600000001","start":"2026-10-03T12:00:00Z","seconds":1}',
        '{"id":null,"service":"voice"}',
        '{"id":"6","own_number":"31600000001"',
        '{"id":"7","service":"data","own_number":["31600000001"],"start":"2026-10-03T12:00:00Z","uplink_bytes":1}',
        '{"id":"8","service":"data","own_number":"31600000001","start":1790000000,"uplink_bytes":1}',
    ]
    rows = rows_of(tmp_path, "usage_jsonl", "\n".join(lines))
    assert rows[0] == ("voice", "31600000001", "112", datetime(2026, 10, 3, 12, tzinfo=UTC), 60, "NL", None)
    assert rows[1] == ("data", "31600000001", None, datetime(2026, 10, 3, 12, tzinfo=UTC), 12, "DE", None)
    assert reasons(rows)[2:] == ["bad_units", "unknown_service", "unknown_line", "cut_line", "bad_number", "bad_date"]


@pytest.mark.parametrize("layout_time", ["epoch_seconds", "epoch_milliseconds", "epoch_microseconds"])
def test_epochs(tmp_path: Path, layout_time: str) -> None:
    times = {"epoch_seconds": 1, "epoch_milliseconds": 1_000, "epoch_microseconds": 1_000_000}
    text = MINE.replace('time: "%d-%m-%Y %H:%M:%S", zone: Europe/Amsterdam', f"time: {layout_time}")
    at = 1_790_000_000 * times[layout_time]
    lines = [f"1|call|31600000001|31600000002|{value}|61|yes" for value in (at, -at, "9" * 30, "", f"{at}.5")]
    rows = rows_of(tmp_path, "mine", mine(*lines), layouts=layout(tmp_path, text))
    assert rows[0][3] == datetime.fromtimestamp(1_790_000_000, UTC)
    assert reasons(rows)[1:] == ["bad_date"] * 4


def parquet(tmp_path: Path, table: pa.Table) -> bytes:
    pq.write_table(table, tmp_path / "made.parquet", row_group_size=2)
    return (tmp_path / "made.parquet").read_bytes()


PLANTED = 31_687_654_321
PARQUET = {
    "id": ["1", "2", "3"],
    "service": ["voice", "sms", "data"],
    "own_number": ["31600000001"] * 3,
    "other_number": ["112", "0201234567", None],
    "start": pa.array([1_790_000_000_123_456, 1_790_000_001_000_000, None], pa.timestamp("us", tz="Europe/Amsterdam")),
    "units": [60, 1, 2**63 - 1],
    "visited_country": ["NL", None, "FR"],
    "apn": ["x", "y", "z"],
}


def test_parquet(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "usage_parquet", parquet(tmp_path, pa.table(PARQUET)))
    assert rows[0] == ("voice", "31600000001", "112", datetime.fromtimestamp(1_790_000_000.123456, UTC), 60, "NL", None)
    assert rows[1][:3] == ("sms", "31600000001", "31201234567")
    assert reasons(rows) == [None, None, "bad_date"]
    numbers = pa.table({**PARQUET, "own_number": [31600000001.0] * 3, "start": ["2026-10-03T12:00:00Z"] * 3})
    assert reasons(rows_of(tmp_path, "usage_parquet", parquet(tmp_path, numbers))) == ["bad_number"] * 3


def test_parquet_that_is_damaged_lacks_a_column_or_cannot_be_text(tmp_path: Path) -> None:
    whole = parquet(tmp_path, pa.table(PARQUET))
    for content in (b"PAR1", b"no parquet at all", whole[:-5], whole[:200] + b"\0" * 50 + whole[250:]):
        with pytest.raises(InvalidInput, match="file: file: is damaged"):
            rows_of(tmp_path, "usage_parquet", content)
    with pytest.raises(InvalidInput, match="file: file: has no column units"):
        rows_of(tmp_path, "usage_parquet", parquet(tmp_path, pa.table(PARQUET).drop_columns("units")))
    with pytest.raises(InvalidInput, match="file: file: is damaged") as refused:
        rows_of(tmp_path, "usage_parquet", parquet(tmp_path, pa.table({**PARQUET, "own_number": [[PLANTED]] * 3})))
    assert str(PLANTED) not in "".join(traceback.format_exception(refused.value))


def test_parquet_that_stands_for_gigabytes_is_refused_at_its_first_rows(tmp_path: Path) -> None:
    rows = 20_000
    columns = {name: pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array([name * 2_000])) for name in PARQUET}
    pq.write_table(pa.table(columns), tmp_path / "made.parquet")
    content = (tmp_path / "made.parquet").read_bytes()
    assert len(content) < 100_000
    with pytest.raises(InvalidInput, match="file: row 1: file: has rows of more than 4096 bytes from here"):
        rows_of(tmp_path, "usage_parquet", content)


def test_an_ending_tells_one_format_or_none() -> None:
    known = adapters()
    assert {"voice_sms_csv", "sessions_jsonl", "usage_jsonl", "usage_parquet", "asterisk_csv", "freeswitch_csv"} <= set(known)
    assert {name: getattr(of_ending(name, known), "name", None) for name in ("a.CSV", "a.jsonl", "a.parquet", "a.txt")} == {
        "a.CSV": "voice_sms_csv", "a.jsonl": "sessions_jsonl", "a.parquet": "usage_parquet", "a.txt": None,
    }  # fmt: skip


PACKAGE = '''
class Fixed:
    """Ten characters of number, ten of number, six of seconds."""

    name, source, endings = "fixed_width", "exchange", (".fix",)

    def body(self, frame):
        return 1, frame.lines

    def parsed(self, lines):
        return f"""
        SELECT line, NULL AS source_record_id, 'voice' AS service, '31' || left(text, 9) AS own_number, '31' || substr(text, 10, 9) AS other_number,
            '2026-10-03T12:00:00Z' AS start, substr(text, 19, 6) AS units, '0' AS more_units, 'NL' AS country,
            CASE WHEN length(text) <> 24 THEN 'cut_line' END AS fault
        FROM {lines}
        """

def adapters():
    return [Fixed()]

def broken():
    return [object()]

def twice():
    return [Fixed(), Fixed()]
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a package beside ours, and say what its entry point names."""
    (tmp_path / "sample_exchange.py").write_text(PACKAGE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    ours = [EntryPoint("hoeksteen", "hoeksteen.usage.adapters:ours", registry.GROUP)]

    def install(function: str) -> None:
        point = EntryPoint("sample", f"sample_exchange:{function}", registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: [*ours, point])
        registry._installed.cache_clear()

    yield install
    monkeypatch.undo()
    registry._installed.cache_clear()


def test_a_package_brings_an_adapter(package: Any, tmp_path: Path) -> None:
    package("adapters")
    assert {"fixed_width", "voice_sms_csv"} <= set(adapters())
    rows = rows_of(tmp_path, "fixed_width", "600000001600000002000061\n600000001\n")
    assert rows[0] == ("voice", "31600000001", "31600000002", datetime(2026, 10, 3, 12, tzinfo=UTC), 61, "NL", None)
    assert reasons(rows) == [None, "cut_line"]


@pytest.mark.parametrize(
    ("function", "message"),
    [("none", "do not load: AttributeError"), ("broken", "gives what is no adapter"), ("twice", "there are two adapters fixed_width")],
)
def test_a_package_that_brings_none_is_named(package: Any, function: str, message: str) -> None:
    package(function)
    with pytest.raises(InvalidInput, match=message):
        adapters()


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"mine.yaml: there are two adapters usage_jsonl"):
        adapters(layout(tmp_path, MINE.replace("name: mine", "name: usage_jsonl")))
    with pytest.raises(InvalidInput, match=r"There is no adapter none\. Choose one of asterisk_csv, "):
        named("none")
