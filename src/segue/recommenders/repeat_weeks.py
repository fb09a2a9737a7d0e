"""A listener's own past weeks as lessons: what was known as each began, and what was played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, Listening
from segue.features.track_memory import TRACES, Traces, TrackMemory

__all__ = ["RULES", "Week", "past_weeks", "shortlist"]

RULES: Final = {
    "most played": TRACES.index("plays"),
    "most played in 30 days": TRACES.index("plays in 30 days"),
    "most recent": TRACES.index("last play"),
    "activation 0.5": TRACES.index("activation 0.5"),
    "activation 0.8": TRACES.index("activation 0.8"),
    "activation 1.2": TRACES.index("activation 1.2"),
    "activation 0.5 of days": TRACES.index("activation 0.5 of days"),
    "activation 0.8 of days": TRACES.index("activation 0.8 of days"),
}
"""Simple rules, each a trace by which tracks can be ranked."""

_WEEK: Final = 7 * DAY
_LISTED: Final = 120
_ALSO_BY: Final = ("days in 30 days", "days in 90 days")
_BY: Final = (*RULES.values(), *(TRACES.index(name) for name in _ALSO_BY))
_RECENCY: Final = TRACES.index("last play")

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Week:
    """A question of the past with its answer.

    Args:
        values: Traces of the tracks worth a thought, float64, shape (m, len(TRACES)).
        played: Which of them had a counted play in the week, shape (m,).
        wanted: How many known tracks had one, those not worth a thought included.
        age: How many weeks ago the week ended.
    """

    values: Reals
    played: npt.NDArray[np.bool_]
    wanted: int
    age: float


def past_weeks(heard: Listening, catalogue: Catalogue, until: float, n: int) -> list[Week]:
    """The last n whole weeks before a moment in which something known was played, oldest first.

    Args:
        heard: Plays up to that moment.
        until: Unix seconds.
    """
    if not len(heard.play_at):
        return []
    memory = TrackMemory(heard, catalogue)
    found = []
    for back in range(n, 0, -1):
        start = until - back * _WEEK
        if start <= heard.play_at[0]:
            continue
        low, high = np.searchsorted(heard.play_at, [start, start + _WEEK], side="right")
        coming = heard.play_of[low:high][heard.play_counted[low:high]]
        if not len(coming):
            continue
        traces = memory.at(start)
        played = np.isin(traces.tracks, coming)
        if played.any():
            rows = shortlist(traces)
            found.append(
                Week(traces.values[rows], played[rows], int(played.sum()), float(back - 1))
            )
    return found


def shortlist(traces: Traces) -> npt.NDArray[np.int64]:
    """Rows of the tracks that any simple rule ranks high: the others have hardly a chance."""
    if len(traces.tracks) <= _LISTED:
        return np.arange(len(traces.tracks))
    chosen = np.zeros(len(traces.tracks), dtype=bool)
    for column in _BY:
        values = traces.values[:, column] + 1e-6 * traces.values[:, _RECENCY]
        chosen[np.argpartition(-values, _LISTED)[:_LISTED]] = True
    return np.flatnonzero(chosen)
