"""SQL of the consolidation room."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.consolidation._lineage import FIELDS, RULES
from hoeksteen.consolidation.model import Finding
from hoeksteen.product.sums import Groups
from hoeksteen.storage.postgres import Row, Transaction

RecordRow = tuple[str, UUID, bytes, int, str, str, UUID | None]
LineageRow = tuple[UUID, str, str, str, UUID, int, str]
ReviewRow = tuple[UUID, UUID, Decimal, str]
ProductRow = tuple[UUID, UUID, str, UUID, Decimal]


def lock(tx: Transaction) -> bool:
    """Let one consolidation run at a time; the lock lives as long as the transaction."""
    return bool(tx.value("SELECT pg_try_advisory_xact_lock(hashtext('consolidation'))"))


def note_loading(tx: Transaction) -> None:
    """Note until commit that a batch is being loaded by a process beside the one that holds the lock."""
    tx.execute("SELECT pg_advisory_xact_lock_shared(hashtext('consolidation batch'))")


def wait_for_loading(tx: Transaction) -> None:
    """Wait until every batch of a run that was cut off is there or is gone."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtext('consolidation batch'))")


def pseudonym_fingerprint(tx: Transaction) -> bytes | None:
    found = tx.value("SELECT fingerprint FROM consolidation.pseudonym_key")
    return None if found is None else bytes(found)


def keep_pseudonym_fingerprint(tx: Transaction, fingerprint: bytes) -> None:
    tx.execute("INSERT INTO consolidation.pseudonym_key (fingerprint) VALUES (%s)", (fingerprint,))


def source_files(tx: Transaction) -> dict[str, Row]:
    return {row["source"]: row for row in tx.rows("SELECT source, title, trust, matched, digest, records, taken_at FROM consolidation.source_file")}


def keep_source_file(tx: Transaction, source: str, title: str, trust: int, matched: bool, digest: str, records: int, now: datetime) -> None:
    sql = """
        INSERT INTO consolidation.source_file (source, title, trust, matched, digest, records, taken_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (source) DO UPDATE SET title = EXCLUDED.title, trust = EXCLUDED.trust, matched = EXCLUDED.matched,
            digest = EXCLUDED.digest, records = EXCLUDED.records, taken_at = EXCLUDED.taken_at
    """
    tx.execute(sql, (source, title, trust, matched, digest, records, now))


def known_records(tx: Transaction, source_keys: Sequence[UUID]) -> list[Row]:
    sql = "SELECT source, source_key, digest, state, customer_id FROM consolidation.source_record WHERE source_key = ANY(%s)"
    return tx.rows(sql, (list(source_keys),))


def loaded_records(tx: Transaction, source: str) -> list[Row]:
    sql = """
        SELECT source_key, digest, source_row, customer_id, wave FROM consolidation.source_record
        WHERE source = %s AND state NOT IN ('rejected', 'waiting')
    """
    return tx.rows(sql, (source,))


def forget_rejected(tx: Transaction, source: str) -> None:
    tx.execute("DELETE FROM consolidation.source_record WHERE source = %s AND state = 'rejected'", (source,))


def add_records(tx: Transaction, rows: Iterable[RecordRow], now: datetime, lineage: Mapping[UUID, bytes] | None = None) -> None:
    kept = lineage or {}
    columns = ("source", "source_key", "digest", "source_row", "state", "reason", "customer_id", "loaded_at", "kept")
    tx.copy_in("consolidation.source_record", columns, ((*row, now, kept.get(row[1], b"")) for row in rows))


def add_products(tx: Transaction, rows: Iterable[ProductRow]) -> None:
    tx.copy_in("consolidation.source_product", ("customer_id", "product_id", "source", "source_key", "monthly"), rows)


def replace_lineage(tx: Transaction, customer_ids: Sequence[UUID], rows: Iterable[LineageRow]) -> None:
    """Note anew where the fields of some customers come from; their records have their rows."""
    found: dict[tuple[str, UUID], bytes] = {}
    for _, category, field, source, source_key, _, rule in rows:
        found[source, source_key] = found.get((source, source_key), b"") + bytes((FIELDS[category, field], RULES[rule]))
    tx.execute("UPDATE consolidation.source_record SET kept = '' WHERE customer_id = ANY(%s)", (list(customer_ids),))
    sql = """
        UPDATE consolidation.source_record r SET kept = new.kept
        FROM unnest(%s::text[], %s::uuid[], %s::bytea[]) AS new (source, source_key, kept)
        WHERE r.source = new.source AND r.source_key = new.source_key
    """
    tx.execute(sql, ([source for source, _ in found], [source_key for _, source_key in found], list(found.values())))


def replace_findings(tx: Transaction, source: str, findings: Iterable[Finding]) -> None:
    tx.execute("DELETE FROM consolidation.finding WHERE source = %s", (source,))
    rows = ((source, int(finding.place.rpartition(":")[2]), finding.field, finding.code) for finding in findings)
    tx.copy_in("consolidation.finding", ("source", "source_row", "field", "code"), rows)


def add_reviews(tx: Transaction, rows: Sequence[ReviewRow]) -> None:
    """
    Put pairs on the list; of one that is on it already, whichever of its records comes first, the reason is renewed, and the weight where it has one.

    What was decided stays.
    """
    sql = """
        INSERT INTO consolidation.review AS r (source_key_left, source_key_right, weight, reason)
        SELECT DISTINCT ON (1, 2) coalesce(known.source_key_left, n.one), coalesce(known.source_key_right, n.other), n.weight, n.reason
        FROM unnest(%s::uuid[], %s::uuid[], %s::numeric(9, 3)[], %s::text[]) AS n (one, other, weight, reason)
        LEFT JOIN consolidation.review known ON known.source_key_left = n.other AND known.source_key_right = n.one
        ON CONFLICT (source_key_left, source_key_right) DO UPDATE
        SET weight = CASE EXCLUDED.weight WHEN 0 THEN r.weight ELSE EXCLUDED.weight END, reason = EXCLUDED.reason
        WHERE r.reason <> EXCLUDED.reason OR r.weight <> EXCLUDED.weight AND EXCLUDED.weight <> 0
    """
    if rows:
        tx.execute(sql, tuple(list(column) for column in zip(*rows, strict=True)))


def decided_pairs(tx: Transaction) -> dict[tuple[UUID, UUID], bool]:
    """Give what people said of pairs of records: True for one customer."""
    sql = "SELECT source_key_left, source_key_right, state = 'same' AS same FROM consolidation.review WHERE state IN ('same', 'different')"
    return {(row["source_key_left"], row["source_key_right"]): row["same"] for row in tx.rows(sql)}


def counts(tx: Transaction, without: Sequence[UUID]) -> list[Row]:
    sql = """
        SELECT source, state, count(*) AS records FROM consolidation.source_record WHERE NOT source_key = ANY(%s) GROUP BY source, state
    """
    return tx.rows(sql, (list(without),))


def count_customers(tx: Transaction, sources: Sequence[str]) -> int:
    return int(tx.value("SELECT count(DISTINCT customer_id) FROM consolidation.source_record WHERE source = ANY(%s)", (list(sources),)))


def findings(tx: Transaction) -> list[Row]:
    sql = "SELECT source, field, code, count(*) AS records, min(source_row) AS first_row FROM consolidation.finding GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    return tx.rows(sql)


def open_reviews(tx: Transaction, limit: int) -> list[Row]:
    sql = """
        SELECT r.source_key_left, r.source_key_right, r.weight, r.reason, a.customer_id AS customer_left, b.customer_id AS customer_right
        FROM consolidation.review r
        JOIN consolidation.source_record a ON a.source_key = r.source_key_left
        JOIN consolidation.source_record b ON b.source_key = r.source_key_right
        WHERE r.state = 'open' ORDER BY r.weight DESC, r.source_key_left, r.source_key_right LIMIT %s
    """
    return tx.rows(sql, (limit,))


def count_open_reviews(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM consolidation.review WHERE state = 'open'"))


def records_of_customer(tx: Transaction, customer_id: UUID) -> list[Row]:
    sql = """
        SELECT source, source_key, source_row, state, reason, loaded_at FROM consolidation.source_record
        WHERE customer_id = %s ORDER BY source, source_row, source_key
    """
    return tx.rows(sql, (customer_id,))


def lineage_of_customer(tx: Transaction, customer_id: UUID) -> list[Row]:
    sql = """
        SELECT category, field, source, source_key, source_row, rule FROM consolidation.lineage
        WHERE customer_id = %s ORDER BY category, field, source, source_key
    """
    return tx.rows(sql, (customer_id,))


def compared_products(sources: Sequence[str], without: Sequence[UUID]) -> Groups:
    """Group the products that came from some sources, but for some records, by source."""
    sql = """
        SELECT p.product_id, p.source AS name FROM consolidation.source_product p
        WHERE p.source = ANY(%(sources)s)
            AND NOT EXISTS (SELECT FROM unnest(%(without)s::uuid[]) AS out (source_key) WHERE out.source_key = p.source_key)
    """
    return Groups(sql, {"sources": list(sources), "without": list(without)})


def source_products(tx: Transaction, sources: Sequence[str]) -> list[Row]:
    sql = "SELECT customer_id, product_id, source, monthly FROM consolidation.source_product WHERE source = ANY(%s)"
    return tx.rows(sql, (list(sources),))


def customers_of_most_records(tx: Transaction, limit: int) -> list[UUID]:
    sql = """
        SELECT customer_id FROM consolidation.source_record WHERE customer_id IS NOT NULL
        GROUP BY customer_id HAVING count(*) > 1 ORDER BY count(*) DESC, customer_id LIMIT %s
    """
    return [row["customer_id"] for row in tx.rows(sql, (limit,))]
