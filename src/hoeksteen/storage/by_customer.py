"""Set-based looks at the rows of many customers, whatever the table: how many there are, and whether they are as they were."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hoeksteen.storage.postgres import Transaction


def counts(tx: Transaction, tables: Mapping[str, str], customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """
    Count the rows of some customers, those without any left out.

    :param tables: what people call them → schema-qualified tables with a `customer_id`, and after a space what narrows them; from the code
    """
    parts = []
    for name, table in tables.items():
        relation, _, narrowed = table.partition(" ")
        more = f" AND {narrowed}" if narrowed else ""
        parts.append(f"SELECT customer_id, '{name}' AS what, count(*) AS n FROM {relation} WHERE customer_id = ANY(%(ids)s){more} GROUP BY 1")
    found: dict[UUID, dict[str, int]] = {}
    for row in tx.rows(" UNION ALL ".join(parts), {"ids": list(customer_ids)}):
        found.setdefault(row["customer_id"], {})[row["what"]] = row["n"]
    return found


def fingerprints(tx: Transaction, tables: Sequence[str], ids: Sequence[UUID], *, key: str = "customer_id") -> dict[UUID, str]:
    """
    Give a digest of all rows of each customer, or of whatever else `key` names, in these tables; who has none is absent.

    :param tables: schema-qualified, each with the column `key`; from the code
    """
    parts = " UNION ALL ".join(f"SELECT {key} AS id, '{table}' || t::text AS line FROM {table} t WHERE {key} = ANY(%(ids)s)" for table in tables)
    sql = f'SELECT id, md5(string_agg(line, chr(10) ORDER BY line COLLATE "C")) AS digest FROM ({parts}) rows GROUP BY id'
    return {row["id"]: row["digest"] for row in tx.rows(sql, {"ids": list(ids)})}
