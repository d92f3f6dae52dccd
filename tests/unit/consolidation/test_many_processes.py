"""Reading with several processes gives what one gives; records wait packed; what a process of the pool cannot do is an error."""

import json
import os
import pickle
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from factories.legacy import MOBILE, PSEUDONYMS, TODAY, product, record, write_mobile
from hoeksteen.consolidation import translate
from hoeksteen.consolidation._lineage import FIELDS, RULES
from hoeksteen.consolidation._reading import reading
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation._workers import Workers, processes_for
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import Extract, Source
from hoeksteen.consolidation.survivorship import SURVIVES_BY, survive
from hoeksteen.consolidation.translate import Pieces, extract
from hoeksteen.kernel.errors import Conflict, Unavailable


def _mobile(number: int, **changes: Any) -> dict[str, Any]:
    sim = {**MOBILE["sims"][0], "sim_id": f"S{number}", "msisdn": f"316123{number:05}"}
    return {**MOBILE, "account_id": f"M-{number:07}", "sims": [sim], **changes}


def _export(folder: Path) -> Path:
    """Ten records in pieces of three: a broken line, one that comes again in another piece, one that comes again in its own, a filler."""
    lines: list[dict[str, Any] | str] = [_mobile(number) for number in range(1, 7)]
    again = _mobile(2)
    return write_mobile(folder, *lines, "{broken", again, _mobile(9, contact_phone="0612345678"), _mobile(9))


def _read(file: Path, processes: int) -> Extract:
    mapping = read_mapping(Path("mobile"))
    source = Source(Path("mobile"), file)
    with reading([(source, mapping)], PSEUDONYMS, TODAY, TODAY, processes) as read:
        return read(source, mapping)


def test_several_processes_read_what_one_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate, "RECORDS_PER_PIECE", 3)
    file = _export(tmp_path)
    alone, together = _read(file, 0), _read(file, 2)
    assert [(entry.row, entry.finding.code) for entry in alone.rejected] == [(7, "broken_line"), (8, "key_repeats"), (10, "key_repeats")]
    assert "filler" in [finding.code for finding in alone.findings]
    assert len(alone.records) == 7
    for name in ("records", "rejected", "findings", "digest", "offerings"):
        assert getattr(alone, name) == getattr(together, name)
    assert alone.expected.sums((), ()) == together.expected.sums((), ())


def test_a_file_that_changes_while_others_read_it_is_refused(tmp_path: Path) -> None:
    file = _export(tmp_path)

    def translating(pieces: Pieces) -> Iterator[Any]:
        for piece in pieces:
            yield piece, translate.Translated()
        file.write_text(json.dumps(_mobile(11)) + "\n", "utf-8")

    with pytest.raises(Conflict, match="changed while it was read"):
        extract(
            source=Source(Path("mobile"), file), mapping=read_mapping(Path("mobile")), pseudonyms=PSEUDONYMS, today=TODAY, cutover=TODAY,
            translating=translating,
        )  # fmt: skip


def test_a_process_that_ends_and_one_that_fails_are_errors() -> None:
    with Workers[str, int](1, partial, int) as workers:
        assert [done for _, done in workers.in_order(["3", "1", "2"])] == [3, 1, 2]
        with pytest.raises(ValueError, match="invalid literal"):
            list(workers.in_order(["1", "x", "2"]))
    with Workers[int, None](1, partial, os._exit) as dying, pytest.raises(Unavailable, match="ended before its work was done"):
        list(dying.in_order([1, 1]))


def test_little_work_is_done_without_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert [processes_for(size, each_from=10) for size in (0, 19, 20, 1_000)] == [0, 0, 2, 2]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert processes_for(1_000, each_from=10) == 0


def test_records_wait_packed_and_come_out_as_they_went_in() -> None:
    records = [record("fixed"), record("mobile", birth_date=None, products=()), record("broadband", products=(product(), product(item_key="2")))]
    staged = Staged(records)
    assert list(staged) == records == [staged[place] for place in range(3)] == staged[:3]
    assert [staged.record_id(place) for place in range(3)] == list(staged.record_ids()) == [one.record_id for one in records]
    assert [(staged.digest(place), staged.row(place)) for place in range(3)] == [(one.digest, one.row) for one in records]
    some = pickle.loads(pickle.dumps(staged.some([2, 0])))
    assert list(some) == [records[2], records[0]]
    assert [some.row(0), some.digest(1)] == [records[2].row, records[0].digest]
    some.extend(staged)
    assert some == [records[2], records[0], *records]


def test_the_numbers_of_lineage_are_those_of_its_tables() -> None:
    sql = resources.files("hoeksteen.consolidation").joinpath("migrations", "0002_lineage_beside_its_record.sql").read_text("utf-8")
    assert {(category, field): int(number) for number, category, field in re.findall(r"\((\d+), '(\w+)', '(\w+)'\)", sql)} == FIELDS
    assert {rule: int(number) for number, rule in re.findall(r"\((\d+), '(\w+)'\)", sql)} == RULES
    assert {rule for rules in SURVIVES_BY.values() for rule in rules} <= RULES.keys()
    assert SURVIVES_BY.keys() <= {field for _, field in FIELDS}


@pytest.mark.parametrize("kind", ["individual", "organization"])
def test_a_single_record_survives_as_beside_one_that_knows_nothing(kind: str) -> None:
    known = record("fixed", kind=kind, trading_name="De Gouden Aar", legal_form="B.V.", gender="male", language="en")
    nothing = record(
        "fixed", kind=kind, name=None, birth_date=None, gender=None, language=None, addresses={}, phones=(), emails=(), iban=None,
        payment_method="transfer", products=(), customer_since=date(2020, 1, 1),
    )  # fmt: skip
    alone = survive(records=[known], trust={"fixed": 1}).kept
    assert alone == survive(records=[known, nothing], trust={"fixed": 1}).kept
    assert len(alone) > 5
