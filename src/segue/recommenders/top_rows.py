"""The best k of every row of many scores, sparse or dense, ties by column, exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segue.features.ranked import Ranked

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["NEVER", "Best", "top_of_dense", "top_of_sparse"]

NEVER = np.float32(-1e30)
"""Scores at or below this are never answered."""

_SIGN = np.uint32(0x80000000)
_ALL = np.uint32(0xFFFFFFFF)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.integer[Any]]
Keys = npt.NDArray[np.uint64]


def top_of_dense(scores: Floats, k: int) -> Ranked:
    """The k best columns of each row; NaN, -inf and what is at or below NEVER are left out.

    Args:
        scores: float32, shape (n_rows, n_columns).
    """
    scores = np.ascontiguousarray(scores, np.float32)
    n_rows, n_columns = scores.shape
    bar = np.full(n_rows, NEVER)
    if n_columns > k > 0:
        if np.isnan(scores).any():  # which a partition would take for the highest
            scores = np.where(np.isnan(scores), -np.inf, scores)
        bar = np.maximum(np.partition(scores, n_columns - k, axis=1)[:, n_columns - k], NEVER)
    rows, columns = np.divmod(np.flatnonzero(scores >= bar[:, None]), max(n_columns, 1))
    lengths = np.bincount(rows, minlength=n_rows)
    return _ranked(_padded(scores[rows, columns], columns, lengths), k)


def top_of_sparse(scores: sp.csr_array, k: int) -> Ranked:
    """The k best stored entries of each row; what is not stored is left out.

    Args:
        scores: CSR float32; a row has no column twice.
    """
    return _ranked(_padded(scores.data, scores.indices, np.diff(scores.indptr)), k)


class Best:
    """The best k columns of each row so far, while more columns come in.

    Args:
        n_rows: Rows.
        k: Columns to keep of each.
    """

    def __init__(self, n_rows: int, k: int) -> None:
        self._keys = np.zeros((n_rows, max(k, 0)), np.uint64)

    def add(self, rows: Ints, columns: Ints, scores: Floats) -> None:
        """Take note of some scores.

        Args:
            rows: Ascending; no row has a column twice, now or before.
        """
        lengths = np.bincount(rows, minlength=len(self._keys))
        touched = np.flatnonzero(lengths)
        k = self._keys.shape[1]
        if len(touched) and k:
            more = _padded(scores, columns, lengths[touched])
            both = np.concatenate([self._keys[touched], more], axis=1)
            self._keys[touched] = np.partition(both, both.shape[1] - k, axis=1)[:, -k:]

    def bars(self) -> Floats:
        """What a score must reach to be among the best of its row: -inf until there are k."""
        if not self._keys.shape[1]:
            return np.full(len(self._keys), np.inf, np.float32)
        lowest = self._keys.min(axis=1)
        return np.where(lowest == 0, np.float32(-np.inf), _scores(lowest)).astype(np.float32)

    def ranked(self) -> Ranked:
        """The answer."""
        return _ranked(self._keys, self._keys.shape[1])


def _padded(scores: Floats, columns: Ints, lengths: Ints) -> Keys:
    """Keys of runs of these lengths, one run a row, filled up with 0."""
    width = int(lengths.max(initial=0))
    keys = np.zeros((len(lengths), width), np.uint64)
    keys[np.arange(width) < lengths[:, None]] = _keys(scores, columns.astype(np.uint32))
    return keys


def _keys(scores: Floats, columns: npt.NDArray[np.uint32]) -> Keys:
    """Score and column in one number: a higher score, then a lower column, is a higher number.

    All keys of a row differ, so that the k highest never depend on how they were found. 0 stands
    for no answer.
    """
    scores = np.ascontiguousarray(scores, np.float32) + np.float32(0)  # -0.0 becomes 0.0
    bits = scores.view(np.uint32)
    ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    keys = (ordered.astype(np.uint64) << np.uint64(32)) | (_ALL - columns)
    keys[~(scores > NEVER)] = 0
    return keys


def _ranked(keys: Keys, k: int) -> Ranked:
    k = max(k, 0)
    width = keys.shape[1]
    if width > k > 0:
        keys = np.partition(keys, width - k, axis=1)[:, width - k :]
    best = np.zeros((len(keys), k), np.uint64)
    best[:, :width] = np.sort(keys, axis=1)[:, ::-1][:, :k]
    tracks: Any = (_ALL - (best & np.uint64(_ALL)).astype(np.uint32)).view(np.int32)
    empty = best == 0
    return Ranked(
        tracks=np.where(empty, np.int32(-1), tracks).astype(np.int32),
        scores=np.where(empty, np.float32(-np.inf), _scores(best)).astype(np.float32),
    )


def _scores(keys: Keys) -> Floats:
    ordered = (keys >> np.uint64(32)).astype(np.uint32)
    bits = np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered)
    return bits.view(np.float32)
