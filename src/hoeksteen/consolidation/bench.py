"""
Measuring consolidation: an invented operator brought in by the product's own operation, and plain Splink on the same records.

Each part runs in a process of its own, so that the memory of one is not that of another: `python -m hoeksteen.consolidation.bench PART …`.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.consolidation import _febrl, _store
from hoeksteen.consolidation._plain_splink import CUSTOMERS, connected, pairs_of
from hoeksteen.consolidation._reading import reading
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.features import FactTable, facts_of, mobiles_of
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.merging import unmerge
from hoeksteen.consolidation.model import Cluster, LegacyRecord, Source
from hoeksteen.consolidation.operations import consolidate
from hoeksteen.consolidation.pseudonyms import KEY_BYTES, Pseudonyms
from hoeksteen.consolidation.report import MatchQuality
from hoeksteen.consolidation.truth import quality_of, read_truth
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

EXPORTS = {"fixed": "fixed.csv", "mobile": "mobile.jsonl", "broadband": "broadband.sqlite"}
_CUTOVER = date(2026, 11, 1)
_TAKEN_APART = 5
_NOW = datetime(2026, 11, 15, 3, tzinfo=UTC)


def load(*, database: Database, keeper: KeeperClient, folder: Path) -> dict[str, Any]:
    """Bring the invented operator in from end to end: read, match, seal, load, reconcile."""
    began = time.monotonic()
    stages: dict[str, float] = {}

    def tell(stage: str, done: int, total: int) -> None:
        stages.setdefault(f"{stage} from", time.monotonic())
        stages[f"{stage} to"] = time.monotonic()

    report = consolidate(
        database=database,
        keeper=keeper,
        sources=_sources(folder),
        pseudonyms=Pseudonyms(bytes(KEY_BYTES)),
        cutover=_CUTOVER,
        now=_NOW,
        progress=tell,
        truth=folder / "truth.parquet",
    )
    records = sum(source.records_in for source in report.sources)
    names = ("reading", "matching", "loading", "keeping", "reconciling")
    spent = {f"{name}_seconds": round(stages[f"{name} to"] - stages[f"{name} from"], 1) for name in names}
    return {
        "records": records,
        "customers": report.customers,
        "seconds": round(time.monotonic() - began, 1),
        "match_seconds": spent.pop("matching_seconds"),
        **spent,
        **_figures(report.match),
        "review_share": round(report.reviews / records, 5),
        "closes": report.closes,
    }


def take_apart(*, database: Database, keeper: KeeperClient, lake: Lake) -> dict[str, Any]:
    """Un-merge the customers of the most records, each into its records, and tell how long the slowest took."""
    with database.transaction() as tx:
        largest = _store.customers_of_most_records(tx, _TAKEN_APART)
    identifiers, slowest = Identifiers(random.Random(1)), 0.0
    for customer_id in largest:
        began = time.monotonic()
        with database.transaction() as tx:
            unmerge(
                tx=tx, keeper=keeper, lake=lake, customer_id=customer_id, source_keys=None, by="bench", why="measured", now=_NOW,
                identifiers=identifiers,
            )  # fmt: skip
        slowest = max(slowest, time.monotonic() - began)
    return {"unmerged": len(largest), "unmerge_seconds": round(slowest, 3)}


def plain(*, folder: Path) -> dict[str, Any]:
    """Deduplicate the same standardised records with plain Splink; what reading takes is not counted."""
    keys: list[tuple[str, str]] = []
    records = Staged()
    sources = [(source, read_mapping(source.mapping)) for source in _sources(folder)]
    with reading(sources, Pseudonyms(bytes(KEY_BYTES)), _NOW.date(), _CUTOVER, None) as read:
        for source, mapping in sources:
            records.extend(read(source, mapping).records)
    facts = facts_of(_noted(records, keys))
    began = time.monotonic()
    clusters = [Cluster(tuple(members)) for members in pairs_of(connected(CUSTOMERS, _columns(facts))).values()]
    seconds = round(time.monotonic() - began, 1)
    return {**_figures(quality_of(clusters=clusters, keys=keys, truth=read_truth(folder / "truth.parquet"))), "seconds": seconds}


def _noted(records: Staged, keys: list[tuple[str, str]]) -> Iterator[LegacyRecord]:
    for record in records:
        keys.append((record.source, record.source_key))
        yield record


def samples() -> dict[str, Any]:
    """Give F1 on FEBRL 3 and 4, ours and plain Splink's."""
    return {**_febrl.measure("febrl3"), **_febrl.measure("febrl4")}


def _sources(folder: Path) -> list[Source]:
    return [Source(Path(name), folder / file) for name, file in EXPORTS.items()]


def _figures(match: MatchQuality | None) -> dict[str, Any]:
    assert match is not None, "the truth is known"
    return {"precision": round(match.precision, 6), "recall": round(match.recall, 6), "household_merges": match.household_merges}


def _columns(facts: FactTable) -> pa.Table:
    """Give the standardised records as a plain set-up expects them: one phone, rather a mobile's, one e-mail, a first name or else the initials."""
    table = facts.columns
    born = table["birth_date"]
    day = pc.binary_join_element_wise(*(pc.utf8_slice_codeunits(born, *part) for part in ((0, 4), (4, 6), (6, 8))), "-")
    return pa.table(
        {
            "unique_id": pa.array(range(len(facts)), pa.int64()),
            "first_name": pc.coalesce(table["given_name"], table["initials"]),
            "surname": pc.coalesce(_first(table["surnames"]), table["company"]),
            "birth_date": day,
            "dwelling": table["dwelling"],
            "phone": pc.coalesce(_first(mobiles_of(table["phones"].combine_chunks())), _first(table["phones"])),
            "email": _first(table["emails"]),
            "iban": table["iban"],
        }
    )


def _first(lists: pa.ChunkedArray | pa.Array) -> pa.Array:
    return pa.array([value[0] if value else None for value in lists.to_pylist()], pa.string())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one part and write its figures as JSON on the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("load", "take_apart", "plain", "samples"))
    for name in ("--dsn", "--socket", "--key", "--warehouse", "--folder"):
        parser.add_argument(name)
    given = parser.parse_args(arguments)
    if given.part in ("load", "take_apart"):
        with (
            Database(given.dsn) as database,
            KeeperClient(socket_path=Path(given.socket), service="bss", key_path=Path(given.key)) as keeper,
        ):
            if given.part == "load":
                found = load(database=database, keeper=keeper, folder=Path(given.folder))
            else:
                with Lake(warehouse=Path(given.warehouse), catalogue_dsn=given.dsn) as lake:
                    found = take_apart(database=database, keeper=keeper, lake=lake)
    else:
        found = plain(folder=Path(given.folder)) if given.part == "plain" else samples()
    print(json.dumps(found))  # noqa: T201 the figures are this program's output


if __name__ == "__main__":
    main()
