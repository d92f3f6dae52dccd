"""The benchmark of bank statements measures what it says: every kind of entry, matched as it should be."""

from pathlib import Path

from factories.billed_operator import BilledOperator
from hoeksteen.receivables.bench import measure, prepare, write_file


def test_a_small_measurement(operator: BilledOperator, tmp_path: Path) -> None:
    prepare(database=operator.database, keeper=operator.keeper, entries=400)
    write_file(path=tmp_path / "f.xml", entries=400, seed=1)
    found = measure(database=operator.database, keeper=operator.keeper, path=tmp_path / "f.xml", entries=400)
    assert (found.matched, found.unmatched) == (380, 20)
    assert found.camt_seconds > 0 and found.parse_seconds > 0 and found.copy_seconds > 0
