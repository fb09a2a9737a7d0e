"""Tracks in small groups of what is alike, so that a search looks into a few groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.best_allowed import best_allowed
from segue.features.vectors import TrackVectors, Vectors

__all__ = ["Cells", "cells_of"]

_LARGEST: Final = 64
_FAME: Final = 0.2  # popularity parts a cell like a distance of this length
_RADIUS: Final = 0.2

Reals = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """The tracks of a catalogue in groups, each of one set of genres, of like sound and fame.

    An inverted file (Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor
    search") whose groups are cut along the widest dimension, as in a k-d tree (Bentley 1975,
    "Multidimensional binary search trees used for associative searching"): that needs no chance
    and no rounds, and the genres of a group are exact.

    Args:
        order: int32, shape (n_tracks,): rows of known tracks, group by group.
        offsets: int64, shape (n_cells + 1,); cell c has order[offsets[c]:offsets[c + 1]].
        genre_set: int32, shape (n_cells,): the set of genres of all its tracks.
        centres: float32, shape (n_cells, n_dense): mean of the dense parts.
        radius: float32, shape (n_cells,): how far from the centre the farthest one is.
        share: float32, shape (n_cells,): the longest genre part.
        fame: float32, shape (n_cells,): the highest popularity, 0 … 100.
        dense: float32, shape (n_tracks, n_dense): the dense parts in the order of `order`.
        genre_share: float32, shape (n_tracks,): lengths of genre parts, likewise.
    """

    order: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    genre_set: npt.NDArray[np.int32]
    centres: Reals
    radius: Reals
    share: Reals
    fame: Reals
    dense: Reals
    genre_share: Reals

    @classmethod
    def arrays(cls) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(field.name for field in fields(cls))

    @cached_property
    def sizes(self) -> Rows:
        """Tracks in each cell."""
        return np.diff(self.offsets)

    @cached_property
    def _sets(self) -> Rows:
        """`genre_set` as NumPy takes places without another copy."""
        return self.genre_set.astype(np.int64)

    def near(
        self,
        vectors: TrackVectors,
        centres: Vectors,
        *,
        usable: npt.NDArray[np.bool_],
        fame: Reals,
        gain: np.float32,
        wanted: Sequence[int],
        budgets: Sequence[int],
    ) -> list[tuple[Rows, Reals]]:
        """For each centre the best usable tracks near it, with their cosines plus fame.

        Around each the most promising cells are looked into, `budgets` tracks in all: what lies in
        cells whose centres are far may be missed.

        Args:
            centres: Unit vectors.
            usable: bool, shape (n_tracks,).
            fame: Popularity of each track, 0 … 100, in the order of `order`.
            gain: What each hundredth of it is worth.
            wanted: Tracks to find at least, where there are as many.
        """
        of_sets = vectors.of_sets(centres)
        worth = np.maximum(of_sets, 0).take(self._sets, axis=1)
        worth *= self.share
        worth += centres.dense @ self.centres.T
        worth += _RADIUS * (self.radius + gain * self.fame)
        cells = [self._promising(*one) for one in zip(worth, budgets, strict=True)]
        # what is known of their tracks is taken for all centres at once
        places, lengths = self._places(np.concatenate(cells))
        bounds = np.cumsum([0, *(int(self.sizes[some].sum()) for some in cells)]).tolist()
        parts = [slice(*ends) for ends in pairwise(bounds)]
        of_cells = [one.take(self._sets[some]) for one, some in zip(of_sets, cells, strict=True)]
        scores = np.repeat(np.concatenate(of_cells), lengths)
        scores *= self.genre_share.take(places)
        dense = self.dense.take(places, axis=0)
        for part, centre in zip(parts, centres.dense, strict=True):
            scores[part] += dense[part] @ centre
        scores += gain * fame.take(places)
        rows, found = self.order.take(places), []
        for part, count in zip(parts, wanted, strict=True):
            allowed = partial(_usable, usable, rows[part])
            some = best_allowed(scores[part], count, above=-np.inf, allowed=allowed)
            found.append((rows[part][some].astype(np.int64), scores[part][some]))
        return found

    def _promising(self, worth: Reals, budget: int) -> Rows:
        """The best cells, ascending: so many as hold `budget` tracks where all are of one size."""
        count = -(-budget * len(worth) // max(1, len(self.order)))
        if count >= len(worth):
            return np.arange(len(worth))
        bar = np.partition(worth, len(worth) - count)[len(worth) - count]
        return np.flatnonzero(worth >= bar)

    def _places(self, cells: Rows) -> tuple[Rows, Rows]:
        """Where the tracks of some cells are in `order`, and how many each cell has."""
        lengths = self.sizes[cells]
        starts = np.repeat(self.offsets[cells] - np.cumsum(lengths) + lengths, lengths)
        return starts + np.arange(len(starts)), lengths


def _usable(
    usable: npt.NDArray[np.bool_], rows: npt.NDArray[np.int32], at: Rows
) -> npt.NDArray[np.bool_]:
    return np.asarray(usable[rows[at]])


def cells_of(vectors: TrackVectors, popularity: Reals) -> Cells:
    """Group all tracks that have a vector.

    Args:
        popularity: 0 … 100, shape (n_tracks,).
    """
    known = np.flatnonzero(vectors.known)
    features = np.column_stack(
        [vectors.dense[known], vectors.genre_share[known], _FAME / 100 * popularity[known]]
    )
    order, starts = _halved(features, vectors.genre_set[known])
    dense = vectors.dense[known[order]]
    sizes = np.diff(np.append(starts, len(order)))
    centres = (np.add.reduceat(dense, starts, axis=0) / sizes[:, None]).astype(np.float32)
    apart = ((dense - np.repeat(centres, sizes, axis=0)) ** 2).sum(axis=1)
    rows = known[order]
    return Cells(
        order=rows.astype(np.int32),
        offsets=np.append(starts, len(order)).astype(np.int64),
        genre_set=vectors.genre_set[rows[starts]],
        centres=centres,
        radius=np.sqrt(np.maximum.reduceat(apart, starts)).astype(np.float32),
        share=np.maximum.reduceat(vectors.genre_share[rows], starts),
        fame=np.maximum.reduceat(popularity[rows], starts),
        dense=dense,
        genre_share=vectors.genre_share[rows],
    )


def _halved(features: Reals, groups: npt.NDArray[np.int32]) -> tuple[Rows, Rows]:
    """Split groups at the median of their widest feature until all are small.

    Returns:
        The rows, group by group, and where each group starts.
    """
    order = np.argsort(groups, kind="stable")
    segment = groups[order].astype(np.int64)
    while True:
        starts = np.flatnonzero(np.concatenate(([True], segment[1:] != segment[:-1])))
        sizes = np.diff(np.append(starts, len(order)))
        number = np.repeat(np.arange(len(starts)), sizes)
        split = sizes > _LARGEST
        if not split.any():
            return order, starts
        some = np.flatnonzero(split[number])
        mine, owner = features[order[some]], number[some]
        begins = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
        width = np.maximum.reduceat(mine, begins) - np.minimum.reduceat(mine, begins)
        widest = np.repeat(width.argmax(axis=1), sizes[split])
        order[some] = order[some[np.lexsort((mine[np.arange(len(some)), widest], owner))]]
        place = np.arange(len(order)) - starts[number]
        upper = split[number] & (2 * place >= sizes[number])
        segment = 2 * number + upper
