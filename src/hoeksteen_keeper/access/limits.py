"""
How much an actor and a grant have used of their ceilings.

An actor's standing permission counts data subjects per hour and per day, each once, and searches and sealings one by one; a grant
counts openings (subjects, traffic records, values searched for) per hour, per day and in total, so that a bulk grant's ceiling is one
number. What is sealed, and made into tokens, under a grant is counted apart: a service brings in more than it ever opens, and whoever
seals and compares is bounded too.

Counted before the data are opened, in one statement whose transaction is undone where a ceiling would be passed: two
requests at the same time cannot both take the last place. The commit does not wait for the disk; the log holds the same numbers.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen_keeper.access.model import Grant
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


def ceilings_of_grant(grant: Grant, *, sealing: bool = False, now: datetime) -> Ceilings:
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
    names, starts = [name for name, _ in ceilings], [start for _, start in ceilings]
    with store.transaction(durable=False) as tx:
        if subjects is None:
            rows = tx.execute(_ADD, (count, names, starts)).fetchall()
        else:
            rows = tx.execute(_ADD_SUBJECTS, {"names": names, "starts": starts, "subjects": sorted(set(subjects))}).fetchall()
        for name, start, used in rows:
            if used > ceilings[name, start]:
                raise KeeperRefused("limit_reached", f"The ceiling of {ceilings[name, start]} ({name.rsplit(':', 1)[0]}) would be passed.")


def raise_to(store: Store, grant: Grant, used: tuple[int, int, int], *, sealing: bool, now: datetime) -> None:
    """Count at least this much of a grant: per hour, per day and in total, as the log says after a restore or a crash."""
    meters = list(ceilings_of_grant(grant, sealing=sealing, now=now))
    with store.transaction() as tx:
        for (name, start), count in zip(meters, used, strict=True):
            tx.execute(_RAISE, (name, start, count))


def used_by_grant(store: Store, grant: UUID) -> tuple[int, int]:
    """Give how many openings, and how many sealings, were counted under a grant so far."""
    rows = store.rows("SELECT meter, used FROM access.meter WHERE meter = ANY(%s)", [[f"grant:total:{grant}", f"grant:total:seal:{grant}"]])
    used = dict(rows)
    return used.get(f"grant:total:{grant}", 0), used.get(f"grant:total:seal:{grant}", 0)


_ADD = """
INSERT INTO access.meter AS m (meter, starts_at, used)
SELECT n.meter, n.starts_at, %s FROM unnest(%s::text[], %s::timestamptz[]) AS n (meter, starts_at) ORDER BY n.meter
ON CONFLICT (meter, starts_at) DO UPDATE SET used = m.used + excluded.used RETURNING meter, starts_at, used
"""
_RAISE = """
INSERT INTO access.meter AS m (meter, starts_at, used) VALUES (%s, %s, %s)
ON CONFLICT (meter, starts_at) DO UPDATE SET used = greatest(m.used, excluded.used)
"""
_ADD_SUBJECTS = """
WITH meters AS (SELECT * FROM unnest(%(names)s::text[], %(starts)s::timestamptz[]) AS n (meter, starts_at)),
fresh AS (
    INSERT INTO access.seen (meter, starts_at, subject) SELECT n.meter, n.starts_at, subject FROM meters n, unnest(%(subjects)s::uuid[]) AS subject
    ORDER BY n.meter, subject ON CONFLICT DO NOTHING RETURNING meter
)
INSERT INTO access.meter AS m (meter, starts_at, used)
SELECT n.meter, n.starts_at, (SELECT count(*) FROM fresh f WHERE f.meter = n.meter) FROM meters n ORDER BY n.meter
ON CONFLICT (meter, starts_at) DO UPDATE SET used = m.used + excluded.used RETURNING meter, starts_at, used
"""
