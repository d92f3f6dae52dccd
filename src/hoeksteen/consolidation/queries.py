"""Where customers came from: records, lineage, findings and what waits for a decision. Nothing here is personal data."""

from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.postgres import Row, Transaction

REVIEWS_MAX = 1_000


def records_of_customer(*, tx: Transaction, customer_id: UUID) -> list[Row]:
    """Give the legacy records that became a customer: source, pseudonym, row of the export, state."""
    return _store.records_of_customer(tx, customer_id)


def lineage_of_customer(*, tx: Transaction, customer_id: UUID) -> list[Row]:
    """Give, per category and field of a customer's sealed data, the records that it came from and the rule that chose it."""
    return _store.lineage_of_customer(tx, customer_id)


def findings(*, tx: Transaction) -> list[Row]:
    """Give what is wrong in the sources, per source, column and kind, with how often and the first row."""
    return _store.findings(tx)


def open_reviews(*, tx: Transaction, limit: int) -> list[Row]:
    """
    Give the pairs that wait for a person's decision, the surest first.

    :param limit: 1 to 1,000 pairs
    :raises InvalidInput: when `limit` lies outside its bounds
    """
    if not 1 <= limit <= REVIEWS_MAX:
        raise InvalidInput(f"The field limit must lie in 1 to {REVIEWS_MAX}, not {limit}.", remedy="Ask for fewer pairs.")
    return _store.open_reviews(tx, limit)
