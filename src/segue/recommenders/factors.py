"""Latent factors of tracks or artists by alternating least squares, and folding a user in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.arrays import Array, load_array, save_arrays
from segue.recommenders.incidence import Incidence

__all__ = ["Factors", "FoldIn", "factorise"]

_ALPHA: Final = 2.0

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FoldIn:
    """A user as least squares see them.

    Args:
        vector: float64, shape (n_factors,).
        pulls: float64, shape (n_factors, n_liked): column j is what liked column j adds to the
            vector; the columns sum to it.
    """

    vector: Reals
    pulls: Reals


@dataclass(frozen=True)
class Factors:
    """What a crowd's listening says about columns (tracks or artists).

    Args:
        columns: int64, ascending: the columns that somebody listens to, shape (n_known,).
        vectors: float32, shape (n_known, n_factors).
        gram: float64, shape (n_factors, n_factors): vectors.T @ vectors.
        regularisation: Of the least squares.
        listeners: Which crowd listeners have each known column.
    """

    columns: Rows
    vectors: npt.NDArray[np.float32]
    gram: Reals
    regularisation: float
    listeners: Incidence

    def position(self, columns: Rows) -> Rows:
        """Where each column is among the known ones, -1 if nobody listens to it."""
        if not len(self.columns):
            return np.full(len(columns), -1, np.int64)
        found = np.searchsorted(self.columns, columns)
        found = np.minimum(found, len(self.columns) - 1)
        return np.where(self.columns[found] == columns, found, -1)

    def fold_in(self, positions: Rows, liking: Reals) -> FoldIn:
        """The user who likes these known columns this much; below zero means dislike.

        The closed form of Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit
        Feedback Datasets": preference 1 for what is liked and 0 for what is not, with confidence
        that grows with the logarithm of how much.
        """
        known = np.asarray(self.vectors[positions], dtype=np.float64)
        trust = 1 + _ALPHA * np.log1p(np.abs(liking))
        system = self.gram + (known.T * (trust - 1)) @ known
        system[np.diag_indices_from(system)] += self.regularisation
        pulls: Reals = np.linalg.solve(system, known.T * (trust * (liking > 0))).astype(np.float64)
        return FoldIn(pulls.sum(axis=1), pulls)

    def scores(self, user: FoldIn) -> npt.NDArray[np.float32]:
        """Predicted preference for every known column, shape (n_known,)."""
        return np.asarray(self.vectors @ user.vector.astype(np.float32))

    def contributions(self, user: FoldIn, positions: Rows) -> Reals:
        """What each liked column adds to these scores, exact, (len(positions), n_liked)."""
        return np.asarray(self.vectors[positions] @ user.pulls)

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays under names that start with the prefix."""
        arrays: dict[str, Array] = {
            "columns": self.columns,
            "vectors": self.vectors,
            "gram": self.gram,
            "shape": np.array([self.regularisation, self.listeners.n_rows]),
            "listener_offsets": self.listeners.offsets,
            "listener_rows": self.listeners.rows,
        }
        save_arrays(folder, {f"{prefix}_{name}": array for name, array in arrays.items()})

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Factors:
        """Read them back, mapped."""
        regularisation, n_listeners = load_array(folder, f"{prefix}_shape").tolist()
        offsets = load_array(folder, f"{prefix}_listener_offsets")
        rows = load_array(folder, f"{prefix}_listener_rows")
        return cls(
            columns=load_array(folder, f"{prefix}_columns"),
            vectors=load_array(folder, f"{prefix}_vectors"),
            gram=load_array(folder, f"{prefix}_gram"),
            regularisation=regularisation,
            listeners=Incidence(offsets, rows, int(n_listeners)),
        )


def factorise(
    interactions: Interactions,
    *,
    n_factors: int,
    regularisation: float,
    iterations: int,
    seed: int,
    threads: int,
) -> Factors:
    """Learn factors of the columns from who listens to them how often.

    Args:
        interactions: Raw play counts, at least one.
        threads: 0 means all cores; the answer does not depend on it.
    """
    matrix = interactions.matrix.tocsc()
    sizes = np.diff(matrix.indptr)
    columns = np.flatnonzero(sizes)
    listeners = Incidence(
        offsets=np.concatenate(([0], np.cumsum(sizes[columns], dtype=np.int64))),
        rows=matrix.indices.astype(np.int32),
        n_rows=interactions.n_users,
    )
    trust = matrix[:, columns].tocsr()
    trust.data = (1 + _ALPHA * np.log1p(trust.data)).astype(np.float32)
    vectors = _alternate(
        trust,
        factors=n_factors,
        regularization=regularisation,
        iterations=iterations,
        random_state=seed,
        num_threads=threads,
    )
    exact = vectors.astype(np.float64)
    return Factors(columns, vectors, exact.T @ exact, regularisation, listeners)


def _alternate(trust: Any, **settings: Any) -> npt.NDArray[np.float32]:
    """Item vectors by implicit's solver, which is imported here: making a playlist needs none."""
    # idle OpenMP threads that spin take the cores from whoever else works on this machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(**settings)
        model.fit(csr_matrix(trust), show_progress=False)
    return np.asarray(model.item_factors, dtype=np.float32)
