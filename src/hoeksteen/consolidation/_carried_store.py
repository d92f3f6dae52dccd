"""SQL of what else was carried over from a legacy record."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

CarriedRow = tuple[UUID, str, UUID, int, str | None, bool]


def replace_carried(tx: Transaction, customer_ids: Sequence[UUID], rows: Iterable[CarriedRow]) -> None:
    tx.execute("DELETE FROM consolidation.carried_record WHERE customer_id = ANY (%s)", (list(customer_ids),))
    tx.copy_in("consolidation.carried_record", ("customer_id", "source", "source_key", "contacts", "mandate", "mandate_was_used"), rows)


def carried(tx: Transaction, sources: Sequence[str], without: Sequence[UUID]) -> list[Row]:
    """
    Give the records of some sources that brought contact persons or a mandate.

    :param without: those that do not count
    """
    sql = """
    SELECT customer_id, source, source_key, contacts, mandate FROM consolidation.carried_record WHERE source = ANY (%s) AND NOT source_key = ANY (%s)
    """
    return tx.rows(sql, (list(sources), list(without)))
