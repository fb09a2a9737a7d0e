"""Tracks in small groups of what is alike, so that a search looks into a few groups."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.vectors import TrackVectors, Vectors

__all__ = ["Cells", "cells_of"]

_LARGEST: Final = 64
_FAME: Final = 0.2  # popularity parts a cell like a distance of this length
_RADIUS: Final = 0.2
_FIRST: Final = 8
_SLACK: Final = np.float32(2.0**-18)

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
    def cell_of(self) -> npt.NDArray[np.int32]:
        """The cell of each place in `order`."""
        return np.repeat(np.arange(len(self.sizes), dtype=np.int32), self.sizes)

    def near(
        self,
        vectors: TrackVectors,
        centre: Vectors,
        *,
        usable: npt.NDArray[np.bool_],
        fame: Reals,
        gain: np.float32,
        wanted: int,
        budget: int,
    ) -> tuple[Rows, Reals]:
        """The best usable tracks near one centre, rows ascending, with their cosines plus fame.

        The best cells are looked into until the bounds of all others say that no better track is
        left there, or until `budget` tracks have been looked at: then what lies in cells whose
        centres are far may be missed.

        Args:
            centre: One unit vector.
            usable: bool, shape (n_tracks,).
            fame: Popularity of each track, 0 … 100, shape (n_tracks,).
            gain: What each hundredth of it is worth.
            wanted: Tracks to find at least, where there are as many.
        """
        of_sets = vectors.of_sets(centre)[0][self.genre_set]
        middle = self.centres @ centre.dense[0] + np.maximum(of_sets, 0) * self.share
        reach = self.radius * np.linalg.norm(centre.dense[0]) + gain * self.fame
        cells = self._promising(middle + _RADIUS * reach, budget)
        rows, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        bar, at_once = np.float32(-np.inf), _FIRST * wanted
        while len(cells):
            round_ = int(np.searchsorted(np.cumsum(self.sizes[cells]), at_once)) + 1
            more, found = self._scored(cells[:round_], of_sets, centre, usable, fame, gain)
            better = found >= bar
            rows = np.concatenate([rows, more[better]])
            scores = np.concatenate([scores, found[better]])
            if len(rows) > wanted:
                bar = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
                bar -= _SLACK * abs(bar)  # what is tied with the last stays
                rows, scores = rows[scores >= bar], scores[scores >= bar]
            cells, at_once = cells[round_:], 2 * at_once
            cells = cells[middle[cells] + reach[cells] >= bar]
        ascending = np.argsort(rows)
        return rows[ascending], scores[ascending]

    def _promising(self, worth: Reals, budget: int) -> Rows:
        """The best cells, best first, with `budget` tracks in them."""
        count = min(len(worth), 64 + 2 * budget * len(worth) // max(1, len(self.order)))
        some = np.sort(np.argpartition(-worth, count - 1)[:count])
        order = some[np.argsort(-worth[some], kind="stable")]
        return np.asarray(order[: int(np.searchsorted(np.cumsum(self.sizes[order]), budget)) + 1])

    def _scored(
        self,
        cells: Rows,
        of_sets: Reals,
        centre: Vectors,
        usable: npt.NDArray[np.bool_],
        fame: Reals,
        gain: np.float32,
    ) -> tuple[Rows, Reals]:
        lengths = self.sizes[cells]
        ends = np.cumsum(lengths)
        starts = np.repeat(self.offsets[cells] - (ends - lengths), lengths)
        places = starts + np.arange(len(starts))
        rows = self.order[places].astype(np.int64)
        kept = usable[rows]
        rows, places = rows[kept], places[kept]
        own = np.repeat(of_sets[cells], lengths)[kept]
        scores = (
            self.dense[places] @ centre.dense[0]
            + own * self.genre_share[places]
            + gain * fame[rows]
        )
        return rows, np.asarray(scores, dtype=np.float32)


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
