"""The rating room's tables in the lake."""

from hoeksteen.storage.lake import ColumnType, LakeTable

CHARGE = LakeTable(
    "charge",
    (
        ("month", ColumnType.INTEGER),  # in which the record's bill period begins, yyyymm
        ("bucket", ColumnType.INTEGER),
        ("billing_account_id", ColumnType.UUID),
        ("product_id", ColumnType.UUID),
        ("start", ColumnType.INSTANT),
        ("record_id", ColumnType.UUID),
        ("customer_id", ColumnType.UUID),
        ("usage_file_id", ColumnType.UUID),
        ("line", ColumnType.INTEGER),
        ("product_offering_id", ColumnType.TEXT),
        ("service", ColumnType.TEXT),
        ("zone", ColumnType.TEXT),
        ("roaming", ColumnType.TEXT),
        ("price_id", ColumnType.TEXT),
        ("generation", ColumnType.INTEGER),
        ("period_day", ColumnType.DAY),
        ("bill_day", ColumnType.DAY),
        ("state", ColumnType.TEXT),  # rated, zero_rated or suspended
        ("reason", ColumnType.TEXT),
        ("delivered_units", ColumnType.LONG),
        ("units", ColumnType.LONG),  # after minimum and step
        ("free_units", ColumnType.LONG),  # of these, inside allowances
        ("amount_micro", ColumnType.LONG),  # 1e-6 euro, in the tax convention of the offering
    ),
    partition=("month", "bucket"),
    sort=("billing_account_id", "product_id", "start", "record_id"),
)

# What is left of allowances that roll over, when their period is closed with generation 0.
ALLOWANCE_LEFT = LakeTable(
    "allowance_left",
    (
        ("month", ColumnType.INTEGER),
        ("bucket", ColumnType.INTEGER),
        ("scope_id", ColumnType.UUID),  # the product, or the billing account of a shared allowance
        ("allowance_id", ColumnType.TEXT),
        ("period_day", ColumnType.DAY),
        ("units", ColumnType.LONG),
    ),
    partition=("month", "bucket"),
    sort=("scope_id", "allowance_id"),
)

# What is due for a period whatever was used in it: flat fees of tiers. It appears on the bill of its own period.
PERIOD_CHARGE = LakeTable(
    "period_charge",
    (
        ("month", ColumnType.INTEGER),  # in which the bill period begins, yyyymm
        ("bucket", ColumnType.INTEGER),
        ("billing_account_id", ColumnType.UUID),
        ("product_id", ColumnType.UUID),
        ("customer_id", ColumnType.UUID),
        ("product_offering_id", ColumnType.TEXT),
        ("service", ColumnType.TEXT),
        ("zone", ColumnType.TEXT),  # the first of the price's
        ("roaming", ColumnType.TEXT),
        ("price_id", ColumnType.TEXT),
        ("period_day", ColumnType.DAY),
        ("amount_micro", ColumnType.LONG),
    ),
    partition=("month", "bucket"),
    sort=("billing_account_id", "product_id", "price_id"),
)
