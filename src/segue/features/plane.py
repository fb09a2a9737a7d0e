"""Many-sided vectors as points of a plane: what is alike stands together, near and far.

After Y. Wang, H. Huang, C. Rudin and Y. Shaposhnik (2021), “Understanding How Dimension Reduction
Tools Work: An Empirical Approach to Deciphering t-SNE, UMAP, TriMap, and PaCMAP for Data
Visualization”: neighbours, pairs at a middle distance and chance pairs pull and push in three
stages. We depart from it in taking neighbours by plain distance rather than by scaled distance,
and in fewer rounds and chance pairs, which a picture does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Directions", "lay_out", "place_among", "principal"]

Reals = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_NEIGHBOURS: Final = 10
_LIKE: Final = 4
_TOUCHING: Final = 1e-6
_MIDDLE: Final = 5
_CHANCE: Final = 10
_DRAWN: Final = 6  # of which the second nearest stands at a middle distance
_STAGES: Final = (45, 45, 110)
_STEP: Final = 1.0
_KEPT: Final = 0.005  # points beyond these shares of either side are moved to the edge
_EVENED: Final = 0.35  # how far each side is stretched where points are many


@dataclass(frozen=True)
class _Pairs:
    """Partners of each point, shape (n, k), and what they do: pull (10, 10000) or push (1)."""

    partners: Ints
    reach: float
    pulls: bool


@dataclass(frozen=True)
class Directions:
    """The directions in which some vectors differ most, the most first.

    Args:
        middle: The mean of the vectors, shape (d,).
        sides: float64, shape (d, dimensions).
    """

    middle: Reals
    sides: npt.NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Reals, dimensions: int) -> Directions:
        """Those of vectors, float32, shape (n, d); fewer dimensions where d is less."""
        middle = vectors.mean(axis=0)
        centred = vectors - middle
        spread = (centred.T @ centred).astype(np.float64)
        _, directions = np.linalg.eigh(spread)
        chosen = directions[:, ::-1][:, :dimensions]
        # a direction has no sign of its own: the largest entry is made positive
        largest = chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])]
        return cls(middle, chosen * np.where(largest < 0, -1, 1))

    def seen(self, vectors: Reals) -> Reals:
        """Vectors of the same kind along these directions, shape (n, dimensions), float32."""
        return np.asarray((vectors - self.middle) @ self.sides, dtype=np.float32)


def principal(vectors: Reals, dimensions: int) -> Reals:
    """The directions in which the vectors differ most, the most first, shape (n, dimensions).

    Args:
        vectors: float32, shape (n, d).
        dimensions: At most; fewer where d is less.
    """
    return Directions.of(vectors, dimensions).seen(vectors)


def place_among(vectors: Reals, places: Reals, others: Reals) -> Reals:
    """Places for further vectors on a plane that has been laid out, shape (m, 2), float32.

    Each stands among the vectors that it is like, next to the one it is most like: a mean weighted
    by one over the squared distance, as D. Shepard (1968), “A two-dimensional interpolation
    function for irregularly-spaced data”, has it.

    Args:
        vectors: What `lay_out` was given, float32, shape (n, d).
        places: What it answered, shape (n, 2).
        others: float32, shape (m, d).
    """
    from scipy.spatial import cKDTree  # as above

    if not len(others) or not len(vectors):
        return np.full((len(others), 2), 0.5, np.float32)
    apart, near = cKDTree(vectors).query(others, k=min(_LIKE, len(vectors)))
    apart, near = apart.reshape(len(others), -1), near.reshape(len(others), -1)
    weights = 1.0 / (apart.astype(np.float64) ** 2 + _TOUCHING)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((places[near] * weights[:, :, None]).sum(axis=1), dtype=np.float32)


def lay_out(
    vectors: Reals,
    *,
    rng: np.random.Generator,
    tell: Callable[[float], None] = lambda part: None,
) -> Reals:
    """Points of a plane, 0 … 1 on the longer side, shape (n, 2), float32.

    Args:
        vectors: float32, shape (n, d), d at most some dozens.
        rng: Chooses the pairs; the same one gives the same plane.
        tell: Is told how much is done, 0 … 1.
    """
    n = len(vectors)
    start = np.zeros((n, 2), np.float32)
    if not n:
        return start
    start[:, : min(2, vectors.shape[1])] = principal(vectors, 2)
    if n < 4 * _NEIGHBOURS:
        return _framed(start)
    sets = _pairs(vectors, rng)
    place = start / max(float(start.std()), 1e-6) * 0.01
    mean, square = np.zeros_like(place), np.zeros_like(place)
    rounds = sum(_STAGES)
    for done in range(rounds):
        moved = np.zeros_like(place)
        for pairs, weight in zip(sets, _weights(done), strict=True):
            if weight:
                moved += _force(place, pairs, weight)
        # Adam (Kingma and Ba, 2015), which the authors use
        mean = 0.9 * mean + 0.1 * moved
        square = 0.999 * square + 0.001 * moved**2
        step = mean / (1 - 0.9 ** (done + 1))
        step /= np.sqrt(square / (1 - 0.999 ** (done + 1))) + 1e-7
        place -= _STEP * step
        tell((done + 1) / rounds)
    return _framed(place)


def _weights(done: int) -> tuple[float, float, float]:
    """Of neighbours, middle and chance pairs: first the whole, then the parts, then details."""
    first, second, _ = _STAGES
    if done < first:
        part = done / first
        return 2.0, 1000.0 * (1 - part) + 3.0 * part, 1.0
    return (3.0, 3.0, 1.0) if done < first + second else (1.0, 0.0, 1.0)


def _pairs(vectors: Reals, rng: np.random.Generator) -> tuple[_Pairs, _Pairs, _Pairs]:
    from scipy.spatial import cKDTree  # takes a third of a second to load; few ask for a plane

    n = len(vectors)
    _, near = cKDTree(vectors).query(vectors, k=_NEIGHBOURS + 1)
    middle = np.empty((n, _MIDDLE), np.int64)
    rows = np.arange(n)
    for column in range(_MIDDLE):
        drawn = rng.integers(0, n, (n, _DRAWN))
        apart = ((vectors[drawn] - vectors[:, None]) ** 2).sum(axis=2)
        middle[:, column] = drawn[rows, apart.argsort(axis=1, kind="stable")[:, 1]]
    chance = rng.integers(0, n, (n, _CHANCE))
    return (
        _Pairs(near[:, 1:].astype(np.int64), 10.0, True),
        _Pairs(middle, 10_000.0, True),
        _Pairs(chance, 1.0, False),
    )


def _force(place: Reals, pairs: _Pairs, weight: float) -> Reals:
    """The slope of the loss at each point; both of a pair feel it."""
    apart = place[:, None, :] - place[pairs.partners]
    squares = (apart**2).sum(axis=2) + 1.0
    strength = 2.0 * weight * pairs.reach / (pairs.reach + squares) ** 2
    if not pairs.pulls:
        strength = -2.0 * weight / (1.0 + squares) ** 2
    force = apart * strength[:, :, None]
    moved = force.sum(axis=1)
    others = pairs.partners.ravel()
    for side in range(2):
        back = np.bincount(others, force[:, :, side].ravel(), len(place))
        moved[:, side] -= back.astype(np.float32)
    return np.asarray(moved, dtype=np.float32)


def _framed(place: Reals) -> Reals:
    """Within 0 … 1, both sides at one scale, empty space between the groups made smaller."""
    low = np.quantile(place, _KEPT, axis=0)
    high = np.quantile(place, 1 - _KEPT, axis=0)
    side = max(float((high - low).max()), 1e-9)
    framed = (np.clip(place, low, high) - (low + high) / 2) / side + 0.5
    ranks = place.argsort(axis=0, kind="stable").argsort(axis=0) / max(1, len(place) - 1)
    return np.asarray((1 - _EVENED) * framed + _EVENED * ranks, dtype=np.float32)
