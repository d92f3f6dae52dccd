"""Which part of the customers a run loads: everything, or one wave of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.model import Cluster, Extract
from hoeksteen.disclosure import KeeperClient
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.storage.postgres import Transaction


class Scope:
    """
    Everything at once; a wave is a narrower one.

    A load asks it which clusters to take, and tells it what arrives, within the transaction in which it does.

    :ivar keeper: speaks for the run, once it has begun
    :ivar given: per source its name, the SHA-256 of what was given and the number of its records
    :ivar changes: per source how many records were new, changed since they were loaded, or gone
    """

    def __init__(self) -> None:
        self.keeper: KeeperClient | None = None
        self.given: list[dict[str, Any]] = []
        self.changes: dict[str, dict[str, int]] = {}

    def choose(
        self, *, tx: Transaction, clusters: Sequence[Cluster], records: Staged, extracts: Sequence[Extract],
        owner_of: dict[UUID, UUID],
    ) -> Sequence[Cluster]:  # fmt: skip
        """
        Give the clusters that are loaded now.

        :param owner_of: the customers whom records became that are here already; those that are taken out come anew
        """
        self.given = [
            {"name": found.source, "sha256": found.digest, "records": len(found.records) + len(found.rejected)} for found in extracts
        ]  # fmt: skip
        self.changes = {
            found.source: {
                "new": sum(record_id not in owner_of for record_id in found.records.record_ids()),
                "changed": len(found.changed),
                "gone": len(found.gone),
            }
            for found in extracts
        }
        return clusters

    def changed_here(self, *, tx: Transaction, customer_ids: Sequence[UUID]) -> set[UUID]:
        """Say which of some customers, whom new records would join, people changed here: those are not written anew."""
        return set()

    def arriving(
        self, *, tx: Transaction, record_ids: Sequence[UUID], customers: list[NewCustomer], billing_accounts: list[NewBillingAccount]
    ) -> None:  # fmt: skip
        """
        Hear which records are about to be loaded.

        :param customers: those who are new, as `billing_accounts`; they may be changed in place, to come under the numbers that they had
        """

    def loaded(self, *, tx: Transaction, customer_ids: Sequence[UUID]) -> None:
        """Hear which customers were written, before that is committed."""
