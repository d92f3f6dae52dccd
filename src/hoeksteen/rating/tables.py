"""The rating room's tables in the lake."""

from hoeksteen.storage.lake import ColumnType, LakeTable

# One row per guided record, and one more where its charge was taken back on a later bill. What the record itself says lies in the table of
# guided records, and is joined by the record's identity (`_charges.view_charges`); a row here holds what rating found, and no text.
CHARGE = LakeTable(
    "rated_record",
    (
        ("month", ColumnType.INTEGER),  # in which the record's bill period begins, yyyymm
        ("bucket", ColumnType.INTEGER),
        ("billing_account_id", ColumnType.UUID),
        ("record_id", ColumnType.UUID),
        ("price_no", ColumnType.INTEGER),  # a row of `price`; none for what has no price
        ("outcome", ColumnType.INTEGER),  # index of OUTCOMES
        ("bill_day", ColumnType.DAY),  # first day of the bill period on whose bill it appears
        ("units", ColumnType.LONG),  # after minimum and step
        ("free_units", ColumnType.LONG),  # of these, inside allowances
        ("amount_micro", ColumnType.LONG),  # 1e-6 euro, in the tax convention of the offering
    ),
    partition=("month", "bucket"),
    sort=("billing_account_id", "record_id"),
)

# State and reason of a charge, by the number that its row holds. Numbers are never given to anything else.
OUTCOMES = (
    ("rated", ""),
    ("rated", "allowance"),
    ("rated", "cap"),
    ("zero_rated", "no_units"),
    ("zero_rated", "cap"),
    ("zero_rated", "free"),
    ("suspended", "no_term"),
    ("suspended", "no_price"),
    ("zero_rated", "corrected"),  # another record counts in its place
    ("reversed", "correction"),  # takes back what a record was charged on an earlier bill; the one that counts instead has a charge of its own
)

# The price versions that charges name. A number, once given, never means another version.
PRICE = LakeTable(
    "price",
    (
        ("price_no", ColumnType.INTEGER),
        ("product_offering_id", ColumnType.TEXT),
        ("price_id", ColumnType.TEXT),
        ("valid_from", ColumnType.INSTANT),
    ),
    partition=(),
    sort=("price_no",),
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
