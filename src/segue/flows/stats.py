"""Tell: what a listener's history says, over any window, read from the published plays."""

from __future__ import annotations

import logging
from datetime import datetime

from segue.analytics.heard import Asks, sum_up
from segue.analytics.statistics import Asked, Statistics, work_out
from segue.analytics.windows import Wish, window_of, zone_of
from segue.errors import NotReadyError, UnknownUserError
from segue.music import columns as c
from segue.warehouse.snapshot_database import open_snapshot
from segue.warehouse.snapshots import Snapshot

__all__ = ["bounds", "stats"]

_log = logging.getLogger(__name__)
_NAMED = 5


def stats(
    snapshot: Snapshot,
    asked: Asked,
    wish: Wish,
    *,
    user_id: str,
    time_zone: str,
    now: datetime,
    memory_limit: str = "1GB",
    threads: int = 0,
) -> Statistics:
    """Work out what is asked of one user's plays.

    Args:
        snapshot: The published marts.
        asked: Which side of the history.
        wish: Over which window.
        user_id: Whose.
        time_zone: Hours, days and weeks are told as a clock there does.
        now: Aware; says which days are not over yet.
        memory_limit: DuckDB's.
        threads: DuckDB's; 0 means all cores.

    Raises:
        UnknownUserError: Others are known here, but not this user.
        NotReadyError: The user has not played anything at all, or not in the window.
        ConfigError: The window or the time zone cannot be read.
    """
    zone = zone_of(time_zone)
    with open_snapshot(snapshot, memory_limit=memory_limit, threads=threads) as database:
        first, last = bounds(database, user_id)
        window = window_of(wish, zone, first=first, last=last)
        heard = sum_up(database, user_id, window, time_zone)
        found = work_out(heard, asked, snapshot=snapshot.name, now=now.astimezone(zone))
    if not found.totals.starts:
        raise NotReadyError(
            f"{user_id} played nothing in this window ({window.label})",
            cure=f"The plays here are from {first.astimezone(zone):%-d %b %Y}"
            f" to {last.astimezone(zone):%-d %b %Y}.",
        )
    _log.info("statistics: %s of %s plays", asked.view, found.totals.plays)
    return found


def bounds(database: Asks, user_id: str) -> tuple[datetime, datetime]:
    """When a user's first and last plays began.

    Raises:
        UnknownUserError: Others are known here, but not this user.
        NotReadyError: The user has not played anything.
    """
    mine = database.table(
        "SELECT first_played_at, last_played_at FROM users WHERE user_id = $user_id",
        {"user_id": user_id},
    ).to_pylist()
    if not mine:
        everybody = database.table("SELECT user_id FROM users ORDER BY 1")[c.USER_ID].to_pylist()
        if everybody:
            some = ", ".join(f"“{name}”" for name in everybody[:_NAMED])
            more = f" and {len(everybody) - _NAMED:,} more" if len(everybody) > _NAMED else ""
            raise UnknownUserError(
                user_id,
                known=tuple(everybody),
                cure=f"Known here: {some}{more}; choose with --user.",
            )
    if not mine or mine[0][c.FIRST_PLAYED_AT] is None:
        raise NotReadyError(
            f"there are no plays of {user_id} yet",
            cure="Import a history with `segue import`, then run `segue build`.",
        )
    return mine[0][c.FIRST_PLAYED_AT], mine[0][c.LAST_PLAYED_AT]
