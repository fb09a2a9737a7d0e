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
    wanted = _AT_FIRST * count
    while True:
        bar = -np.inf
        if 0 < wanted < len(values):
            bar = float(np.partition(values, len(values) - wanted)[len(values) - wanted])
            # what is tied with the last is within a millionth of it
        low = bar - _SLACK * abs(bar) if np.isfinite(bar) else bar
        some = np.flatnonzero(values >= low) if low > above else np.flatnonzero(values > above)
        some = some[allowed(some)]
        if low <= above or np.count_nonzero(values[some] >= bar) >= count:
            return _without_the_rest(some, values[some], count)
        wanted *= _MORE


def _without_the_rest(places: Places, values: npt.NDArray[np.floating[Any]], count: int) -> Places:
    if not 0 < count < len(values):
        return places
    bar = float(np.partition(values, len(values) - count)[len(values) - count])
    return places[values >= bar - _SLACK * abs(bar)]
