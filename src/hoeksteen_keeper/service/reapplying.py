"""
Doing again what the log says was done: what was ended (grants, people, months of traffic, a person's data or
old keys), who was given other roles, and what was used of grants.

The log is the truth and the store its consequence. After a restore from a backup, or a crash between an entry and its deed, the store may
hold what must be gone; so this runs before anything is served.
"""

from hoeksteen_keeper.access.actors import ENDED
from hoeksteen_keeper.access.limits import raise_to
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.replay import StateAt
from hoeksteen_keeper.service.keeper import Keeper, shred
from hoeksteen_keeper.vault import generations
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES, CATEGORIES

_ENDED = ("refused", "revoked", "expired")
_SUBJECTS_PER_SCAN = 10_000


def reapply(keeper: Keeper) -> None:
    """End again whatever has ended; what the store knows already stays as it is."""
    state = queries.state_at(keeper.log, None)
    keeper.grants.end_again({name: held.state for name, held in state.grants.items() if held.state in _ENDED})
    keeper.actors.stop_again([(str(kill["scope"]), str(kill["target"]), "the log") for kill in state.kills])
    keeper.actors.end_again([name for name, actor in state.actors.items() if actor["status"] == ENDED])
    keeper.actors.give_again({name: actor["roles"] for name, actor in state.actors.items()})
    with keeper.store.transaction() as tx:
        known = {name for (name,) in tx.execute("SELECT name FROM vault.named_key WHERE destroyed_at IS NOT NULL")}
        if missing := sorted(set(state.destroyed) - known):
            keeper.keys.destroy_named(tx, missing)
    _shred_again(keeper, state)
    if state.generations_ended:
        _end_generations_again(keeper)
    _count_again(keeper)


def _count_again(keeper: Keeper) -> None:
    """A grant's ceiling counts at least what the log says was used: counters are not durable, and a backup brings old ones back."""
    running = {str(grant.grant): grant for grant in keeper.grants.running()}
    if not running:
        return
    now = keeper.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    since = min(grant.valid_from for grant in running.values())
    askers = {name: grant.asker for name, grant in running.items()}
    for name, sealing, total, of_day, of_hour in queries.used(keeper.log, grants=askers, since=since, day=hour.replace(hour=0), hour=hour):
        raise_to(keeper.store, running[name], (of_hour, of_day, total), sealing=sealing, now=now)


def _end_generations_again(keeper: Keeper) -> None:
    """Only where a later generation is there: a backup from before that one was made still needs what it has."""
    with keeper.store.transaction() as tx:
        subjects = [row[0] for row in tx.execute(generations.STILL_OLD)]
    for start in range(0, len(subjects), _SUBJECTS_PER_SCAN):
        for subject, event in queries.told(keeper.log, "key", subjects[start : start + _SUBJECTS_PER_SCAN]):
            if event.detail["event"] == "generations_destroyed":
                with keeper.store.transaction() as tx:
                    generations.end(tx, subjects=[subject], category=CATEGORIES[event.category], below=event.detail["below"])


def _shred_again(keeper: Keeper, state: StateAt) -> None:
    """The log names subjects by tags only, so each subject that still has keys is tested."""
    with keeper.store.transaction() as tx:
        row = tx.execute("SELECT count(*) FROM vault.shredded").fetchone()
        if row is None or row[0] >= state.shreds:
            return
        subjects = [
            found[0] for found in tx.execute("SELECT DISTINCT subject FROM vault.subject_key UNION SELECT DISTINCT subject FROM vault.blind_token")
        ]
    for start in range(0, len(subjects), _SUBJECTS_PER_SCAN):
        for subject, category in queries.shredded(keeper.log, subjects[start : start + _SUBJECTS_PER_SCAN]):
            shred(keeper, subject=subject, category=CATEGORIES[category] if category else ALL_CATEGORIES, entry=None)
