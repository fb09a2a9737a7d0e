"""Past weeks as questions with answers: what the second stage learns from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.features.lessons import Lesson
from segue.music import columns as c
from segue.music.query import HISTORY, Query

__all__ = ["School", "school"]

_WEEK: Final = timedelta(days=7)
_WANTED: Final = 96  # questions: each costs an answer of every recommender
_FEWEST_WEEKS: Final = 8
_MOST_WEEKS: Final = 26
_SHARE: Final = 4  # at most a quarter of the longest history is asked about
_FEWEST_PLAYS: Final = 20


@dataclass(frozen=True)
class School:
    """What there is to learn from, and what may be known for it.

    Args:
        cut: Whoever is asked must know nothing later, aware UTC.
        lessons: Earliest first; empty where no history is long enough.
    """

    cut: datetime
    lessons: tuple[Lesson, ...]


def school(
    plays: pa.Table,
    catalogue: Catalogue,
    *,
    training_sources: Collection[str] | None,
    as_of: datetime,
) -> School:
    """A question a week for every user here, over the last months before a moment.

    Args:
        plays: The `plays` mart with user_id, source and the HISTORY columns.
        training_sources: Sources of plays that may be learned from; None means all.
    """
    plays = _allowed(plays, training_sources, as_of)
    if not plays.num_rows:
        return School(as_of, ())
    last: datetime = pc.max(plays[c.PLAYED_AT]).as_py()
    first: datetime = pc.min(plays[c.PLAYED_AT]).as_py()
    users = sorted(pc.unique(plays[c.USER_ID]).to_pylist())
    weeks = min(_MOST_WEEKS, max(_FEWEST_WEEKS, -(-_WANTED // len(users))))
    weeks = min(weeks, int((last - first) / _SHARE / _WEEK))
    cut = last - weeks * _WEEK
    found = []
    for user in users:
        mine = plays.filter(pc.equal(plays[c.USER_ID], user)).select(HISTORY.names).cast(HISTORY)
        mine = mine.sort_by(c.PLAYED_AT)
        found += _of_user(user, mine, catalogue, [cut + w * _WEEK for w in range(weeks + 1)])
    found.sort(key=lambda lesson: (lesson.query.now, lesson.query.user_id or ""))
    kept = np.unique(np.linspace(0, len(found) - 1, min(_WANTED, len(found))).round().astype(int))
    return School(cut, tuple(found[i] for i in kept))


def _allowed(plays: pa.Table, sources: Collection[str] | None, as_of: datetime) -> pa.Table:
    wanted = pc.and_(
        pc.less_equal(plays[c.PLAYED_AT], _scalar(as_of)), pc.is_valid(plays[c.TRACK_ID])
    )
    if sources is not None:
        allowed = pc.is_in(plays[c.SOURCE], value_set=pa.array(sorted(sources), pa.string()))
        wanted = pc.and_(wanted, allowed)
    return plays.filter(wanted)


def _of_user(
    user: str, plays: pa.Table, catalogue: Catalogue, bounds: Sequence[datetime]
) -> list[Lesson]:
    """One lesson for each week that has something before it and something in it."""
    at = plays[c.PLAYED_AT].cast(pa.int64()).to_numpy()
    edges = np.searchsorted(at, [_micros(bound) for bound in bounds], side="right")
    found = []
    for start, low, high in zip(bounds, edges, edges[1:], strict=False):
        week = plays.slice(low, high - low)
        week = week.filter(pc.fill_null(week[c.COUNTED], False))
        if low < _FEWEST_PLAYS or not week.num_rows:
            continue
        rows = catalogue.rows(week[c.TRACK_ID].to_pylist())
        known = rows >= 0
        distinct, place = np.unique(rows[known], return_inverse=True)
        ended = pc.fill_null(week[c.FINISHED], False).to_numpy(zero_copy_only=False)[known]
        finished = np.bincount(place, weights=ended, minlength=len(distinct)) > 0
        found.append(Lesson(Query(user, start, history=plays.slice(0, low)), distinct, finished))
    return found


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _scalar(at: datetime) -> Any:
    return pa.scalar(at.astimezone(UTC), pa.timestamp("us", tz="UTC"))
