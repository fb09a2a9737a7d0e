"""The moment that answers are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["coarse", "holds_for", "moment_of"]

_TEN_MINUTES: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)
_JUST_AFTER: Final = timedelta(seconds=1)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def moment_of(
    now: datetime,
    *,
    latest: datetime | None,
    last_played_at: datetime | None,
    otherwise: datetime,
) -> datetime:
    """The moment that an answer to a user is for.

    Without events it is just after the last play that is published: an old export is not a pile
    of forgotten tracks. With events it is now, so that an answer knows what was played lately; to
    ten minutes, so that it holds for a while, and to a day for whoever did nothing for a day.

    Args:
        now: Aware.
        latest: The latest time that an event of theirs names.
        last_played_at: Their last play that is published.
        otherwise: For those of whom neither is known.
    """
    if latest is not None:
        return max(_beginning_of(holds_for(now, latest), now), latest + _JUST_AFTER)
    if last_played_at is not None:
        return last_played_at + _JUST_AFTER
    return otherwise


def holds_for(now: datetime, latest: datetime) -> timedelta:
    """How long an answer holds for a user of whom events are known, if nothing else happens."""
    return _DAY if now - latest >= _DAY else _TEN_MINUTES


def coarse(now: datetime) -> datetime:
    """The beginning of these ten minutes."""
    return _beginning_of(_TEN_MINUTES, now)


def _beginning_of(span: timedelta, now: datetime) -> datetime:
    return _BEGINNING + (now - _BEGINNING) // span * span
