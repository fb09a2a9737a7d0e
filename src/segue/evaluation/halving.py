"""Random search with successive halving: many settings on little, the best of them on more."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Rung", "Trial", "halving"]

_log = logging.getLogger(__name__)

_KEPT: Final = 3
_FIRST_SHARE: Final = 0.7

Plain = Mapping[str, bool | int | float | str]


@dataclass(frozen=True, slots=True)
class Rung:
    """How thoroughly settings are tried.

    Args:
        share: Of the listeners, above 0 up to 1.
        seeds: How many splits.
    """

    share: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of some settings on one rung."""

    settings: Plain
    rung: Rung
    value: float
    seconds: float


def halving(
    tried: Sequence[Plain],
    rungs: Sequence[Rung],
    measure: Callable[[Plain, Rung], Trial],
    spent: Callable[[], float],
) -> list[Trial]:
    """Try settings, and give what they came to.

    Jamieson and Talwalkar (2016), "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization": each rung keeps the best third. The first settings are the present ones; they
    reach the last rung whatever they do, so that what is found can be compared with them.

    Args:
        tried: Settings, the present ones first.
        rungs: From the least to the most thorough.
        measure: Tries settings on a rung.
        spent: Which share of the budget is gone, 1 when it is used up; 0 where there is none.

    Returns:
        All trials in the order in which they were made. Those of the last rung decide.
    """
    made: list[Trial] = []
    left = list(tried)
    for n, rung in enumerate(rungs):
        last = n == len(rungs) - 1
        limit = 1.0 if last else _FIRST_SHARE + (1 - _FIRST_SHARE) * n / len(rungs)
        found = []
        for place, settings in enumerate(left):
            if place > 0 and spent() >= limit:
                _log.info("the budget ends the rung after %d of %d trials", place, len(left))
                break
            found.append(measure(settings, rung))
        made += found
        ranked = sorted(found[1:], key=lambda trial: -_or_worst(trial.value))
        keep = max(1, math.ceil(len(found) / _KEPT))
        left = [tried[0], *(trial.settings for trial in ranked[:keep])]
    return made


def _or_worst(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
