"""A run's reconciliation, written, signed with a person's key, and looked at again."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from factories.billed_operator import BilledOperator
from factories.legacy import fixed_row, write_fixed
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from hoeksteen.consolidation.signoff import digest_of
from hoeksteen.interfaces.cli import consolidate_seen
from hoeksteen.interfaces.cli.consolidate_group import consolidate
from hoeksteen.kernel.errors import AccessDenied, Conflict, Corrupt, NotFound

OTHER = fixed_row("10000002", "A1000002", NUMMER="030-2123457", NAAM="VISSER K. MEVR", GEBDAT="01-02-1970")


def _result(data: Path, *words: str, as_json: bool = True) -> Result:
    return CliRunner(env={"COLUMNS": "220"}).invoke(consolidate, [*words, "--data", str(data), *(["--json"] if as_json else [])])


def _call(data: Path, *words: str) -> dict[str, Any]:
    done = _result(data, *words)
    if done.exception:
        raise done.exception
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_a_report_is_signed_off_and_a_changed_one_is_not_it_any_more(
    operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = installed(tmp_path, operator, business_dsn, keeper)
    call = partial(_call, data)
    assert "Nothing was run yet." in _result(data, "runs", as_json=False).stdout
    with pytest.raises(NotFound):
        call("report")
    figures = call("--mapping", "fixed", "--input", str(write_fixed(tmp_path, fixed_row(), OTHER)), "--cutover", "2026-11-01")
    assert figures["closes"]
    [run] = call("runs")["runs"]
    assert (run["kind"], run["state"], run["wave"], run["figures"]["customers"]) == ("copy", "done", "", 2)
    assert run["figures"]["changes"]["fixed"] == {"new": 2, "changed": 0, "gone": 0}
    assert run["grant"] == keeper.grants["migration"]

    seen = _seen(monkeypatch, data, keeper, run["run_id"])
    assert {(one["action"], one["category"], one["people"], one["grant"]) for one in seen["seen"]} == {
        ("seal", category, 2, run["grant"]) for category in ("identity", "contact", "payment")
    }
    assert _seen(monkeypatch, data, keeper, run["run_id"], "--customer", "200000001")["entries"] == 3

    file, page = tmp_path / "report.json", tmp_path / "report.html"
    told = call("report", "--out", str(file))
    document = json.loads(file.read_text("utf-8"))
    assert (document, told["signatures"]) == (told["report"], [])
    assert document["sha256"] == digest_of(document).hex()
    assert document["sources"][0]["export_sha256"] == run["sources"][0]["sha256"]
    before = _decisions(keeper)

    with pytest.raises(AccessDenied, match="role"):
        by_key(lambda *words: call("sign", *words), "--digest", document["sha256"], person="bram.visser", keeper=keeper)
    signed = by_key(lambda *words: call("sign", *words), "--digest", document["sha256"], person="emma.bakker", keeper=keeper)
    assert [one["signed_by"] for one in signed["signatures"]] == ["emma.bakker"]
    assert _decisions(keeper) == before + 2, "who may not sign off has proven who they are all the same"
    with pytest.raises(Conflict):
        by_key(lambda *words: call("sign", *words), "--digest", document["sha256"], person="emma.bakker", keeper=keeper)
    assert [one["signed_by"] for one in call("report", "--check", str(file))["signatures"]] == ["emma.bakker"]
    call("report", "--out", str(page))
    assert "emma.bakker" in (html := page.read_text("utf-8"))
    assert 'lang="nl"' in html and "Elke regel" not in html and "http://" not in html and "https://" not in html

    whole = file.read_text("utf-8")
    file.write_text(whole.replace('"customers": 2', '"customers": 3'), "utf-8")
    with pytest.raises(Corrupt, match="changed since"):
        call("report", "--check", str(file))
    file.write_text(whole.replace("{", '{"customers": 3,', 1), "utf-8")  # read first by people, and overruled by the second for programs
    with pytest.raises(Corrupt, match="stands in it twice"):
        call("report", "--check", str(file))
    forged = {**document, "customers": 3}
    file.write_text(json.dumps({**forged, "sha256": digest_of(forged).hex()}), "utf-8")
    with pytest.raises(NotFound, match="No run here"):
        call("report", "--check", str(file))


def _decisions(keeper: RunningKeeper) -> int:
    """How many decisions of people the keeper's log holds."""
    return int(keeper.sql("SELECT count(*) FROM evidence.entry WHERE kind = 'decision'").split()[-1])


def _seen(monkeypatch: pytest.MonkeyPatch, data: Path, keeper: RunningKeeper, run: str, *more: str) -> dict[str, Any]:
    """What the log says of a run, asked by an officer; what the application says for it is asked here instead of by another process."""

    def ask(*words: str, data: Path) -> dict[str, Any]:
        done = CliRunner().invoke(consolidate, [*words[1:], "--data", str(data)])
        return dict(json.loads(done.stdout))

    monkeypatch.setattr(consolidate_seen, "ask_application", ask)
    return _call(data, "seen", "--run", run, "--as", "dewi.hoekstra", "--key", str(keeper.key("dewi.hoekstra")), *more)
