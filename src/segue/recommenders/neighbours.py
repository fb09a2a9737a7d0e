"""For every column of a sparse matrix the columns with the highest product with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segue.recommenders.quiet_threads import quiet_threads

__all__ = ["nearest_columns"]

Rows = npt.NDArray[np.int64]


def nearest_columns(matrix: sp.csr_array, count: int, threads: int) -> sp.csr_array:
    """The highest `count` products of each column with the others, by implicit's own routine.

    Args:
        matrix: CSR, shape (n_rows, n_columns), nothing below zero.
        threads: 0 means all cores; the answer does not depend on it.

    Returns:
        CSR float32, shape (n_columns, n_columns): row j holds the products of column j that are
        above zero; nothing on the diagonal.
    """
    quiet_threads()
    from implicit._nearest_neighbours import all_pairs_knn

    numbers, rows = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    doubles = sp.csr_matrix((matrix.data.astype(np.float64), numbers, rows), matrix.shape)
    # one more, since a column is mostly nearest to itself
    found = all_pairs_knn(doubles, count + 1, num_threads=threads, show_progress=False)
    kept = (found.data > 0) & (found.row != found.col)
    values, rows = found.data[kept].astype(np.float32), found.row[kept]
    pairs = sp.csr_array((values, (rows, found.col[kept])), shape=found.shape)
    pairs.sort_indices()
    return _at_most(pairs, count)


def _at_most(pairs: sp.csr_array, count: int) -> sp.csr_array:
    """Without the lowest of a row that has one more."""
    lengths = np.diff(pairs.indptr)
    for row in np.flatnonzero(lengths > count).tolist():
        entries: Any = slice(*pairs.indptr[row : row + 2])
        pairs.data[entries.start + int(pairs.data[entries].argmin())] = 0
    pairs.eliminate_zeros()
    return pairs
