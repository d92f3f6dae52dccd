"""Guided records are written in order, each with its own sealed number and its own bill period, however many are written at once."""

import json
import struct
from datetime import date
from pathlib import Path

import pytest

from factories.usage_files import OWN, House
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import _writing
from hoeksteen.usage.tables import GUIDED

NEW = "31699900002"
LINES = 60


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    for number in (OWN, NEW):
        house.hold(number)
    return house


def other(line: int) -> str:
    return f"3120{1_000_000 + line}"


def take(house: House) -> None:
    """Take calls to a number each, and sessions between them, which have none, of two customers and two months."""
    lines = []
    for line in range(1, LINES + 1):
        start = f"2026-{9 + line % 2:02d}-{1 + line % 28:02d}T12:00:{line % 60:02d}Z"
        one = {"id": str(line), "own_number": OWN if line % 3 else NEW, "start": start}
        lines.append(
            {**one, "service": "voice", "other_number": other(line), "seconds": 60} if line % 5 else {**one, "service": "data", "bytes": 1_000}
        )
    path = house.folder / "mixed.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    balance = house.take_file(path, "usage_jsonl")
    assert house.states() == {"guided": LINES} and balance.closes


@pytest.mark.parametrize("stretch_rows", [1, 1 << 16])
def test_each_number_opens_beside_its_own_record_and_no_other(house: House, monkeypatch: pytest.MonkeyPatch, stretch_rows: int) -> None:
    monkeypatch.setattr(_writing, "_STRETCH_ROWS", stretch_rows)
    take(house)
    bss, rows = house.keeper.client("bss"), house.rows(GUIDED)
    assert [row["line"] for row in rows] == list(range(1, LINES + 1))
    for row in rows:
        if row["service"] == "data":
            assert row["other_number"] is None
            continue
        opened = bss.traffic_open(
            purpose="billing", month=f"{row['month'] // 100}-{row['month'] % 100:02d}", column="other_number", records=row["record_id"].bytes,
            blocks=row["other_number"], subject=derived("party", str(house.folder), OWN if row["line"] % 3 else NEW),
        )  # fmt: skip
        assert struct.unpack("<Q", opened) == (int(other(row["line"])),)


def test_each_record_is_in_the_bill_period_of_its_own_cycle(house: House) -> None:
    with house.database.transaction() as tx:
        tx.execute(
            "UPDATE party.billing_account SET cycle_day = 15 WHERE billing_account_id ="
            " (SELECT billing_account_id FROM product.product WHERE product_id = %s)",
            (derived("product", NEW),),
        )
    take(house)
    for row in house.rows(GUIDED):
        day = row["start"].date()
        expected = day.replace(day=1)
        if row["line"] % 3 == 0:
            expected = day.replace(day=15) if day.day >= 15 else date(day.year, day.month - 1, 15)
        assert (row["period_day"], row["bill_day"], row["generation"]) == (expected, expected, 0), row["line"]


def test_files_are_in_the_order_that_lets_readers_skip(house: House) -> None:
    take(house)
    for file in house.lake.files(GUIDED):
        with Duck() as duck:
            duck.view_of_files("one", GUIDED, [file])
            rows = duck.rows("SELECT billing_account_id, product_id, start, month, bucket FROM one")
        assert rows == sorted(rows, key=lambda row: (row["billing_account_id"], row["product_id"], row["start"]))
        assert len({(row["month"], row["bucket"]) for row in rows}) == 1
