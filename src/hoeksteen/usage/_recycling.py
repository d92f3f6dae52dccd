"""
Suspended records on their way back: opened by the keeper, judged again like records of a file, and put where they belong now.

Only what can have changed is opened: what had no zone, when prefixes or countries did; what its product's suspension held up, when the
product is active at its start after all; the own numbers, though not the other party's, of what belonged to nobody; and what somebody
guided to a zone, a country or a product.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import open_traffic
from hoeksteen.kernel.errors import AccessDenied, invariant
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductStatus
from hoeksteen.product.numbering_plan import edition
from hoeksteen.storage.lake import LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _pieces, _said_products, _steps, _store
from hoeksteen.usage._writing import write_guided
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED

_PURPOSE = "billing"
# Numbers that nobody can open any more: what they belong to stays suspended for ever.
_GONE = ("key_destroyed", "shredded")
_END_OF_TIME = "9999-01-01 00:00:00+00"
_INSTANT = pa.timestamp("us", tz="UTC")


def take_up(duck: Duck, write: LakeWrite, keeper: KeeperClient) -> int:
    """Make the tables `checked` and `holding` of the records to be tried, and the views of all others; give how many are tried."""
    duck.view_of_files("suspended", SUSPENDED, write.files(SUSPENDED))
    duck.view_of_files("taken_guided", GUIDED, write.files(GUIDED))
    said = _said_of_suspended(duck, write.tx)
    keys = _said_products.keys(said)
    _put_active_terms(duck, write.tx, list(keys))
    _put_corrections(duck, said, keys)
    duck.execute(f"CREATE TABLE tried AS {_TRIED.format(numbering=edition())}")
    duck.execute(
        "CREATE VIEW known AS SELECT record_id FROM taken_guided"
        " UNION ALL SELECT record_id FROM suspended WHERE record_id NOT IN (SELECT record_id FROM tried)"
    )
    numbers = _open(duck, keeper, "own_number")
    _steps.put_holdings(duck, write.tx, keeper, numbers, said=_said_products.holders(tx=write.tx, keys=keys) if keys else None)
    duck.execute(_WITHOUT_HOLDER)
    _open(duck, keeper, "other_number")
    duck.execute("DELETE FROM tried WHERE other_number IS NOT NULL AND record_id NOT IN (SELECT record_id FROM opened_other_number)")
    duck.execute(f"CREATE TABLE checked AS {_CHECKED}")
    return int(duck.value("SELECT count(*) FROM checked"))


def keep_identities(duck: Duck) -> None:
    """
    Give records that brought an identifier of their own the identity that they have; all others are identified by their product now.

    A zone that somebody said counts for the number of that record alone. Nor does a product that somebody said tell whose the number is: such a
    record is known by its number, as it will be when it is delivered again.
    """
    duck.execute(
        "CREATE OR REPLACE TABLE identified AS SELECT * REPLACE ("
        " CASE WHEN identity_source IS NULL OR held_as <> own_number THEN suspended_id ELSE record_id END AS record_id,"
        " coalesce(zone, said_zone) AS zone,"
        " CASE WHEN suspense = 'no_zone' AND said_zone IS NOT NULL THEN NULL ELSE suspense END AS suspense) FROM identified"
    )


def put_back(duck: Duck, write: LakeWrite, keeper: KeeperClient) -> int:
    """Write each tried record where it belongs now, move the balance of its file, and give how many are guided."""
    tried = duck.value("SELECT count(*) FROM checked")
    invariant(duck.value("SELECT count(*) FROM judged") == tried, "recycling neither loses nor repeats a record")
    names = {"file": "usage_file_id", "line": "file_line", "source": "identity_source", "numbering": edition()}
    months = [row["month"] for row in duck.rows("SELECT DISTINCT suspended_month AS month FROM judged UNION SELECT month FROM judged ORDER BY month")]
    waiting = f"""
    SELECT {", ".join(SUSPENDED.column_names)} FROM suspended
    WHERE month IN ({", ".join(map(str, months))}) AND record_id NOT IN (SELECT suspended_id FROM judged)
    UNION ALL BY NAME {_pieces.SUSPENDED_ROWS.format(**names)}
    """
    write.replace(SUSPENDED, {"month": months}, duck.write_parquet(SUSPENDED, waiting, write.folder(SUSPENDED)))
    write_guided(duck, write, keeper, line="file_line", usage_file_id=None)
    write.append(SET_ASIDE, duck.write_parquet(SET_ASIDE, _pieces.SET_ASIDE_ROWS.format(**names), write.folder(SET_ASIDE)))
    moved: dict[UUID, list[dict[str, Any]]] = {}
    for row in duck.rows(_MOVED):
        moved.setdefault(row["usage_file_id"], []).append(row)
    for usage_file_id, rows in moved.items():
        for change in _steps.by_day(rows):
            _store.move_balance(write.tx, usage_file_id, change)
    return int(duck.value("SELECT count(*) FROM judged WHERE NOT duplicate AND suspense IS NULL"))


def _said_of_suspended(duck: Duck, tx: Transaction) -> dict[UUID, dict[str, str]]:
    """Give what people said of records that wait still."""
    said = _store.corrections(tx)
    duck.put("corrected", _steps.ids(said))
    waiting = duck.rows("SELECT record_id FROM suspended WHERE record_id IN (SELECT record_id::UUID FROM corrected) ORDER BY record_id")
    return {row["record_id"]: said[row["record_id"]] for row in waiting}


def _put_active_terms(duck: Duck, tx: Transaction, said: Sequence[UUID]) -> None:
    """Make the table `active`: when the products of suspended records, and those that people said, are active, as is known now."""
    known = duck.rows("SELECT DISTINCT customer_id FROM suspended WHERE reason LIKE 'product_%' ORDER BY customer_id")
    customers = [row["customer_id"] for row in known]
    terms = [term for term in product.terms(tx=tx, customer_ids=customers) if term.status is ProductStatus.ACTIVE]
    rows = {(term.product_id, term.valid_from, term.valid_to) for term in terms}
    of_said = product.product_terms(tx=tx, product_ids=said).to_pylist() if said else []
    rows |= {(row["product_id"], row["valid_from"], row["valid_to"]) for row in of_said if not row["suspended"]}
    duck.put(
        "active",
        pa.table(
            {
                "product_id": pa.array([str(product_id) for product_id, _, _ in rows], pa.string()),
                "valid_from": pa.array([valid_from for _, valid_from, _ in rows], _INSTANT),
                "valid_to": pa.array([valid_to for _, _, valid_to in rows], _INSTANT),
            }
        ),
    )


def _put_corrections(duck: Duck, said: Mapping[UUID, Mapping[str, str]], keys: Mapping[UUID, int]) -> None:
    """
    Make the table `said`: the zone, country or product that somebody gave a record.

    :param keys: by which products are held that people said
    """
    columns = {name: pa.array([said[one].get(name) for one in said], pa.string()) for name in ("zone", "country", "product")}
    held_as = pa.array([keys[UUID(fields["product"])] if "product" in fields else None for fields in said.values()], pa.uint64())
    duck.put("said", pa.table({"record_id": pa.array([str(one) for one in said], pa.string()), **columns, "held_as": held_as}))


def _open(duck: Duck, keeper: KeeperClient, column: str) -> Sequence[str]:
    """Make the table `opened_<column>` of what the keeper opens of the tried records, and give its distinct numbers."""
    parts = [pa.table({"record_id": pa.array([], pa.string()), "number": pa.array([], pa.uint64())})]
    for row in duck.rows(f"SELECT DISTINCT month, subject FROM tried WHERE {column} IS NOT NULL ORDER BY month, subject"):
        subject: UUID | None = row["subject"]
        whose = "subject IS NULL" if subject is None else f"subject = '{subject}'::UUID"
        sealed = duck.arrow(
            f"SELECT record_id::VARCHAR AS record_id, unhex(replace(record_id::VARCHAR, '-', '')) AS record, {column} AS block FROM tried"
            f" WHERE month = {int(row['month'])} AND {whose} AND {column} IS NOT NULL ORDER BY record_id"
        )
        records, blocks = (b"".join(sealed[name].to_pylist()) for name in ("record", "block"))
        try:
            values = open_traffic(
                keeper=keeper, purpose=_PURPOSE, month=_steps.month_name(row["month"]), column=column, subject=subject or _steps.NOBODY,
                records=records, blocks=blocks,
            )  # fmt: skip
        except AccessDenied as error:
            if error.reason not in _GONE:
                raise
            continue
        numbers = pa.Array.from_buffers(pa.uint64(), sealed.num_rows, [None, pa.py_buffer(values)])
        parts.append(pa.table({"record_id": sealed["record_id"], "number": numbers}))
    duck.put("opened", pa.concat_tables(parts))
    duck.execute(f"CREATE TABLE opened_{column} AS SELECT record_id::UUID AS record_id, number FROM opened")
    return [str(row["number"]) for row in duck.rows(f"SELECT DISTINCT number FROM opened_{column} ORDER BY number")]


_TRIED = f"""
SELECT s.* FROM suspended s LEFT JOIN said c ON c.record_id::UUID = s.record_id
WHERE (s.reason = 'no_product' AND c.product IS NULL)
    OR (s.reason = 'no_zone' AND c.zone IS NOT NULL)
    OR (s.reason = 'no_country' AND c.country IS NOT NULL)
    OR (s.reason IN ('no_zone', 'no_country') AND s.numbering <> '{{numbering}}')
    OR EXISTS (
        SELECT 1 FROM active a
        WHERE (s.reason LIKE 'product_%' OR s.reason = 'no_product') AND a.product_id::UUID = coalesce(c.product::UUID, s.product_id)
            AND s.start >= a.valid_from AND s.start < coalesce(a.valid_to, TIMESTAMPTZ '{_END_OF_TIME}')
    )
"""

# Records whose number was nobody's at their start, as is known now, or cannot be opened any more.
_WITHOUT_HOLDER = """
DELETE FROM tried WHERE NOT EXISTS (
    SELECT 1 FROM opened_own_number w LEFT JOIN said c ON c.record_id::UUID = w.record_id
    JOIN holding h ON h.own_number = coalesce(c.held_as, w.number)
    WHERE w.record_id = tried.record_id AND tried.start >= h.valid_from AND tried.start < h.valid_to
)
"""

_CHECKED = """
SELECT row_number() OVER (ORDER BY t.record_id)::INTEGER AS line,
    CASE WHEN t.identity_source IS NULL THEN t.record_id::VARCHAR END AS source_record_id,
    t.service, w.number AS own_number, coalesce(c.held_as, w.number) AS held_as, o.number AS other_number, t.start,
    coalesce(c.country, t.country) AS country, c.zone AS said_zone,
    t.units, NULL::VARCHAR AS reason,
    t.record_id AS suspended_id, t.month AS suspended_month, t.reason AS suspended_for, t.usage_file_id, t.line AS file_line, t.identity_source
FROM tried t
JOIN opened_own_number w USING (record_id)
LEFT JOIN opened_other_number o USING (record_id)
LEFT JOIN said c ON c.record_id::UUID = t.record_id
"""

# What leaves one state of a file enters another.
_MOVED = f"""
SELECT usage_file_id, state, reason, hour, sum(records)::BIGINT AS records, sum(units)::BIGINT AS units FROM (
    SELECT usage_file_id, 'suspended' AS state, suspended_for AS reason, {_pieces.HOUR} AS hour, -1 AS records, -units AS units FROM judged
    UNION ALL
    SELECT usage_file_id, CASE WHEN duplicate THEN 'duplicate' WHEN suspense IS NOT NULL THEN 'suspended' ELSE 'guided' END,
        CASE WHEN duplicate THEN '' ELSE coalesce(suspense, '') END, {_pieces.HOUR}, 1, units FROM judged
) GROUP BY usage_file_id, state, reason, hour HAVING sum(records) <> 0 ORDER BY usage_file_id, state, reason, hour
"""
