"""A number planted where the engine stumbles over it appears in no error, traceback, log or output."""

import logging
import random
import traceback
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import Corrupt, HoeksteenError
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import operations

PLANTED = "31687654321"
NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)
CALL = f"R;1;V;{PLANTED};{PLANTED};2026-10-03T12:00:00+02:00;60"
SESSION = f'{{"own_number":"{PLANTED}","start":"2026-10-03T12:00:00+02:00","uplink_bytes":1,"downlink_bytes":2,"visited_country":"NL"}}'


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "lines.txt"
    file.write_text(f"{CALL}\n{CALL}{'x' * 3_000_000}\n", "utf-8")
    return file


STATEMENTS = {
    "a cast": f"SELECT '{PLANTED} '::DATE",
    "a cast of a column": f"SELECT x::INTEGER FROM (VALUES ('{PLANTED}')) t(x)",
    "a number out of range": f"SELECT x::INTEGER FROM (VALUES ({PLANTED}0000)) t(x)",
    "a sum out of range": f"SELECT (x * 1000000000000000000)::BIGINT FROM (VALUES ({PLANTED})) t(x)",
    "an error of its own": f"SELECT error('{PLANTED}')",
    "a line that is no JSON": f"SELECT json_extract('{{{PLANTED}', '$.a')",
    "a row that is there already": f"INSERT INTO one VALUES ('{PLANTED}'), ('{PLANTED}')",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_engines_errors_show_no_value(statement: str) -> None:
    with Duck() as duck:
        duck.execute("CREATE TABLE one (number VARCHAR PRIMARY KEY)")
        with pytest.raises(duckdb.Error, match=PLANTED):
            duck.connection.execute(statement).fetchall()
        for way in (duck.rows, duck.value, duck.execute, lambda sql: duck.arrow(sql) if sql.startswith("SELECT") else duck.execute(sql)):
            with pytest.raises(Corrupt) as raised:
                way(statement)
            assert PLANTED not in told(raised.value)


def test_the_line_of_a_file_is_named_and_not_shown(csv: Path) -> None:
    query = (
        f"SELECT * FROM read_csv('{csv}', columns = {{'t': 'VARCHAR'}}, header = false, auto_detect = false, delim = '\x1f', quote = '', escape = '')"
    )
    with Duck() as duck, pytest.raises(Corrupt, match="InvalidInputException, line 2") as raised:
        duck.rows(query)
    assert PLANTED not in told(raised.value)


@pytest.mark.parametrize("name", ["calls.csv", "data.jsonl"])
@pytest.mark.parametrize("damage", ["long line", "second byte missing", "half a character", "null character", "cut", "other engine"])
def test_a_damaged_file_shows_no_number(
    database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path, name: str, damage: str,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    line = (CALL if name.endswith(".csv") else SESSION).encode()
    bad = {
        "long line": line + "é".encode() * 900_000,
        "second byte missing": line + b"\xc3 ",
        "half a character": line,
        "null character": line + b"\0",
    }
    lines = [line, bad.get(damage, line)]
    content = b"\n".join([b"H;voice_sms;1;x;2", *lines, b"T;2", b""] if name.endswith(".csv") else [*lines, b""])
    content = content[: len(content) // 2] if damage == "cut" else content + (b"\xc3" if damage == "half a character" else b"")
    path = tmp_path / name
    path.write_bytes(content)
    if damage == "other engine":  # a fault of ours in the middle of the numbers
        monkeypatch.setattr("hoeksteen.usage._pieces.cast", lambda _: "SELECT *, own_number::DATE AS reason FROM parsed")
    adapter = "voice_sms_csv" if name.endswith(".csv") else "sessions_jsonl"
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        try:
            operations.collect(
                database=database,
                keeper=keeper.client("bss"),
                lake=lake,
                path=path,
                adapter=adapter,
                now=NOW,
                identifiers=Identifiers(random.Random(1)),
            )
        except HoeksteenError as error:
            assert PLANTED not in told(error)
        else:
            assert (name, damage) == ("data.jsonl", "cut")
    with database.transaction() as tx:
        assert PLANTED not in str(tx.rows("SELECT * FROM usage.refused_file"))
    output = capfd.readouterr()
    assert PLANTED not in output.out + output.err + caplog.text
