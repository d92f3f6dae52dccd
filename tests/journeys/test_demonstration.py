"""The main job, whole: three legacy systems in, sealed customers, rated usage, bills out, proven."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from fixtures.demonstration import CUSTOMERS, QUIETLY, Demonstration
from hoeksteen.disclosure import KeeperClient
from hoeksteen.host.installation import Installation
from hoeksteen.interfaces.cli.people import key_of, log_ins
from hoeksteen.interfaces.cli.story import Story
from hoeksteen.interfaces.cli.story_evidence import give_log_in


def test_each_source_is_accounted_for_to_the_record(demonstration: Demonstration) -> None:
    sources = demonstration.figures["sources"]
    assert [source["name"] for source in sources] == ["fixed", "mobile", "broadband"]
    for source in sources:
        assert source["records_in"] == source["loaded"] + source["merged"] + source["in_review"] + source["rejected"] > 0
    assert sum(source["merged"] for source in sources) > 0
    assert demonstration.figures["customers"] >= 0.95 * CUSTOMERS


def test_nobody_is_mixed_up_with_somebody_else(demonstration: Demonstration) -> None:
    match = demonstration.figures["match"]
    assert match["household_merges"] == 0
    assert match["precision"] >= 0.999
    assert match["recall"] >= 0.9


def test_each_usage_record_has_exactly_one_state(demonstration: Demonstration) -> None:
    usage = demonstration.figures["usage"]
    states = ("rated", "zero_rated", "duplicate", "suspended", "rejected")
    assert usage["records_in"] == sum(usage[state] for state in states)
    assert min(usage[state] for state in states) > 0


def test_the_bills_balance_to_the_cent(demonstration: Demonstration) -> None:
    bills = demonstration.figures["bills"]
    assert bills["count"] > CUSTOMERS / 2
    assert bills["ledger_difference"] == "0.00"
    assert abs(Decimal(bills["net"]) + Decimal(bills["vat"]) - Decimal(bills["gross"])) <= Decimal("0.01") * bills["count"]
    assert all(re.fullmatch(r"-?\d+\.\d\d", bills[amount]) for amount in ("net", "vat", "gross"))


def test_the_proof_holds_and_a_changed_byte_is_found(demonstration: Demonstration) -> None:
    evidence = demonstration.figures["evidence"]
    assert evidence["verified"] is True
    assert evidence["tampered_copy_verified"] is False
    assert evidence["entries"] > 10
    bundle = Path(evidence["bundle"])
    assert (bundle.stat().st_mode & 0o777, bundle.parent.stat().st_mode & 0o777) == (0o600, 0o700), "nobody else reads the evidence"


def test_the_story_shows_who_was_refused_and_why(demonstration: Demonstration) -> None:
    for reason in ("no_grant", "grant_expired"):
        assert reason in demonstration.told


def test_a_customer_has_a_log_in_of_their_own_however_often_it_is_told(demonstration: Demonstration) -> None:
    access = json.loads((demonstration.data / "demonstration.json").read_text("utf-8"))["access"]
    story = Story(Installation(demonstration.settings), Console(quiet=True))
    before = log_ins(story.installation)
    give_log_in(story, access["customer_number"], access["party_id"])
    assert log_ins(story.installation) == before and before[-1].actor == access["customer_number"]
    with KeeperClient(
        socket_path=demonstration.settings.keeper_socket, service="dewi.hoekstra", key_path=key_of(story.installation, "dewi.hoekstra")
    ) as keeper:
        active = {one["actor"] for one in keeper.could_see(subject=UUID(access["party_id"]))["actors"]}
    assert access["customer_number"] in active, "confirmed: they may see what is theirs"


def test_each_command_of_the_story_can_be_typed_and_none_is_left_out(demonstration: Demonstration) -> None:
    for command in ("hoeksteen customers --limit 2", "hoeksteen-keeper could-see", "hoeksteen-keeper did-see", "hoeksteen-keeper export"):
        assert f"$ {command}" in demonstration.told
    listed = demonstration.told.partition("$ hoeksteen customers --limit 2")[2].partition("$ ")[0]
    assert "2 of " in listed, "what the command shows stands below it"


def test_the_same_demonstration_goes_on_where_it_stopped(demonstration: Demonstration) -> None:
    memory = demonstration.data / "demonstration.json"
    told = json.loads(memory.read_text("utf-8"))
    del told["usage"], told["bills"]  # as if it had been killed after the work, before that was written down
    memory.write_text(json.dumps(told), "utf-8")
    again = subprocess.run(
        [Path(sys.executable).parent / "hoeksteen", "demo", "--customers", str(CUSTOMERS), *QUIETLY, "--data", demonstration.data],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("done before") == 5
    assert json.loads(again.stdout.splitlines()[-1])["bills"] == demonstration.figures["bills"]


@pytest.mark.parametrize("values", ["msisdn", "iban", "email"])
def test_no_planted_value_lies_open_anywhere(demonstration: Demonstration, values: str) -> None:
    """Database files, write-ahead log, lake, logs, settings: only the legacy exports themselves hold personal data in the clear."""
    legacy = demonstration.data / "app" / "legacy"
    planted: set[bytes] = set()
    for line in (legacy / "mobile.jsonl").read_text("utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found = [sim["msisdn"] for sim in record["sims"]] if values == "msisdn" else [record[values]]
        planted |= {value.replace(" ", "").encode() for value in found if value and len(value) > 8}
    assert len(planted) > 20
    looked_at, leaks = 0, []
    for file in demonstration.data.rglob("*"):
        if not file.is_file() or file.is_relative_to(legacy) or file.is_relative_to(demonstration.data / "evidence"):
            continue
        looked_at += 1
        leaks += [str(file) for value in _present(file, planted) if value]
    assert looked_at > 500
    assert leaks == []


def _present(file: Path, planted: set[bytes]) -> list[bytes]:
    content = file.read_bytes()
    if file.suffix == ".parquet":
        import pyarrow.parquet

        content = "\n".join(str(column.to_pylist()) for column in pyarrow.parquet.read_table(file).columns).encode()
    pattern = re.compile(b"|".join(re.escape(value) for value in planted))
    return pattern.findall(content)
