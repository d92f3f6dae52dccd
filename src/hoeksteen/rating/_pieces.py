"""
The named pieces of SQL from which rating is composed, in the order in which they are used.

What a price says lies in the small table `rate`: one row per offering, kind of usage and stretch of time in which nothing changes. The table `rated`
holds every record with its row of `rate` and with what it costs when it is the whole inside its allowance, or the whole outside: so it is for nearly
all. Which products may have others is known from their sums (`worked_product`), and no other product is looked at again. Of these, records are
`touched` that a scope's allowance does not cover wholly, for which alone they are put in order, and those whose price is more than units times
price. Their charges, and those that a cap cuts, are the table `changed`.

Whole columns, integers only: no money and no unit ever is a floating-point number or a decimal. The text avoids what only one engine knows.
"""

from collections.abc import Sequence

from hoeksteen.rating import _charging
from hoeksteen.rating._phrases import before, half_up

# Columns of `rate` that are only there to be read.
_WORDS = ("product_offering_id", "price_id", "valid_from", "valid_to", "version_from", "price_valid_from")
# Part of the digest: ties amounts to records, and is computed alike on every engine.
_PRIME = 2_147_483_647
_DAY = 86_400_000_000  # microseconds
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


def _first_source(stages: int) -> str:
    """The number of the source that a row of the tariff asks first; NULL where there is none."""
    return f"coalesce({', '.join(['NULL', *(f'f.source_{stage}' for stage in range(1, stages + 1))])})"


def _sources(stages: int) -> str:
    """The sources of a row of the tariff, by stage: g1, g2 and so on."""
    return "".join(f" LEFT JOIN source g{stage} ON g{stage}.source_no = f.source_{stage}" for stage in range(1, stages + 1))


def rate(stages: int, *, kinds: int, slots: int) -> str:
    """What each offering asks for each kind of usage in each stretch of time."""
    shared = "".join(f", g{stage}.shared AS shared_{stage}" for stage in range(1, stages + 1))
    return f"""
    SELECT {rate_no("o.offering_no", "f.kind_no", "s.slot_no", kinds=kinds, slots=slots)} AS rate_no,
        f.* EXCLUDE (price_micro, fee_micro, service, zone, roaming), f.version_from AS price_valid_from,
        coalesce(b.band_micro, f.price_micro) AS price_micro, coalesce(b.band_fee_micro, f.fee_micro) AS fee_micro,
        coalesce({_charging.SPECIAL_PRICE}, false) AS special, n.lake_price_no, {_first_source(stages)}::INTEGER AS source_no{shared}
    FROM tariff f
    JOIN price_number n ON n.price_no = f.price_no
    JOIN offering o ON o.product_offering_id = f.product_offering_id
    JOIN slot s ON s.begins_at >= f.valid_from AND s.begins_at < f.valid_to
    LEFT JOIN band b ON b.price_no = f.price_no AND s.begins_at >= b.begins_at AND s.begins_at < b.ends_at{_sources(stages)}
    """


# What each product used of each service, in one grouping of the files as they lie there.
USED = """
SELECT p.product_no, u.billing_account_id, u.service, u.period_day, u.records, u.units
FROM (
    SELECT product_id, billing_account_id, service, period_day, count(*)::BIGINT AS records, sum(units)::BIGINT AS units
    FROM guided GROUP BY product_id, billing_account_id, service, period_day
) u JOIN product p ON p.product_id = u.product_id
"""


def at_most(stages: int) -> str:
    """
    Which source a service's usage asks first, what a record asks of it at most beyond its units, and whether a charge may depend on more than that.
    """
    moves = "".join(f" OR coalesce(g{stage}.rolls_over OR g{stage}.carried OR g{stage}.prorated, false)" for stage in range(1, stages + 1))
    return f"""
    SELECT o.offering_no, f.service, {_first_source(stages)}::INTEGER AS source_no, max(f.minimum + f.step) AS more,
        max(CASE WHEN f.cap_no IS NOT NULL OR coalesce({_charging.SPECIAL_PRICE}, false){moves} THEN 1 ELSE 0 END) AS intricate
    FROM tariff f JOIN offering o ON o.product_offering_id = f.product_offering_id{_sources(stages)}
    GROUP BY o.offering_no, f.service, {_first_source(stages)}
    """


ASKING = """
SELECT u.product_no, u.period_day, m.source_no, m.intricate, s.granted, u.units + u.records * m.more AS most,
    CASE WHEN s.shared THEN p.pool_no ELSE u.product_no END AS scope_no
FROM used u
JOIN (SELECT DISTINCT product_no, offering_no FROM term) t ON t.product_no = u.product_no
JOIN at_most m ON m.offering_no = t.offering_no AND m.service = u.service
LEFT JOIN source s ON s.source_no = m.source_no
LEFT JOIN pool p ON s.shared AND p.billing_account_id = u.billing_account_id
"""

# The products of which a charge may be other than what its record costs alone: too many rather than too few.
WORKED_PRODUCT = """
SELECT product_no FROM asking WHERE intricate = 1
UNION
SELECT a.product_no FROM asking a JOIN (
    SELECT scope_no, period_day, source_no FROM asking GROUP BY scope_no, period_day, source_no HAVING sum(most) > min(granted)
) c ON c.scope_no = a.scope_no AND c.period_day = a.period_day AND c.source_no = a.source_no
"""
HELD = "SELECT t.*, w.product_no IS NOT NULL AS worked FROM term t LEFT JOIN worked_product w ON w.product_no = t.product_no"


def rated(*, kinds: int, slots: int, tick: int) -> str:
    """
    Each guided record with the offering in force at its start, the price version and band of its start, its rounded units, and what it costs alone.

    Its outcome is the index of one of tables.OUTCOMES, or -1 where the price is more than units times price.
    """
    number = rate_no("t.offering_no", "k.kind_no", "m.slot_no", kinds=kinds, slots=slots)
    return f"""
    SELECT record_id, billing_account_id, usage_file_id, line, bucket, start, generation, period_day, bill_day, delivered_units, product_no, rate_no,
        lake_price_no, units, worked,
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
            g.units AS delivered_units, t.product_no, t.offering_no, coalesce(t.worked, false) AS worked,
            r.rate_no, r.lake_price_no, r.source_no, r.special, r.price_micro, r.unit_size, r.fee_micro, r.fee_waived,
            CASE WHEN r.rate_no IS NULL OR g.units = 0 THEN 0
                 ELSE ((greatest(g.units, r.minimum) + r.step - 1) // r.step) * r.step END AS units
        FROM guided g
        LEFT JOIN held t ON t.product_id = g.product_id AND g.start >= t.valid_from AND g.start < t.valid_to
        LEFT JOIN kind k ON k.service = g.service AND k.zone = g.zone AND k.roaming = g.roaming
        LEFT JOIN tick m ON m.tick = epoch_us(g.start) // {tick}
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
    SELECT record_id, product_no, generation, start, period_day, source_{stage} AS source_no, {_left_before(stage)} AS asked,
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


def over(stage: int) -> str:
    """The claims on a source that its scope asks more of than it has."""
    return f"""
    SELECT c.record_id, c.product_no, c.generation, c.start, epoch_us(c.start) // {_DAY} AS day, c.scope_no, c.period_day, c.source_no, c.asked,
        CASE WHEN g.rolls_over AND c.generation > 0 THEN 0 ELSE g.granted END AS granted
    FROM claim_{stage} c JOIN grant_{stage} g ON g.scope_no = c.scope_no AND g.period_day = c.period_day AND g.source_no = c.source_no
    WHERE g.asked > g.granted OR (g.rolls_over AND g.last_generation > 0)
    """


def spent(stage: int) -> str:
    """What the claims of each day of such a scope ask, and those of the days before it."""
    return f"""
    SELECT *, (sum(asked) OVER (PARTITION BY scope_no, period_day, source_no ORDER BY generation, day ROWS UNBOUNDED PRECEDING) - asked)::BIGINT
        AS before
    FROM (
        SELECT scope_no, period_day, source_no, generation, day, sum(asked)::BIGINT AS asked
        FROM over_{stage} GROUP BY scope_no, period_day, source_no, generation, day
    )
    """


def free(stage: int) -> str:
    """
    What a source gives to records of a scope that asks for more than it has, in order; those that get all they ask have no row.

    Only the records of the day on which it runs out are put in order: those of the days before get all, those of the days after nothing.
    Of an allowance that rolls over nothing is left for late records: what remained went on to the next period.
    """
    day = "scope_no, period_day, source_no, generation, day"
    return f"""
    SELECT record_id, 0 AS free FROM over_{stage} o JOIN (SELECT {day}, before FROM spent_{stage}) d USING ({day}) WHERE before >= granted
    UNION ALL
    SELECT record_id, free FROM (
        SELECT record_id, asked, greatest(0, least(asked, granted - spent - {before("asked", day)})) AS free
        FROM over_{stage} o JOIN (SELECT {day}, before AS spent, asked AS of_day FROM spent_{stage}) d USING ({day})
        WHERE spent < granted AND spent + of_day > granted
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
    return f"SELECT * FROM (SELECT * FROM rated WHERE worked) WHERE record_id IN ({ids})"


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
SELECT r.record_id, r.bucket, r.generation, r.start, r.period_day, f.cap_no,
    coalesce(a.amount_micro, r.amount_micro) AS amount_micro,
    CASE WHEN r.outcome = 1 THEN r.units ELSE 0 END AS free_units,
    CASE WHEN c.shared THEN NULL ELSE r.product_no END AS product_no, CASE WHEN c.shared THEN r.billing_account_id END AS sharing
FROM (SELECT * FROM rated WHERE worked) r JOIN rate f ON f.rate_no = r.rate_no JOIN cap c ON c.cap_no = f.cap_no
LEFT JOIN amount a ON a.record_id = r.record_id
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
_OF_RECORD = """
SELECT r.record_id, r.billing_account_id, r.usage_file_id, r.line, r.bucket, r.start, r.generation, r.period_day, r.bill_day,
    r.lake_price_no, r.delivered_units, r.units
"""
_FREE_ALONE = "CASE WHEN r.outcome = 1 THEN r.units ELSE 0 END"
CHARGED = f"""
{_OF_RECORD}, r.outcome, {_FREE_ALONE} AS free_units, r.amount_micro
FROM rated r WHERE NOT worked
UNION ALL
{_OF_RECORD}, coalesce(x.outcome, r.outcome) AS outcome, coalesce(x.free_units, {_FREE_ALONE}) AS free_units,
    coalesce(x.amount_micro, r.amount_micro) AS amount_micro
FROM rated r LEFT JOIN changed x ON x.bucket = r.bucket AND x.record_id = r.record_id WHERE worked
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


def composed(stages: int, *, kinds: int, slots: int, tick: int, everything: bool = False, few: bool = False) -> Sequence[tuple[str, str, str]]:
    """
    Give every piece in order: `table` or `view`, its name, its query.

    :param everything: whether every record is worked out in full, to be looked at, rather than those alone that need it
    :param few: whether every product is worked out, rather than those alone whose sums say that it may be needed
    """
    may_differ = [
        ("table", "used", USED),
        ("table", "at_most", at_most(stages)),
        ("table", "asking", ASKING),
        ("table", "worked_product", WORKED_PRODUCT),
        ("table", "held", HELD),
    ]
    steps: list[tuple[str, str, str]] = [
        *([("view", "held", "SELECT *, true AS worked FROM term")] if everything or few else may_differ),
        ("table", "rated", rated(kinds=kinds, slots=slots, tick=tick)),
        ("view", "rating_0", rating_0("(SELECT * FROM rated WHERE worked)")),
    ]
    for stage in range(1, stages + 1):
        steps += [
            ("view", f"claim_{stage}", claim(stage)),
            ("table", f"grant_{stage}", grant(stage)),
            ("table", f"over_{stage}", over(stage)),
            ("table", f"spent_{stage}", spent(stage)),
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
