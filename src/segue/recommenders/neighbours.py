"""For every column of a sparse matrix the columns with the highest product with it."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from segue.recommenders.quiet_threads import quiet_threads

__all__ = ["nearest_columns"]


def nearest_columns(matrix: sp.csr_array, count: int, threads: int) -> sp.csr_array:
    """The highest `count` products of each column with the others, by implicit's own routine.

    Args:
        matrix: CSR, shape (n_rows, n_columns), nothing below zero.
        threads: 0 means all cores; the answer does not depend on it.

    Returns:
        CSR float32, shape (n_columns, n_columns): row j holds the products of column j that are
        above zero, in no order; nothing on the diagonal.
    """
    quiet_threads()
    from implicit._nearest_neighbours import all_pairs_knn

    numbers, rows = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    doubles = sp.csr_matrix((matrix.data.astype(np.float64), numbers, rows), matrix.shape)
    # one more, since a column is mostly nearest to itself
    found = all_pairs_knn(doubles, count + 1, num_threads=threads, show_progress=False)
    values, others = (part.reshape(-1, count + 1) for part in (found.data, found.col))
    kept = (values > 0) & (others != np.arange(len(values), dtype=np.int32)[:, None])
    full = np.flatnonzero(kept.all(axis=1))
    kept[full, values[full].argmin(axis=1)] = False
    offsets = np.concatenate(([0], np.cumsum(kept.sum(axis=1), dtype=np.int64)))
    return sp.csr_array((values[kept].astype(np.float32), others[kept], offsets), found.shape)
