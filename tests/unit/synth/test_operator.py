"""The whole: repeatable to the byte, nothing real in it, and a refusal of what cannot be."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import phonenumbers
import pytest
import schwifty

from fixtures.invented_exports import Invented, digits
from hoeksteen.kernel.errors import Conflict, InvalidInput
from hoeksteen.synth.operator import invent

MONTH = date(2026, 10, 1)
_PROGRAM = "import sys; from datetime import date; from pathlib import Path; from hoeksteen.synth.operator import invent; \
invent(directory=Path(sys.argv[1]), customers=120, seed=int(sys.argv[2]), month=date(2026, 10, 1), records_per_line=5)"


def _digests(directory: Path) -> dict[str, str]:
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _invented_elsewhere(directory: Path, *, seed: int, hash_seed: str) -> dict[str, str]:
    environment = dict(os.environ, PYTHONHASHSEED=hash_seed, TZ="Pacific/Auckland")
    subprocess.run([sys.executable, "-c", _PROGRAM, str(directory), str(seed)], check=True, env=environment)
    return _digests(directory)


def test_one_seed_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    first = _invented_elsewhere(tmp_path / "first", seed=5, hash_seed="1")
    assert first == _invented_elsewhere(tmp_path / "again", seed=5, hash_seed="2")
    assert {name.partition("_")[0] for name in first} == {
        "fixed.csv", "mobile.jsonl", "broadband.sqlite", "truth.parquet", "truth.json", "usage", "usage/voice", "usage/sessions"
    }  # fmt: skip
    other = _invented_elsewhere(tmp_path / "other", seed=6, hash_seed="1")
    assert not set(first.values()) & set(other.values())


def test_ibans_have_right_check_digits_and_banks_that_do_not_exist(small: Invented) -> None:
    ibans = [row["REKENING"] for row in small.fixed] + [entry["iban"] for entry in small.mobile] + [row["iban"] for row in small.table("klant")]
    ibans = [re.sub(" ", "", iban).upper() for iban in ibans if iban]
    assert len(ibans) > 500
    banks = {entry.country_code + str(entry.bank_code) for entry in schwifty.registry.get_banks_by_country("NL")}
    assert len(banks) > 20
    for iban in ibans:
        assert schwifty.IBAN(iban).validate()
        assert f"NL{iban[4:8]}" not in banks


def test_nothing_real_can_be_reached_or_identified(small: Invented) -> None:
    mails = [row["EMAIL"] for row in small.fixed] + [entry["email"] for entry in small.mobile] + [row["email"] for row in small.table("klant")]
    assert all(mail.lower().endswith(".example") for mail in mails if mail)
    assert sum(bool(mail) for mail in mails) > 500
    kvk = [row["KVK"] for row in small.fixed if row["KVK"]] + [f"{row['kvk']:08d}" for row in small.table("klant") if row["kvk"]]
    assert kvk
    assert all(re.fullmatch(r"00\d{6}", number) for number in kvk)
    iccids = [sim["iccid"] for entry in small.mobile for sim in entry["sims"]]
    assert all(re.fullmatch(r"893199\d{13}", number) for number in iccids)
    places = {row["PLAATS"] for row in small.fixed}
    assert not places & {"AMSTERDAM", "ROTTERDAM", "UTRECHT", "KERKRADE", "ZUIDWOLDE", "NOORDBROEK", "VEENOORD"}


def test_a_postcode_is_one_part_of_one_street(large: Invented) -> None:
    streets: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in large.table("adres"):
        if row["soort"] == 1 and not re.search(r"(str|ln|wg|pln|kd|sngl|gr\.)$", row["straat"].strip()):
            postcode = row["postcode"].replace(" ", "").upper()
            assert re.fullmatch(r"[1-9]\d{3}(?!SA|SD|SS)[A-Z]{2}", postcode)
            streets[postcode].add((" ".join(row["straat"].split()), row["plaats"].upper()))
    assert len(streets) > 500
    assert all(len(found) == 1 for found in streets.values())


def test_phone_numbers_are_of_the_dutch_plan_however_they_are_written(small: Invented) -> None:
    written = [row["CONTACT"] for row in small.fixed] + [row["NUMMER"] for row in small.fixed]
    written += [row[column] for row in small.table("klant") for column in ("telefoon", "mobiel") if row[column]]
    shapes = {re.sub(r"\d", "9", number) for number in written if number}
    assert {"99-99999999", "9999999999", "+99 9 99999999", "+99999999999", "9999999999999", "99 99 99 99 99", "99 - 99999999"} <= shapes
    for number in written:
        if number:
            assert phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits(number)}")), number


def test_names_are_spread_as_names_are(large: Invented) -> None:
    names = Counter((entry["prefix"], entry["surname"]) for entry in large.mobile if entry["type"] == "P" and entry["surname"])
    common = [" ".join(filter(None, name)) for name, _ in names.most_common(12)]
    assert "de Jong" in common
    assert "Jansen" in common
    assert len(names) > 4_000
    prefixed = sum(count for (prefix, _), count in names.items() if prefix) / names.total()
    assert 0.15 < prefixed < 0.45
    once = sum(count == 1 for count in names.values())
    assert once > 0.5 * len(names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"customers": 3}, "customers"),
        ({"month": date(2026, 10, 2)}, "first day of a month"),
        ({"records_per_line": 0.0}, "per line"),
    ],
)
def test_arguments_out_of_bounds_are_refused(tmp_path: Path, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        invent(**{"directory": tmp_path / "x", "customers": 50, "seed": 1, "month": MONTH, **arguments})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_directory_in_use_is_refused_and_an_interrupted_run_is_made_anew(tmp_path: Path) -> None:
    directory = tmp_path / "x"
    invent(directory=directory, customers=30, seed=1, month=MONTH, records_per_line=2)
    whole = _digests(directory)
    with pytest.raises(Conflict, match="in use"):
        invent(directory=directory, customers=30, seed=1, month=MONTH, records_per_line=2)
    (directory / "truth.json").unlink()
    (directory / "fixed.csv").write_text("half")
    invent(directory=directory, customers=30, seed=1, month=MONTH, records_per_line=2)
    assert _digests(directory) == whole
    (directory / "truth.json").unlink()
    (directory / "usage" / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match="in use"):
        invent(directory=directory, customers=30, seed=1, month=MONTH, records_per_line=2)
    assert (directory / "fixed.csv").exists()


def test_a_month_without_a_double_hour_has_no_pairs(tmp_path: Path) -> None:
    truth = invent(directory=tmp_path / "x", customers=60, seed=1, month=date(2026, 3, 1), records_per_line=10)
    assert truth.usage_totals().dst_pairs == 0
    assert truth.usage_totals().records > 500


def test_progress_is_told_by_stage(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    invent(directory=tmp_path / "x", customers=30, seed=1, month=MONTH, records_per_line=2, progress=lambda *step: told.append(step))
    assert {("people", 1, 1), ("exports", 3, 3), ("usage", 2, 2)} <= set(told)
