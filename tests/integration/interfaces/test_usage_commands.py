"""The commands of usage, as people type them: the drop folder, the balances, the work queue."""

import os
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from factories.usage_files import NOW, OWN, House, call
from fixtures.commands import figures_and_text
from fixtures.keeper import RunningKeeper
from hoeksteen.interfaces.cli.usage import usage
from hoeksteen.kernel.errors import Corrupt, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.usage import retrying, suspense

LAYOUT = """
name: mine
format: csv
endings: [.own]
fields: [own, other, at, seconds]
columns: {service: {constant: voice}, own_number: own, other_number: other, start: at, units: seconds, country: {constant: NL}}
"""


@pytest.fixture
def drop(operator: BilledOperator, data: Path, keeper: RunningKeeper, tmp_path: Path) -> Path:
    House(operator.database, operator.lake, keeper, tmp_path).hold(OWN)
    folder = data / "app" / "drop"
    folder.mkdir()
    return folder


def put(path: Path, *lines: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([f"H;v;1;x;{len(lines)}", *lines, f"T;{len(lines)}", ""]), "utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_from_the_drop_folder_to_the_balances_and_the_queue(data: Path, drop: Path) -> None:
    put(drop / "calls.csv", call(1), call(2, other="999999"), call(3, other="999998"), "R;broken")
    put(drop / "cut.csv", call(4))
    (drop / "cut.csv").write_text("H;v;1;x;5\n", "utf-8")
    swept, told = figures_and_text(usage, data, "watch", "--once", "--settled", "0")
    assert swept["usage"] == {
        "records_in": 4, "files": 1, "already_taken": 0, "guided": 1, "duplicate": 0, "suspended": 2, "rejected": 1,
    }  # fmt: skip
    assert [file["name"] for file in swept["refused"]] == ["cut.csv"] and "calls.csv: 4 records" in told
    for by, of in (("day", ["2026-10-03", None]), ("source", ["voice_sms"])):
        figures, told = figures_and_text(usage, data, "balance", "--by", by, "--check")
        assert [one["of"] for one in figures[f"{by}s"]] == of and all(one["closes"] for one in figures[f"{by}s"])
        assert figures["differences"] == [] and "to the record and the unit" in told and "cut.csv" in told

    queue, told = figures_and_text(usage, data, "suspended", "list")
    assert [(one["reason"], one["records"]) for one in queue["suspended"]] == [("no_zone", 2)]
    shown, _ = figures_and_text(usage, data, "suspended", "show", "--reason", "no_zone", width=120)
    first, second = (one["record_id"] for one in shown["records"])
    assigned = CliRunner().invoke(
        usage, ["suspended", "assign", "--reason", "no_zone", "--source", "voice_sms", "--to", "h.jansen", "--data", str(data)]
    )
    assert assigned.exit_code == 0
    assert "h.jansen" in figures_and_text(usage, data, "suspended", "list", width=120)[1]
    said = ("--by", "h.jansen", "--why", "a service number")
    assert figures_and_text(usage, data, "suspended", "correct", first, "--zone", "NL-SERVICE", *said)[0] == {"corrected": 1, "guided": 1}
    assert figures_and_text(usage, data, "suspended", "write-off", second, *said)[0] == {"written_off": 1}
    assert figures_and_text(usage, data, "suspended", "retry")[0] == {"guided": 0}
    done, told = figures_and_text(usage, data, "suspended", "changes", width=120)
    assert [(one["kind"], one["made_by"], one["source"]) for one in done["changes"]] == [
        ("written_off", "h.jansen", "voice_sms"), ("zone", "h.jansen", "voice_sms"), ("assigned", "h.jansen", "voice_sms"),
    ]  # fmt: skip
    assert "a service number" in told
    assert figures_and_text(usage, data, "suspended", "list")[0] == {"suspended": []}
    figures, _ = figures_and_text(usage, data, "balance", "--check")
    assert (figures["usage"]["suspended"], figures["usage"]["rejected"], figures["differences"]) == (0, 2, [])


def test_a_balance_that_is_not_what_lies_in_the_lake_stops(data: Path, drop: Path, operator: BilledOperator) -> None:
    put(drop / "calls.csv", call(1))
    figures_and_text(usage, data, "watch", "--once", "--settled", "0")
    with operator.database.transaction() as tx:
        tx.execute("UPDATE usage.usage_file_balance SET units = units + 1")
    with pytest.raises(Corrupt, match="is not what lies in the lake"):
        figures_and_text(usage, data, "balance", "--check")
    with pytest.raises(Corrupt, match="The balance of voice_sms does not close"):
        figures_and_text(usage, data, "balance", "--by", "source")


def test_the_operators_own_layouts_count(data: Path, drop: Path) -> None:
    (data / "app" / "layouts").mkdir()
    (data / "app" / "layouts" / "mine.yaml").write_text(LAYOUT, "utf-8")
    assert "mine" in {one["name"] for one in figures_and_text(usage, data, "adapters")[0]["adapters"]}
    file = drop / "x.own"
    file.write_text(f"{OWN},0201234567,2026-10-03T12:00:00Z,60\n", "utf-8")
    assert figures_and_text(usage, data, "collect", str(file))[0]["usage"]["guided"] == 1
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert figures_and_text(usage, data, "watch", "--once")[0]["usage"]["already_taken"] == 1
    (data / "app" / "layouts" / "mine.yaml").write_text("name: Mine", "utf-8")
    with pytest.raises(InvalidInput, match=r"mine.yaml: .*format"):
        figures_and_text(usage, data, "adapters")
    with pytest.raises(InvalidInput):
        figures_and_text(usage, data, "collect", str(file), "--adapter", "none")


def test_the_watcher_tries_suspended_usage_again_where_somebody_asked(data: Path, drop: Path, operator: BilledOperator) -> None:
    put(drop / "calls.csv", call(1, other="999999"))
    figures_and_text(usage, data, "watch", "--once", "--settled", "0")
    shown, _ = figures_and_text(usage, data, "suspended", "show")
    said = {"field": "zone", "value": "NL", "made_by": "h.jansen", "why": "asked"}
    record_ids = [UUID(shown["records"][0]["record_id"])]
    suspense.correct(database=operator.database, lake=operator.lake, record_ids=record_ids, now=NOW, **said)
    assert "tried again" not in figures_and_text(usage, data, "watch", "--once")[1], "nobody asked yet"
    with operator.database.transaction() as tx:
        retrying.ask(tx=tx, asked_by="bram.visser", now=NOW)
    assert "tried again: 1 that waited can be rated now" in figures_and_text(usage, data, "watch", "--once")[1]
    assert figures_and_text(usage, data, "suspended", "list")[0] == {"suspended": []}


def test_records_of_nobody_are_guided_to_a_product_one_or_all(data: Path, drop: Path) -> None:
    put(drop / "calls.csv", *(call(number, own="31699900009") for number in range(3)))
    figures_and_text(usage, data, "watch", "--once", "--settled", "0")
    first, *_ = (one["record_id"] for one in figures_and_text(usage, data, "suspended", "show", width=120)[0]["records"])
    mine, said = str(derived("product", OWN)), ("--by", "h.jansen", "--why", "a swapped number")
    assert figures_and_text(usage, data, "suspended", "correct", first, "--product", mine, *said)[0] == {"corrected": 1, "guided": 1}
    nobodys = ("--reason", "no_product", "--source", "voice_sms")
    with pytest.raises(SystemExit):
        figures_and_text(usage, data, "suspended", "correct", first, *nobodys, "--product", mine, *said)
    with pytest.raises(NotFound, match="Nothing waits for no_product"):
        figures_and_text(usage, data, "suspended", "correct", *nobodys, "--service", "sms", "--product", mine, *said)
    with pytest.raises(WrongState, match="waits for no_product"):
        figures_and_text(usage, data, "suspended", "correct", *nobodys, "--zone", "NL", *said)
    assert figures_and_text(usage, data, "suspended", "correct", *nobodys, "--product", mine, *said)[0] == {"corrected": 2, "guided": 2}
    changes, told = figures_and_text(usage, data, "suspended", "changes", width=160)
    assert [(one["kind"], one["after"], one["records"]) for one in changes["changes"]] == [("product", mine, 2), ("product", mine, 1)]
    assert "a swapped number" in told
    figures, _ = figures_and_text(usage, data, "balance", "--check")
    assert figures["usage"]["suspended"] == 0 and figures["differences"] == []
