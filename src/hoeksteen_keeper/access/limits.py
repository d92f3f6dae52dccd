"""
How much an actor and a grant have used of their ceilings.

An actor's standing permission counts data subjects per hour and per day, each once, and searches and sealings one by one; a grant
counts openings (subjects, traffic records, values searched for) per hour, per day and in total, so that a bulk grant's ceiling is one
number. What is sealed, and made into tokens, under a grant is counted apart: a service brings in more than it ever opens, and whoever
seals and compares is bounded too.

Counted before the data are opened, in one statement that fails as a whole where a ceiling would be passed (`meter_ceiling`): two
requests at the same time cannot both take the last place. The commit does not wait for the disk; the log holds the same numbers.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.errors import CheckViolation

from hoeksteen_keeper.access.model import RunningGrant
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.store.database import Store

SEALS_PER_OPENING = 10
_EVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
Ceilings = dict[tuple[str, datetime], int]


def ceilings_of_actor(actor: str, what: str, *, per_hour: int, per_day: int, now: datetime) -> Ceilings:
    """
    Give what an actor may use up, by meter.

    :param what: `see`, `search` or `seal`, which are counted apart
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {(f"actor:{what}:hour:{actor}", hour): per_hour, (f"actor:{what}:day:{actor}", day): per_day}


def ceilings_of_grant(grant: RunningGrant, *, sealing: bool = False, now: datetime) -> Ceilings:
    """Give what a grant may use up, by meter: openings, or `SEALS_PER_OPENING` times as many sealings."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    what, factor = (f"seal:{grant.grant}", SEALS_PER_OPENING) if sealing else (str(grant.grant), 1)
    return {
        (f"grant:hour:{what}", hour): grant.per_hour * factor,
        (f"grant:day:{what}", day): grant.per_day * factor,
        (f"grant:total:{what}", _EVER): grant.subjects_max * factor,
    }


def consume(store: Store, ceilings: Ceilings, count: int, *, subjects: Sequence[UUID] | None = None) -> None:
    """
    Use up `count` places of each ceiling, or of none; with `subjects`, one place for each who was not counted there yet.

    :raises KeeperRefused: `limit_reached`
    """
    parameters: dict[str, object] = {
        "names": [name for name, _ in ceilings], "starts": [start for _, start in ceilings], "ceilings": list(ceilings.values()), "count": count,
    }  # fmt: skip
    try:
        if subjects is None:
            store.rows(_ADD, parameters, durable=False)
        else:
            store.rows(_ADD_SUBJECTS, {**parameters, "subjects": sorted(set(subjects))}, durable=False)
    except CheckViolation:
        raise KeeperRefused("limit_reached", _passed(store, ceilings)) from None


def _passed(store: Store, ceilings: Ceilings) -> str:
    names, starts = [name for name, _ in ceilings], [start for _, start in ceilings]
    used = {(name, start): used for name, start, used in store.rows(_USED, (names, starts))}
    fullest = min(ceilings, key=lambda meter: ceilings[meter] - used.get(meter, 0))
    return f"The ceiling of {ceilings[fullest]} ({fullest[0].rsplit(':', 1)[0]}) would be passed."


def raise_to(store: Store, grant: RunningGrant, used: tuple[int, int, int], *, sealing: bool, now: datetime) -> None:
    """Count at least this much of a grant: per hour, per day and in total, as the log says after a restore or a crash."""
    ceilings = ceilings_of_grant(grant, sealing=sealing, now=now)
    with store.transaction() as tx:
        for ((name, start), ceiling), count in zip(ceilings.items(), used, strict=True):
            tx.execute(_RAISE, (name, start, count, max(ceiling, count)))


def used_by_grant(store: Store, grant: UUID) -> tuple[int, int]:
    """Give how many openings, and how many sealings, were counted under a grant so far."""
    rows = store.rows("SELECT meter, used FROM access.meter WHERE meter = ANY(%s)", [[f"grant:total:{grant}", f"grant:total:seal:{grant}"]])
    used = dict(rows)
    return used.get(f"grant:total:{grant}", 0), used.get(f"grant:total:seal:{grant}", 0)


_METERS = "unnest(%(names)b::text[], %(starts)b::timestamptz[], %(ceilings)b::bigint[]) AS n (meter, starts_at, ceiling)"
_COUNTED = """
ON CONFLICT (meter, starts_at) DO UPDATE SET used = m.used + excluded.used, ceiling = excluded.ceiling RETURNING 1
"""
_ADD = f"""
INSERT INTO access.meter AS m (meter, starts_at, used, ceiling)
SELECT n.meter, n.starts_at, %(count)s, n.ceiling FROM {_METERS} ORDER BY n.meter {_COUNTED}
"""
_ADD_SUBJECTS = f"""
WITH meters AS (SELECT * FROM {_METERS}),
fresh AS (
    INSERT INTO access.seen (meter, starts_at, subject) SELECT n.meter, n.starts_at, subject FROM meters n, unnest(%(subjects)b::uuid[]) AS subject
    ORDER BY n.meter, subject ON CONFLICT DO NOTHING RETURNING meter
)
INSERT INTO access.meter AS m (meter, starts_at, used, ceiling)
SELECT n.meter, n.starts_at, (SELECT count(*) FROM fresh f WHERE f.meter = n.meter), n.ceiling FROM meters n ORDER BY n.meter {_COUNTED}
"""
_RAISE = """
INSERT INTO access.meter AS m (meter, starts_at, used, ceiling) VALUES (%s, %s, %s, %s)
ON CONFLICT (meter, starts_at) DO UPDATE SET used = greatest(m.used, excluded.used), ceiling = greatest(m.used, excluded.ceiling)
"""
_USED = "SELECT meter, starts_at, used FROM access.meter WHERE (meter, starts_at) IN (SELECT * FROM unnest(%s::text[], %s::timestamptz[]))"
