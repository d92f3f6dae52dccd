"""
The named pieces of SQL from which rating is composed, in the order in which they are used.

Whole columns, integers only: no money and no unit ever is a floating-point number or a decimal. Only the records of a scope that crosses
its allowance, tier or cap are put in order; the totals of all others tell enough. The text
avoids what only one engine knows.
"""

from collections.abc import Sequence

from hoeksteen.rating import _charging
from hoeksteen.rating._phrases import before

# Part of the digest: ties amounts to records, and is computed alike on every engine.
_WEIGHT = "((epoch_us(start) // 1000000 + line::BIGINT * 7919) % 2147483647)"


def record(stages: int) -> str:
    """Each guided record with the offering in force at its start, the price version valid at its start, its band and its rounded units."""
    sources = "".join(f", f.source_{stage}" for stage in range(1, stages + 1))
    return f"""
    SELECT g.bucket, g.billing_account_id, g.product_id, g.start, g.record_id, g.customer_id, g.usage_file_id, g.line, g.service, g.zone, g.roaming,
        g.generation, g.period_day, g.bill_day, g.units AS delivered_units,
        t.product_offering_id, f.price_no, f.price_id, f.valid_from AS price_valid_from, f.unit_size, f.fee_waived,
        f.tier_mode, f.tier_no, f.split, f.tiers_shared, f.blocks, f.first_free, f.end_mode, f.end_quantum, f.cap_no,
        coalesce(b.band_fee_micro, f.fee_micro) AS fee_micro, coalesce(b.band_micro, f.price_micro) AS price_micro,
        CASE WHEN f.price_no IS NULL OR g.units = 0 THEN 0
             ELSE ((greatest(g.units, f.minimum) + f.step - 1) // f.step) * f.step END AS units{sources}
    FROM guided g
    LEFT JOIN term t ON t.product_id = g.product_id AND g.start >= t.valid_from AND g.start < t.valid_to
    LEFT JOIN tariff f ON f.product_offering_id = t.product_offering_id AND f.service = g.service AND f.zone = g.zone AND f.roaming = g.roaming
        AND g.start >= f.valid_from AND g.start < f.valid_to
    LEFT JOIN band b ON b.price_no = f.price_no AND g.start >= b.begins_at AND g.start < b.ends_at
    """


def _left_before(stage: int) -> str:
    taken = "".join(f" - free_{earlier}" for earlier in range(1, stage))
    return f"(units{taken})"


def claim(stage: int) -> str:
    """Units that records ask of each source of a stage, after what earlier stages gave."""
    return f"""
    SELECT r.record_id, r.generation, r.start, r.period_day, r.source_{stage} AS source_no, {_left_before(stage)} AS asked,
        CASE WHEN s.shared THEN r.billing_account_id ELSE r.product_id END AS scope_id
    FROM rating_{stage - 1} r JOIN source s ON s.source_no = r.source_{stage}
    """


def grant(stage: int) -> str:
    """Each scope's total demand of a source, late demand too, and what the source grants it in the period."""
    return f"""
    SELECT c.scope_id, c.period_day, c.source_no, sum(c.asked)::BIGINT AS asked, max(c.generation) AS last_generation,
        any_value(coalesce(o.granted, s.granted)) AS granted, any_value(s.rolls_over) AS rolls_over
    FROM claim_{stage} c JOIN source s USING (source_no)
    LEFT JOIN granted o ON o.source_no = c.source_no AND o.scope_id = c.scope_id AND o.period_day = c.period_day
    GROUP BY c.scope_id, c.period_day, c.source_no
    """


def free(stage: int) -> str:
    """
    What a source gives to each record of a scope that asks for more than it has, in order.

    Of an allowance that rolls over nothing is left for late records: what remained went on to the next period.
    """
    return f"""
    SELECT record_id, CASE WHEN rolls_over AND generation > 0 THEN 0 ELSE greatest(0, least(asked, granted - before)) END AS free
    FROM (
        SELECT c.record_id, c.generation, c.asked, g.granted, g.rolls_over,
            {before("c.asked", "c.scope_id, c.period_day, c.source_no")} AS before
        FROM claim_{stage} c JOIN grant_{stage} g USING (scope_id, period_day, source_no)
        WHERE g.asked > g.granted OR (g.rolls_over AND g.last_generation > 0)
    )
    """


def rating(stage: int) -> str:
    """Records with what the sources of a stage give them."""
    return f"""
    SELECT r.*, CASE WHEN r.source_{stage} IS NULL THEN 0 ELSE coalesce(x.free, {_left_before(stage)}) END AS free_{stage}
    FROM rating_{stage - 1} r LEFT JOIN free_{stage} x USING (record_id)
    """


def priced(stages: int) -> str:
    """Records with the units that no allowance covers."""
    taken = " + ".join(["0", *(f"free_{stage}" for stage in range(1, stages + 1))])
    return f"SELECT *, ({taken})::BIGINT AS free_units, units - ({taken})::BIGINT AS priced_units FROM rating_{stages}"


# What each record under a cap would cost without it; not those that began while their customer had lifted it.
UNDER_CAP = """
SELECT a.record_id, a.generation, a.start, a.period_day, a.cap_no, a.amount_micro,
    CASE WHEN c.shared THEN a.billing_account_id ELSE a.product_id END AS cap_scope
FROM amount a JOIN cap c ON c.cap_no = a.cap_no
WHERE a.amount_micro > 0 AND NOT EXISTS (
    SELECT 1 FROM lifted l WHERE l.product_id = a.product_id AND l.cap_no = a.cap_no AND a.start >= l.begins_at AND a.start < l.ends_at
)
"""
CAP_CROSSED = """
SELECT a.cap_scope, a.period_day, a.cap_no, c.cap_micro
FROM (SELECT cap_scope, period_day, cap_no, sum(amount_micro) AS amount_micro FROM under_cap GROUP BY cap_scope, period_day, cap_no) a
JOIN cap c ON c.cap_no = a.cap_no WHERE a.amount_micro > c.cap_micro
"""

# The record that reaches the cap is charged the remainder, those after it nothing.
CAPPED = f"""
SELECT record_id, greatest(0, least(amount_micro, cap_micro - before)) AS charged_micro
FROM (
    SELECT a.record_id, a.amount_micro, c.cap_micro, {before("a.amount_micro", "a.cap_scope, a.period_day, a.cap_no")} AS before
    FROM under_cap a JOIN cap_crossed c ON c.cap_scope = a.cap_scope AND c.period_day = a.period_day AND c.cap_no = a.cap_no
)
"""

CHARGE = """
SELECT year(period_day) * 100 + month(period_day) AS month, bucket, billing_account_id, product_id, start, a.record_id, customer_id,
    usage_file_id, line, product_offering_id, service, zone, roaming, price_id, generation, period_day, bill_day,
    CASE WHEN price_no IS NULL THEN 'suspended'
         WHEN units = 0 THEN 'zero_rated'
         WHEN c.charged_micro = 0 AND amount_micro > 0 THEN 'zero_rated'
         WHEN amount_micro = 0 AND priced_units > 0 AND numerator = 0 THEN 'zero_rated'
         ELSE 'rated' END AS state,
    CASE WHEN product_offering_id IS NULL THEN 'no_term'
         WHEN price_no IS NULL THEN 'no_price'
         WHEN units = 0 THEN 'no_units'
         WHEN c.charged_micro < amount_micro THEN 'cap'
         WHEN priced_units > 0 AND numerator = 0 AND amount_micro = 0 THEN 'free'
         WHEN priced_units = 0 THEN 'allowance'
         ELSE '' END AS reason,
    delivered_units, units, free_units, coalesce(c.charged_micro, amount_micro) AS amount_micro
FROM amount a LEFT JOIN capped c USING (record_id)
"""

# What is left, when generation 0 closes, of allowances that roll over; of every holder, also of those who used nothing.
LEFT_OVER = """
SELECT year(h.period_day) * 100 + month(h.period_day) AS month, h.bucket, h.scope_id, s.allowance_id, h.period_day,
    greatest(0, any_value(coalesce(o.granted, s.granted)) - coalesce(sum(u.taken), 0))::BIGINT AS units
FROM holder h
JOIN source s USING (source_no)
LEFT JOIN granted o ON o.source_no = h.source_no AND o.scope_id = h.scope_id AND o.period_day = h.period_day
LEFT JOIN taken u ON u.source_no = h.source_no AND u.scope_id = h.scope_id AND u.period_day = h.period_day
GROUP BY h.bucket, h.scope_id, s.allowance_id, h.period_day
"""


def taken(stages: int) -> str:
    """What generation 0 took of each source."""
    parts = [
        f"""
        SELECT CASE WHEN s.shared THEN r.billing_account_id ELSE r.product_id END AS scope_id, r.period_day,
            r.source_{stage} AS source_no, r.free_{stage} AS free
        FROM rating_{stages} r JOIN source s ON s.source_no = r.source_{stage} WHERE s.rolls_over AND r.generation = 0
        """
        for stage in range(1, stages + 1)
    ]
    together = " UNION ALL ".join(parts)
    return f"SELECT scope_id, period_day, source_no, sum(free)::BIGINT AS taken FROM ({together}) GROUP BY scope_id, period_day, source_no"


# Sums that any order of rows, any number of buckets and any engine give alike.
DIGEST = f"""
SELECT month, product_offering_id, price_id, service, zone, roaming, generation, period_day, bill_day, state, reason, count(*) AS records,
    sum(delivered_units) AS delivered_units, sum(units) AS units, sum(free_units) AS free_units, sum(amount_micro) AS amount_micro,
    sum({_WEIGHT}::HUGEINT * amount_micro) AS weighted_amount, sum({_WEIGHT}::HUGEINT * free_units) AS weighted_free, sum({_WEIGHT}) AS weights
FROM charged
GROUP BY ALL
"""

FILE_BALANCE = """
SELECT usage_file_id, state, reason, count(*)::BIGINT AS records, sum(delivered_units)::BIGINT AS units, sum(amount_micro)::BIGINT AS amount_micro
FROM charged GROUP BY usage_file_id, state, reason ORDER BY usage_file_id, state, reason
"""


def composed(stages: int) -> Sequence[tuple[str, str, str]]:
    """Give every piece in order: `table` or `view`, its name, its query."""
    steps: list[tuple[str, str, str]] = [("table", "rating_0", record(stages))]
    for stage in range(1, stages + 1):
        steps += [
            ("view", f"claim_{stage}", claim(stage)),
            ("table", f"grant_{stage}", grant(stage)),
            ("table", f"free_{stage}", free(stage)),
            ("view", f"rating_{stage}", rating(stage)),
        ]
    return [
        *steps,
        ("table", "priced", priced(stages)),
        *_charging.STEPS,
        ("table", "under_cap", UNDER_CAP),
        ("table", "cap_crossed", CAP_CROSSED),
        ("table", "capped", CAPPED),
        ("table", "charged", CHARGE),
    ]
