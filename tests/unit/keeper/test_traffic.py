"""Traffic blocks: every one knows where it lies."""

import os
import struct

import pytest

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.traffic import deduplication_tokens, open_column, require_month, seal_column

KEY = bytes(range(32))
RECORDS = os.urandom(16 * 5)
VALUES = struct.pack("<5Q", 0, 1, 31612345678, 2**64 - 1, 1)
SUBJECT = bytes(range(1, 17))


def sealed(column: str = "other_party", records: bytes = RECORDS, values: bytes = VALUES) -> bytes:
    count = len(records) // 16
    return seal_column(KEY, column=column, records=records, subjects=SUBJECT * count, values=values, nonces=os.urandom(8 * count))


def test_a_column_opens_where_it_was_sealed() -> None:
    blocks = sealed()
    assert open_column(KEY, column="other_party", records=RECORDS, subject=SUBJECT, blocks=blocks) == VALUES
    assert len({blocks[i + 8 : i + 24] for i in range(0, 120, 24)}) == 5  # equal values give different blocks
    assert sealed() != blocks  # and so does the same column again


def test_no_records_are_no_blocks() -> None:
    assert sealed("cell", b"", b"") == b"" == open_column(KEY, column="cell", records=b"", subject=SUBJECT, blocks=b"")


@pytest.mark.parametrize("how", ["swapped", "other column", "other month", "other record", "other subject", "flipped bit", "other nonce"])
def test_a_block_that_was_moved_or_changed_is_refused(how: str) -> None:
    blocks = bytearray(sealed())
    column, key, records, subject = "other_party", KEY, bytearray(RECORDS), SUBJECT
    match how:
        case "swapped":
            blocks[:24], blocks[24:48] = blocks[24:48], blocks[:24]
        case "other column":
            column = "cell"
        case "other month":
            key = bytes(32)
        case "other record":
            records[0] ^= 1
        case "flipped bit":
            blocks[40] ^= 1
        case "other subject":
            subject = bytes(16)
        case "other nonce":
            blocks[24] ^= 1
    with pytest.raises(KeeperInvalid, match="block_invalid"):
        open_column(key, column=column, records=bytes(records), subject=subject, blocks=bytes(blocks))


@pytest.mark.parametrize(
    ("records", "values", "column"),
    [(RECORDS[:-1], VALUES, "cell"), (RECORDS, VALUES[:-8], "cell"), (RECORDS, VALUES, "Cell; DROP")],
    ids=["records", "values", "column"],
)
def test_a_column_that_does_not_fit(records: bytes, values: bytes, column: str) -> None:
    with pytest.raises(KeeperInvalid, match="column_invalid"):
        sealed(column, records, values)


def test_deduplication_tokens_are_equal_for_equal_values_under_one_key() -> None:
    tokens = deduplication_tokens(KEY, values=VALUES)
    parts = [tokens[i : i + 16] for i in range(0, len(tokens), 16)]
    assert parts[1] == parts[4] and len(set(parts)) == 4
    assert deduplication_tokens(bytes(32), values=VALUES) != tokens


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "202610", "", "2026-10-01"])
def test_a_month_that_is_none(month: str) -> None:
    with pytest.raises(KeeperInvalid, match="month_invalid"):
        require_month(month)
