"""The commands of rating, as people type them: rate, explain, correct, compare, count so far, and look after the lake."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from factories.invented_lines import Line, load_lines
from factories.usage_files import OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.interfaces.cli.counters import counters
from hoeksteen.interfaces.cli.discounts import discount
from hoeksteen.interfaces.cli.rating import lake
from hoeksteen.interfaces.cli.rating import rate as comparing
from hoeksteen.interfaces.cli.usage import usage
from hoeksteen.kernel.errors import Corrupt, InvalidInput, NotFound, Unavailable, WrongState
from hoeksteen.party import queries as party
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage.tables import GUIDED

EU, ROAMER = "33123456789", "31699900021"
Run = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def house(operator: BilledOperator, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(operator.database, operator.lake, keeper, tmp_path)
    house.hold(OWN)
    return house


@pytest.fixture
def run(data: Path) -> Run:
    def command(group: click.Group, *words: str, width: int = 80) -> tuple[dict[str, Any], str]:
        done = CliRunner(env={"COLUMNS": str(width)}).invoke(group, [*words, "--data", str(data), "--json"])
        if done.exception:
            raise done.exception
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    return command


def charges(house: House) -> list[dict[str, Any]]:
    return [row for row in house.rows(CHARGE) if row["service"] == "voice"]


def test_rating_tells_every_record_s_state_and_the_digest(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, other=EU, seconds=120), call(2, seconds=0), call(3, other="999999"), call(1, other=EU, seconds=120), "R;x")
    told, text = run(usage, "rate", "--month", "2026-10")
    assert told["usage"] == {
        "records_in": 5, "rated": 1, "zero_rated": 1, "duplicate": 1, "suspended": 1, "rejected": 1, "unrated": 0,
    }  # fmt: skip
    assert (told["month"], told["records"], told["recycled"]) == ("2026-10", 2, 0)
    assert "calls.csv" in text and "Every file closes, to the record and the unit." in text and told["digest"] in text
    again, _ = run(usage, "rate", "--month", "2026-10")
    assert again["digest"] == told["digest"]
    house.take("late.csv", call(9, other=EU, seconds=60))
    assert run(usage, "rate", "--month", "2026-10")[0]["digest"] != told["digest"]


def test_a_month_without_usage_says_so_and_shows_no_other_month(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, other=EU, seconds=120))
    run(usage, "rate", "--month", "2026-10")
    for month, begun in (("2026-01", True), ("2099-12", False)):
        told, text = run(usage, "rate", "--month", month)
        assert told["records"] == 0 and f"no usage for the bills of {month}" in text
        assert "calls.csv" not in text and ("not begun yet" not in text) == begun


def test_work_on_suspended_usage_reads_on_80_columns(house: House, run: Run, data: Path) -> None:
    assert "Nothing waits" in run(usage, "suspended", "list")[1]
    house.take("calls.csv", call(1, own="31699900033", seconds=120), call(2, own="31699900033", seconds=3))
    words = ("--reason", "no_product", "--source", "voice_sms", "--to", "emma.bakker", "--note", "a note of many words " * 4, "--data", str(data))
    assert CliRunner().invoke(usage, ["suspended", "assign", *words]).exit_code == 0
    listed, text = run(usage, "suspended", "list")
    assert listed["suspended"][0]["units"] == 123 and "voice 123 s" in text, "each service in its own unit"
    assert "no_product" in text and "2026-10-0" in text and "emma.bakker works on it; a note" in text
    shown, text = run(usage, "suspended", "show", "--reason", "no_product")
    for one in shown["records"]:
        assert one["record_id"] in text
    assert text.count("no_product, line ") == 2
    assert "Nothing waits for no_zone." in run(usage, "suspended", "show", "--reason", "no_zone")[1]
    with pytest.raises(SystemExit):
        run(usage, "suspended", "show", "--reason", "nozone")
    by_day, text = run(usage, "balance", "--by", "day")
    assert by_day["days"][0]["units_in"] > 0 and "units" not in text, "seconds, messages and bytes are not added up for people"


def test_rating_tries_what_waited_again(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, own="31699900033"))
    assert run(usage, "rate", "--month", "2026-10")[0]["usage"]["suspended"] == 1
    house.hold("31699900033")
    told, text = run(usage, "rate", "--month", "2026-10")
    assert (told["recycled"], told["usage"]["rated"], told["usage"]["suspended"]) == (1, 1, 0)
    assert "1 record that was suspended can be rated now." in text


@pytest.mark.parametrize("month", ["2026", "2026-13", "october", "0001-01"])
def test_a_month_is_named_as_a_month(data: Path, month: str) -> None:
    done = CliRunner().invoke(usage, ["rate", "--month", month, "--data", str(data)])
    assert done.exit_code == 2 and "--month" in done.output


def test_while_somebody_else_writes_rating_waits_for_another_time(house: House, run: Run) -> None:
    house.take("calls.csv", call(1))
    with house.lake.locked(database=house.database), pytest.raises(Unavailable, match="Another process is writing"):
        run(usage, "rate", "--month", "2026-10")


def test_the_balance_shows_units_too(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, seconds=90), call(2, seconds=30, other="999999"))
    run(usage, "rate", "--month", "2026-10")
    told, text = run(usage, "balance", "--units")
    [file] = told["files"]
    assert (file["units_in"], file["units"]["rated"], file["units"]["suspended"]) == (120, 90, 30)
    assert "Every unit has one state" in text and "90" in text


def test_units_are_told_by_service_and_never_added_up_over_services(house: House, run: Run) -> None:
    start = "2026-11-03T12:00:00+01:00"
    house.take(
        "calls.csv", call(1, seconds=90), call(2, seconds=30, other="999999"), call(1, seconds=90), call(3, seconds=-5), call(4, start=start), "X"
    )
    house.take("data.jsonl", session(OWN, volume_bytes=2_000), session("31699900009", volume_bytes=3_000))
    run(usage, "rate", "--month", "2026-10")
    record = next(one["record_id"] for one in house.rows(GUIDED) if one["service"] == "data")
    run(usage, "correct", str(record), "--units", "1000", "--by", "x", "--why", "y")
    run(usage, "rate", "--month", "2026-10")
    told, text = run(usage, "balance", "--units")
    names = {file["usage_file_id"]: file["name"].split()[0] for file in told["files"]}
    assert {(names[one["usage_file_id"]], one["service"], one["state"]): (one["records"], one["units"]) for one in told["units_by_service"]} == {
        ("calls.csv", "voice", "rated"): (1, 90), ("calls.csv", "voice", "suspended"): (1, 30), ("calls.csv", "voice", "duplicate"): (1, 90),
        ("calls.csv", "voice", "unrated"): (1, 60), ("calls.csv", "voice", "rejected"): (1, 0), ("calls.csv", "", "rejected"): (1, 0),
        ("data.jsonl", "data", "zero_rated"): (1, 2_000), ("data.jsonl", "data", "suspended"): (1, 3_000),
        ("corrections", "data", "rated"): (1, 1_000),
    }  # fmt: skip
    assert "voice all 5 270 s" in " ".join(text.split()) and "micro" not in text
    for file in told["files"]:
        for state, units in file["units"].items():
            here = [one for one in told["units_by_service"] if (one["usage_file_id"], one["state"]) == (file["usage_file_id"], state)]
            assert sum(one["units"] for one in here) == units


def test_a_balance_that_lost_a_unit_stops(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, seconds=90))
    run(usage, "rate", "--month", "2026-10")
    with house.database.transaction() as tx:
        tx.execute("UPDATE rating.file_balance SET units = units - 1")
    with pytest.raises(Corrupt, match="The balance of calls.csv does not close"):
        run(usage, "balance")


def test_one_record_is_explained_corrected_and_explained_again(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, other=EU, seconds=600))
    run(usage, "rate", "--month", "2026-10")
    [wrong] = charges(house)
    record, before = str(wrong["record_id"]), run(usage, "explain", str(wrong["record_id"]))[0]
    assert (before["amount_micro"], before["corrected"]) == (wrong["amount_micro"], None)
    said = ("--by", "h.jansen", "--why", "hung up sooner")
    made, text = run(usage, "correct", record, "--units", "60", *said, width=120)
    assert (made["in_place"], made["detail"], made["made_by"]) == (True, {"units": ["600", "60"]}, "h.jansen")
    assert "usage rate --month 2026-10" in text
    with pytest.raises(WrongState, match="changed since it was rated"):
        run(usage, "explain", record)
    told, _ = run(usage, "rate", "--month", "2026-10")
    assert (told["usage"]["rated"], told["usage"]["zero_rated"]) == (1, 1)
    right, gone = run(usage, "explain", made["new_record_id"])[0], run(usage, "explain", record)[0]
    assert right["corrects"]["record_id"] == record and right["amount_micro"] < before["amount_micro"]
    assert (gone["reason"], gone["amount_micro"], gone["corrected"]["new_record_id"]) == ("corrected", 0, made["new_record_id"])
    listed, text = run(usage, "corrections", width=150)
    assert [one["record_id"] for one in listed["corrections"]] == [record] and "hung up sooner" in text
    assert run(usage, "balance", "--check")[0]["differences"] == []


@pytest.mark.parametrize("words", [[], ["--nothing", "--units", "1"], ["--start", "yesterday"]])
def test_a_correction_says_what_is_right(data: Path, words: list[str]) -> None:
    asked = ["correct", str(UUID(int=1)), *words, "--by", "x", "--why", "y", "--data", str(data)]
    assert CliRunner().invoke(usage, asked).exit_code == 2


def test_a_correction_of_nothing_is_refused(house: House, run: Run) -> None:
    with pytest.raises(NotFound, match="No guided record"):
        run(usage, "correct", str(UUID(int=1)), "--nothing", "--by", "x", "--why", "y")
    with pytest.raises(NotFound, match="No rated record"):
        run(usage, "explain", str(UUID(int=1)))


def test_what_rating_would_make_of_a_month_now(house: House, run: Run) -> None:
    house.take("calls.csv", call(1, other=EU, seconds=60))
    run(usage, "rate", "--month", "2026-10")
    told, text = run(comparing, "difference", "--month", "2026-10")
    assert (told["differences"], told["micro"]) == ([], 0) and "Nothing differs" in text
    [charge] = charges(house)
    run(usage, "correct", str(charge["record_id"]), "--units", "120", "--by", "x", "--why", "y")
    told, text = run(comparing, "difference", "--month", "2026-10", width=120)
    assert told["micro"] > 0 and "In all EUR +" in text
    with house.database.transaction() as tx:
        number = str(tx.value("SELECT billing_account_number FROM party.billing_account"))
    one, text = run(comparing, "difference", "--month", "2026-10", "--billing-account", number, width=120)
    assert (one["differences"], number in text) == (told["differences"], True)
    with pytest.raises(NotFound, match="There is no billing account 9"):
        run(comparing, "difference", "--month", "2026-10", "--billing-account", "9")


def test_small_files_of_the_lake_are_merged_and_no_charge_changes(house: House, run: Run) -> None:
    for number in range(4):
        house.take(f"calls{number}.csv", call(number, other=EU, seconds=60 + number))
    run(usage, "rate", "--month", "2026-10")
    before, files = charges(house), len(house.lake.files(GUIDED))
    told, text = run(lake, "compact", "--files-max", "2")
    guided = next(one for one in told["compacted"] if one["table"] == "guided")
    assert (guided["partitions"], guided["files_before"], guided["files_after"], guided["rows"]) == (1, 4, 1, 4)
    assert "4 files of 1 partition became 1" in text and len(house.lake.files(GUIDED)) < files
    assert charges(house) == before
    assert run(usage, "balance", "--check")[0]["differences"] == []
    assert [one["partitions"] for one in run(lake, "compact", "--files-max", "2")[0]["compacted"]] == [0, 0]


def test_old_months_go_numbers_first(house: House, run: Run) -> None:
    house.take("calls.csv", call(1), call(2, start="2026-09-03T12:00:00+02:00"))
    run(usage, "rate", "--month", "2026-10")
    told, text = run(lake, "retain", "--traffic-from", "2026-10", "--records-from", "2026-01")
    assert (told["months_blind"], told["months_dropped"]) == ([202609], []) and "numbers went of 2026-09" in text
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, house.lake.files(GUIDED))
        rows = duck.rows("SELECT month, other_number IS NULL AS blind FROM guided ORDER BY month")
    assert [tuple(row.values()) for row in rows] == [(202609, True), (202610, False)]
    told, _ = run(lake, "retain", "--traffic-from", "2026-11", "--records-from", "2026-10")
    assert told["months_dropped"] == [202609] and [row["month"] for row in house.rows(GUIDED)] == [202610]
    with pytest.raises(InvalidInput, match="records_from comes after traffic_from"):
        run(lake, "retain", "--traffic-from", "2026-01", "--records-from", "2026-10")


def test_counters_are_counted_shown_and_a_cap_lifted_and_restored(house: House, run: Run, data: Path) -> None:
    line = Line(ROAMER, "mobile-m", date(2021, 1, 1), None, None)
    load_lines(database=house.database, keeper=house.keeper.client("bss"), lines=[line], salt="counters")
    now = datetime.now(UTC) - timedelta(seconds=5)  # noqa: TID251 a period is open by the machine's clock
    house.take("roaming.jsonl", session(ROAMER, start=now.isoformat(), volume_bytes=400 * 10**9, country="US"))
    told, text = run(counters, "refresh")
    assert (told["billing_accounts"], told["roaming_stopped"]) == (1, 1) and told["notices"] >= 1
    assert "1 billing account counted" in text
    shown, text = run(counters, "show", str(line.customer_id), width=120)
    cap = next(one for one in shown["counters"] if one["kind"] == "cap")
    assert cap["percent"] == 100 and [stop["cap_id"] for stop in shown["roaming_stops"]] == [cap["name"]]
    assert "is stopped since" in text
    with house.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=line.customer_id)
    for named in (customer.customer_number, str(customer.party_id)):
        assert run(counters, "show", named)[0] == shown, "by the number that people quote, and by the pseudonym that `customers` lists"
    again, _ = run(counters, "refresh")
    assert (again["notices"], again["roaming_stopped"]) == (0, 0), "nobody hears of it twice"
    names = (str(line.customer_id), str(cap["scope_id"]), cap["name"], "--data", str(data))
    lifted = CliRunner().invoke(counters, ["lift", *names])
    assert lifted.exit_code == 0 and "is lifted until it is restored" in lifted.output
    assert run(counters, "show", str(line.customer_id))[0]["roaming_stops"] == []
    restored = CliRunner().invoke(counters, ["restore", *names])
    assert restored.exit_code == 0 and "holds." in restored.output
    with pytest.raises(NotFound):
        wrong = CliRunner().invoke(counters, ["lift", str(line.customer_id), str(UUID(int=1)), cap["name"], "--data", str(data)])
        assert wrong.exception is not None
        raise wrong.exception


def test_a_customer_without_use_is_told_so_and_one_that_nobody_is_refused(house: House, run: Run) -> None:
    line = Line(ROAMER, "mobile-m", date(2021, 1, 1), None, None)
    load_lines(database=house.database, keeper=house.keeper.client("bss"), lines=[line], salt="quiet")
    with house.database.transaction() as tx:
        number = party.customer(tx=tx, customer_id=line.customer_id).customer_number
    shown, text = run(counters, "show", number)
    assert shown["counters"] == [] and f"Nothing is counted for customer {number}" in text and "So far" not in text
    for nobody in ("999999999", str(UUID(int=1))):
        for command, words in ((counters, ("show",)), (discount, ("show",)), (usage, ("list", "--month", "2026-10"))):
            with pytest.raises(NotFound, match=nobody):
                run(command, words[0], nobody, *words[1:])


def test_the_records_of_a_customers_month_are_listed_by_what_explain_takes(house: House, run: Run) -> None:
    house.take("calls.csv", call(1), call(2, start="2026-10-04T12:00:00+02:00"))
    run(usage, "rate", "--month", "2026-10")
    guided = house.rows(GUIDED)[0]
    listed, text = run(usage, "list", str(guided["customer_id"]), "--month", "2026-10", width=80)
    assert (listed["total"], len(listed["records"])) == (2, 2) and listed["customer_number"] in text
    for one in listed["records"]:
        assert one["record_id"] in text, "whole, so that it can be copied"
        assert run(usage, "explain", one["record_id"])[0]["record_id"] == one["record_id"]
    assert len(run(usage, "list", str(guided["customer_id"]), "--month", "2026-10", "--limit", "1")[0]["records"]) == 1
    empty, text = run(usage, "list", str(guided["customer_id"]), "--month", "2026-09")
    assert empty["records"] == [] and "0 of 0 records" in text
