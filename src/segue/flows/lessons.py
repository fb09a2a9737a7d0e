"""Past weeks as questions with answers: what the second stage learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.features.lessons import Lesson
from segue.music import columns as c
from segue.music.query import HISTORY, Query

__all__ = ["School", "school"]

_WEEK: Final = timedelta(days=7)
_WANTED: Final = 96  # questions: each costs an answer of every recommender
_MOST_USERS: Final = 4 * _WANTED
_FEWEST_WEEKS: Final = 8
_MOST_WEEKS: Final = 26
_SHARE: Final = 4  # at most a quarter of the longest history is asked about
_FEWEST_PLAYS: Final = 20
_FEWEST_LATER: Final = 5

T = TypeVar("T")


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
    histories: Mapping[str, pa.Table],
    catalogue: Catalogue,
    *,
    crowd_sessions: pa.Table | None = None,
    as_of: datetime,
) -> School:
    """A question a week for every user here, over the last months before a moment.

    Of very many users some are asked about. Where that makes few questions, listeners of a crowd
    whose plays have times are asked about, too, a week each.

    Args:
        histories: User -> plays that may be learned from, in the HISTORY schema, oldest first.
        crowd_sessions: The `crowd_sessions` mart.
    """
    some = {user: histories[user] for user in _spread(sorted(histories), _MOST_USERS)}
    some = {user: plays for user, plays in some.items() if plays.num_rows}
    if not some:
        return School(as_of, ())
    last: datetime = max(plays[c.PLAYED_AT][-1].as_py() for plays in some.values())
    first: datetime = min(plays[c.PLAYED_AT][0].as_py() for plays in some.values())
    weeks = min(_MOST_WEEKS, max(_FEWEST_WEEKS, -(-_WANTED // len(some))))
    weeks = min(weeks, int((last - first) / _SHARE / _WEEK))
    cut = last - weeks * _WEEK
    bounds = [cut + week * _WEEK for week in range(weeks + 1)]
    found = [
        lesson
        for user, plays in some.items()
        for lesson in _of_user(user, plays, catalogue, bounds)
    ]
    found.sort(key=_by_time)
    found = _spread(found, _WANTED)
    if found and crowd_sessions is not None and len(found) < _WANTED:
        others = _of_crowd(crowd_sessions, catalogue, bounds, _WANTED - len(found))
        found = sorted([*found, *others], key=_by_time)
    return School(cut, tuple(found))


def _by_time(lesson: Lesson) -> tuple[datetime, str]:
    return lesson.query.now, lesson.query.user_id or ""


def _spread(found: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread."""
    places = np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int)
    return [found[place] for place in np.unique(places)]


def _of_user(
    user: str,
    plays: pa.Table,
    catalogue: Catalogue,
    bounds: Sequence[datetime],
    *,
    own: bool = True,
) -> list[Lesson]:
    """One lesson for each week that has something before it and something in it."""
    at = _times(plays)
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
        query = Query(user, start, history=plays.slice(0, low))
        found.append(Lesson(query, distinct, finished, own))
    return found


def _of_crowd(
    sessions: pa.Table, catalogue: Catalogue, bounds: Sequence[datetime], most: int
) -> list[Lesson]:
    """One lesson for each of some listeners: their first week with a play, beginning anywhere."""
    dated = sessions.filter(pc.is_valid(sessions[c.PLAYED_AT]))
    dated = dated.filter(pc.less_equal(dated[c.PLAYED_AT], _scalar(bounds[-1])))
    later = dated.filter(pc.greater(dated[c.PLAYED_AT], _scalar(bounds[0])))
    names = [c.CROWD, c.LISTENER_ID]
    people = later.select(names).group_by(names).aggregate([([], "count_all")])
    people = people.filter(pc.greater_equal(people["count_all"], _FEWEST_LATER)).sort_by(
        [(name, "ascending") for name in names]
    )
    asked = _spread(people.to_pylist(), most)
    ids = pa.array(sorted({person[c.LISTENER_ID] for person in asked}), pa.string())
    theirs = dated.filter(pc.is_in(dated[c.LISTENER_ID], value_set=ids))
    found = []
    for turn, person in enumerate(asked):
        mine = theirs.filter(
            pc.and_(
                pc.equal(theirs[c.CROWD], person[c.CROWD]),
                pc.equal(theirs[c.LISTENER_ID], person[c.LISTENER_ID]),
            )
        )
        history = _history(mine.sort_by([(c.PLAYED_AT, "ascending"), (c.TRACK_ID, "ascending")]))
        first = turn % (len(bounds) - 1)
        user = f"crowd:{person[c.CROWD]}:{person[c.LISTENER_ID]}"
        found += _of_user(user, history, catalogue, bounds[first:], own=False)[:1]
    return found


def _history(plays: pa.Table) -> pa.Table:
    """Plays of a listener of whom no more is known than when they played what."""
    n_plays = plays.num_rows
    columns = {name: pa.array([False] * n_plays) for name in (c.FINISHED, c.SKIPPED)}
    counted = pa.array([True] * n_plays)
    known = {c.TRACK_ID: plays[c.TRACK_ID], c.PLAYED_AT: plays[c.PLAYED_AT], c.COUNTED: counted}
    return pa.table({**known, **columns}).select(HISTORY.names).cast(HISTORY)


def _times(plays: pa.Table) -> npt.NDArray[np.int64]:
    """Microseconds."""
    return np.asarray(plays[c.PLAYED_AT].cast(pa.int64()).to_numpy())


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _scalar(at: datetime) -> Any:
    return pa.scalar(at.astimezone(UTC), pa.timestamp("us", tz="UTC"))
