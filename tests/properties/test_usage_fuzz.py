"""
Every malformed file ends in rejects with reasons, or is refused with its line and field; never in a crash, and no record is skipped in silence.

Each format's good files are damaged in many ways, from one seed a run; a failure names seed and format.
"""

import io
import random
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories import cdr
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage._intake import staged
from hoeksteen.usage._pieces import UNITS_MAX
from hoeksteen.usage._reading import read
from hoeksteen.usage.adapters import named

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ROUNDS = 40
REASONS = {
    "cut_line", "unknown_line", "unknown_service", "bad_number", "bad_date", "ambiguous_time", "date_out_of_range", "negative_units", "bad_units",
    "units_out_of_range", "cut_record", "unknown_record", "not_charged",
}  # fmt: skip
# Texts that broke programs before: of a meter's overflow, of spreadsheets, of other alphabets, of pattern and query languages.
NASTY = [
    "", " ", "-1", "-0", "+5", "1e9", "1.0", "0x10", "9223372036854775808", "18446744073709551616", "9" * 400, "²", "١٢٣", "\u202e31612345678",
    "31612345678.0", "6.12345678E8", "NaN", "inf", "null", "1970-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "0000-00-00T00:00:00Z", "2026-10-03T24:00:00Z", "9999-12-31T23:59:59Z", "2026-10-25T02:30:00", "'; DROP TABLE line; --", "%s", "{0}", "$(id)",
    "\\", "\\n", '"', "'", '""', ";", ",", "é" * 50, "😀", "\ufeff", "\u2028", "a" * 5_000, "[", "{", "}", "x'41'", "../../etc/passwd", "NULL",
]  # fmt: skip


def _voice(chance: random.Random) -> bytes:
    lines = [f"R;{n};{chance.choice('VS')};31600000001;0201234567;2026-10-03T12:00:00+02:00;{chance.randrange(2)}" for n in range(8)]
    return "\n".join([f"H;v;1;x;{len(lines)}", *lines, f"T;{len(lines)}", ""]).encode()


def _sessions(chance: random.Random) -> bytes:
    line = '{{"own_number":"31600000001","start":"2026-10-03T12:00:00Z","uplink_bytes":{},"downlink_bytes":2,"visited_country":"NL"}}\n'
    return "".join(line.format(chance.randrange(10**6)) for _ in range(8)).encode()


def _usage_json(chance: random.Random) -> bytes:
    line = '{{"id":"{}","service":"voice","own_number":"31600000001","other_number":"112","start":"2026-10-03T12:00:00Z","seconds":{}}}\n'
    return "".join(line.format(n, chance.randrange(99)) for n in range(8)).encode()


def _asterisk(chance: random.Random) -> bytes:
    line = (
        '"","31600000001","0201234567","d","""J, x"" <1>","a","b","Dial","c,20","2026-10-03 12:00:00","2026-10-03 12:00:05","2026-10-03 12:01:05",'
        '65,{},"ANSWERED","DOCUMENTATION","{}",""\n'
    )
    return "".join(line.format(chance.randrange(99), n) for n in range(8)).encode()


def _freeswitch(chance: random.Random) -> bytes:
    line = (
        '"J","31600000001","0201234567","d","2026-10-03 12:00:00","2026-10-03 12:00:05","2026-10-03 12:01:05","65","{}","OK","u-{}","","","A","A"\n'
    )
    return "".join(line.format(chance.randrange(99), n) for n in range(8)).encode()


def _parquet(chance: random.Random) -> bytes:
    table = pa.table(
        {
            "id": [str(n) for n in range(8)], "service": ["voice"] * 8, "own_number": ["31600000001"] * 8, "other_number": [chance.choice(NASTY)] * 8,
            "start": ["2026-10-03T12:00:00Z"] * 8, "units": [str(chance.choice([1, *NASTY])) for _ in range(8)], "visited_country": ["NL"] * 8,
        }
    )  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(table, sink, compression=chance.choice(["none", "snappy", "zstd"]))
    return sink.getvalue()


def _ber(chance: random.Random) -> bytes:
    makers = [cdr.sgw, cdr.pgw, cdr.mo_call, cdr.mo_sms, cdr.sgsn_sms, cdr.chf, cdr.chf_sms]
    return b"".join(chance.choice(makers)() for _ in range(8))


def _cdr_file(chance: random.Random) -> bytes:
    return cdr.cdr_file(*(chance.choice([cdr.sgw, cdr.mo_call, cdr.chf])() for _ in range(8)))


FORMATS: dict[str, Callable[[random.Random], bytes]] = {
    "voice_sms_csv": _voice, "sessions_jsonl": _sessions, "usage_jsonl": _usage_json, "asterisk_csv": _asterisk, "freeswitch_csv": _freeswitch,
    "usage_parquet": _parquet, "ts32298_ber": _ber, "ts32297_cdr": _cdr_file,
}  # fmt: skip


def _flip(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _lose(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.randrange(1, 40) :]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[max(0, at - chance.randrange(1, 200)) :]


def _noise(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + chance.randbytes(chance.randrange(1, 30)) + content[at:]


def _nasty(content: bytes, chance: random.Random) -> bytes:
    """Put a text that broke programs before in the place of a field."""
    parts = content.split(separator := chance.choice([b";", b",", b'"', b":"]))
    parts[chance.randrange(len(parts))] = chance.choice(NASTY).encode()
    return separator.join(parts)


def _ends(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\0\n", b"\x1f\n"]), chance.choice([1, 3, -1]))


DAMAGES = [_flip, _cut, _lose, _repeat, _noise, _nasty, _ends]


def judged(path: Path, folder: Path, adapter: str) -> dict[str | None, int]:
    """Read a file, and give how many of its records have each reason; every one of them is there once."""
    with staged(path, folder) as file, Duck(threads=1) as duck:
        records = read(duck, file, named(adapter), NOW)
        rows = duck.rows("SELECT line, service, own_number::VARCHAR AS own_number, start, units, reason FROM checked")
    assert len(rows) == records
    assert len({row["line"] for row in rows}) == records
    found: dict[str | None, int] = {}
    for row in rows:
        found[row["reason"]] = found.get(row["reason"], 0) + 1
        assert 0 <= row["units"] <= max(UNITS_MAX.values())
        if row["reason"] is None:
            assert row["own_number"].isdigit() and row["start"] is not None and row["service"] in {"voice", "sms", "data"}
    return found


@pytest.mark.parametrize("adapter", FORMATS)
def test_a_good_file_is_read(tmp_path: Path, adapter: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(FORMATS[adapter](random.Random(1)))
    if adapter != "usage_parquet":
        assert judged(path, tmp_path / "stage", adapter) == {None: 8}


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("adapter", FORMATS)
def test_a_damaged_file_is_refused_or_its_records_have_reasons(tmp_path: Path, adapter: str, seed: int) -> None:
    chance, refused = random.Random(f"{adapter} {seed}"), 0
    path = tmp_path / "file"
    for number in range(ROUNDS):
        content = FORMATS[adapter](chance)
        for _ in range(chance.randrange(1, 4)):
            content = chance.choice(DAMAGES)(content, chance) or b"\n"
        path.write_bytes(content)
        try:
            reasons = judged(path, tmp_path / "stage", adapter)
        except InvalidInput as error:
            assert error.message.startswith("file: ") and error.remedy, f"round {number}"
            assert "600000001" not in "".join(traceback.format_exception(error)), f"round {number} shows somebody's number"
            refused += 1
        else:
            assert set(reasons) - {None} <= REASONS, f"round {number}"
    assert refused < ROUNDS or adapter == "usage_parquet", "damage is not always fatal"


@pytest.mark.parametrize("reader", FORMATS)
def test_a_file_of_another_format_is_no_crash(tmp_path: Path, reader: str) -> None:
    for writer, make in FORMATS.items():
        path = tmp_path / "file"
        path.write_bytes(make(random.Random(2)))
        try:
            reasons = judged(path, tmp_path / "stage", reader)
        except InvalidInput as error:
            assert error.message.startswith("file: "), writer
        else:
            assert writer == reader or None not in reasons or {writer, reader} == {"ts32298_ber", "ts32297_cdr"}, writer
