"""`hoeksteen synth`: figures for people and for programs."""

import json
from pathlib import Path

from click.testing import CliRunner

from hoeksteen.interfaces.cli.synth import synth


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(synth, arguments)
    return result.exit_code, result.output


def test_the_last_line_is_one_object_of_figures(tmp_path: Path) -> None:
    code, output = _run("--customers", "40", "--seed", "3", "--records-per-line", "2", "--out", str(tmp_path / "x"), "--json")
    figures = json.loads(output.splitlines()[-1])
    assert code == 0
    assert figures["customers"] == 40
    assert figures["month"] == "2026-10"
    assert figures["usage"]["records"] == sum(figures["usage"][kind] for kind in ("normal", "late", "duplicate", "no_zone", "no_product", "rejected"))


def test_people_see_what_was_invented_with_samples_of_each_file(tmp_path: Path) -> None:
    code, output = _run("--customers", "40", "--records-per-line", "2", "--out", str(tmp_path / "x"))
    assert code == 0
    for words in ("40 customers", "The dirt", "fixed.csv", "KLANTNR;NAAM", '{"account_id"', "H;voice_sms;1;", '{"own_number"', "abonnement_korting"):
        assert words in output


def test_a_month_that_is_none_is_refused(tmp_path: Path) -> None:
    code, output = _run("--month", "2026-13", "--out", str(tmp_path / "x"))
    assert code == 2
    assert "2026-10" in output
    assert not (tmp_path / "x").exists()
