"""Time splits: what was known before a cut, and the weeks after it, one question a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from segue.features.feedback_log import said_by, standing, without_not_me
from segue.music import columns as c
from segue.music.marts import MARTS
from segue.music.query import FEEDBACK, HISTORY

__all__ = ["Case", "Split", "split"]

_OWN_CUTS: Final = 3  # users up to whom each has a training of their own
_SHORT_SHARE: Final = 0.2
_FEWEST_PLAYS: Final = 10
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Case:
    """One question with its answer: a user at a moment, and what they then played.

    Args:
        user_id: Who.
        cut: Models may have learned from nothing later, aware UTC.
        start: The moment of the question, at or after the cut; what was played up to it is known.
        end: The window's end; what counts is (start, end].
        history: Plays up to `start` in the HISTORY schema, oldest first.
        known: Tracks in it.
        relevant: Tracks with a counted play in the window; never empty.
        feedback: What the user had said by `start`, in the FEEDBACK schema.
        unheard: Tracks that nobody could know of at `start`, though the catalogue has them.
    """

    user_id: str
    cut: datetime
    start: datetime
    end: datetime
    history: pa.Table
    known: frozenset[str]
    relevant: frozenset[str]
    feedback: pa.Table = field(default_factory=FEEDBACK.empty_table)
    unheard: frozenset[str] = frozenset()

    @property
    def repeats(self) -> frozenset[str]:
        """Played in the window and known before."""
        return self.relevant & self.known

    @property
    def discoveries(self) -> frozenset[str]:
        """Played in the window for the first time ever."""
        return self.relevant - self.known


@dataclass(frozen=True)
class Split:
    """All cases of an evaluation.

    Args:
        cases: Sorted by cut, user and start.
        left_out: user_id -> why there is no case of theirs.
    """

    cases: tuple[Case, ...]
    left_out: dict[str, str]

    @property
    def cuts(self) -> tuple[datetime, ...]:
        """Distinct cuts, earliest first: one training each."""
        return tuple(sorted({case.cut for case in self.cases}))


def split(
    plays: pa.Table,
    users: Sequence[str],
    *,
    weeks: float = 4,
    feedback: pa.Table | None = None,
) -> Split:
    """Hold out each user's last weeks, or the last fifth of a history too short for that.

    Up to three users are cut each at their own time. More share one cut, `weeks` before the
    latest play of all, so that one training serves them.

    Args:
        plays: The `plays` mart with user_id and the HISTORY columns.
        users: Whose.
        weeks: How many weeks to hold out; every week is a case of its own.
        feedback: The `feedback` mart. A question knows what was said by its moment; plays that
            were ever said to be somebody else's are no answer to it.
    """
    log = MARTS["feedback"].empty_table() if feedback is None else feedback
    held_out = timedelta(weeks=weeks)
    tables = {user: _of_user(plays, user) for user in users}
    shared = None
    if len(users) > _OWN_CUTS and plays.num_rows:
        shared = max(_last(table) for table in tables.values() if table.num_rows) - held_out
    cases: list[Case] = []
    left_out: dict[str, str] = {}
    for user, table in tables.items():
        if table.num_rows < _FEWEST_PLAYS:
            left_out[user] = f"{table.num_rows} plays are too few"
            continue
        found = _cases(user, table, shared or _own_cut(table, held_out), said_by(log, user))
        cases += found
        if not found:
            left_out[user] = "nothing played on both sides of the cut"
    cases.sort(key=lambda case: (case.cut, case.user_id, case.start))
    return Split(tuple(cases), left_out)


def _of_user(plays: pa.Table, user: str) -> pa.Table:
    mine = plays.filter(pc.equal(plays[c.USER_ID], user)).select(HISTORY.names).cast(HISTORY)
    return mine.filter(pc.is_valid(mine[c.TRACK_ID])).sort_by(c.PLAYED_AT)


def _last(table: pa.Table) -> datetime:
    at: datetime = table[c.PLAYED_AT][-1].as_py()
    return at.astimezone(UTC)


def _own_cut(table: pa.Table, held_out: timedelta) -> datetime:
    last = _last(table)
    first: datetime = table[c.PLAYED_AT][0].as_py()
    return last - min(held_out, _SHORT_SHARE * (last - first))


def _cases(user: str, table: pa.Table, cut: datetime, log: pa.Table) -> list[Case]:
    last = _last(table)
    n_windows = max(1, round((last - cut) / _WEEK))
    width = (last - cut) / n_windows
    bounds = [cut + i * width for i in range(n_windows)] + [last]
    found = []
    for start, end in pairwise(bounds):
        before = table.filter(pc.less_equal(table[c.PLAYED_AT], _scalar(start)))
        after = table.slice(before.num_rows)
        after = after.filter(pc.less_equal(after[c.PLAYED_AT], _scalar(end)))
        before = without_not_me(before, log, start, user_id=user)
        after = without_not_me(after, log, user_id=user)
        counted = after.filter(after[c.COUNTED].fill_null(False))
        relevant = frozenset(counted[c.TRACK_ID].to_pylist())
        if relevant and before.num_rows:
            known = frozenset(pc.unique(before[c.TRACK_ID]).to_pylist())
            said = standing(log, user, start)
            found.append(Case(user, cut, start, end, before, known, relevant, said))
    return found


def _scalar(at: datetime) -> pa.Scalar:
    return pa.scalar(at, pa.timestamp("us", tz="UTC"))
