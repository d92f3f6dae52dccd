"""
Where the keeper's tables say something else about who may than its log does: what somebody who writes its database leaves behind.

Requests are decided on the log, so such a row opens nothing; but somebody wrote it who should not, which is a finding of the exposure scan.
"""

from collections.abc import Iterator
from typing import Any

from hoeksteen_keeper.access.actors import ENDED
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.replay import StateAt
from hoeksteen_keeper.service.keeper import Keeper


def differences(keeper: Keeper) -> list[str]:
    """Give a sentence for each actor, organisation, key and running grant that is not as the log says."""
    found = _compared(keeper)
    again = _compared(keeper) if found else []  # what was just changing is as it should be by now
    return [sentence for sentence in found if sentence in again]


def _compared(keeper: Keeper) -> list[str]:
    with keeper.store.transaction() as tx:
        rows = {name: tx.execute(query.encode()).fetchall() for name, query in _TABLES.items()}
    state = queries.state_at(keeper.log, None)
    found = [*_of_actors(rows["actor"], state), *_of_organisations(rows["organisation"], state)]
    found += [f"{actor} has the key {key}" for key, actor, public in rows["key"] if state.keys_of(actor).get(key) != public]
    found += [f"the grant {grant[0]} runs, or gives more" for grant in rows["grant"] if not _as_logged(grant, state)]
    return [f"differs-from-log: the keeper's database says that {sentence}; the log does not. Find out who writes there" for sentence in found]


def _of_actors(rows: list[tuple[Any, ...]], state: StateAt) -> Iterator[str]:
    for name, organisation, kind, roles, blocked in rows:
        known = state.actors.get(str(name))
        if known is None:
            yield f"{name} is an actor"
        elif (organisation, kind, sorted(roles)) != (known["organisation"], known["kind"], sorted(known["roles"])):
            yield f"{name} is {kind} of {organisation} with the roles {', '.join(sorted(roles))}"
        elif not blocked and (known["status"] == ENDED or ("actor", str(name)) in state.stopped):
            yield f"{name} is not stopped"


def _of_organisations(rows: list[tuple[Any, ...]], state: StateAt) -> Iterator[str]:
    for name, country, operator, blocked in rows:
        known = state.organisations.get(str(name), {})
        if (country, operator) != (known.get("country"), known.get("operator")):
            yield f"{name} is an organisation in {country}{', the operator' if operator else ''}"
        elif not blocked and ("organisation", str(name)) in state.stopped:
            yield f"{name} is not stopped"


def _as_logged(row: tuple[Any, ...], state: StateAt) -> bool:
    grant, asker, purpose, categories, unmasked, any_subject, ceilings, listed = row
    held = state.grant(str(grant))
    if held is None or held.state != "running":
        return False
    said = held.grant
    return (asker, purpose, sorted(categories), unmasked, any_subject, list(ceilings), listed) == (
        said["asker"], said["purpose"], sorted(said["categories"]), said["unmasked"], said["subjects"] == "any",
        [said["subjects_max"], said["per_hour"], said["per_day"]], 0 if said["subjects"] == "any" else len(held.tags),
    )  # fmt: skip


_TABLES = {
    "actor": "SELECT actor, organisation, kind, roles, blocked_at IS NOT NULL FROM access.actor ORDER BY actor",
    "organisation": "SELECT organisation, country, operator, blocked_at IS NOT NULL FROM access.organisation ORDER BY organisation",
    "key": "SELECT key, actor, translate(encode(public_key, 'base64'), E'\\n', '') FROM access.key WHERE revoked_at IS NULL ORDER BY key",
    "grant": """
        SELECT g.grant_id::text, asker, purpose, categories, unmasked, any_subject, ARRAY[subjects_max, per_hour, per_day], count(s.subject)
        FROM access.access_grant g LEFT JOIN access.grant_subject s USING (grant_id) WHERE state = 'running' GROUP BY g.grant_id ORDER BY 1
    """,
}
