"""The fact that a user plays a track a lot, told of the time in which it is truest."""

from __future__ import annotations

from typing import Final

import numpy as np

from segue.features.listening import DAY, Listening, moment
from segue.music.candidates import Evidence

__all__ = ["favourite"]

_WINDOWS: Final = (30, 90, 180, 365)
_FROM: Final = -np.array(_WINDOWS, dtype=np.float64)
_MANY: Final = 5


def favourite(heard: Listening, position: int, now: float) -> Evidence:
    """Plays within the shortest window with many of them and half of the last year's, else all.

    Half of all plays ever is many, too. Without a play it is the fact that the user likes it.

    Args:
        position: Of the track in `heard`; it has a counted play, or is liked.
        now: Unix seconds.
    """
    mine = heard.counted_plays_of(position)
    if not len(mine):
        return Evidence(kind="liked", last_at=moment(heard.said_at[position]))
    ages = (now - heard.play_at[mine]) / DAY
    # oldest first: what is within a window is at the end
    within = (len(ages) - np.searchsorted(-ages, _FROM)).tolist()
    fitting = [
        days
        for days, plays in zip(_WINDOWS, within, strict=True)
        if 2 * plays >= (within[-1] if plays >= _MANY else len(mine))
    ]
    # whole days that reach back to the first play
    window = fitting[0] if fitting else max(1, int(np.ceil(ages[0])))
    mine = mine[ages <= window]
    return Evidence(
        kind="favourite",
        plays=len(mine),
        finishes=int(heard.play_finished[mine].sum()),
        days=window,
        last_at=moment(heard.last_at[position]),
    )
