"""The regression on all other columns where they are too many: exact for the fullest alone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segue.recommenders.neighbours import nearest_columns
from segue.recommenders.ridge import others_regression

__all__ = ["head_regression"]

_SAMPLE: Final = 5_000
_NEIGHBOURS: Final = 100

Reals = npt.NDArray[np.float64]


def head_regression(
    matrix: sp.csr_array, penalties: Reals, *, n_head: int, kept: int, threads: int
) -> sp.csr_array:
    """Weights as of `others_regression` among the head, of nearest neighbours elsewhere.

    The head are the columns of greatest length. The neighbours' cosines are multiplied by one
    number, the least squares' own, so that both kinds of weights predict the same thing.

    Args:
        matrix: CSR, shape (n_rows, n_columns), nothing below zero.
        penalties: Above zero, shape (n_columns,).
        n_head: Columns that are solved exactly with one another.
        kept: Weights kept in each column of the head; 0 keeps all.
        threads: 0 means all cores.

    Returns:
        CSR float32, shape (n_columns, n_columns).
    """
    squares = np.bincount(matrix.indices, matrix.data.astype(np.float64) ** 2, matrix.shape[1])
    head = np.sort(np.argsort(-squares, kind="stable")[:n_head])
    exact = others_regression(
        matrix[:, head].tocsr(), penalties[head], kept=kept, threads=threads
    ).tocoo()
    near = _near(matrix, squares, threads).tocoo()
    in_head = np.zeros(matrix.shape[1], dtype=bool)
    in_head[head] = True
    outside = ~(in_head[near.row] & in_head[near.col])
    return sp.csr_array(
        (
            np.concatenate([exact.data, near.data[outside]]),
            (
                np.concatenate([head[exact.row], near.row[outside]]),
                np.concatenate([head[exact.col], near.col[outside]]),
            ),
        ),
        shape=near.shape,
    )


def _near(matrix: sp.csr_array, squares: npt.NDArray[Any], threads: int) -> sp.csr_array:
    """Cosines of nearest columns as weights: turned into plays, and fitted by one factor."""
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    unit = matrix.copy()
    unit.data = matrix.data / lengths[matrix.indices]
    near = nearest_columns(unit, _NEIGHBOURS, threads)
    near.data *= np.repeat(1 / lengths, np.diff(near.indptr)).astype(np.float32)
    near.data *= lengths[near.indices].astype(np.float32)
    some = matrix[np.linspace(0, matrix.shape[0] - 1, _SAMPLE).astype(np.int64)]
    told = some @ near
    factor = (some * told).sum() / max(float((told.data**2).sum()), 1e-12)
    near.data *= np.float32(factor)
    return near
