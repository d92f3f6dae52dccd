"""Verifying a wave that was switched: the balance once more, and samples of its customers read back through the keeper."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hoeksteen.consolidation import _wave_store
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carrying import PURPOSE, Carried, Work, carry
from hoeksteen.consolidation.model import Cluster, Extract
from hoeksteen.consolidation.runs import RunKind
from hoeksteen.consolidation.waves import WaveScope, WaveState, require_state
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.queries import customers
from hoeksteen.storage.postgres import Transaction

SAMPLES = 50


@dataclass(frozen=True, slots=True)
class Verified:
    """
    What a verification found.

    :param samples: customers who were read back
    :param wrong: those of them whose numbers or SIMs are not those of the exports
    """

    carried: Carried
    samples: int
    wrong: tuple[UUID, ...]

    @property
    def holds(self) -> bool:
        return self.carried.report.closes and not self.wrong


class _SampleScope(WaveScope):
    """Nobody is loaded; what some customers of the wave should have is noted from the exports."""

    def __init__(self, *, wave: str, work: Work, samples: int) -> None:
        super().__init__(wave=None, by=work.by, now=work.clock.now())
        self._of, self._samples = wave, samples
        self.expected: dict[UUID, set[str]] = {}

    def choose(
        self, *, tx: Transaction, clusters: Sequence[Cluster], records: Staged, extracts: Sequence[Extract],
        owner_of: dict[UUID, UUID],
    ) -> Sequence[Cluster]:  # fmt: skip
        in_wave = _wave_store.wave_of_customers(tx)
        altered = {owner_of[record_id] for found in extracts for record_id in found.changed | found.gone}
        # identifiers are digests, so that the lowest ones are as good as drawn, and the same for whoever verifies again
        chosen = set(sorted(one for one, wave in in_wave.items() if wave == self._of and one not in altered)[: self._samples])
        self.expected = {customer_id: set() for customer_id in chosen}
        for found in extracts:
            for place, record_id in enumerate(found.records.record_ids()):
                if (owner := owner_of.get(record_id)) in chosen and owner is not None:
                    served = [product for product in found.records[place].products if product.end is None or product.end > product.start]
                    self.expected[owner] |= {value for product in served for value in (product.number, product.iccid) if value}
        return super().choose(tx=tx, clusters=clusters, records=records, extracts=extracts, owner_of=owner_of)


def verify(*, work: Work, wave: str, samples: int = SAMPLES) -> Verified:
    """
    Reconcile a wave again after its switch, and read some of its customers' numbers and SIMs back through the keeper.

    Nothing is changed; where all holds, the wave is verified.

    :param samples: how many customers are read back
    :raises WrongState: when it was not switched yet
    """
    with work.database.transaction() as tx:
        require_state(tx, wave, WaveState.SWITCHED, WaveState.VERIFIED)
    scope = _SampleScope(wave=wave, work=work, samples=samples)
    carried = carry(work=work, kind=RunKind.VERIFICATION, wave=wave, scope=scope)
    with work.database.transaction() as tx:
        party_of = {one.customer_id: one.party_id for one in customers(tx=tx, customer_ids=list(scope.expected))}
        keeper = scope.keeper or work.keeper
        found = reveal(tx=tx, keeper=keeper, purpose=PURPOSE, category=Category.CONTACT, subjects=list(party_of.values()))
        wrong = []
        for customer_id, expected in scope.expected.items():
            fields = found[party_of[customer_id]].fields if party_of.get(customer_id) in found else {}
            told = {phone["e164"] for phone in fields.get("phones", ())} | {sim["iccid"] for sim in fields.get("sims", ())}
            if not expected <= told:
                wrong.append(customer_id)
        done = Verified(carried, len(scope.expected), tuple(wrong))
        if done.holds and require_state(tx, wave, WaveState.SWITCHED, WaveState.VERIFIED)["state"] != WaveState.VERIFIED:
            _wave_store.set_state(tx, wave, WaveState.VERIFIED, work.by, work.clock.now(), carried.run.run_id, None)
    return done
