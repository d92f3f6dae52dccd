"""The play by its commands: plan, rehearse, copy, delta, freeze, switch, verify, and one wave that goes back."""

from functools import partial
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from factories.legacy import fixed_row, write_fixed
from fixtures.commands import figures_of, text_of
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from hoeksteen.interfaces.cli.consolidate_group import consolidate
from hoeksteen.kernel.errors import WrongState

FIRM = fixed_row("10000002", "A1000002", NUMMER="030-2123457", NAAM="BAKKERIJ DE AAR B.V.", GEBDAT="", KVK="00123456", PRODUCT="ZAK-V")
WAVES = "waves:\n  - {wave: people, segment: consumer}\n  - {wave: firms, segment: business}\n"


def test_the_play_by_its_commands(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    data = installed(tmp_path, operator, business_dsn, keeper)
    rules = tmp_path / "waves.yaml"
    rules.write_text(WAVES, "utf-8")
    exports = ("--mapping", "fixed", "--input", str(write_fixed(tmp_path, fixed_row(), FIRM)), "--by", "emma.bakker")
    call, people = partial(figures_of, consolidate, data), ("--wave", "people")
    planned = call("plan", "--waves", str(rules), *exports, "--cutover", "2026-12-01")["waves"]
    assert {name: counts["customers"] for name, counts in planned.items()} == {"people": 1, "firms": 1}
    assert call("rehearse", *people, *exports, "--cutover", "2026-12-01")["closes"]
    with pytest.raises(WrongState, match="people"):
        call("freeze", *people, *exports)
    assert call("copy", *people, *exports, "--cutover", "2026-12-01")["customers"] == 1
    assert call("copy", "--wave", "firms", *exports, "--cutover", "2026-12-01")["customers"] == 2
    assert call("delta", *people, *exports)["closes"]
    assert call("report")["report"]["cutover"] == "2026-12-01", "what follows a copy keeps to its cutover"
    call("freeze", *people, *exports)
    assert call("switch", *people, "--cutover", "2026-12-01", "--by", "emma.bakker")["customers"] == 1
    assert call("verify", *people, *exports)["wrong"] == []
    back = call("rollback", "--wave", "firms", "--by", "emma.bakker")
    assert (back["customers"], back["records"], back["kept"]) == (1, 1, [])
    assert {one["wave"]: one["state"] for one in call("waves")["waves"]} == {"people": "verified", "firms": "rolled_back"}
    assert "rolled back by emma.bakker" in text_of(consolidate, data, "waves")
