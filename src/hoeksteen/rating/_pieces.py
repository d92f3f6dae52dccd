"""
The named pieces of SQL from which rating is composed, in the order in which they are used.

What a price says lies in the small table `rate`: one row per offering, kind of usage and stretch of time in which nothing changes. The table `rated`
holds every record with its row of `rate` and with what it costs when it is the whole inside its allowance, or the whole outside: so it is for nearly
all. The others are `touched`: records of a scope that asks for more than its allowance has, which alone are put in order, and those whose
price is more than units times price. Their charges, and those that a cap cuts, are the table `changed`.

Whole columns, integers only: no money and no unit ever is a floating-point number or a decimal. The text avoids what only one engine knows.
"""

from collections.abc import Sequence

from hoeksteen.rating import _charging
from hoeksteen.rating._phrases import before, half_up

# Columns of `rate` that are only there to be read.
_WORDS = ("product_offering_id", "price_id", "valid_from", "valid_to", "version_from", "price_valid_from")
# Part of the digest: ties amounts to records, and is computed alike on every engine.
_PRIME = 2_147_483_647
_WEIGHT = f"((epoch_us(start) // 1000000 + line::BIGINT * 7919) % {_PRIME})"

# The instants at which a price or a band begins or ends, and the stretches between them.
SLOT = """
SELECT (row_number() OVER (ORDER BY begins_at))::INTEGER AS slot_no, begins_at, lead(begins_at, 1, {end}) OVER (ORDER BY begins_at) AS ends_at
FROM (
    SELECT DISTINCT begins_at FROM (
        SELECT {first} AS begins_at
        UNION ALL SELECT valid_from FROM tariff
        UNION ALL SELECT valid_to FROM tariff
        UNION ALL SELECT begins_at FROM band
        UNION ALL SELECT ends_at FROM band
    ) WHERE begins_at >= {first} AND begins_at < {end}
)
"""


def rate_no(offering_no: str, kind_no: str, slot_no: str, *, kinds: int, slots: int) -> str:
    """The number of a row of `rate`: one integer, so that a record finds its price by one look into a table."""
    return f"(({offering_no} * {kinds + 1} + {kind_no}) * {slots + 1} + {slot_no})"


def rate(stages: int, *, kinds: int, slots: int) -> str:
    """What each offering asks for each kind of usage in each stretch of time."""
    shared = "".join(f", g{stage}.shared AS shared_{stage}" for stage in range(1, stages + 1))
    first = ", ".join(["NULL", *(f"f.source_{stage}" for stage in range(1, stages + 1))])
    sources = "".join(f" LEFT JOIN source g{stage} ON g{stage}.source_no = f.source_{stage}" for stage in range(1, stages + 1))
    return f"""
    SELECT {rate_no("o.offering_no", "f.kind_no", "s.slot_no", kinds=kinds, slots=slots)} AS rate_no,
        f.* EXCLUDE (price_micro, fee_micro, service, zone, roaming), f.version_from AS price_valid_from,
        coalesce(b.band_micro, f.price_micro) AS price_micro, coalesce(b.band_fee_micro, f.fee_micro) AS fee_micro,
        coalesce({_charging.SPECIAL_PRICE}, false) AS special, n.lake_price_no, coalesce({first})::INTEGER AS source_no{shared}
    FROM tariff f
    JOIN price_number n ON n.price_no = f.price_no
    JOIN offering o ON o.product_offering_id = f.product_offering_id
    JOIN slot s ON s.begins_at >= f.valid_from AND s.begins_at < f.valid_to
    LEFT JOIN band b ON b.price_no = f.price_no AND s.begins_at >= b.begins_at AND s.begins_at < b.ends_at{sources}
    """


def rated(*, kinds: int, slots: int) -> str:
    """
    Each guided record with the offering in force at its start, the price version and band of its start, its rounded units, and what it costs alone.

    Its outcome is the index of one of tables.OUTCOMES, or -1 where the price is more than units times price.
    """
    number = rate_no("t.offering_no", "k.kind_no", "m.slot_no", kinds=kinds, slots=slots)
    return f"""
    SELECT record_id, billing_account_id, usage_file_id, line, bucket, start, generation, period_day, bill_day, delivered_units, product_no, rate_no,
        lake_price_no, units,
        CASE WHEN rate_no IS NULL OR units = 0 THEN 0
             WHEN source_no IS NOT NULL THEN CASE WHEN fee_waived THEN 0 ELSE fee_micro END
             ELSE {half_up("(units * price_micro)", "unit_size")} + fee_micro END AS amount_micro,
        CASE WHEN offering_no IS NULL THEN 6
             WHEN rate_no IS NULL THEN 7
             WHEN special THEN -1
             WHEN units = 0 THEN 3
             WHEN source_no IS NOT NULL THEN 1
             WHEN price_micro = 0 AND fee_micro = 0 THEN 5
             ELSE 0 END AS outcome
    FROM (
        SELECT g.record_id, g.billing_account_id, g.usage_file_id, g.line, g.bucket, g.start, g.generation, g.period_day, g.bill_day,
            g.units AS delivered_units, t.product_no, t.offering_no, r.rate_no, r.lake_price_no, r.source_no, r.special, r.price_micro, r.unit_size,
            r.fee_micro, r.fee_waived,
            CASE WHEN r.rate_no IS NULL OR g.units = 0 THEN 0
                 ELSE ((greatest(g.units, r.minimum) + r.step - 1) // r.step) * r.step END AS units
        FROM guided g
        LEFT JOIN term t ON t.product_id = g.product_id AND g.start >= t.valid_from AND g.start < t.valid_to
        LEFT JOIN kind k ON k.service = g.service AND k.zone = g.zone AND k.roaming = g.roaming
        LEFT JOIN minute m ON m.minute = epoch_us(g.start) // 60000000
        LEFT JOIN rate r ON r.rate_no = {number}
    )
    """


def rating_0(records: str) -> str:
    """Records of a table with everything that their price says."""
    return f"SELECT r.*, f.* EXCLUDE (rate_no, lake_price_no) FROM {records} r LEFT JOIN rate f ON f.rate_no = r.rate_no"


def _left_before(stage: int) -> str:
    taken = "".join(f" - free_{earlier}" for earlier in range(1, stage))
    return f"(units{taken})"


def claim(stage: int) -> str:
    """Units that records ask of each source of a stage, after what earlier stages gave."""
    return f"""
    SELECT record_id, generation, start, period_day, source_{stage} AS source_no, {_left_before(stage)} AS asked,
        CASE WHEN shared_{stage} THEN p.pool_no ELSE product_no END AS scope_no
    FROM rating_{stage - 1} r LEFT JOIN pool p ON r.shared_{stage} AND p.billing_account_id = r.billing_account_id
    WHERE source_{stage} IS NOT NULL AND units > 0
    """


def grant(stage: int) -> str:
    """Each scope's total demand of a source, late demand too, and what the source grants it in the period."""
    return f"""
    SELECT c.scope_no, c.period_day, c.source_no, c.asked, c.last_generation, coalesce(o.granted, s.granted) AS granted, s.rolls_over
    FROM (
        SELECT scope_no, period_day, source_no, sum(asked)::BIGINT AS asked, max(generation) AS last_generation
        FROM claim_{stage} GROUP BY scope_no, period_day, source_no
    ) c
    JOIN source s ON s.source_no = c.source_no
    LEFT JOIN granted o ON o.source_no = c.source_no AND o.scope_no = c.scope_no AND o.period_day = c.period_day
    """


def free(stage: int) -> str:
    """
    What a source gives to records of a scope that asks for more than it has, in order; those that get all they ask have no row.

    Of an allowance that rolls over nothing is left for late records: what remained went on to the next period.
    """
    return f"""
    SELECT record_id, free FROM (
        SELECT record_id, asked, CASE WHEN rolls_over AND generation > 0 THEN 0 ELSE greatest(0, least(asked, granted - before)) END AS free
        FROM (
            SELECT c.record_id, c.generation, c.asked, g.granted, g.rolls_over,
                {before("c.asked", "c.scope_no, c.period_day, c.source_no")} AS before
            FROM claim_{stage} c JOIN grant_{stage} g ON g.scope_no = c.scope_no AND g.period_day = c.period_day AND g.source_no = c.source_no
            WHERE g.asked > g.granted OR (g.rolls_over AND g.last_generation > 0)
        )
    ) WHERE free < asked
    """


def rating(stage: int, before: str) -> str:
    """Records with what the sources of a stage give them."""
    return f"""
    SELECT r.*, CASE WHEN r.source_{stage} IS NULL THEN 0 ELSE coalesce(x.free, {_left_before(stage)}) END AS free_{stage}
    FROM {before} r LEFT JOIN free_{stage} x ON x.record_id = r.record_id
    """


def touched(stages: int, *, everything: bool) -> str:
    """The records whose charge depends on others or on more than units times price; or all of them."""
    if everything:
        return "SELECT * FROM rated"
    asked = [f"SELECT record_id FROM free_{stage}" for stage in range(1, stages + 1)]
    ids = " UNION ALL ".join([*asked, "SELECT record_id FROM rated WHERE outcome = -1"])
    return f"SELECT * FROM rated WHERE record_id IN ({ids})"


def measured(stages: int, *, everything: bool) -> str:
    """The touched records with the units that no allowance covers; without the words of their price, unless to be looked at."""
    source = f"({rating_0('touched')})"
    for stage in range(1, stages + 1):
        source = f"({rating(stage, source)})"
    taken = " + ".join(["0", *(f"free_{stage}" for stage in range(1, stages + 1))])
    left_out = ", ".join(["amount_micro", *([] if everything else _WORDS)])
    return f"SELECT * EXCLUDE ({left_out}), ({taken})::BIGINT AS free_units, units - ({taken})::BIGINT AS priced_units FROM {source}"


# Those whose price is more than units times price, for the pieces that know such prices.
PRICED = """
SELECT m.*, p.product_id FROM measured m JOIN product p ON p.product_no = m.product_no WHERE m.special
"""

# What each record under a cap would cost without it; not those that began while their customer had lifted it. The scope is a product, or a
# billing account and no product where the cap is shared.
UNDER_CAP = """
SELECT r.record_id, r.bucket, r.generation, r.start, r.period_day, f.cap_no, coalesce(a.amount_micro, r.amount_micro) AS amount_micro,
    CASE WHEN r.outcome = 1 THEN r.units ELSE 0 END AS free_units,
    CASE WHEN c.shared THEN NULL ELSE r.product_no END AS product_no, CASE WHEN c.shared THEN r.billing_account_id END AS sharing
FROM rated r JOIN rate f ON f.rate_no = r.rate_no JOIN cap c ON c.cap_no = f.cap_no LEFT JOIN amount a ON a.record_id = r.record_id
WHERE coalesce(a.amount_micro, r.amount_micro) > 0 AND NOT EXISTS (
    SELECT 1 FROM lifted l WHERE l.product_no = r.product_no AND l.cap_no = f.cap_no AND r.start >= l.begins_at AND r.start < l.ends_at
)
"""
CAP_CROSSED = """
SELECT a.product_no, a.sharing, a.period_day, a.cap_no, c.cap_micro
FROM (
    SELECT product_no, sharing, period_day, cap_no, sum(amount_micro) AS amount_micro FROM under_cap GROUP BY product_no, sharing, period_day, cap_no
) a
JOIN cap c ON c.cap_no = a.cap_no WHERE a.amount_micro > c.cap_micro
"""

# The record that reaches the cap is charged the remainder, those after it nothing.
CAPPED = f"""
SELECT record_id, bucket, free_units, amount_micro, greatest(0, least(amount_micro, cap_micro - before)) AS charged_micro
FROM (
    SELECT a.record_id, a.bucket, a.free_units, a.amount_micro, c.cap_micro,
        {before("a.amount_micro", "a.product_no, a.sharing, a.period_day, a.cap_no")} AS before
    FROM under_cap a
    JOIN cap_crossed c ON c.product_no IS NOT DISTINCT FROM a.product_no AND c.sharing IS NOT DISTINCT FROM a.sharing
        AND c.period_day = a.period_day AND c.cap_no = a.cap_no
)
"""

# The charges that are not what their record costs alone; outcomes by number (tables.OUTCOMES).
CHANGED = """
SELECT a.record_id, a.bucket, a.free_units, coalesce(c.charged_micro, a.amount_micro) AS amount_micro,
    CASE WHEN a.rate_no IS NULL THEN a.outcome
         WHEN a.units = 0 THEN 3
         WHEN c.charged_micro < a.amount_micro THEN CASE WHEN c.charged_micro = 0 THEN 4 ELSE 2 END
         WHEN a.priced_units = 0 THEN 1
         WHEN a.numerator = 0 AND a.amount_micro = 0 THEN 5
         ELSE 0 END AS outcome
FROM amount a LEFT JOIN capped c ON c.record_id = a.record_id
UNION ALL
SELECT c.record_id, c.bucket, c.free_units, c.charged_micro, CASE WHEN c.charged_micro = 0 THEN 4 ELSE 2 END
FROM capped c WHERE c.charged_micro < c.amount_micro AND NOT EXISTS (SELECT 1 FROM measured m WHERE m.record_id = c.record_id)
"""

# One row per record.
CHARGED = """
SELECT r.record_id, r.billing_account_id, r.usage_file_id, r.line, r.bucket, r.start, r.generation, r.period_day, r.bill_day,
    r.lake_price_no, r.delivered_units, r.units, coalesce(x.outcome, r.outcome) AS outcome,
    coalesce(x.free_units, CASE WHEN r.outcome = 1 THEN r.units ELSE 0 END) AS free_units, coalesce(x.amount_micro, r.amount_micro) AS amount_micro
FROM rated r LEFT JOIN changed x ON x.bucket = r.bucket AND x.record_id = r.record_id
"""

# The rows of the lake's table of charges.
CHARGE_ROWS = """
SELECT {month} AS month, bucket, billing_account_id, record_id, lake_price_no AS price_no, outcome, bill_day, units, free_units, amount_micro
FROM charged WHERE bucket = {bucket}
"""

# What is left, when generation 0 closes, of allowances that roll over; of every holder, also of those who used nothing.
LEFT_OVER = """
SELECT year(h.period_day) * 100 + month(h.period_day) AS month, h.bucket, h.scope_id, s.allowance_id, h.period_day,
    greatest(0, any_value(coalesce(o.granted, s.granted)) - coalesce(sum(u.taken), 0))::BIGINT AS units
FROM holder h
JOIN source s USING (source_no)
LEFT JOIN granted o ON o.source_no = h.source_no AND o.scope_no = h.scope_no AND o.period_day = h.period_day
LEFT JOIN taken u ON u.source_no = h.source_no AND u.scope_no = h.scope_no AND u.period_day = h.period_day
GROUP BY h.bucket, h.scope_id, s.allowance_id, h.period_day
"""


def taken(stages: int) -> str:
    """What generation 0 took of each source."""
    parts = [
        f"""
        SELECT CASE WHEN s.shared THEN p.pool_no ELSE r.product_no END AS scope_no, r.period_day, r.source_{stage} AS source_no,
            r.free_{stage} AS free
        FROM rating_{stages} r JOIN source s ON s.source_no = r.source_{stage}
        LEFT JOIN pool p ON s.shared AND p.billing_account_id = r.billing_account_id
        WHERE s.rolls_over AND r.generation = 0
        """
        for stage in range(1, stages + 1)
    ]
    together = " UNION ALL ".join(parts)
    return f"SELECT scope_no, period_day, source_no, sum(free)::BIGINT AS taken FROM ({together}) GROUP BY scope_no, period_day, source_no"


# Everything that is told of a run, in one pass: sums that any order of rows, any number of buckets and any engine give alike.
# Weighted sums stay below 2^62 for two thousand million records of one group.
SUMS = f"""
SELECT usage_file_id, lake_price_no, generation, period_day, bill_day, outcome, count(*)::BIGINT AS records,
    sum(delivered_units)::BIGINT AS delivered_units, sum(units)::BIGINT AS units, sum(free_units)::BIGINT AS free_units,
    sum(amount_micro)::BIGINT AS amount_micro, sum(weight)::BIGINT AS weights,
    sum(weight * (amount_micro % {_PRIME}) % {_PRIME})::BIGINT AS weighted_amount,
    sum(weight * (free_units % {_PRIME}) % {_PRIME})::BIGINT AS weighted_free
FROM (SELECT *, {_WEIGHT} AS weight FROM charged)
GROUP BY usage_file_id, lake_price_no, generation, period_day, bill_day, outcome
"""
DIGEST = """
SELECT p.product_offering_id, p.price_id, p.valid_from, s.generation, s.period_day, s.bill_day, s.outcome,
    sum(records)::BIGINT AS records, sum(delivered_units)::BIGINT AS delivered_units, sum(units)::BIGINT AS units,
    sum(free_units)::BIGINT AS free_units, sum(amount_micro)::BIGINT AS amount_micro, sum(weights) AS weights,
    sum(weighted_amount) AS weighted_amount, sum(weighted_free) AS weighted_free
FROM sums s LEFT JOIN price_number p ON p.lake_price_no = s.lake_price_no
GROUP BY p.product_offering_id, p.price_id, p.valid_from, s.generation, s.period_day, s.bill_day, s.outcome
"""
FILE_BALANCE = """
SELECT usage_file_id, outcome, sum(records)::BIGINT AS records, sum(delivered_units)::BIGINT AS units, sum(amount_micro)::BIGINT AS amount_micro
FROM sums GROUP BY usage_file_id, outcome ORDER BY usage_file_id, outcome
"""


def composed(stages: int, *, kinds: int, slots: int, everything: bool = False) -> Sequence[tuple[str, str, str]]:
    """
    Give every piece in order: `table` or `view`, its name, its query.

    :param everything: whether every record is worked out in full, to be looked at, rather than those alone that need it
    """
    steps: list[tuple[str, str, str]] = [("table", "rated", rated(kinds=kinds, slots=slots)), ("view", "rating_0", rating_0("rated"))]
    for stage in range(1, stages + 1):
        steps += [
            ("view", f"claim_{stage}", claim(stage)),
            ("table", f"grant_{stage}", grant(stage)),
            ("table", f"free_{stage}", free(stage)),
            ("view", f"rating_{stage}", rating(stage, f"rating_{stage - 1}")),
        ]
    return [
        *steps,
        ("view", "touched", touched(stages, everything=everything)),
        ("table", "measured", measured(stages, everything=everything)),
        ("table", "priced", PRICED),
        *_charging.STEPS,
        ("table", "under_cap", UNDER_CAP),
        ("table", "cap_crossed", CAP_CROSSED),
        ("table", "capped", CAPPED),
        ("table", "changed", CHANGED),
        ("view", "charged", CHARGED),
    ]
