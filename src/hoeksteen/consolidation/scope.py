"""Which part of the customers a run loads: everything, or one wave of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hoeksteen.consolidation.model import Cluster, Extract, LegacyRecord
from hoeksteen.storage.postgres import Transaction


class Scope:
    """
    Everything at once; a wave is a narrower one.

    A load asks it which clusters to take, and tells it what arrives, within the transaction in which it does.
    """

    def choose(
        self, *, tx: Transaction, clusters: Sequence[Cluster], records: Sequence[LegacyRecord], extracts: Sequence[Extract],
        owner_of: Mapping[UUID, UUID],
    ) -> Sequence[Cluster]:  # fmt: skip
        """
        Give the clusters that are loaded now.

        :param owner_of: the customers whom records became that are here already
        """
        return clusters

    def arriving(self, *, tx: Transaction, record_ids: Sequence[UUID]) -> None:
        """Hear which records are about to be loaded."""

    def loaded(self, *, tx: Transaction, customer_ids: Sequence[UUID]) -> None:
        """Hear which customers were written, before that is committed."""
