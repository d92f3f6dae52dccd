"""The commands that decide doubtful pairs, merge customers and take them apart; who decides signs."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from factories.doubts import bring_in_doubts
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from hoeksteen.interfaces.cli.consolidate_group import consolidate
from hoeksteen.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound

WHY = ("--why", "two households")


def _call(data: Path, *words: str, as_json: bool = True) -> dict[str, Any]:
    runner = CliRunner(env={"COLUMNS": "200"})
    done = runner.invoke(consolidate, [*words, "--data", str(data), *(["--json"] if as_json else [])])
    if done.exception:
        raise done.exception
    return dict(json.loads(done.stdout.strip().splitlines()[-1])) if as_json else {"told": done.stdout}


@pytest.fixture
def pairs(operator: BilledOperator, data: Path, keeper: RunningKeeper, tmp_path: Path, request: pytest.FixtureRequest) -> Sequence[dict[str, Any]]:
    bring_in_doubts(operator.database, keeper, tmp_path, request.node.name)
    found: Sequence[dict[str, Any]] = _call(data, "reviews")["reviews"]
    return found


def test_from_a_doubt_to_one_customer_and_back(data: Path, keeper: RunningKeeper, pairs: Sequence[dict[str, Any]]) -> None:
    assert [one["reason"] for one in pairs] == ["no_birth_date"] * 2
    first = pairs[0]
    decide = ("review", first["pair"], "--same", "--why", "moved")
    done = by_key(partial(_call, data), *decide, person="emma.bakker", keeper=keeper)
    assert (done["state"], done["decided_by"], done["one_customer"]) == ("same", "emma.bakker", False)
    explained = _call(data, "explain", first["pair"])
    assert [one["decision"] for one in explained["decisions"]] == ["same"]
    merged = _call(data, "merge", "--by", "emma.bakker")
    assert (len(merged["merged"]), merged["left"]) == (1, [])
    assert _call(data, "explain", first["pair"])["one_customer"]
    closed, active = sorted(merged["merged"][0]["customers"], key=lambda one: str(one["status"] == "active"))
    assert (closed["status"], closed["records"], len(active["records"])) == ("closed", [], 2)
    assert _call(data, "history", closed["customer_number"])["merged_into"] == active["customer_number"]
    told = _call(data, "history", active["customer_number"])
    assert [row["customer_number"] for row in told["merged"]] == [closed["customer_number"]]
    record = next(row for row in told["records"] if row["state"] == "merged")
    words = ("unmerge", active["customer_number"], "--record", f"{record['source']}:{record['source_row']}", *WHY)
    apart = by_key(partial(_call, data), *words, person="emma.bakker", keeper=keeper)
    assert sorted(len(one["records"]) for one in apart["customers"]) == [1, 1]
    assert {one["status"] for one in apart["customers"]} == {"active"}
    assert _call(data, "explain", first["pair"])["decided_by"] == "emma.bakker"
    assert _call(data, "explain", first["pair"])["state"] == "different", "who takes apart says so for later runs"
    assert _call(data, "merge", "--by", "emma.bakker") == {"merged": [], "left": []}
    again = ("merge", closed["customer_number"], active["customer_number"], *WHY)
    with pytest.raises(Conflict, match="emma.bakker decided on .* that two of these records are different"):
        by_key(partial(_call, data), *again, person="emma.bakker", keeper=keeper)
    told_again = _call(data, "history", active["customer_number"], as_json=False)["told"]
    assert "emma.bakker: merge" in told_again and "emma.bakker: unmerge, two households" in told_again


def test_customers_that_are_named_become_one_when_somebody_signs(data: Path, keeper: RunningKeeper, pairs: Sequence[dict[str, Any]]) -> None:
    words = ["merge", *_numbers(data, pairs[1]), *WHY]
    with pytest.raises(AccessDenied, match="role"):
        by_key(partial(_call, data), *words, person="bram.visser", keeper=keeper)
    done = by_key(partial(_call, data), *words, person="emma.bakker", keeper=keeper)
    assert sorted(one["status"] for one in done["customers"]) == ["active", "closed"]
    with pytest.raises(NotFound, match="no record of a legacy system"):
        by_key(partial(_call, data), *words, person="emma.bakker", keeper=keeper)


def _numbers(data: Path, pair: dict[str, Any]) -> list[str]:
    """The numbers of a pair's customers, by the records that they have."""
    found = []
    for number in range(200_000_001, 200_000_020):
        try:
            told = _call(data, "history", str(number))
        except NotFound:
            continue
        if {row["source_key"] for row in told["records"]} & {pair["left"], pair["right"]}:
            found.append(str(number))
    return found


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("review", "PAIR", "--why", "moved"), InvalidInput, "Nothing is decided"),
        (("review", "PAIR", "--same", "--why", "moved"), InvalidInput, "Nobody proved who decides"),
        (("review", "what", "--same", "--why", "moved", "--signed-by", "emma.bakker"), InvalidInput, "no name of a pair"),
        (("explain", "00000000-00000000"), NotFound, "no such pair"),
        (("merge",), InvalidInput, "Nobody is named"),
        (("unmerge", "200000001", "--record", "fixed:99", "--why", "x", "--signed-by", "emma.bakker"), InvalidInput, "no record fixed:99"),
        (("history", "1"), NotFound, "no customer 1"),
    ],
)
def test_what_cannot_be_is_said(data: Path, pairs: Sequence[dict[str, Any]], words: Sequence[str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        _call(data, *[pairs[0]["pair"] if word == "PAIR" else word for word in words])


def test_a_signature_over_a_decision_is_good_once(data: Path, keeper: RunningKeeper, pairs: Sequence[dict[str, Any]]) -> None:
    call, decide = partial(_call, data), ("review", pairs[0]["pair"], "--why")
    asked = call(*decide, "moved", "--same", "--signed-by", "emma.bakker")
    by_key(call, *decide, "twins", "--different", person="emma.bakker", keeper=keeper)
    now = call(*decide, "moved", "--same", "--signed-by", "emma.bakker")
    assert asked["text"] != now["text"], "what was signed before says what was decided last"
    tables = _call(data, "reviews", "--state", "different", as_json=False)["told"]
    assert "emma.bakker: twins" in tables and "1 pair waits" in tables
