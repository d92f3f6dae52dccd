"""
The named pieces of SQL from which collection is composed; each makes one table from the one before.

lines → parsed → cast → guided_candidates → identified → judged. They are plain SQL on whole columns; the few lists that need PostgreSQL or
the keeper (who holds which number, sealed blocks) come in as small tables.
"""

from datetime import datetime

from hoeksteen.product.model import Service
from hoeksteen.usage._intake import LINE_BYTES_MAX

# Larger counts than these are faults of a meter, and would leave the range in which rating computes exactly.
UNITS_MAX = {Service.VOICE: 31 * 86_400, Service.SMS: 1, Service.DATA: 10**12}
_START = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
# Ten digits; service numbers of eight or eleven; twelve for machines.
_NATIONAL = "0[1-9][0-9]{8}|0(800|90[069])[0-9]{4}([0-9]{3})?|097[0-9]{9}"
_E164_LEAST, _E164_MOST = 10**6, 10**15 - 1  # seven to fifteen digits


def read_lines(file: str, first: int, last: int) -> str:
    """Every line as one text, numbered from 1; nothing is guessed about types (docs: DuckDB's own reading of CSV is lax)."""
    path = file.replace("'", "''")
    return f"""
    SELECT line, text FROM (
        SELECT row_number() OVER () AS line, text FROM read_csv(
            '{path}', columns = {{'text': 'VARCHAR'}}, header = false, auto_detect = false, delim = '\x1f', quote = '', escape = '',
            max_line_size = {4 * LINE_BYTES_MAX})
    ) WHERE line BETWEEN {first} AND {last}
    """


def bare(column: str) -> str:
    """A number without the signs that people write between its digits; one that has none stays as it stands, which nearly all do."""
    return f"""CASE WHEN regexp_full_match({column}, '[+]?[0-9]*') THEN {column}
        ELSE regexp_replace(replace({column}, '(0)', ''), '[ ()/-]', '', 'g') END"""


def e164(column: str, *, short_codes: bool) -> str:
    """
    Digits of a number in international form, or NULL when it is none.

    Spreadsheet damage (`31612345678.0`, `6.12345678E8`) holds characters that no number has, and so gives NULL: repairing it would make
    somebody else's number.

    :param column: holds what `bare` gives; each form is looked at only where the number begins like it, because patterns are most of a file's time
    """
    short = f"WHEN regexp_full_match({column}, '[1-9][0-9]{{1,5}}') THEN {column}" if short_codes else ""
    return f"""CASE
        WHEN regexp_full_match({column}, '[1-9][0-9]{{6,14}}') THEN {column}
        WHEN starts_with({column}, '00') THEN CASE WHEN regexp_full_match({column}, '00[1-9][0-9]{{6,14}}') THEN substr({column}, 3) END
        WHEN starts_with({column}, '0') THEN CASE WHEN regexp_full_match({column}, '{_NATIONAL}') THEN '31' || substr({column}, 2) END
        WHEN starts_with({column}, '+') THEN CASE WHEN regexp_full_match({column}, '[+][1-9][0-9]{{6,14}}') THEN substr({column}, 2) END
        {short}
    END"""


def number(column: str, *, short_codes: bool) -> str:
    """
    A number in international form as an integer, or NULL when it is none: exactly what `e164` says of what `bare` gives.

    What is written as nearly all numbers are is told by the integer and its text, at a third of what patterns cost.

    :param column: the text as it stands in the file; `<column>_value` is its integer and `<column>_digits` that one's text
    """
    value, digits, least = f"{column}_value", f"{column}_digits", 10 if short_codes else _E164_LEAST
    whole = f"{value} BETWEEN {_E164_LEAST} AND {_E164_MOST}"
    return f"""CASE
        WHEN {digits} = {column} AND ({whole} OR {value} BETWEEN {least} AND 999999) THEN {value}
        WHEN '0' || {digits} = {column} AND {value} BETWEEN 100000000 AND 999999999 THEN 31000000000::UBIGINT + {value}
        WHEN ('+' || {digits} = {column} OR '00' || {digits} = {column}) AND {whole} THEN {value}
        ELSE TRY_CAST({e164(f"({bare(column)})", short_codes=short_codes)} AS UBIGINT)
    END"""


def instant(column: str) -> str:
    """
    The instant that a text of ISO 8601 says, or NULL when it is none.

    The second form is right about every text; the first is cheaper, and says nothing else of what it can read, which nearly all texts are.
    """
    typical = f"{column} LIKE '____-__-__T__:__:__+0_:00' AND {column} >= '1'"
    return f"coalesce(CASE WHEN {typical} THEN try_strptime({column}, '%Y-%m-%dT%H:%M:%S%z') END, {iso_8601(column)})"


def iso_8601(column: str) -> str:
    """The instant that a text of ISO 8601 says, by its pattern."""
    return f"TRY_CAST(CASE WHEN regexp_full_match({column}, '{_START}') THEN {column} END AS TIMESTAMPTZ)"


def cast(now: datetime) -> str:
    """
    Typed columns, and for a line that cannot be used the first reason why.

    :param now: records that start before 2000 or more than two years ahead are faults of a clock
    """
    units_max = " ".join(f"WHEN '{service}' THEN {units}" for service, units in UNITS_MAX.items())
    return f"""
    SELECT line, source_record_id, service, own_number, other_number, start, country,
        CASE WHEN reason IS NULL OR (units BETWEEN 0 AND {max(UNITS_MAX.values())}) THEN coalesce(units, 0) ELSE 0 END AS units,
        CASE WHEN reason IS NOT NULL THEN reason
             WHEN units > CASE service {units_max} END THEN 'units_out_of_range' END AS reason
    FROM (
        SELECT *,
            CASE WHEN fault IS NOT NULL THEN fault
                 WHEN service IS NULL THEN 'unknown_service'
                 WHEN own_number IS NULL THEN 'bad_number'
                 WHEN other_number IS NULL AND service <> 'data' THEN 'bad_number'
                 WHEN start IS NULL THEN 'bad_date'
                 WHEN start < TIMESTAMPTZ '2000-01-01 00:00:00+00' OR start > TIMESTAMPTZ '{now.isoformat()}' + INTERVAL 2 YEAR
                     THEN 'date_out_of_range'
                 WHEN negative THEN 'negative_units'
                 WHEN units IS NULL THEN 'bad_units' END AS reason
        FROM (
            SELECT line, source_record_id, service, fault,
                {number("own_number", short_codes=False)} AS own_number,
                {number("other_number", short_codes=True)} AS other_number,
                {instant("start")} AS start,
                CASE country WHEN 'NL' THEN 'NL' ELSE upper(trim(country)) END AS country,
                CASE WHEN plainly THEN false
                     ELSE regexp_full_match(units, '-[0-9]+') OR regexp_full_match(more_units, '-[0-9]+') END AS negative,
                CASE WHEN plainly THEN units_value
                     WHEN regexp_full_match(units, '[0-9]{{1,15}}') AND regexp_full_match(more_units, '[0-9]{{1,15}}')
                     THEN units::BIGINT + more_units::BIGINT END AS units
            FROM (
                SELECT *, own_number_value::VARCHAR AS own_number_digits, other_number_value::VARCHAR AS other_number_digits,
                    more_units = '0' AND units_value BETWEEN 0 AND 999999999999999 AND units_value::VARCHAR = units AS plainly
                FROM (
                    SELECT *, TRY_CAST(own_number AS UBIGINT) AS own_number_value, TRY_CAST(other_number AS UBIGINT) AS other_number_value,
                        TRY_CAST(units AS BIGINT) AS units_value
                    FROM parsed
                )
            )
        )
    )
    """


def prefix_heads(longest: int) -> str:
    """
    The zone of each distinct beginning of a called number, by longest prefix; a short code is marked with a star.

    :param longest: the length of the longest prefix
    """
    return f"""
    SELECT head, arg_max(zone, length) AS zone
    FROM (
        SELECT head, CASE WHEN head < {_E164_LEAST} THEN '*' || head ELSE head::VARCHAR END AS digits
        FROM (SELECT DISTINCT {head_of("other_number", longest)} AS head FROM checked WHERE reason IS NULL AND other_number IS NOT NULL)
    ), range(1, {longest + 1}) AS lengths(length)
    JOIN prefix ON prefix.prefix = left(digits, length::INTEGER)
    GROUP BY head
    """


def head_of(column: str, longest: int) -> str:
    """What of a number decides its zone: all of it, or what is left of a long one without its last three digits, which no prefix reaches."""
    longest = max(longest, 7)  # so that nothing that is left looks like a short code
    return f"CASE WHEN {column} >= {10 ** (longest + 2)}::UBIGINT THEN {column} // 1000::UBIGINT ELSE {column} END"


def guided(longest: int, month: str, *, held_as: str = "c.own_number") -> str:
    """
    Each usable record with its calendar month, zone, roaming and who held its number at its start, as far as there is any.

    :param longest: the length of the longest prefix
    :param month: SQL that gives the lake's month of `c.start`
    :param held_as: SQL that gives the number, or the key, by which `holding` knows a record's product
    """
    return f"""
    SELECT c.* EXCLUDE (reason), {month} AS month, n.roaming,
        CASE WHEN c.service = 'data' THEN n.data_zone ELSE p.zone END AS zone,
        h.holding_no, h.product_id, h.status
    FROM checked c
    LEFT JOIN country n ON n.country = c.country
    LEFT JOIN prefix_head p ON p.head = {head_of("c.other_number", longest)}
    LEFT JOIN holding h ON h.own_number = {held_as} AND c.start >= h.valid_from AND c.start < h.valid_to
    WHERE c.reason IS NULL
    """


def identified(source: str, *, tokens: bool = True) -> str:
    """
    Each usable record with its identity and the reason for which it must wait.

    Identity is the source's own identifier, or a digest over what the record says; other numbers enter the digest as the
    keeper's token, because a plain digest beside its other inputs gives the number away (docs/rating.md, "Identity").

    :param source: SQL that gives the source's name
    :param tokens: whether any record lacks an identifier of its own, so that the keeper's tokens are needed
    """
    separator = "chr(31)"
    own = f"sha256(concat_ws({separator}, {source}, g.source_record_id))"
    parts = ", ".join(
        (
            source,
            "coalesce(g.product_id::VARCHAR, hex(w.token))",
            "epoch_us(g.start)::VARCHAR",
            "hex(o.token)",
            "g.units::VARCHAR",
            "g.service",
        )
    )
    digest = f"CASE WHEN g.source_record_id IS NOT NULL THEN {own} ELSE sha256(concat_ws({separator}, {parts})) END" if tokens else own
    with_tokens = """
    LEFT JOIN token o ON g.source_record_id IS NULL AND o.month = g.month AND o.number = coalesce(g.other_number, 0)
    LEFT JOIN token w ON g.source_record_id IS NULL AND g.product_id IS NULL AND w.month = g.month AND w.number = g.own_number
    """
    return f"""
    SELECT g.* EXCLUDE (source_record_id, product_id, status), g.source_record_id IS NULL AS nameless,
        unhex(left({digest}, 32))::UUID AS record_id,
        CASE WHEN g.product_id IS NULL THEN 'no_product'
             WHEN g.status <> 'active' THEN 'product_' || g.status
             WHEN g.roaming IS NULL THEN 'no_country'
             WHEN g.zone IS NULL THEN 'no_zone' END AS suspense
    FROM guided_candidate g
    {with_tokens if tokens else ""}
    """


# Numbers whose tokens are needed: those of records without an identifier of their own. 0 stands for "no other number".
TOKENS_WANTED = """
SELECT DISTINCT month, number FROM (
    SELECT month, coalesce(other_number, 0) AS number FROM guided_candidate WHERE source_record_id IS NULL
    UNION ALL
    SELECT month, own_number AS number FROM guided_candidate WHERE source_record_id IS NULL AND product_id IS NULL
)
"""

# Identities that stand in the file more than once, with the first line of each; and those that were taken before. Both are few as a rule, so
# that no wide table is made once more to mark the duplicates.
REPEATED = "SELECT record_id, min(line) AS first_line FROM identified GROUP BY record_id HAVING count(*) > 1"
KNOWN = "SELECT DISTINCT record_id FROM known WHERE record_id IN (SELECT record_id FROM identified)"

# The first line of each identity stays, unless it was taken before; every other one is a duplicate.
JUDGED = """
SELECT i.*, k.record_id IS NOT NULL OR i.line > coalesce(r.first_line, i.line) AS duplicate
FROM identified i
LEFT JOIN repeated r ON r.record_id = i.record_id
LEFT JOIN known_here k ON k.record_id = i.record_id
"""

# Where no identity stands twice and none is known, which is the rule, nothing need be joined to say so.
JUDGED_NEW = "SELECT *, false AS duplicate FROM identified"

SUSPENDED_ROWS = """
SELECT j.month, j.record_id, {file} AS usage_file_id, j.{line} AS line, j.suspense AS reason, j.start, j.service, j.country, j.units,
    w.block AS own_number, o.block AS other_number, h.customer_id, h.product_id, h.subject,
    CASE WHEN j.nameless THEN {source} END AS identity_source, '{numbering}' AS numbering
FROM judged j
LEFT JOIN holding h ON h.holding_no = j.holding_no
LEFT JOIN sealed_own_number w ON w.line = j.line
LEFT JOIN sealed_other_number o ON o.line = j.line
WHERE NOT j.duplicate AND j.suspense IS NOT NULL
"""

# Guided records in the order of the lake. What they share with others of their holding and bill period is looked up when they are written; words
# that are few are numbers meanwhile, because the wider the rows the dearer their order.
WORDS = ("service", "zone", "roaming")
WORD = "CREATE TYPE {name}_word AS ENUM (SELECT DISTINCT {name} FROM identified WHERE {name} IS NOT NULL UNION SELECT '')"
ORDERED = """
SELECT j.month, h.bucket, j.holding_no, j.start, j.record_id, {file} AS usage_file_id, j.{line} AS line, j.service::service_word AS service,
    j.zone::zone_word AS zone, j.roaming::roaming_word AS roaming, j.units, j.other_number
FROM judged j
JOIN holding h ON h.holding_no = j.holding_no
WHERE NOT j.duplicate AND j.suspense IS NULL
ORDER BY j.month, h.place, j.start
"""

SET_ASIDE_ROWS = """
SELECT month, {file} AS usage_file_id, {line} AS line, 'duplicate' AS state, '' AS reason, record_id, service, units FROM judged WHERE duplicate
UNION ALL
SELECT 0 AS month, {file} AS usage_file_id, {line} AS line, 'rejected' AS state, reason, NULL AS record_id, service, units
FROM checked WHERE reason IS NOT NULL
"""

# By hours of UTC, of which each lies in one local day; none for a start that cannot be read.
HOUR = "CASE WHEN start BETWEEN TIMESTAMPTZ '2000-01-01 00:00:00+00' AND TIMESTAMPTZ '2200-01-01 00:00:00+00' THEN epoch_us(start) // 3600000000 END"
BALANCE = f"""
SELECT state, reason, hour, count(*)::BIGINT AS records, coalesce(sum(units), 0)::BIGINT AS units FROM (
    SELECT 'rejected' AS state, reason, {HOUR} AS hour, units FROM checked WHERE reason IS NOT NULL
    UNION ALL
    SELECT CASE WHEN duplicate THEN 'duplicate' WHEN suspense IS NOT NULL THEN 'suspended' ELSE 'guided' END,
           CASE WHEN duplicate THEN '' ELSE coalesce(suspense, '') END, {HOUR}, units FROM judged
) GROUP BY state, reason, hour ORDER BY state, reason, hour
"""
TOTALS = "SELECT count(*)::BIGINT AS records, coalesce(sum(units), 0)::BIGINT AS units FROM checked"

# What lies in the lake, for comparison with the balances.
COUNTED = f"""
SELECT usage_file_id, state, reason, hour, count(*)::BIGINT AS records, coalesce(sum(units), 0)::BIGINT AS units FROM (
    SELECT usage_file_id, 'guided' AS state, '' AS reason, {HOUR} AS hour, units FROM guided
    UNION ALL
    SELECT usage_file_id, 'suspended', reason, {HOUR}, units FROM suspended
    UNION ALL
    SELECT usage_file_id, state, reason, NULL, units FROM set_aside
) GROUP BY usage_file_id, state, reason, hour
"""
