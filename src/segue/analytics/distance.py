"""How far two mixes are apart, and how far they would be if only chance had parted them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Distance", "distance_between", "jensen_shannon"]

_DRAWS: Final = 200
_QUANTILE: Final = 0.95
_FEWEST_BLOCKS: Final = 2


@dataclass(frozen=True, slots=True)
class Distance:
    """Between two mixes.

    Args:
        value: Jensen-Shannon distance, 0 (the same mix) to 1 (nothing in common).
        by_chance: What it is on average when the same days are dealt out at random; two short
            spans of the same taste are some way apart, too. None where there are too few days.
        beyond_chance: Whether 95 of 100 random deals stay below it; None likewise.
    """

    value: float
    by_chance: float | None
    beyond_chance: bool | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def jensen_shannon(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Jensen-Shannon distance of mixes, row by row.

    The square root of the divergence of Lin (1991), “Divergence measures based on the Shannon
    entropy”, in bits; the root makes it a metric: Endres and Schindelin (2003), “A new metric for
    probability distributions”.

    Args:
        first: Weights, float64, shape (n, n_kinds), not negative; each row is brought to 1.
        second: The same shape.

    Returns:
        float64, shape (n,), 0 to 1; NaN where a row is all zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p = first / first.sum(axis=1, keepdims=True)
        q = second / second.sum(axis=1, keepdims=True)
    divergence = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return np.sqrt(np.clip(divergence, 0.0, 1.0))


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """In bits, row by row."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    told: NDArray[np.float64] = -(shares * logs).sum(axis=1)
    return np.where(np.isnan(shares).any(axis=1), np.nan, told)


def distance_between(
    days: sparse.csr_matrix, in_second: NDArray[np.bool_], *, rng: np.random.Generator
) -> Distance | None:
    """How far the mix of some days is from the mix of the others.

    What chance does is found by dealing whole days, not plays, out anew: plays of one day are
    alike, so single plays would make everything look like a change (a permutation test; Pitman,
    1937, “Significance tests which may be applied to samples from any populations”).

    Args:
        days: Weights, shape (n_days, n_kinds): how much of each kind was heard on each day.
        in_second: bool, shape (n_days,): which days are the second mix.
        rng: Deals the days out.

    Returns:
        None where one of the two mixes is empty.
    """
    total = np.asarray(days.sum(axis=0), dtype=np.float64)
    second = np.asarray(days[in_second].sum(axis=0), dtype=np.float64)
    value = float(jensen_shannon(total - second, second)[0])
    if np.isnan(value):
        return None
    n_days, n_second = days.shape[0], int(in_second.sum())
    if min(n_second, n_days - n_second) < _FEWEST_BLOCKS:
        return Distance(value, None, None)
    dealt = rng.permuted(np.tile(in_second, (_DRAWS, 1)), axis=1).astype(np.float64)
    drawn = np.asarray((days.T @ dealt.T).T)
    chance = jensen_shannon(np.maximum(total - drawn, 0.0), drawn)
    chance = chance[~np.isnan(chance)]
    if not chance.size:
        return Distance(value, None, None)
    beyond = bool(value > np.quantile(chance, _QUANTILE))
    return Distance(value, float(chance.mean()), beyond)
