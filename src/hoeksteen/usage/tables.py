"""The usage room's tables in the lake. A record's state is told by the table in which it lies, never by a column that changes."""

from datetime import date
from uuid import UUID

from hoeksteen.storage.lake import ColumnType, LakeTable

BUCKETS = 16


def bucket_of(billing_account_id: UUID) -> int:
    """Give the lake bucket of a billing account, from its last byte, which is random in every kind of identifier that we make."""
    return billing_account_id.int % BUCKETS


def month_number(month: date) -> int:
    """Give the lake's partition value of a calendar month, `yyyymm`."""
    return month.year * 100 + month.month


GUIDED = LakeTable(
    "guided",
    (
        ("month", ColumnType.INTEGER),  # local calendar month of the start, yyyymm
        ("bucket", ColumnType.INTEGER),  # of the billing account
        ("billing_account_id", ColumnType.UUID),
        ("product_id", ColumnType.UUID),
        ("start", ColumnType.INSTANT),
        ("record_id", ColumnType.UUID),
        ("customer_id", ColumnType.UUID),
        ("usage_file_id", ColumnType.UUID),
        ("line", ColumnType.INTEGER),
        ("service", ColumnType.TEXT),
        ("zone", ColumnType.TEXT),
        ("roaming", ColumnType.TEXT),
        ("units", ColumnType.LONG),  # seconds, messages, bytes, as delivered
        ("generation", ColumnType.INTEGER),  # how often its period had been closed when it arrived
        ("period_day", ColumnType.DAY),  # first day of the bill period of its start
        ("bill_day", ColumnType.DAY),  # first day of the bill period on whose bill it appears
        ("other_number", ColumnType.BYTES),  # sealed by the month's key; none for data
    ),
    partition=("month", "bucket"),
    sort=("billing_account_id", "product_id", "start", "record_id"),
)

SUSPENDED = LakeTable(
    "suspended",
    (
        ("month", ColumnType.INTEGER),
        ("record_id", ColumnType.UUID),
        ("usage_file_id", ColumnType.UUID),
        ("line", ColumnType.INTEGER),
        ("reason", ColumnType.TEXT),
        ("start", ColumnType.INSTANT),
        ("service", ColumnType.TEXT),
        ("country", ColumnType.TEXT),
        ("units", ColumnType.LONG),
        ("own_number", ColumnType.BYTES),  # sealed by the month's key, so that the record can be guided later
        ("other_number", ColumnType.BYTES),
        ("customer_id", ColumnType.UUID),  # of the product that it belongs to; none while it belongs to none
        ("product_id", ColumnType.UUID),
        ("subject", ColumnType.UUID),  # for whom alone the keeper opens its numbers; none while it belongs to nobody
        ("identity_source", ColumnType.TEXT),  # in which its identity was computed; none where the record brought its own
        ("numbering", ColumnType.TEXT),  # the edition of prefixes and countries that it was judged by
    ),
    partition=("month",),
    sort=("reason", "start", "record_id"),
)

SET_ASIDE = LakeTable(
    "set_aside",
    (
        ("month", ColumnType.INTEGER),  # of the start; 0 when it has no readable start
        ("usage_file_id", ColumnType.UUID),
        ("line", ColumnType.INTEGER),
        ("state", ColumnType.TEXT),  # duplicate or rejected
        ("reason", ColumnType.TEXT),
        ("record_id", ColumnType.UUID),  # of the record that was there first; none for rejected lines
        ("service", ColumnType.TEXT),
        ("units", ColumnType.LONG),
    ),
    partition=("month",),
    sort=("usage_file_id", "line"),
)
