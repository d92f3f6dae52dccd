"""Public samples of record linkage are read as they are given, and measured over pairs."""

import importlib.util
from pathlib import Path

import pytest

from hoeksteen.consolidation import _febrl
from hoeksteen.kernel.errors import InvalidInput, NotFound

HEADER = "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id"


def test_records_are_standardised(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text(f"{HEADER}\nrec-12-org, ann, green, 7, a place, b, c, 2119, sa, 19560409, 1804974\nrec-12-dup-0, , green, , , , , , , 195604, \n")
    people, records = _febrl.read_sample([file])
    assert people == ["12", "12"]
    assert records["birth_date"].to_pylist() == ["1956-04-09", None]
    assert records["given_name"].to_pylist() == ["ann", None]
    assert records["person_number"].to_pylist() == ["1804974", None]


def test_a_record_of_nobody_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text(f"{HEADER}\nsomebody, ann, green, 7, a, b, c, 2119, sa, 19560409, 1\n")
    with pytest.raises(InvalidInput, match=r"sample\.csv line 2, field rec_id"):
        _febrl.read_sample([file])


def test_without_samples_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOEKSTEEN_REFERENCE", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotFound) as refused:
        _febrl.folder()
    assert "make setup" in str(refused.value)
    for files in _febrl.SAMPLES.values():
        for file in files:
            (tmp_path / "data/febrl").mkdir(parents=True, exist_ok=True)
            (tmp_path / "data/febrl" / file).touch()
    assert _febrl.folder() == tmp_path / "data/febrl"


def test_f1_is_over_pairs() -> None:
    assert _febrl.f1([[0, 1], [2], [3]], ["a", "a", "b", "b"]) == pytest.approx(2 * 1 / (1 + 2))
    assert _febrl.f1([[0, 1, 2, 3]], ["a", "a", "b", "b"]) == pytest.approx(2 * 2 / (6 + 2))


@pytest.mark.slow
def test_ours_is_not_below_plain_splink() -> None:
    for sample in _febrl.SAMPLES:
        found = _febrl.measure(sample)
        assert found[f"{sample}_f1"] >= found[f"plain_{sample}_f1"] > 0.99
