"""How sure a mean is: resampling whole listeners, the same draws for every model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "Means", "means"]

_RESAMPLES: Final = 1000
_OF_MANY: Final = 250  # resamples where there are many units: their means hardly differ
_MANY: Final = 20_000
_AT_ONCE: Final = 4_000_000

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over cases with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """JSON-ready values."""
        return {
            "value": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
        }


@dataclass(frozen=True)
class Means:
    """Means of some columns, and the same over each resample.

    Args:
        value: float64, shape (n_columns,); NaN where a column has no value at all.
        drawn: float64, shape (n_resamples, n_columns).
    """

    value: Reals
    drawn: Reals

    def estimate(self, column: int) -> Estimate:
        """One column's mean with its interval."""
        return _estimate(self.value[column], self.drawn[:, column])

    def difference(self, column: int, other: int) -> Estimate:
        """Column less other column, both over the same draws: a paired bootstrap."""
        return _estimate(
            self.value[column] - self.value[other], self.drawn[:, column] - self.drawn[:, other]
        )


def means(values: npt.NDArray[np.floating], units: Ints, seed: int) -> Means:
    """Means of columns, with resamples of whole units.

    Efron and Tibshirani (1993), "An Introduction to the Bootstrap": percentile intervals. Cases
    of one listener (or session) resemble each other, so that units are drawn, not cases; and every
    column sees the same draws, so that differences of columns are paired.

    Args:
        values: Cases × columns; NaN is no value.
        units: Which unit each case is of, shape (n_cases,).
        seed: Of the draws.
    """
    _, owner = np.unique(units, return_inverse=True)
    n_units = int(owner.max(initial=-1)) + 1
    totals = np.stack([_summed(column, owner, n_units) for column in values.T], axis=1)
    sizes = np.stack(
        [_summed(np.isfinite(column).astype(np.float64), owner, n_units) for column in values.T],
        axis=1,
    )
    rng = np.random.default_rng(seed)
    resamples = _RESAMPLES if n_units <= _MANY else _OF_MANY
    drawn = np.empty((resamples, values.shape[1]))
    at_once = max(1, _AT_ONCE // max(n_units, 1))
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        times = _times(rng, count, n_units)
        drawn[start : start + count] = _ratio(times @ totals, times @ sizes)
    return Means(_ratio(totals.sum(axis=0), sizes.sum(axis=0)), drawn)


def _times(rng: np.random.Generator, count: int, n_units: int) -> Reals:
    """How often each unit was drawn in each of some resamples, shape (count, n_units)."""
    picks = rng.integers(n_units, size=(count, n_units)) + n_units * np.arange(count)[:, None]
    times = np.bincount(picks.ravel(), minlength=count * n_units)
    return times.reshape(count, n_units).astype(np.float64)


def _summed(column: npt.NDArray[np.floating], owner: Ints, n_units: int) -> Reals:
    summed = np.bincount(owner, weights=np.nan_to_num(column), minlength=n_units)
    return summed.astype(np.float64)


def _ratio(totals: Reals, sizes: Reals) -> Reals:
    return np.asarray(totals / np.where(sizes > 0, sizes, np.nan))


def _estimate(value: np.floating | float, drawn: Reals) -> Estimate:
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))
