"""How much playing one track speaks for another: sparse weights, and answers from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.features.best_allowed import best_allowed
from segue.features.ranked import Ranked
from segue.recommenders.arrays import Array, load_array, save_arrays
from segue.recommenders.crowd import WEIGHTS, Crowd, PlayWeight, weighted_plays
from segue.recommenders.incidence import Incidence, places_of
from segue.recommenders.top_rows import top_of_sparse

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Links", "LinksOpinion"]

_LEAST: Final = 0.005
_CELLS: Final = 1 << 21  # scores that each thread holds at a time

Reals = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LinksOpinion:
    """What the tracks that a user likes say for others: one term for each link of theirs.

    Args:
        lengths: Links of each asked column, shape (n_asked,).
        targets: Which known column each leads to, those of one asked column after another,
            shape (n_links,).
        added: What it adds to the score there, shape (n_links,).
        links: What it was learned in.
    """

    lengths: Rows
    targets: npt.NDArray[np.int32]
    added: Reals
    links: Links

    @property
    def n_known(self) -> int:
        """Columns that somebody listens to."""
        return len(self.links.columns)

    @property
    def scores(self) -> Reals:
        """Sums over all that is asked, shape (n_known,)."""
        total = np.bincount(self.targets, weights=self.added, minlength=self.n_known)
        return total.astype(np.float64)

    def best(self, usable: npt.NDArray[np.bool_], count: int) -> tuple[Rows, Reals]:
        """Known columns of the best scores above 0, ascending; see `Opinion`."""
        ordered = np.sort(self.targets)
        first = np.ones(len(ordered), bool)
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        distinct = ordered[first].astype(np.int64)
        with self.links.sheet() as total:
            np.add.at(total, self.targets, self.added)
            sums = total[distinct]
            total[distinct] = 0.0
        columns = self.links.columns
        some = best_allowed(
            sums, count, above=0.0, allowed=lambda at: usable[columns[distinct[at]]]
        )
        return distinct[some], sums[some]

    def contributions(self, found: Rows) -> Reals:
        """The terms of these sums, shape (len(found), n_asked)."""
        distinct, again = np.unique(found, return_inverse=True)
        links = places_of(self.targets, distinct)
        terms = np.zeros((len(distinct), len(self.lengths)))
        place = np.searchsorted(distinct, self.targets[links])
        source = np.searchsorted(np.cumsum(self.lengths), links, side="right")
        terms[place, source] = self.added[links]
        return terms[again]


@dataclass(frozen=True)
class Links:
    """A sparse matrix of weights, known column × known column: scores are weighted plays @ it.

    Every row begins with the column itself at weight 0. That place is there for `top`, which puts
    minus infinity into it to leave out what is known already, at no cost.

    Args:
        columns: int64, ascending: the columns that somebody listens to, shape (n_known,).
        offsets: int64, shape (n_known + 1,): row j is [offsets[j]:offsets[j + 1]] of the others.
        targets: int32: the columns that playing j speaks for or against.
        weights: float32: how much.
        weight: What a number of plays counts as.
        listeners: Which crowd listeners have each known column.
    """

    columns: Rows
    offsets: Rows
    targets: npt.NDArray[np.int32]
    weights: Floats
    weight: PlayWeight
    listeners: Incidence

    @classmethod
    def of(cls, crowd: Crowd, matrix: sp.csr_array, weight: PlayWeight) -> Links:
        """From a CSR matrix, shape (n_known, n_known), whose diagonal is left out."""
        n_known = len(crowd.columns)
        source = np.repeat(np.arange(n_known, dtype=np.int32), np.diff(matrix.indptr))
        kept = (matrix.indices != source) & (matrix.data != 0)
        lengths = np.bincount(source[kept], minlength=n_known) + 1
        offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        own = np.zeros(int(offsets[-1]), dtype=bool)
        own[offsets[:-1]] = True
        targets = np.empty(len(own), np.int32)
        weights = np.zeros(len(own), np.float32)
        targets[own], targets[~own] = np.arange(n_known), matrix.indices[kept]
        weights[~own] = matrix.data[kept]
        return cls(crowd.columns, offsets, targets, weights, weight, crowd.listeners)

    def opinion(self, positions: Rows, liking: Reals) -> LinksOpinion:
        """On a user who likes these known columns this much; dislikes count against.

        What counts for less than a two-hundredth of the most liked is passed over.
        """
        counted = weighted_plays(liking, self.weight)
        telling = np.abs(counted) > _LEAST * np.abs(counted).max(initial=0.0)
        starts = self.offsets[positions]
        lengths = np.where(telling, self.offsets[positions + 1] - starts, 0)
        links = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        links += np.arange(len(links))
        added = np.repeat(counted, lengths).astype(np.float64)
        added *= self.weights.take(links)
        return LinksOpinion(lengths, self.targets.take(links), added, self)

    @contextmanager
    def sheet(self) -> Iterator[Reals]:
        """Zeros, shape (n_known,), to be given back as zeros: clean ones are costly to come by."""
        try:
            total = self._sheets.pop()
        except IndexError:
            total = np.zeros(len(self.columns))
        yield total
        self._sheets.append(total)

    @cached_property
    def _sheets(self) -> list[Reals]:
        """One for each thread that has asked at a time."""
        return []

    def all_scores(self, histories: sp.csr_array) -> Floats:
        """Weighted plays @ weights, shape (n_users, n_known)."""
        found: Floats = (self._counted(histories) @ self._matrix(own=0.0)).toarray()
        return found

    def top(self, histories: sp.csr_array, k: int, *, known: bool, threads: int) -> Ranked:
        """The k best known columns of each row, without ever making the scores dense.

        Memory: some 2 million scores a thread, however many columns there are.
        """
        counted = self._counted(histories)
        matrix = self._matrix(own=0.0 if known else -np.inf)
        tracks = np.full((counted.shape[0], max(k, 0)), -1, np.int32)
        scores = np.full(tracks.shape, -np.inf, np.float32)

        def answer(rows: Rows) -> None:
            product = counted[rows] @ matrix
            if known:
                product.data[product.data == 0] = -np.inf
            best = top_of_sparse(product, k)
            tracks[rows], scores[rows] = best.tracks, best.scores

        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            list(pool.map(answer, self._parts(counted)))
        return Ranked(tracks, scores)

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays under names that start with the prefix."""
        arrays: dict[str, Array] = {
            "columns": self.columns,
            "offsets": self.offsets,
            "targets": self.targets,
            "weights": self.weights,
            "shape": np.array([WEIGHTS.index(self.weight), self.listeners.n_rows]),
            "listener_offsets": self.listeners.offsets,
            "listener_rows": self.listeners.rows,
        }
        save_arrays(folder, {f"{prefix}_{name}": array for name, array in arrays.items()})

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Links:
        """Read them back, mapped."""
        names = ("columns", "offsets", "targets", "weights", "shape")
        columns, offsets, targets, weights, shape = (
            load_array(folder, f"{prefix}_{name}") for name in names
        )
        weight, n_listeners = shape.tolist()
        holders, rows = (load_array(folder, f"{prefix}_listener_{n}") for n in ("offsets", "rows"))
        listeners = Incidence(holders, rows, n_listeners)
        return cls(columns, offsets, targets, weights, WEIGHTS[weight], listeners)

    def _counted(self, histories: sp.csr_array) -> sp.csr_array:
        import scipy.sparse as sp

        counted = weighted_plays(histories.data, self.weight).astype(np.float32)
        return sp.csr_array((counted, histories.indices, histories.indptr), histories.shape)

    def _matrix(self, own: float) -> sp.csr_array:
        """The weights as SciPy sees them, with this weight of each column for itself."""
        import scipy.sparse as sp

        weights = np.array(self.weights)
        weights[self.offsets[:-1]] = own
        n_known = len(self.columns)
        return sp.csr_array((weights, self.targets, self.offsets), (n_known, n_known))

    def _parts(self, counted: sp.csr_array) -> Iterator[Rows]:
        """Rows to be answered together: of like size, and not too many scores in all."""
        lengths = np.diff(self.offsets)
        ends = np.concatenate(([0], np.cumsum(lengths[counted.indices])))
        links = ends[counted.indptr[1:]] - ends[counted.indptr[:-1]]
        sizes = np.maximum(np.minimum(links, len(self.columns)), 1)
        order = np.argsort(sizes, kind="stable")
        start = 0
        while start < len(order):
            # the last of a run is its widest, and all are padded to it
            widths = sizes[order[start : start + _CELLS]]
            cells = widths * np.arange(1, len(widths) + 1)
            n_rows = max(1, int(np.searchsorted(cells, _CELLS, side="right")))
            yield order[start : start + n_rows]
            start += n_rows
