"""The ridge regression of every column of a sparse matrix on all of its other columns."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from segue.recommenders.ranking import steadied

__all__ = ["cells_of", "others_regression"]

_AT_ONCE: Final = 256

Reals = npt.NDArray[np.float64]


def cells_of(n_rows: int, n_columns: int) -> int:
    """Numbers of 8 bytes that `others_regression` holds at its height."""
    return min(n_rows, n_columns) * n_columns


def others_regression(
    matrix: sp.csr_array, penalties: Reals, *, kept: int, threads: int
) -> sp.csr_array:
    """Weights B with an empty diagonal that minimise |X - X B|² + Σ penalties[i] B[i, j]².

    Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data": with P the inverse of
    XᵀX + diag(penalties), B[i, j] = -P[i, j] / P[j, j]. Where there are fewer rows than columns
    P comes from the smaller X Xᵀ (Woodbury's identity), which is exact as well.

    Args:
        matrix: X, CSR, shape (n_rows, n_columns).
        penalties: Above zero, shape (n_columns,).
        kept: Weights kept in each column of B, those furthest from zero; 0 keeps all.
        threads: 0 means all cores; the answer does not depend on it.

    Returns:
        B as CSR float32, shape (n_columns, n_columns).
    """
    solve = _by_columns if matrix.shape[1] <= matrix.shape[0] else _by_rows

    def pruned(start: int) -> sp.csr_array:
        return _pruned(block(slice(start, start + _AT_ONCE)), start, kept)

    # with several threads BLAS answers a little differently every time, and on a machine that
    # others work on, too, its threads wait for each other: many times slower than one
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        block = solve(sp.csr_array(matrix, dtype=np.float64), penalties)
        parts = list(pool.map(pruned, range(0, matrix.shape[1], _AT_ONCE)))
    return sp.csr_array(sp.vstack(parts, format="csr").T.tocsr())


Block = Callable[[slice], Reals]
"""Some columns of B as rows, shape (n_some, n_columns), the diagonal left as it comes."""


def _by_columns(matrix: sp.csr_array, penalties: Reals) -> Block:
    gram = (matrix.T @ matrix).toarray(order="F")
    gram[np.diag_indices_from(gram)] += penalties
    factor, _ = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), _AT_ONCE):  # the upper half is still the old one
        rows = slice(start, start + _AT_ONCE)
        inverse[rows, rows.stop :] = inverse[rows.stop :, rows].T
        corner = np.tril(inverse[rows, rows], -1)
        inverse[rows, rows] = corner + corner.T + np.diag(inverse[rows, rows].diagonal())
    pivots = inverse.diagonal().copy()

    def block(columns: slice) -> Reals:
        found: Reals = np.ascontiguousarray(inverse[:, columns].T) / -pivots[columns, None]
        return found

    return block


def _by_rows(matrix: sp.csr_array, penalties: Reals) -> Block:
    scale = 1 / np.sqrt(penalties)
    scaled = sp.csr_array(matrix * scale[None, :])
    system = (scaled @ scaled.T).toarray(order="F")
    system[np.diag_indices_from(system)] += 1
    factor, _ = lapack.dpotrf(system, lower=1, overwrite_a=1)
    solved, _ = lapack.dpotrs(factor, scaled.toarray(order="F"), lower=1, overwrite_b=1)
    columns_of = scaled.T.tocsr()
    # of the inverse, which is diag(1 / penalties) less this
    explained = np.asarray((scaled * solved).sum(axis=0))
    pivots = (1 - explained) * scale**2

    def block(columns: slice) -> Reals:
        less = np.ascontiguousarray((columns_of @ solved[:, columns]).T)
        less *= scale[None, :] * (scale[columns] / pivots[columns])[:, None]
        return np.asarray(less)

    return block


def _pruned(block: Reals, start: int, kept: int) -> sp.csr_array:
    """The rows of a block as float32, at most `kept` of each, nothing on the diagonal."""
    n_some, n_columns = block.shape
    block[np.arange(n_some), start + np.arange(n_some)] = 0
    sizes = np.abs(block.astype(np.float32))
    bar = np.zeros(n_some, np.float32)
    if 0 < kept < n_columns:
        bar = np.partition(sizes, n_columns - kept, axis=1)[:, n_columns - kept]
    wanted = np.flatnonzero((sizes >= bar[:, None]) & (sizes > 0))
    values = steadied(block.ravel()[wanted]).astype(np.float32)
    return sp.csr_array((values, np.divmod(wanted, n_columns)), shape=block.shape)
