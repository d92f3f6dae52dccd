"""Holding clusters against the truth, where one is known: an invented operator's, or a sample that people decided."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hoeksteen.consolidation.model import Cluster, LegacyRecord
from hoeksteen.consolidation.report import MatchQuality
from hoeksteen.kernel.errors import InvalidInput, NotFound

_COLUMNS = ("source", "source_key", "person_id", "household_id", "reject")
Truth = dict[tuple[str, str], tuple[str, str]]


def read_truth(file: Path) -> Truth:
    """
    Give per (source, source_key) the person and the household; records that no system could load are left out.

    :raises NotFound: when there is no such file
    :raises InvalidInput: when it lacks a column
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", remedy="Name the truth.parquet that belongs to the exports.")
    try:
        table = pq.read_table(file)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{file} is no whole Parquet file.", remedy="Copy it again.") from error
    missing = next((name for name in _COLUMNS if name not in table.column_names), None)
    if missing is not None:
        raise InvalidInput(f"{file}, field {missing}: this column is missing.", remedy="Name the truth.parquet that belongs to the exports.")
    columns = [table[name].to_pylist() for name in _COLUMNS]
    return {(source, key): (person, household) for source, key, person, household, reject in zip(*columns, strict=True) if reject is None}


def quality(*, clusters: Sequence[Cluster], records: Sequence[LegacyRecord], truth: Truth) -> MatchQuality:
    """Count pairs: those that are one person, those that were merged, and those that are both. Each record is read once."""
    return quality_of(clusters=clusters, keys=[(record.source, record.source_key) for record in records], truth=truth)


def quality_of(*, clusters: Sequence[Cluster], keys: Sequence[tuple[str, str]], truth: Truth) -> MatchQuality:
    """
    Count pairs likewise.

    :param keys: (source, source_key) of each record
    """
    of_person: dict[str, int] = defaultdict(int)
    for person, _ in truth.values():
        of_person[person] += 1
    merged = right = household_merges = 0
    for cluster in clusters:
        known = [truth[keys[place]] for place in cluster.members if keys[place] in truth]
        for (one, one_household), (other, other_household) in combinations(known, 2):
            merged += 1
            right += one == other
            household_merges += one != other and one_household == other_household
    return MatchQuality(sum(count * (count - 1) // 2 for count in of_person.values()), merged, right, household_merges)
