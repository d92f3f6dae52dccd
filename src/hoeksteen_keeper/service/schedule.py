"""What the keeper ends by itself when its time is over: the keys of months of traffic."""

from datetime import UTC, datetime

from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.keeper import Keeper

TRAFFIC_MONTHS = 6


def keep_traffic(log: Log, *, months: int) -> None:
    """
    Say how many whole months a month's traffic keys are kept after the month, or after its first record where that came later.

    Nothing but the log says it, so a restore changes nothing.
    """
    log.append([Event(kind="key", action="keep_traffic", category="traffic", detail={"event": "traffic_kept", "months": months})])


def month_keys(month: str) -> list[str]:
    """Name the keys of a month's traffic."""
    return [f"{kind}:{month}" for kind in ("traffic", "deduplication")]


def destroy_months_over(keeper: Keeper) -> list[str]:
    """Destroy the keys of the months whose time is over, each after its entry, and name the months."""
    kept = queries.state_at(keeper.log, None).traffic_months or TRAFFIC_MONTHS
    over = sorted(month for month, made_at in keeper.store.rows(_MONTHS) if _ends(max(month, f"{made_at:%Y-%m}"), kept) <= keeper.now())
    for month in over:
        names = month_keys(month)
        detail = {"event": "destroyed", "month": month, "keys": names, "traffic_months": kept}
        keeper.log.append([Event(kind="key", action="destroy_month", category="traffic", detail=detail)])
        with keeper.store.transaction() as tx:
            keeper.keys.destroy_named(tx, names)
    return over


def _ends(month: str, kept: int) -> datetime:
    """Give when a month's keys are over. In UTC: in Europe that is an hour or two late, never early."""
    year, number = map(int, month.split("-"))
    months = year * 12 + number + kept
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


_MONTHS = """
SELECT split_part(name, ':', 2), min(made_at) FROM vault.named_key WHERE name ~ '^(traffic|deduplication):' AND wrapped IS NOT NULL GROUP BY 1
"""
