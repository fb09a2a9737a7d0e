"""The best k of each row of a sparse matrix of scores, in an order never left to chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segue.features.ranked import Ranked
from segue.recommenders.ranking import steadied

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["ranked_rows", "stacked", "top_of_row"]


def ranked_rows(scores: sp.csr_array, k: int) -> Ranked:
    """Stored scores only: what a row does not hold is no answer.

    Args:
        scores: Shape (n, n_tracks), higher is better.
        k: Places in a row of the answer.
    """
    tracks = np.full((scores.shape[0], k), -1, np.int32)
    found = np.full((scores.shape[0], k), -np.inf, np.float32)
    steady = steadied(scores.data)
    for row in range(scores.shape[0]):
        part = slice(scores.indptr[row], scores.indptr[row + 1])
        columns, values = top_of_row(scores.indices[part], steady[part], k)
        tracks[row, : len(columns)] = columns
        found[row, : len(columns)] = values
    return Ranked(tracks, found)


def top_of_row(
    columns: npt.NDArray[np.integer], values: npt.NDArray[np.float64], k: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.float64]]:
    """The k columns of highest steadied value and these values, best first; ties go by column."""
    if len(values) > k > 0:
        bar = np.partition(values, len(values) - k)[len(values) - k]
        kept = np.flatnonzero(values >= bar)
        columns, values = columns[kept], values[kept]
    order = np.lexsort((columns, -values))[:k]
    return columns[order], values[order]


def stacked(parts: Sequence[Ranked], k: int) -> Ranked:
    """Answers made a block of rows at a time, as one."""
    empty = Ranked(np.empty((0, k), np.int32), np.empty((0, k), np.float32))
    parts = [empty, *parts]
    return Ranked(
        np.concatenate([part.tracks for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )
