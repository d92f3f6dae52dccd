"""`hoeksteen price load` brings price lists in, all of them or nothing, and `--beside` tells before what would be refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from hoeksteen.interfaces.cli.price import price
from hoeksteen.kernel.errors import Conflict
from hoeksteen.product import queries as product

ZONES = [{"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]}]


def plan(amount: str) -> dict[str, Any]:
    versions = [{"valid_from": "2026-01-01", "amount": amount}]
    return {
        "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
        "prices": [
            {"id": "voice", "kind": "usage", "service": "voice", "versions": versions},
            {"id": "turkey", "kind": "usage", "service": "voice", "zones": ["TURKEY"], "versions": versions},
        ],
    }  # fmt: skip


def call(command: str, folder: Path, data: Path, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(price, [command, str(folder), "--data", str(data), "--json", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_price_lists_are_loaded_whole(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    file = folder / "plan.yaml"
    file.write_text(yaml.safe_dump({"zones": ZONES, "offerings": [plan("0.20")]}))
    assert call("check", folder, data, "--beside")["faults"] == []
    assert call("load", folder, data) == {"offerings": 1, "zones": ["TURKEY"]}
    file.write_text(yaml.safe_dump({"offerings": [plan("0.30")]}))  # names the zone that is loaded
    [fault] = call("check", folder, data, "--beside")["faults"]
    assert "is loaded already and differs" in fault
    with pytest.raises(Conflict, match="is loaded already and differs"):
        call("load", folder, data)
    with operator.database.transaction() as tx:
        assert {str(one.amount) for one in product.offering(tx=tx, product_offering_id="plan").usage_prices} == {"0.20"}
