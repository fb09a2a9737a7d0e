"""The best inner products without looking at most vectors, exactly: the longest come first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import neg
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.best_allowed import best_allowed
from segue.features.ranked import Ranked
from segue.recommenders.top_rows import Best

__all__ = ["LongestFirst"]

_FRONT: Final = 1 << 18  # vectors that are kept a second time, in order, so that no search jumps
_FIRST: Final = 1 << 14
_SLACK: Final = 1 + 1e-5

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LongestFirst:
    """Vectors in the order of their lengths.

    A product is at most the length of the vector times that of the query (Cauchy and Schwarz), so
    that from some place on none can be among the best any more: Teflioudi, Gemulla and Mykytiuk
    (2015), "LEMP: Fast Retrieval of Large Entries in a Matrix Product". Vectors of tracks that few
    people play are short, and most are played by few.

    Args:
        order: int32, shape (n,): positions of the vectors, longest first; ties by position.
        lengths: float32, shape (n,), in that order.
        front: float32, shape (at most 262,144, n_factors): the first of them, in that order.
    """

    order: npt.NDArray[np.int32]
    lengths: Floats
    front: Floats

    @classmethod
    def of(cls, vectors: Floats, front: int = _FRONT) -> LongestFirst:
        """Put them in order, and keep so many a second time."""
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        lengths = lengths.astype(np.float32)
        order = np.argsort(-lengths, kind="stable")
        return cls(order.astype(np.int32), lengths[order], vectors[order[:front]])

    def best(
        self,
        vectors: Floats,
        query: Floats,
        count: int,
        *,
        usable: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]],
        first: int = _FIRST,
    ) -> tuple[Rows, Floats]:
        """At least the `count` best of the usable ones with a product above 0, and the products.

        Args:
            vectors: Those that were put in order.
            query: float32, shape (n_factors,).
            usable: Tells which of some positions may be answered.
            first: Vectors to look at before it is asked whether that was enough.

        Returns:
            Positions, ascending, and products; ties with the last of them are there, too.
        """
        length = float(np.linalg.norm(query)) * _SLACK
        places, products = np.empty(0, np.int64), np.empty(0, np.float32)
        bar, start, block = np.float32(0), 0, first
        stop = self._reach(length, bar)
        while start < stop:
            begin, start = start, min(start + block, stop)
            above = max(0.0, float(np.nextafter(bar, np.float32(-1))))
            if start <= len(self.front):
                found, at = self.front[begin:start] @ query, None
                allowed: Callable[[Rows], npt.NDArray[np.bool_]] = partial(
                    self._usable, usable, begin
                )
            else:  # each vector is a jump through memory: none for what may not be answered
                at = begin + np.flatnonzero(usable(self.order[begin:start]))
                at = at[np.argsort(self.order[at])]  # as they lie: pages come once, one by one
                found, allowed = vectors.take(self.order[at], axis=0) @ query, _all
            some = best_allowed(found, count, above=above, allowed=allowed)
            places = np.concatenate([places, some + begin if at is None else at[some]])
            products = np.concatenate([products, found[some]])
            if len(products) >= count > 0:
                bar = np.partition(products, len(products) - count)[len(products) - count]
                bar = np.float32(bar / _SLACK)
                places, products = places[products >= bar], products[products >= bar]
            stop, block = self._reach(length, bar), 2 * block
        positions = self.order[places].astype(np.int64)
        ascending = np.argsort(positions)
        return positions[ascending], products[ascending]

    def _usable(
        self, usable: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]], start: int, at: Rows
    ) -> npt.NDArray[np.bool_]:
        return usable(self.order[start + at])

    def _reach(self, length: float, bar: np.float32) -> int:
        """How many of the vectors may have a product above the bar with one of this length."""
        if bar <= 0 or length <= 0:
            return len(self.order) if length > 0 else 0
        return bisect_right(self.lengths, -float(bar) / length, key=neg)

    def top(
        self,
        vectors: Floats,
        queries: Floats,
        k: int,
        *,
        without: tuple[Rows, Rows],
        cells: int,
    ) -> Ranked:
        """The k best positions for each of some queries, exact, ties by position.

        Args:
            vectors: Those that were put in order.
            queries: float32, shape (n_queries, n_factors).
            without: (query, position) pairs that are no answers, in the order of queries.
            cells: Products that are held at a time.
        """
        lengths = np.linalg.norm(queries, axis=1) * np.float32(_SLACK)
        best = Best(len(queries), k)
        place = np.empty(len(self.order), np.int32)
        place[self.order] = np.arange(len(self.order), dtype=np.int32)
        barred_by, barred = without[0], place[without[1]]
        bars, start = best.bars(), 0
        while start < len(self.order):
            some = np.flatnonzero(self.lengths[start] * lengths >= bars)
            if not len(some):
                break
            stop = min(start + max(1024, cells // len(some)), len(self.order))
            found = queries[some] @ self._block(vectors, start, stop).T
            inside = (barred >= start) & (barred < stop)
            row = np.searchsorted(some, barred_by[inside])
            row = np.minimum(row, len(some) - 1)
            hit = some[row] == barred_by[inside]
            found[row[hit], barred[inside][hit] - start] = -np.inf
            if not start and k < stop:
                bars = np.maximum(bars, np.partition(found, stop - k, axis=1)[:, stop - k])
            rows, columns = np.divmod(np.flatnonzero(found >= bars[some, None]), stop - start)
            kept = found[rows, columns] > -np.inf
            rows, columns = rows[kept], columns[kept]
            best.add(some[rows], self.order[start + columns], found[rows, columns])
            bars, start = best.bars(), stop
        return best.ranked()

    def _block(self, vectors: Floats, start: int, stop: int) -> Floats:
        if stop <= len(self.front):
            return self.front[start:stop]
        return np.asarray(vectors[self.order[start:stop]])


def _all(at: Rows) -> npt.NDArray[np.bool_]:
    return np.ones(len(at), bool)
