"""Which wave a customer is in: the first rule that fits; whom no rule names waits."""

from pathlib import Path

import pytest

from factories.legacy import PSEUDONYMS, record
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.wave_rules import Chooser, read_waves
from hoeksteen.kernel.errors import InvalidInput, NotFound

FILE = """
waves:
  - wave: friends
    records: [fixed/7]
  - wave: utrecht
    segment: consumer
    postcodes: ["3500-3599"]
    without: {cities: [Zeist], records: [fixed/13]}
  - wave: tenth
    segment: consumer
    sources: [mobile]
    share: "10"
  - wave: firms
    segment: business
"""


def _chooser(folder: Path, text: str = FILE) -> Chooser:
    file = folder / "waves.yaml"
    file.write_text(text, "utf-8")
    return Chooser(read_waves(file, PSEUDONYMS))


@pytest.mark.parametrize(
    ("source", "key", "kind", "postcode", "city", "wave"),
    [
        ("fixed", "7", "organization", "9999AA", "Sneek", "friends"),
        ("fixed", "8", "individual", "3511AW", "Utrecht", "utrecht"),
        ("fixed", "8", "individual", "3599ZZ", "UTRECHT", "utrecht"),
        ("fixed", "8", "individual", "3600AA", "Utrecht", None),
        ("fixed", "8", "individual", "3511AW", "zeist", None),
        ("fixed", "13", "individual", "3511AW", "Utrecht", None),
        ("fixed", "8", "organization", "3511AW", "Utrecht", "firms"),
    ],
)
def test_the_first_rule_that_fits(tmp_path: Path, source: str, key: str, kind: str, postcode: str, city: str, wave: str | None) -> None:
    founder = record(source, key, kind=kind, addresses={"residential": Address("Straat", 1, None, postcode, city)})
    found = _chooser(tmp_path).wave_of(founder)
    assert (None if found is None else found.wave) == wave


def test_a_share_is_about_that_much_and_always_the_same_people(tmp_path: Path) -> None:
    people = [record("mobile", str(number)) for number in range(4_000)]
    chooser, again = _chooser(tmp_path), _chooser(tmp_path)
    drawn = {one.record_id for one in people if chooser.wave_of(one) is not None}
    assert 320 <= len(drawn) <= 480
    assert drawn == {one.record_id for one in people if again.wave_of(one) is not None}
    more = _chooser(tmp_path, FILE.replace('"10"', '"20"'))
    assert drawn < {one.record_id for one in people if more.wave_of(one) is not None}, "a larger share keeps those who were in"


@pytest.mark.parametrize(
    ("was", "becomes", "what"),
    [
        ('"10"', '"0"', "wave tenth, field share"),
        ('"3500-3599"', '"35xx"', "wave utrecht, field postcodes, entry 1"),
        ("fixed/13", "fixed13", "wave utrecht, field records, entry 1"),
        ("wave: firms", "wave: tenth", r"waves\[3\].wave"),
        ("segment: business", "segment: firms", "segment"),
        ("waves:", "wave:", "wave"),
    ],
)
def test_a_wrong_file_is_refused_by_its_field(tmp_path: Path, was: str, becomes: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        _chooser(tmp_path, FILE.replace(was, becomes))


def test_what_is_kept_of_named_records_are_pseudonyms(tmp_path: Path) -> None:
    file = tmp_path / "waves.yaml"
    file.write_text(FILE, "utf-8")
    assert read_waves(file, PSEUDONYMS)[0].records == [str(PSEUDONYMS.record_id("fixed", "7"))]
    with pytest.raises(NotFound):
        read_waves(tmp_path / "none.yaml", PSEUDONYMS)
