"""Latent factors of tracks or artists by alternating least squares, and folding a user in."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from segue.features.ranked import Ranked
from segue.recommenders.alternating import Solver, alternate
from segue.recommenders.arrays import Array, load_array, save_arrays
from segue.recommenders.crowd import Crowd
from segue.recommenders.incidence import Incidence
from segue.recommenders.longest_first import LongestFirst
from segue.recommenders.opinion import position_among
from segue.recommenders.quiet_threads import quiet_threads
from segue.recommenders.trust import Trust
from segue.recommenders.workplace import Workplace

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Factors", "FactorsOpinion", "FoldIn", "factorise"]

_FEW: Final = 16_384  # of so few columns every one is looked at
_CELLS: Final = 1 << 22  # scores that each thread holds at a time
_AT_ONCE: Final = 1024  # users

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FoldIn:
    """A user as least squares see them: the solution of system @ vector = the sum of the sides.

    Args:
        vector: float64, shape (n_factors,).
        inverse: float64, of the system, symmetric, shape (n_factors, n_factors).
        sides: float64, shape (n_factors, n_liked): column j is the side of liked column j.
    """

    vector: Reals
    inverse: Reals
    sides: Reals


@dataclass(frozen=True)
class Factors:
    """What a crowd's listening says about columns (tracks or artists).

    Args:
        columns: int64, ascending: the columns that somebody listens to, shape (n_known,).
        vectors: float32, shape (n_known, n_factors).
        gram: float64, shape (n_factors, n_factors): vectors.T @ vectors.
        regularisation: Of the least squares.
        listeners: Which crowd listeners have each known column.
        by_length: The vectors once more, for searches.
        trust: How far plays are taken for liking.
    """

    columns: Rows
    vectors: npt.NDArray[np.float32]
    gram: Reals
    regularisation: float
    listeners: Incidence
    by_length: LongestFirst
    trust: Trust

    @classmethod
    def of(
        cls,
        crowd: Crowd,
        vectors: npt.NDArray[np.float32],
        regularisation: float,
        *,
        trust: Trust | None = None,
    ) -> Factors:
        """From one vector for each of the crowd's columns."""
        exact = vectors.astype(np.float64)
        return cls(
            columns=crowd.columns,
            vectors=vectors,
            gram=exact.T @ exact,
            regularisation=regularisation,
            listeners=crowd.listeners,
            by_length=LongestFirst.of(vectors),
            trust=trust or Trust(),
        )

    def fold_in(self, positions: Rows, liking: Reals) -> FoldIn:
        """The user who likes these known columns this much; below zero means dislike.

        The closed form of Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit
        Feedback Datasets": preference 1 for what is liked and 0 for what is not, with confidence
        that grows with the logarithm of how much.
        """
        known = self.vectors.take(positions, axis=0).astype(np.float64)
        believed = self.trust.of_one(liking)
        system = self.gram + (known.T * (believed - 1)) @ known
        system[np.diag_indices_from(system)] += self.regularisation
        sides: Reals = known.T * (believed * (liking > 0))
        # gram and regularisation keep it far from singular
        inverse = np.linalg.inv(system).astype(np.float64)
        return FoldIn(inverse @ sides.sum(axis=1), inverse, sides)

    def scores(self, user: FoldIn) -> npt.NDArray[np.float32]:
        """Predicted preference for every known column, shape (n_known,)."""
        return np.asarray(self.vectors @ user.vector.astype(np.float32))

    def contributions(self, user: FoldIn, positions: Rows) -> Reals:
        """What each liked column adds to these scores, exact, (len(positions), n_liked)."""
        own = np.asarray(self.vectors[positions], dtype=np.float64)
        return np.asarray((own @ user.inverse) @ user.sides)

    def opinion(self, positions: Rows, liking: Reals) -> FactorsOpinion:
        """On a user who likes these known columns this much; below zero means dislike."""
        return FactorsOpinion(self, self.fold_in(positions, liking))

    def users(self, histories: sp.csr_array, threads: int) -> npt.NDArray[np.float32]:
        """Many users folded in at once from raw plays, shape (n_users, n_factors).

        The same closed form as `fold_in`, by implicit's solver.
        """
        quiet_threads()
        from implicit.cpu import _als

        found = np.zeros((histories.shape[0], self.vectors.shape[1]), np.float32)
        if not histories.nnz:
            return found
        _als._least_squares(
            self.gram.astype(np.float32),
            histories.indptr.astype(np.int32),
            histories.indices.astype(np.int32),
            self.trust.of_many(histories.data, histories.indptr).astype(np.float32),
            found,
            np.array(self.vectors),
            self.regularisation,
            num_threads=threads,
        )
        return found

    def all_scores(self, histories: sp.csr_array) -> npt.NDArray[np.float32]:
        """Of many users for every known column; raw plays, shape (n_users, n_known)."""
        return np.asarray(self.users(histories, threads=0) @ self.vectors.T)

    def top(self, histories: sp.csr_array, k: int, *, known: bool, threads: int) -> Ranked:
        """The k best known columns of many users, some million scores at a time."""
        from threadpoolctl import threadpool_limits

        users = self.users(histories, threads)
        tracks = np.full((len(users), max(k, 0)), -1, np.int32)
        scores = np.full(tracks.shape, -np.inf, np.float32)

        def answer(start: int) -> None:
            rows = slice(start, start + _AT_ONCE)
            mine = histories[rows]
            owner = np.repeat(np.arange(mine.shape[0]), np.diff(mine.indptr))
            best = self.by_length.top(
                self.vectors,
                users[rows],
                k,
                without=(owner[:0], owner[:0]) if known else (owner, mine.indices),
                cells=_CELLS,
            )
            tracks[rows], scores[rows] = best.tracks, best.scores

        # products of one size on one thread each: the last digits never depend on the threads
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            list(pool.map(answer, range(0, len(users), _AT_ONCE)))
        return Ranked(tracks, scores)

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays under names that start with the prefix."""
        arrays: dict[str, Array] = {
            "columns": self.columns,
            "vectors": self.vectors,
            "gram": self.gram,
            "shape": np.array([self.regularisation, self.listeners.n_rows]),
            "trust": np.array([self.trust.slope, self.trust.levelling]),
            "listener_offsets": self.listeners.offsets,
            "listener_rows": self.listeners.rows,
            "order": self.by_length.order,
            "lengths": self.by_length.lengths,
            "front": self.by_length.front,
        }
        save_arrays(folder, {f"{prefix}_{name}": array for name, array in arrays.items()})

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Factors:
        """Read them back, mapped."""
        regularisation, n_listeners = load_array(folder, f"{prefix}_shape").tolist()
        offsets = load_array(folder, f"{prefix}_listener_offsets")
        rows = load_array(folder, f"{prefix}_listener_rows")
        order, lengths, front = (
            load_array(folder, f"{prefix}_{name}") for name in ("order", "lengths", "front")
        )
        return cls(
            columns=load_array(folder, f"{prefix}_columns"),
            vectors=load_array(folder, f"{prefix}_vectors"),
            gram=load_array(folder, f"{prefix}_gram"),
            regularisation=regularisation,
            listeners=Incidence(offsets, rows, int(n_listeners)),
            by_length=LongestFirst(order, lengths, front),
            trust=Trust(*load_array(folder, f"{prefix}_trust").tolist()),
        )


@dataclass(frozen=True)
class FactorsOpinion:
    """What the factors say to one user."""

    factors: Factors
    user: FoldIn

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """Predicted preference for every known column, shape (n_known,)."""
        return self.factors.scores(self.user)

    def best(self, usable: npt.NDArray[np.bool_], count: int) -> tuple[Rows, npt.NDArray[Any]]:
        """The known columns that score best, ascending, and how they score; see `Opinion`."""
        factors, query = self.factors, self.user.vector.astype(np.float32)
        if np.count_nonzero(usable) <= _FEW:
            found = position_among(factors.columns, np.flatnonzero(usable))
            found = found[found >= 0]
            scores = factors.vectors[found] @ query
            return found[scores > 0], scores[scores > 0]
        return factors.by_length.best(
            factors.vectors, query, count, usable=lambda some: usable[factors.columns[some]]
        )

    def contributions(self, found: Rows) -> Reals:
        """What each liked column adds to these scores, exact, (len(found), n_liked)."""
        return self.factors.contributions(self.user, found)


def factorise(
    crowd: Crowd,
    *,
    n_factors: int,
    regularisation: float,
    iterations: int,
    seed: int,
    threads: int,
    trust: Trust,
    first: npt.NDArray[np.float32] | None = None,
    workplace: Workplace | None = None,
    solver: Solver | None = None,
) -> Factors:
    """Learn factors of the columns from who listens to them how often.

    Args:
        crowd: Raw play counts, at least one.
        first: What to begin from, shape (n_known, n_factors); drawn where it is zero. None: all
            are drawn.
        threads: 0 means all cores; the answer does not depend on it.
        trust: How far plays are taken for liking, here and when users are folded in.
        workplace: Where rounds are kept; see `alternate`.
        solver: Who does the work; None: this process.
    """
    believed = crowd.plays.copy()
    believed.data = trust.of_many(crowd.plays.data, crowd.plays.indptr).astype(np.float32)
    vectors = alternate(
        believed,
        n_factors=n_factors,
        regularisation=regularisation,
        iterations=iterations,
        seed=seed,
        threads=threads,
        first=first,
        workplace=workplace,
        solver=solver,
    )
    return Factors.of(crowd, vectors, regularisation, trust=trust)
