"""Collect what was played lately: the last 50 plays, into the lake, each once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from segue.errors import SegueError
from segue.flows.spotify.household import Household
from segue.flows.spotify.lake_rows import keep, play_columns
from segue.music.lake_tables import PLAYS
from segue.services.spotify.api import RecentlyPlayed, SpotifyApi
from segue.services.spotify.records import PlayRow
from segue.warehouse.lake import Lake

__all__ = ["Gap", "PollReport", "poll", "poll_everybody"]

_log = logging.getLogger(__name__)

_MARK: Final = "recently played"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_PAGES: Final = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which plays may be missing: Spotify had forgotten them before they were read."""

    since: datetime
    until: datetime

    def as_dict(self) -> dict[str, str]:
        """JSON-ready values."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one look brought.

    Args:
        told: Plays that Spotify told and that were not read before.
        kept: Those that the lake did not have.
        others: Podcasts and things that cannot be named.
        latest: The last play that was ever read; None: there is none.
        gap: Where plays may be missing; None: nowhere.
        error: Why nothing was read of this user, when others were.
    """

    user_id: str
    told: int = 0
    kept: int = 0
    others: int = 0
    latest: datetime | None = None
    gap: Gap | None = None
    error: SegueError | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "user": self.user_id,
            "told": self.told,
            "kept": self.kept,
            "others": self.others,
            "latest": None if self.latest is None else self.latest.isoformat(),
            "gap": None if self.gap is None else self.gap.as_dict(),
            "error": None if self.error is None else self.error.message,
        }


def poll_everybody(house: Household, lake: Lake, users: tuple[str, ...]) -> tuple[PollReport, ...]:
    """Collect for several users; the fault of one keeps nothing from the others."""
    reports = []
    for user_id in users:
        try:
            reports.append(poll(house, lake, user_id))
        except SegueError as error:
            _log.info("nothing was collected of a user: %s", type(error).__name__)
            reports.append(PollReport(user_id, error=error))
    return tuple(reports)


def poll(house: Household, lake: Lake, user_id: str) -> PollReport:
    """Collect what one user played since the last time; one request as a rule.

    The place to go on from is noted after the plays are in the lake, and the lake keeps a play
    that is told again once: whatever happens in between, no play is lost and none counts twice.

    Raises:
        SignInError: The user is not signed in, or no more.
        BlockedError: No request may be made now.
        ServiceError: Spotify refuses, or does not answer.
        BusyError: Something else is writing to the lake; the next look brings the same plays.
    """
    api = house.api(user_id, "poll")
    mark = _mark(house, user_id)
    window = api.recently_played(after_ms=mark)
    fresh = [row for row in window.rows if mark is None or _ms(row.told_at) > mark]
    gap = None
    if window.full and mark is not None and fresh:
        fresh, gap = _further_back(api, fresh, mark)
    tracks = [row for row in fresh if row.track.is_track]
    kept = 0
    if tracks:
        rows = [play_columns(row) for row in tracks]
        commit = keep(
            lake, [(PLAYS, rows)], user_id=user_id, what="recently played", now=house.clock()
        )
        kept = commit.total.kept
    latest = max((_ms(row.told_at) for row in fresh), default=mark)
    if latest is not None and latest != mark:
        house.sign_ins.set_mark(user_id, _MARK, str(latest))
    _log.info("Spotify: %d plays told, %d of them new", len(tracks), kept)
    return PollReport(
        user_id,
        told=len(tracks),
        kept=kept,
        others=len(fresh) - len(tracks) + window.unreadable,
        latest=None if latest is None else _EPOCH + latest * _MS,
        gap=gap,
    )


def _further_back(
    api: SpotifyApi, fresh: list[PlayRow], mark: int
) -> tuple[list[PlayRow], Gap | None]:
    """The window was full: look behind it, until what is known is reached or nothing comes."""
    for _ in range(_PAGES):
        before: RecentlyPlayed = api.recently_played(before_ms=_ms(fresh[0].told_at))
        older = [row for row in before.rows if mark < _ms(row.told_at) < _ms(fresh[0].told_at)]
        fresh = [*older, *fresh]
        if len(older) < len(before.rows):
            return fresh, None  # a play that was read before came along: nothing is missing
        if not older:
            break
    return fresh, Gap(_EPOCH + mark * _MS, fresh[0].told_at)


def _mark(house: Household, user_id: str) -> int | None:
    """Milliseconds of the last play that was read; anything else was never written by us."""
    found = house.sign_ins.mark(user_id, _MARK)
    return int(found) if found is not None and found.isdecimal() else None


def _ms(when: datetime) -> int:
    return (when - _EPOCH) // _MS
