"""Traffic blocks: every one knows where it lies."""

import os
import struct

import pytest

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.traffic import deduplication_tokens, open_column, require_month, seal_column

KEY = bytes(range(32))
RECORDS = os.urandom(16 * 5)
VALUES = struct.pack("<5Q", 0, 1, 31612345678, 2**64 - 1, 1)


def test_a_column_opens_where_it_was_sealed() -> None:
    blocks = seal_column(KEY, column="other_party", records=RECORDS, values=VALUES)
    assert open_column(KEY, column="other_party", records=RECORDS, blocks=blocks) == VALUES
    assert len({blocks[i : i + 16] for i in range(0, 80, 16)}) == 5  # equal values give different blocks


def test_no_records_are_no_blocks() -> None:
    assert seal_column(KEY, column="cell", records=b"", values=b"") == b"" == open_column(KEY, column="cell", records=b"", blocks=b"")


@pytest.mark.parametrize("how", ["swapped", "other column", "other month", "other record", "flipped bit"])
def test_a_block_that_was_moved_or_changed_is_refused(how: str) -> None:
    blocks = bytearray(seal_column(KEY, column="other_party", records=RECORDS, values=VALUES))
    column, key, records = "other_party", KEY, bytearray(RECORDS)
    match how:
        case "swapped":
            blocks[:16], blocks[16:32] = blocks[16:32], blocks[:16]
        case "other column":
            column = "cell"
        case "other month":
            key = bytes(32)
        case "other record":
            records[0] ^= 1
        case "flipped bit":
            blocks[40] ^= 1
    with pytest.raises(KeeperInvalid, match="block_invalid"):
        open_column(key, column=column, records=bytes(records), blocks=bytes(blocks))


@pytest.mark.parametrize(
    ("records", "values", "column"), [(RECORDS[:-1], VALUES, "cell"), (RECORDS, VALUES[:-8], "cell"), (RECORDS, VALUES, "Cell; DROP")]
)
def test_a_column_that_does_not_fit(records: bytes, values: bytes, column: str) -> None:
    with pytest.raises(KeeperInvalid, match="column_invalid"):
        seal_column(KEY, column=column, records=records, values=values)


def test_deduplication_tokens_are_equal_for_equal_values_under_one_key() -> None:
    tokens = deduplication_tokens(KEY, values=VALUES)
    parts = [tokens[i : i + 16] for i in range(0, len(tokens), 16)]
    assert parts[1] == parts[4] and len(set(parts)) == 4
    assert deduplication_tokens(bytes(32), values=VALUES) != tokens


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "202610", "", "2026-10-01"])
def test_a_month_that_is_none(month: str) -> None:
    with pytest.raises(KeeperInvalid, match="month_invalid"):
        require_month(month)
