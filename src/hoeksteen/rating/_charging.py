"""
What a record costs: the pieces of SQL between the units that no allowance covers and the amount before any cap.

Most prices are units times price. Each model that needs more is a piece that gives rows of the table `special`:
`record_id`, and the charge as a fraction `numerator / denominator` in micro-euros, before the rounding and without the connection fee.
A record has at most one such row; AMOUNT takes the fraction from there, and from units, price and unit size where there is none.

Models that count over a period (tiers, what is free first) are functions F of the count: a record costs F(after it) - F(before it), in the
order of its scope. Volume tiers take F of the tier that the count of its generation reached.

The pieces read the table `priced`: every record whose price is one of SPECIAL_PRICE. AMOUNT reads the table `measured`: also those
that an allowance covers in part.
"""

from hoeksteen.rating._phrases import before, begun, half_up

# Which rows of the table `tariff` ask for more than units times price; all others never meet the pieces below.
SPECIAL_PRICE = "f.tier_mode IS NOT NULL OR f.split OR f.blocks OR f.first_free OR f.end_mode IS NOT NULL"

_SCOPE = "CASE WHEN p.tiers_shared THEN p.billing_account_id ELSE p.product_id END"

# Scopes whose priced units go beyond a first tier of one price per unit.
TIER_CROSSED = f"""
SELECT {_SCOPE} AS tier_scope, p.period_day, p.tier_no
FROM priced p
JOIN (
    SELECT price_no, min(CASE WHEN from_units > 0 THEN NULL WHEN block_units IS NULL THEN to_units ELSE 0 END) AS first_bound
    FROM tier GROUP BY price_no
) f ON f.price_no = p.price_no
WHERE p.tier_mode IS NOT NULL AND p.priced_units > 0
GROUP BY tier_scope, p.period_day, p.tier_no HAVING sum(p.priced_units) > min(f.first_bound)
"""

# The records of those scopes.
TIERED = f"""
SELECT p.record_id, p.generation, p.start, p.period_day, p.tier_no, p.tier_mode, p.price_no, p.unit_size, p.priced_units, c.tier_scope
FROM priced p JOIN tier_crossed c ON c.tier_scope = {_SCOPE} AND c.period_day = p.period_day AND c.tier_no = p.tier_no
WHERE p.tier_mode IS NOT NULL AND p.priced_units > 0
"""
_COUNTED = f"SELECT *, {before('priced_units', 'tier_scope, period_day, tier_no')} AS before FROM tiered"

# Graduated: each tier prices its own units, counted in order; the record that enters a tier pays what is due once for it.
GRADUATED_PARTS = f"""
SELECT record_id, place, micro, block_units, last - first AS units, CASE WHEN before <= place AND place > 0 THEN flat_micro ELSE 0 END AS flat,
    CASE WHEN block_units IS NULL THEN (last - first) * micro
         ELSE ({begun("last - place", "block_units")} - {begun("first - place", "block_units")}) * micro * unit_size END
    + CASE WHEN before <= place AND place > 0 THEN flat_micro * unit_size ELSE 0 END AS numerator
FROM (
    SELECT c.record_id, c.before, c.unit_size, t.from_units AS place, t.tier_micro AS micro, t.block_units, t.flat_micro,
        greatest(c.before, t.from_units) AS first, least(c.before + c.priced_units, t.to_units) AS last
    FROM ({_COUNTED} WHERE tier_mode = 'graduated') c
    JOIN tier t ON t.price_no = c.price_no AND c.before < t.to_units AND c.before + c.priced_units > t.from_units
)
"""
GRADUATED = f"SELECT record_id, sum(numerator)::BIGINT AS numerator FROM ({GRADUATED_PARTS}) GROUP BY record_id"

# Volume: all units of a generation at the price of the tier that the count has reached; closed generations stay as they were.
VOLUME_PARTS = f"""
SELECT c.record_id, t.from_units AS place, t.tier_micro AS micro, t.block_units, c.priced_units AS units,
    CASE WHEN t.block_units IS NULL THEN c.priced_units * t.tier_micro
         ELSE ({begun("c.before + c.priced_units", "t.block_units")} - {begun("c.before", "t.block_units")}) * t.tier_micro * c.unit_size
    END AS numerator
FROM ({_COUNTED} WHERE tier_mode = 'volume') c
JOIN (
    SELECT tier_scope, period_day, tier_no, generation,
        (sum(sum(priced_units)) OVER (PARTITION BY tier_scope, period_day, tier_no ORDER BY generation ROWS UNBOUNDED PRECEDING))::BIGINT AS reached
    FROM tiered WHERE tier_mode = 'volume' GROUP BY tier_scope, period_day, tier_no, generation
) r ON r.tier_scope = c.tier_scope AND r.period_day = c.period_day AND r.tier_no = c.tier_no AND r.generation = c.generation
JOIN tier t ON t.price_no = c.price_no AND r.reached > t.from_units AND r.reached <= t.to_units
"""
VOLUME = f"SELECT record_id, numerator::BIGINT AS numerator FROM ({VOLUME_PARTS})"

# A record that is cut at band boundaries to the second: the units that minimum and step add go to its last part, and
# allowances cover its first units.
SPLIT_PARTS = """
SELECT record_id, since AS place, band_micro AS micro, greatest(0, until - greatest(since, free_units)) AS units
FROM (
    SELECT record_id, free_units, band_micro, since,
        CASE WHEN until >= delivered_units THEN units ELSE until END AS until
    FROM (
        SELECT p.record_id, p.free_units, p.units, p.delivered_units, b.band_micro,
            greatest(0, (epoch_us(b.begins_at) - epoch_us(p.start) + 999999) // 1000000) AS since,
            (epoch_us(b.ends_at) - epoch_us(p.start) + 999999) // 1000000 AS until
        FROM priced p
        JOIN band b ON b.price_no = p.price_no AND b.ends_at > p.start
            AND (epoch_us(b.begins_at) - epoch_us(p.start) + 999999) // 1000000 < p.delivered_units
        WHERE p.split AND p.priced_units > 0
    )
)
"""
SPLIT = f"SELECT record_id, sum(units * micro)::BIGINT AS numerator FROM ({SPLIT_PARTS}) GROUP BY record_id"

# Blocks: a record's priced units run through stretches, each with its own step and price; no other record plays a part.
BLOCK_PARTS = f"""
SELECT record_id, place, units, micro, size, {begun("units", "step")} * step * weight AS numerator, denominator
FROM (
    SELECT p.record_id, k.from_units AS place, least(p.priced_units, k.to_units) - k.from_units AS units, k.step, k.block_micro AS micro,
        k.block_size AS size, k.weight, k.denominator
    FROM priced p JOIN block k ON k.price_no = p.price_no AND p.priced_units > k.from_units
    WHERE p.blocks
)
"""
BLOCKS = f"""
SELECT record_id, sum(numerator)::BIGINT AS numerator, any_value(denominator) AS denominator FROM ({BLOCK_PARTS}) GROUP BY record_id
"""

# What is free first: so many records or so many units of a period. The fee stands in the fraction, because free records have none.
FIRST_FREE_PARTS = f"""
SELECT c.record_id, c.priced_units, c.price_micro, c.unit_size,
    CASE WHEN c.place <= l.free_records AND c.before + c.priced_units < l.free_units THEN 0 ELSE c.fee_micro END AS fee,
    CASE WHEN c.place <= l.free_records THEN greatest(0, least(c.priced_units, l.free_units - c.before)) ELSE 0 END AS first_free_units
FROM (
    SELECT p.*, {before("p.priced_units", "p.product_id, p.period_day, p.tier_no")} AS before,
        {before("1", "p.product_id, p.period_day, p.tier_no")} + 1 AS place
    FROM priced p WHERE p.first_free AND p.priced_units > 0
) c
JOIN free_limit l ON l.price_no = c.price_no
"""
FIRST_FREE = f"SELECT record_id, (priced_units - first_free_units) * price_micro + fee * unit_size AS numerator FROM ({FIRST_FREE_PARTS})"

SPECIAL = """
SELECT x.record_id, x.numerator, p.unit_size AS denominator
FROM (
    SELECT * FROM graduated UNION ALL SELECT * FROM volume UNION ALL SELECT * FROM split UNION ALL SELECT * FROM first_free
) x
JOIN priced p ON p.record_id = x.record_id
UNION ALL
SELECT record_id, numerator, denominator FROM blocks
"""

# The charge with its fee, rounded at the end where the price says so: up, half-up or down to a multiple of `end_quantum`.
_EXACT = "(numerator + fee * denominator)"
_QUANTUM = "(denominator * end_quantum)"
AMOUNT = f"""
SELECT *,
    CASE WHEN price_no IS NULL THEN 0
         WHEN end_mode IS NULL THEN {half_up("numerator", "denominator")} + fee
         WHEN end_mode = 'up' THEN {begun(_EXACT, _QUANTUM)} * end_quantum
         WHEN end_mode = 'down' THEN {_EXACT} // {_QUANTUM} * end_quantum
         ELSE {half_up(_EXACT, _QUANTUM)} * end_quantum
    END AS amount_micro
FROM (
    SELECT p.*, coalesce(x.numerator, p.priced_units * p.price_micro) AS numerator, coalesce(x.denominator, p.unit_size) AS denominator,
        CASE WHEN p.priced_units > 0 THEN CASE WHEN p.first_free THEN 0 ELSE p.fee_micro END
             WHEN p.units > 0 AND NOT p.fee_waived THEN p.fee_micro ELSE 0 END AS fee
    FROM measured p LEFT JOIN special x USING (record_id)
) p
"""

# In order: `table` or `view`, its name, its query.
STEPS = (
    ("table", "tier_crossed", TIER_CROSSED),
    ("table", "tiered", TIERED),
    ("table", "graduated", GRADUATED),
    ("table", "volume", VOLUME),
    ("table", "split", SPLIT),
    ("table", "blocks", BLOCKS),
    ("table", "first_free", FIRST_FREE),
    ("table", "special", SPECIAL),
    ("view", "amount", AMOUNT),
)
