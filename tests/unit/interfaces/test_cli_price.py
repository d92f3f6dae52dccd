"""`hoeksteen price check` names every fault of a price list and ends with an exit status that a pipeline sees."""

import json
from pathlib import Path

from click.testing import CliRunner

from hoeksteen.interfaces.cli.price import price

DEARER = """
offerings:
  - id: plan
    family: mobile
    name: {nl: Plan, en: Plan}
    segment: consumer
    tax_included: true
    prices:
      - {id: sms, kind: usage, service: sms, versions: [{valid_from: 2026-01-01, tiers: {mode: graduated, steps: [
          {up_to_units: 9, amount: "0.10"}, {amount: "0.20"}]}}]}
"""


def check(*arguments: str) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(price, ["check", *arguments, "--json"])
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_the_shipped_price_lists_have_no_fault() -> None:
    status, figures = check()
    assert (status, figures["valid"], figures["faults"], figures["remarks"]) == (0, True, [], [])
    assert figures["offerings"] == 14


def test_every_fault_is_named_and_the_exit_status_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("offerings: [{id: a}]")
    (tmp_path / "b.yaml").write_text("offerings: [\n")
    status, figures = check(str(tmp_path))
    assert status == 65
    faults = figures["faults"]
    assert isinstance(faults, list)
    assert "a.yaml: a: family: is missing" in faults
    assert "b.yaml: line 2: is not YAML in UTF-8" in faults


def test_what_stands_out_is_a_remark_and_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DEARER)
    status, figures = check(str(tmp_path))
    assert (status, figures["valid"], figures["faults"]) == (0, True, [])
    assert figures["remarks"] == ["plan/sms from 2026-01-01: tiers: get dearer as more is used"]


def test_examples_say_what_typical_use_costs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DEARER)
    assert check(str(tmp_path))[1]["examples"] == []
    examples = check(str(tmp_path), "--examples")[1]["examples"]
    assert isinstance(examples, list)
    assert [(one["units"], one["amount"]) for one in examples] == [(1, "0.100000"), (10, "1.100000"), (18, "2.700000")]
    assert examples[1]["sentence_en"].endswith("9 message(s) at EUR 0.10 / 1 message(s); 1 message(s) at EUR 0.20 / 1 message(s) = EUR 1.10.")
    told = CliRunner().invoke(price, ["check", str(tmp_path), "--examples"]).output
    assert "sms from 2026-01-01: plan" in told and examples[1]["sentence_en"] in told


def test_a_zone_that_no_price_names_is_a_remark(tmp_path: Path) -> None:
    zones = "zones: [{id: TURKEY, within: WORLD, name: {nl: Turkije, en: Turkey}, countries: [TR]}]\n"
    (tmp_path / "a.yaml").write_text(zones + DEARER)
    assert "zone TURKEY: no price names it; use in it costs what WORLD costs" in check(str(tmp_path))[1]["remarks"]  # type: ignore[operator]
