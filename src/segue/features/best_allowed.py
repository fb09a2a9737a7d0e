"""The best of many numbers of which only some may be answered, without asking about most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["best_allowed"]

_AT_FIRST: Final = 4
_MORE: Final = 8
_SLACK: Final = 2.0**-18

Places = npt.NDArray[np.int64]


def best_allowed(
    values: npt.NDArray[np.floating[Any]],
    count: int,
    *,
    above: float,
    allowed: Callable[[Places], npt.NDArray[np.bool_]],
) -> Places:
    """Places, ascending, of the `count` best allowed values, and of all that are tied.

    Whether a value may be answered costs a jump through memory, so that it is asked of the
    highest alone, and of more only where too few of these may.

    Args:
        values: Shape (n,).
        count: Values wanted; fewer are found where there are no more.
        above: Only values above this one count.
        allowed: Tells which of some places may be answered.
    """
    places: Places | None = None
    if above > -np.inf:  # often few: all others need no more looking at
        places = np.flatnonzero(values > above)
        values = values.take(places)
    found = _best(values, count, allowed if places is None else lambda at: allowed(places[at]))
    return found if places is None else places[found]


def _best(
    values: npt.NDArray[np.floating[Any]],
    count: int,
    allowed: Callable[[Places], npt.NDArray[np.bool_]],
) -> Places:
    wanted = _AT_FIRST * count
    while 0 < wanted < len(values):
        bar = float(np.partition(values, len(values) - wanted)[len(values) - wanted])
        if not np.isfinite(bar):
            break
        # what is tied with the last is within a millionth of it
        some = np.flatnonzero(values >= bar - _SLACK * abs(bar))
        some = some[allowed(some)]
        if np.count_nonzero(values[some] >= bar) >= count:
            return _without_the_rest(some, values[some], count)
        wanted *= _MORE
    every = np.flatnonzero(values > -np.inf)
    every = every[allowed(every)]
    return _without_the_rest(every, values[every], count)


def _without_the_rest(places: Places, values: npt.NDArray[np.floating[Any]], count: int) -> Places:
    if not 0 < count < len(values):
        return places
    bar = float(np.partition(values, len(values) - count)[len(values) - count])
    return places[values >= bar - _SLACK * abs(bar)]
