"""When people listen: days of activity and rest, hours of the day, sessions and their lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.listeners import Listener
from segue.sources.simulation.settings import SimulationSettings

__all__ = ["Schedule", "draw_schedule"]

_DAY_S: Final = 86_400
_HOUR: Final = np.arange(24)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The sessions of one listener, in order.

    Args:
        start_s: Wished start, Unix seconds, int64, ascending.
        length: Streams in each, int32, at least 1.
        mood: Calm (0) to lively (1), by hour and by chance, float32.
        openness: Added to the logit of the listener's novelty, float32.
        restless: Added to the logit of a skip, float32.
    """

    start_s: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    mood: npt.NDArray[np.float32]
    openness: npt.NDArray[np.float32]
    restless: npt.NDArray[np.float32]


def draw_schedule(
    listener: Listener, settings: SimulationSettings, rng: np.random.Generator
) -> Schedule:
    """Draw all sessions of one listener; the lengths sum to `listener.plays`."""
    length = _lengths(listener, rng)
    local, hour = _moments(len(length), settings, rng)
    order = np.argsort(local, kind="stable")
    local, hour = local[order], hour[order]
    first_day = settings.end_s // _DAY_S - settings.days
    start = first_day * _DAY_S + local - listener.utc_offset_h * 3600
    n = len(length)
    by_hour = 0.16 * np.cos((hour - 15.0) * (2 * np.pi / 24))
    mood = listener.mood + by_hour + 0.17 * rng.standard_normal(n)
    return Schedule(
        start_s=np.maximum(start, first_day * _DAY_S),
        length=length,
        mood=np.clip(mood, 0.0, 0.999).astype(np.float32),
        openness=(listener.swings * rng.standard_normal(n)).astype(np.float32),
        restless=(0.5 * rng.standard_normal(n)).astype(np.float32),
    )


def _lengths(listener: Listener, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Session lengths, lognormal: many short ones, a few that last all evening."""
    spread = 0.85
    guess = int(listener.plays / listener.session * 1.6) + 20
    scale = listener.session * np.exp(-(spread**2) / 2)
    drawn = np.maximum(1, np.rint(scale * np.exp(spread * rng.standard_normal(guess))))
    ends = np.cumsum(np.minimum(drawn, 120)).astype(np.int64)
    while ends[-1] < listener.plays:
        ends = np.append(ends, ends[-1] + int(np.ceil(listener.session)))
    ends = ends[: np.searchsorted(ends, listener.plays) + 1]
    ends[-1] = listener.plays
    return np.diff(ends, prepend=0).astype(np.int32)


def _moments(
    n: int, settings: SimulationSettings, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Local seconds since the first day, and the hour of the day, of n session starts."""
    days = np.arange(settings.days)
    weekday = (settings.end_s // _DAY_S - settings.days + days + 3) % 7  # 0 is Monday
    weekly = np.exp(0.18 * rng.standard_normal(7))
    weekly[5:] *= np.exp(0.3 * rng.standard_normal())
    log_level = _smooth(settings.days, rng)
    away = np.ones(settings.days)
    for start in rng.integers(0, settings.days, settings.days // 240):  # holidays and the like
        away[start : start + int(rng.integers(4, 15))] = 0.05
    level = weekly[weekday] * np.exp(log_level) * away
    total = np.cumsum(level)
    day = np.minimum(np.searchsorted(total, rng.random(n) * total[-1]), settings.days - 1)
    weekend = weekday[day] >= 5
    hour = np.where(weekend, _hours(n, rng, weekend=True), _hours(n, rng, weekend=False))
    second = day * _DAY_S + hour * 3600 + rng.integers(0, 3600, n)
    return second.astype(np.int64), hour


def _smooth(days: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Ups and downs of activity over weeks and months, on a log scale."""
    knots = np.cumsum(0.25 * rng.standard_normal(days // 21 + 2))
    knots -= knots.mean()
    return np.interp(np.arange(days) / 21, np.arange(len(knots)), np.clip(knots, -1.2, 1.2))


def _hours(n: int, rng: np.random.Generator, *, weekend: bool) -> npt.NDArray[np.int64]:
    """Hours of the day from three humps (way to work, work, evening), two at weekends."""
    humps = ((11.0, 2.2, 0.8), (20.0, 3.0, 1.2)) if weekend else (
        (7.8, 1.1, 0.8), (13.5, 2.8, 1.0), (20.3, 2.4, 1.2)
    )  # fmt: skip
    density = np.full(24, 0.012)
    for middle, width, weight in humps:
        centre = middle + 0.8 * rng.standard_normal()
        own = weight * np.exp(0.5 * rng.standard_normal())
        apart = np.abs((_HOUR - centre + 12) % 24 - 12)
        density = density + own / width * np.exp(-0.5 * (apart / width) ** 2)
    total = np.cumsum(density)
    return np.asarray(np.minimum(np.searchsorted(total, rng.random(n) * total[-1]), 23), np.int64)
