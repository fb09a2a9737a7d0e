"""What somebody said, as it stood at a moment: opinions, and plays that are not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.music import columns as c
from segue.music.feedback import ARTIST, NOT_ME, OPINIONS, PLAYS, UNDO
from segue.music.query import FEEDBACK

__all__ = ["said_by", "standing", "stands", "without_not_me"]

_Row = dict[str, Any]
_NEEDED: Final = (c.KIND, c.VERB, c.TRACK_ID, c.ARTIST_ID, c.SINCE, c.UNTIL, c.SAID_AT)


def said_by(log: pa.Table, user_id: str) -> pa.Table:
    """The words of one user, in their order."""
    return log.filter(pc.equal(log[c.USER_ID], user_id)).sort_by(c.PLACE)


def standing(log: pa.Table, user_id: str, until: datetime | None = None) -> pa.Table:
    """The opinions of one user that were not undone or replaced.

    Args:
        log: The `feedback` mart.
        until: Later words do not count, aware; None: all do.

    Returns:
        Arrow table in the FEEDBACK schema, at most one row for each track and artist, in the
        order in which they were said.
    """
    if not log.num_rows:  # most people say nothing
        return FEEDBACK.empty_table()
    stands: dict[tuple[str, str], _Row] = {}
    for row in _words(said_by(log, user_id), until):
        about = row[c.ARTIST_ID] if row[c.KIND] == ARTIST else row[c.TRACK_ID]
        if about is None or row[c.KIND] == PLAYS or row[c.VERB] not in (*OPINIONS, UNDO):
            continue
        stands.pop((row[c.KIND], about), None)
        if row[c.VERB] != UNDO:
            stands[row[c.KIND], about] = row
    rows = [
        {
            c.TRACK_ID: None if row[c.KIND] == ARTIST else row[c.TRACK_ID],
            c.ARTIST_ID: row[c.ARTIST_ID] if row[c.KIND] == ARTIST else None,
            c.VERB: row[c.VERB],
            c.SAID_AT: row[c.SAID_AT],
        }
        for row in stands.values()
    ]
    return pa.Table.from_pylist(rows, schema=FEEDBACK)


def stands(log: pa.Table) -> list[bool]:
    """For each word whether nothing said later of the same thing took its place.

    Args:
        log: The `feedback` mart without `stands`, in the order of user_id and place.
    """
    latest: dict[tuple[Any, ...], int] = {}
    undone: dict[tuple[Any, ...], int] = {}
    things: list[tuple[Any, ...]] = []
    verbs: list[str] = log[c.VERB].to_pylist()
    for i, row in enumerate(log.select([c.USER_ID, *_NEEDED]).to_pylist()):
        artist = row[c.ARTIST_ID] if row[c.KIND] == ARTIST else None
        about = (row[c.USER_ID], row[c.KIND], row[c.TRACK_ID], artist, row[c.SINCE], row[c.UNTIL])
        things.append(about)
        if verbs[i] == UNDO:
            undone[about] = i
        if verbs[i] != NOT_ME:
            latest[about] = i
    return [
        verb != UNDO and (undone.get(about, -1) < i if verb == NOT_ME else latest[about] == i)
        for i, (about, verb) in enumerate(zip(things, verbs, strict=True))
    ]


def without_not_me(
    plays: pa.Table, log: pa.Table, until: datetime | None = None, *, user_id: str | None = None
) -> pa.Table:
    """The plays without those of which their user said that somebody else played them.

    The latest word on a play decides: of `not_me` and `undo` those about its track or about a span
    of time that it started in, said after it was played.

    Args:
        plays: track_id, played_at and, unless `user_id` names it, user_id.
        log: The `feedback` mart.
        until: Later words do not count, aware; None: all do.
        user_id: Whose plays these are, where the table does not say.
    """
    if not log.num_rows:
        return plays
    words = log.filter(pc.is_in(log[c.VERB], pa.array([NOT_ME, UNDO])))
    if not words.num_rows or not plays.num_rows:
        return plays
    others = np.zeros(plays.num_rows, dtype=bool)
    for user in pc.unique(words[c.USER_ID]).to_pylist():
        if user_id is None:
            mine = np.flatnonzero(pc.equal(plays[c.USER_ID], user).fill_null(False).to_numpy())
        else:
            mine = np.arange(plays.num_rows if user == user_id else 0)
        if len(mine):
            others[mine] = _not_me(plays.take(pa.array(mine)), said_by(words, user), until)
    return plays.filter(pa.array(~others)) if others.any() else plays


def _not_me(plays: pa.Table, words: pa.Table, until: datetime | None) -> npt.NDArray[np.bool_]:
    """Which plays of a user the latest word says are not theirs."""
    at = plays[c.PLAYED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    order = np.argsort(at, kind="stable")  # so that a span of time is a slice
    at = at[order]
    others = np.zeros(len(at), dtype=bool)
    for row in _words(words, until):
        if row[c.KIND] == ARTIST or (row[c.KIND] != PLAYS and row[c.TRACK_ID] is None):
            continue
        last = min(_micros(one) for one in (row[c.SAID_AT], row[c.UNTIL]) if one is not None)
        first = 0 if row[c.SINCE] is None else np.searchsorted(at, _micros(row[c.SINCE]))
        span = slice(int(first), int(np.searchsorted(at, last, side="right")))
        is_others = row[c.VERB] == NOT_ME
        if row[c.TRACK_ID] is None:
            others[span] = is_others
        else:
            same = pc.equal(plays[c.TRACK_ID], row[c.TRACK_ID]).fill_null(False)
            others[span] = np.where(same.to_numpy()[order][span], is_others, others[span])
    found = np.zeros(len(at), dtype=bool)
    found[order] = others
    return found


def _words(log: pa.Table, until: datetime | None) -> Iterator[_Row]:
    for row in log.select(list(_NEEDED)).to_pylist():
        if until is None or row[c.SAID_AT] <= until:
            yield row


def _micros(at: datetime) -> int:
    return int(pa.scalar(at.astimezone(UTC), pa.timestamp("us", tz="UTC")).cast(pa.int64()).as_py())
