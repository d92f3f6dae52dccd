"""
Doing again what the log says was ended: grants, people, months of traffic, a person's data.

The log is the truth and the store its consequence. After a restore from a backup, or a crash between an entry and its deed, the store may
hold what must be gone; so this runs before anything is served.
"""

from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.model import StateAt
from hoeksteen_keeper.service.keeper import Keeper, shred
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES, CATEGORIES

_ENDED = ("refused", "revoked", "expired")
_SUBJECTS_PER_SCAN = 10_000


def reapply(keeper: Keeper) -> None:
    """End again whatever has ended; what the store knows already stays as it is."""
    state = queries.state_at(keeper.log, None)
    keeper.grants.end_again({name: held.state for name, held in state.grants.items() if held.state in _ENDED})
    keeper.actors.stop_again([(str(kill["scope"]), str(kill["target"]), "the log") for kill in state.kills])
    with keeper.store.transaction() as tx:
        known = {name for (name,) in tx.execute("SELECT name FROM vault.named_key WHERE destroyed_at IS NOT NULL")}
        if missing := sorted(set(state.destroyed) - known):
            keeper.keys.destroy_named(tx, missing)
    _shred_again(keeper, state)


def _shred_again(keeper: Keeper, state: StateAt) -> None:
    """The log names subjects by tags only, so each subject that still has keys is tested."""
    with keeper.store.transaction() as tx:
        row = tx.execute("SELECT count(*) FROM vault.shredded").fetchone()
        if row is None or row[0] >= len(state.shred_tags):
            return
        subjects = [
            found[0] for found in tx.execute("SELECT DISTINCT subject FROM vault.subject_key UNION SELECT DISTINCT subject FROM vault.blind_token")
        ]
    for start in range(0, len(subjects), _SUBJECTS_PER_SCAN):
        for subject, category in queries.shredded(keeper.log, subjects[start : start + _SUBJECTS_PER_SCAN]):
            shred(keeper, subject=subject, category=CATEGORIES[category] if category else ALL_CATEGORIES, entry=None)
