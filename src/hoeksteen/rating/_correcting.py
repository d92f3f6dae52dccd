"""
How corrections count when records are rated (docs/rating.md, "Identity, duplicates, corrections").

A record whose bill was open when it was corrected counts as no use; what is right stands beside it and is rated like any other. One
whose bill was closed keeps its charge, and a reversal takes that back: from that generation on, its units and its money are there again for
what is rated then. So billing accounts with reversals are rated one generation after the other, by the same pieces, each beginning with what
the ones before left. What earlier generations were charged stays as it was.
"""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from hoeksteen.rating.tables import OUTCOMES
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Row

CORRECTED, REVERSED = OUTCOMES.index(("zero_rated", "corrected")), OUTCOMES.index(("reversed", "correction"))
_SUSPENDED = [number for number, (state, _) in enumerate(OUTCOMES) if state == "suspended"]
_SCHEMA = "generations"  # where the tables of one generation lie, before those of all

Steps = Sequence[tuple[str, str, str]]

# What each scope of these billing accounts may still take of each source. Of an allowance that rolls over, only what was given back is left.
_GRANTED = """
CREATE OR REPLACE TABLE granted AS
WITH whose AS (
    SELECT DISTINCT p.product_no AS scope_no, false AS shared
    FROM main.product p JOIN main.guided g ON g.product_id = p.product_id JOIN main.reversed_for a ON a.billing_account_id = g.billing_account_id
    UNION ALL
    SELECT p.pool_no, true FROM main.pool p JOIN main.reversed_for a ON a.billing_account_id = p.billing_account_id
),
periods AS (SELECT DISTINCT g.period_day FROM main.guided g JOIN main.reversed_for a ON a.billing_account_id = g.billing_account_id),
used AS (
    SELECT source_no, scope_no, period_day, sum(free) AS free, coalesce(sum(free) FILTER (generation = 0), 0) AS free_at_first
    FROM taken GROUP BY source_no, scope_no, period_day
),
back AS (
    SELECT t.source_no, t.scope_no, t.period_day, sum(t.free) AS free FROM taken t JOIN main.reversal v ON v.record_id = t.record_id
    WHERE v.generation <= {generation} GROUP BY t.source_no, t.scope_no, t.period_day
)
SELECT s.source_no, w.scope_no, p.period_day, (
    CASE WHEN s.rolls_over THEN coalesce(u.free_at_first, 0) ELSE coalesce(o.granted, s.granted) END - coalesce(u.free, 0) + coalesce(b.free, 0)
)::BIGINT AS granted
FROM source s
JOIN whose w ON w.shared = s.shared
CROSS JOIN periods p
LEFT JOIN main.granted o ON o.source_no = s.source_no AND o.scope_no = w.scope_no AND o.period_day = p.period_day
LEFT JOIN used u ON u.source_no = s.source_no AND u.scope_no = w.scope_no AND u.period_day = p.period_day
LEFT JOIN back b ON b.source_no = s.source_no AND b.scope_no = w.scope_no AND b.period_day = p.period_day
"""
_STANDS = "record_id NOT IN (SELECT record_id FROM main.reversal WHERE generation <= {generation})"
# What stands from earlier generations comes before everything of this one.
_COUNTED_BEFORE = {
    "priced": f"INSERT INTO priced SELECT * REPLACE ((-1)::INTEGER AS generation) FROM priced_before WHERE {_STANDS}",
    "under_cap": f"INSERT INTO under_cap SELECT * REPLACE ((-1)::INTEGER AS generation) FROM capped_before WHERE {_STANDS}",
}
_REVERSALS = f"""
INSERT INTO charged_so_far
SELECT c.* REPLACE (v.generation AS generation, v.bill_day AS bill_day, {REVERSED} AS outcome, -c.delivered_units AS delivered_units,
    -c.units AS units, -c.free_units AS free_units, -c.amount_micro AS amount_micro)
FROM charged_so_far c JOIN main.reversal v ON v.record_id = c.record_id
WHERE c.outcome NOT IN ({", ".join(map(str, _SUSPENDED))})
"""


def put(duck: Duck, corrections: Sequence[Row]) -> None:
    """Make the tables `replaced`, of records that count as no use, and `reversal`, of charges that are taken back."""
    for name, wanted in (("replaced", True), ("reversal", False)):
        rows = [row for row in corrections if row["in_place"] is wanted]
        columns = {
            "record_id": pa.array([str(row["record_id"]) for row in rows], pa.string()),
            "generation": pa.array([row["generation"] for row in rows], pa.int32()),
            "bill_day": pa.array([row["bill_day"] for row in rows], pa.date32()),
            "delivered": pa.array([row["delivered_units"] for row in rows], pa.int64()),
        }
        duck.put(f"{name}_text", pa.table(columns))
        duck.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * REPLACE (record_id::UUID AS record_id) FROM {name}_text")


def settle(duck: Duck, steps: Steps, stages: int) -> int:
    """
    Let corrections count in the view `charged`, after the pieces ran, and give how many reversals stand in it.

    :param steps: the pieces, as `_pieces.composed` gives them
    """
    find_reversed(duck)
    [charged] = [query for _, name, query in steps if name == "charged"]
    duck.execute(f"CREATE OR REPLACE VIEW charged_alone AS {charged}")
    duck.execute("CREATE OR REPLACE TABLE charged_apart AS SELECT * FROM charged_alone WHERE false")
    if duck.value("SELECT count(*) FROM reversed_for"):
        rate_by_generation(duck, steps, stages)
        duck.execute(f"INSERT INTO main.charged_apart SELECT * FROM {_SCHEMA}.charged_so_far")
        back(duck)
    duck.execute(
        "CREATE OR REPLACE VIEW charged AS"
        f" SELECT c.* REPLACE (CASE WHEN r.record_id IS NULL THEN c.outcome ELSE {CORRECTED} END AS outcome,"
        " coalesce(r.delivered, c.delivered_units) AS delivered_units)"
        " FROM (SELECT * FROM charged_alone WHERE billing_account_id NOT IN (SELECT billing_account_id FROM reversed_for)"
        " UNION ALL SELECT * FROM charged_apart) c LEFT JOIN replaced r ON r.record_id = c.record_id"
    )
    return int(duck.value(f"SELECT count(*) FROM charged_apart WHERE outcome = {REVERSED}"))


def find_reversed(duck: Duck) -> None:
    """Make the table `reversed_for` of the billing accounts in the view `guided` of which a charge is taken back."""
    duck.execute(
        "CREATE OR REPLACE TABLE reversed_for AS SELECT DISTINCT billing_account_id FROM guided WHERE record_id IN (SELECT record_id FROM reversal)"
    )


def rate_by_generation(duck: Duck, steps: Steps, stages: int, *, last: int | None = None) -> None:
    """
    Rate the billing accounts of `reversed_for` one generation after the other; names mean the tables of the latest from then on, until `back`.

    :param last: stop after this generation, so that its tables can be looked at; without it all are rated, and what is taken back is too
    """
    duck.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
    duck.execute(f"CREATE SCHEMA {_SCHEMA}")
    duck.execute(f"SET search_path = '{_SCHEMA},main'")
    of_them = "billing_account_id IN (SELECT billing_account_id FROM main.reversed_for)"
    generations = [row["generation"] for row in duck.rows(f"SELECT DISTINCT generation FROM main.guided WHERE {of_them} ORDER BY generation")]
    duck.execute("CREATE TABLE taken (record_id UUID, generation INTEGER, scope_no INTEGER, source_no INTEGER, period_day DATE, free BIGINT)")
    duck.execute("CREATE TABLE charged_so_far AS SELECT * FROM main.charged_alone WHERE false")
    for number, generation in enumerate(one for one in generations if last is None or one <= last):
        _rate_one(duck, steps, stages, generation, of_them, first=number == 0)
    if last is None:
        duck.execute(_REVERSALS)


def back(duck: Duck) -> None:
    """Let names mean the tables of all generations again."""
    duck.execute("SET search_path = 'main'")


def _rate_one(duck: Duck, steps: Steps, stages: int, generation: int, of_them: str, *, first: bool) -> None:
    guided = f"SELECT * REPLACE (0::INTEGER AS generation) FROM main.guided WHERE {of_them} AND generation = {generation}"
    duck.execute(f"CREATE OR REPLACE VIEW guided AS {guided}")
    if generation == 0:
        duck.execute("CREATE OR REPLACE TABLE granted AS SELECT * FROM main.granted")
    else:
        duck.execute(_GRANTED.format(generation=generation))
    for kind, name, query in steps:
        duck.execute(f"CREATE OR REPLACE {kind} {name} AS {query}")
        if name in _COUNTED_BEFORE:
            kept = {"priced": "priced_before", "under_cap": "capped_before"}[name]
            own = f"SELECT * FROM {name}"
            duck.execute(f"CREATE TABLE IF NOT EXISTS {kept} AS {own} LIMIT 0")
            duck.execute(f"CREATE OR REPLACE TABLE own_{name} AS {own}")
            duck.execute(_COUNTED_BEFORE[name].format(generation=generation))
    for stage in range(1, stages + 1):
        duck.execute(
            f"INSERT INTO taken SELECT c.record_id, {generation}, c.scope_no, c.source_no, c.period_day, r.free_{stage}"
            f" FROM claim_{stage} c JOIN rating_{stage} r ON r.record_id = c.record_id"
        )
    duck.execute("INSERT INTO priced_before SELECT * FROM own_priced")
    duck.execute(
        "INSERT INTO capped_before SELECT u.* REPLACE (c.amount_micro AS amount_micro)"
        " FROM own_under_cap u JOIN charged c ON c.record_id = u.record_id"
    )
    duck.execute(f"INSERT INTO charged_so_far SELECT * REPLACE ({generation}::INTEGER AS generation) FROM charged")


def waiting_corrections(bill_day: date) -> str:
    """Give the query that counts what the charges on a day's bills do not know yet: records that count no more, and charges to be taken back."""
    return f"""
    SELECT (
        SELECT count(*) FROM charge_row c JOIN replaced r ON r.record_id = c.record_id
        WHERE c.bill_day = DATE '{bill_day}' AND c.outcome <> {CORRECTED}
    ) + (
        SELECT count(*) FROM reversal v WHERE v.bill_day = DATE '{bill_day}' AND NOT EXISTS (
            SELECT 1 FROM charge_row c WHERE c.record_id = v.record_id AND c.bill_day = v.bill_day AND c.outcome = {REVERSED}
        )
    )
    """
