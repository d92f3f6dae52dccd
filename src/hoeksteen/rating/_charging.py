"""
What a record costs: the pieces of SQL between the units that no allowance covers and the amount before any cap.

Most prices are units times price. Each model that needs more is a piece that gives rows of the table `special`:
`record_id`, and the charge as a fraction `numerator / denominator` in micro-euros, before the rounding and without the connection fee.
A record has at most one such row; AMOUNT takes the fraction from there, and from units, price and unit size where there is none.

The pieces read the table `priced`: every record whose price is one of SPECIAL_PRICE. AMOUNT reads the view `measured`: every record.
"""

from hoeksteen.rating._phrases import before, half_up

# Which rows of the table `tariff` ask for more than units times price; all others never meet the pieces below.
SPECIAL_PRICE = "f.tier_mode IS NOT NULL OR f.split"

# Scopes whose priced units go beyond the first tier.
TIER_CROSSED = """
SELECT p.product_id, p.period_day, p.tier_no
FROM priced p JOIN (SELECT price_no, min(to_units) AS first_bound FROM tier GROUP BY price_no) f USING (price_no)
WHERE p.tier_mode IS NOT NULL AND p.priced_units > 0
GROUP BY p.product_id, p.period_day, p.tier_no HAVING sum(p.priced_units) > min(f.first_bound)
"""

# Graduated: each tier prices its own units, counted in order.
GRADUATED_PARTS = f"""
SELECT c.record_id, t.from_units AS place, t.tier_micro AS micro,
    least(c.before + c.priced_units, t.to_units) - greatest(c.before, t.from_units) AS units
FROM (
    SELECT p.record_id, p.price_no, p.priced_units,
        {before("p.priced_units", "p.product_id, p.period_day, p.tier_no")} AS before
    FROM priced p JOIN tier_crossed USING (product_id, period_day, tier_no)
    WHERE p.tier_mode = 'graduated' AND p.priced_units > 0
) c
JOIN tier t ON t.price_no = c.price_no AND c.before < t.to_units AND c.before + c.priced_units > t.from_units
"""
GRADUATED = f"SELECT record_id, sum(units * micro)::BIGINT AS numerator FROM ({GRADUATED_PARTS}) GROUP BY record_id"

# Volume: all units of a generation at the price of the tier that the count has reached; closed generations stay as they were.
VOLUME = """
SELECT p.record_id, p.priced_units * t.tier_micro AS numerator
FROM priced p
JOIN (
    SELECT product_id, period_day, tier_no, generation,
        (sum(sum(priced_units)) OVER (PARTITION BY product_id, period_day, tier_no ORDER BY generation ROWS UNBOUNDED PRECEDING))::BIGINT AS reached
    FROM priced JOIN tier_crossed USING (product_id, period_day, tier_no)
    WHERE tier_mode = 'volume'
    GROUP BY product_id, period_day, tier_no, generation
) c USING (product_id, period_day, tier_no, generation)
JOIN tier t ON t.price_no = p.price_no AND c.reached > t.from_units AND c.reached <= t.to_units
WHERE p.tier_mode = 'volume' AND p.priced_units > 0
"""

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

SPECIAL = """
SELECT x.record_id, x.numerator, p.unit_size AS denominator
FROM (SELECT * FROM graduated UNION ALL SELECT * FROM volume UNION ALL SELECT * FROM split) x JOIN priced p USING (record_id)
"""

AMOUNT = f"""
SELECT p.*,
    CASE WHEN p.price_no IS NULL THEN 0
         ELSE {half_up("numerator", "denominator")} + CASE WHEN p.priced_units > 0 OR (p.units > 0 AND NOT p.fee_waived) THEN p.fee_micro ELSE 0 END
    END AS amount_micro
FROM (
    SELECT p.*, coalesce(x.numerator, p.priced_units * p.price_micro) AS numerator, coalesce(x.denominator, p.unit_size) AS denominator
    FROM measured p LEFT JOIN special x USING (record_id)
) p
"""

# In order: `table` or `view`, its name, its query.
STEPS = (
    ("table", "tier_crossed", TIER_CROSSED),
    ("table", "graduated", GRADUATED),
    ("table", "volume", VOLUME),
    ("table", "split", SPLIT),
    ("table", "special", SPECIAL),
    ("view", "amount", AMOUNT),
)
