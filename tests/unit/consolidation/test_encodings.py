"""An encoding that is declared holds strictly; one that is to be detected is told, with what fits as well."""

from pathlib import Path

import pytest

from factories.legacy import extracted
from factories.sources import FIRST, MAPPINGS, SECOND, mapping_of, write_csv
from hoeksteen.consolidation.model import Extract
from hoeksteen.kernel.errors import InvalidInput

NAMES = ["ÖZTÜRK F. MEVR", "GARÇON É. DHR", "MÜLLER-LÜDENSCHEIDT J. DHR", "Citroën, van Hélène", "Daniëlle Brouwér", "Zoë Knüpfer", "Rénée Crèmer"]


def read_in(folder: Path, encoding: str, names: list[str], declared: str = "detect") -> Extract:
    rows = [{**FIRST, "KLANT": f"K{place}", "LIJN": f"L{place}", "NAAM": name} for place, name in enumerate(names)]
    file = write_csv(folder, rows)
    file.write_bytes(file.read_text("utf-8").encode(encoding))
    return extracted(file, mapping_of(folder, "csv", MAPPINGS["csv"].replace("encoding: utf-8", f"encoding: {declared}")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "cp850"])
def test_an_encoding_is_detected_and_told(tmp_path: Path, encoding: str) -> None:
    found = read_in(tmp_path, encoding, NAMES)
    assert [record.name.family_name for record in found.records[:1] if record.name] == ["Öztürk"]
    told = [finding.code for finding in found.findings if finding.field == "reader.encoding"]
    if encoding.startswith("utf-8"):
        assert told == []
    else:
        assert told[0].startswith("read_as_")


def test_what_fits_as_well_is_a_warning(tmp_path: Path) -> None:
    found = read_in(tmp_path, "cp1252", ["MÜL J."])
    codes = [finding.code for finding in found.findings]
    assert any(code.startswith("also_fits_") for code in codes), "one letter can be many"


def test_plain_text_needs_no_detection(tmp_path: Path) -> None:
    assert read_in(tmp_path, "ascii", ["BERG A."]).findings == []


def test_a_declared_encoding_stays_strict(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"old.csv line 2 column \d+ is not utf-8"):
        read_in(tmp_path, "cp1252", NAMES, declared="utf-8")


def test_a_quote_that_never_closes_is_named_by_its_line(tmp_path: Path) -> None:
    file = write_csv(tmp_path, [FIRST, SECOND])
    lines = file.read_bytes().split(b"\r\n")
    lines[1] = lines[1].replace(b"BERG", b'"BERG')
    file.write_bytes(b"\r\n".join(lines))
    with pytest.raises(InvalidInput, match=r"old.csv line 2: a quote that opens there is never closed"):
        extracted(file, mapping_of(tmp_path, "csv"))
