"""
How many data subjects an actor and a grant have disclosed, per hour, per day and in total.

Counted before the data are opened, in one statement whose transaction is undone where a ceiling would be passed: two
requests at the same time cannot both take the last place. The commit does not wait for the disk; the log holds the same numbers.
"""

from datetime import datetime
from uuid import UUID

from hoeksteen_keeper.access.model import Grant
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.store.database import Store

_EVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
Ceilings = dict[tuple[str, datetime], int]


def ceilings_of_actor(actor: str, what: str, *, per_hour: int, per_day: int, now: datetime) -> Ceilings:
    """
    Give what an actor may use up, by meter.

    :param what: `see` or `search`, which are counted apart
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {(f"actor:{what}:hour:{actor}", hour): per_hour, (f"actor:{what}:day:{actor}", day): per_day}


def ceilings_of_grant(grant: Grant, *, now: datetime) -> Ceilings:
    """Give what a grant may use up, by meter."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    name = str(grant.grant)
    return {
        (f"grant:hour:{name}", hour): grant.per_hour,
        (f"grant:day:{name}", day): grant.per_day,
        (f"grant:total:{name}", _EVER): grant.subjects_max,
    }


def consume(store: Store, ceilings: Ceilings, count: int) -> None:
    """
    Use up `count` places of each ceiling, or of none.

    :raises KeeperRefused: `limit_reached`
    """
    names, starts = [name for name, _ in ceilings], [start for _, start in ceilings]
    with store.transaction(durable=False) as tx:
        for name, start, used in tx.execute(_ADD, (count, names, starts)).fetchall():
            if used > ceilings[name, start]:
                raise KeeperRefused(
                    "limit_reached", f"The ceiling of {ceilings[name, start]} data subjects ({name.rsplit(':', 1)[0]}) would be passed."
                )


def used_by_grant(store: Store, grant: UUID) -> int:
    """Give how many data subjects were disclosed under a grant so far."""
    with store.transaction() as tx:
        row = tx.execute("SELECT used FROM access.meter WHERE meter = %s", [f"grant:total:{grant}"]).fetchone()
    return int(row[0]) if row else 0


_ADD = """
INSERT INTO access.meter AS m (meter, starts_at, used) SELECT n.meter, n.starts_at, %s FROM unnest(%s::text[],
%s::timestamptz[]) AS n (meter, starts_at)
ORDER BY n.meter ON CONFLICT (meter, starts_at) DO UPDATE SET used = m.used + excluded.used RETURNING meter, starts_at, used
"""
