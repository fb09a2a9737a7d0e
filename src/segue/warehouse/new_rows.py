"""Which rows of an import are new: not in the lake, and the first of their kind in the import."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

__all__ = ["new_rows"]

_IDS_AT_ONCE = 250_000
_MOST_BITS = 8


def new_rows(
    ids: npt.NDArray[np.int64],
    known: npt.NDArray[np.int64],
    *,
    dropped: npt.NDArray[np.bool_] | None = None,
    threads: int = 1,
) -> npt.NDArray[np.bool_]:
    """Mark the first row of each id that is not known yet.

    Args:
        ids: Row ids of the import, in reading order, shape (n,).
        known: Row ids in the lake, any order; sorted here, in place.
        dropped: Rows to leave out altogether, shape (n,).
        threads: Threads to sort with.

    Returns:
        bool, shape (n,).

    >>> new_rows(np.array([7, 8, 7, 9]), np.array([9])).tolist()
    [True, True, False, False]
    """
    new = np.zeros(len(ids), np.bool_)
    # Ids are hashes, so their top bits cut them into even parts, each of which sorts within the
    # processor's cache and on a thread of its own, in little memory however long the import is.
    bits = min(_MOST_BITS, max(0, math.ceil(math.log2(max(len(ids), 1) / _IDS_AT_ONCE))))
    parts = _top_bits(ids, bits)
    in_lake = known.view(np.uint64)
    in_lake.sort()
    bounds = np.searchsorted(_top_bits(in_lake, bits), np.arange((1 << bits) + 1))

    def mark(part: int) -> None:
        here = parts == part
        if dropped is not None:
            here &= ~dropped
        rows = np.flatnonzero(here)
        distinct, first = np.unique(ids[rows].view(np.uint64), return_index=True)
        unknown = ~_among(distinct, in_lake[bounds[part] : bounds[part + 1]])
        new[rows[first[unknown]]] = True

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(mark, range(1 << bits)):
            pass
    return new


def _among(values: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Whether each value is among the known ones; both sorted."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: npt.NDArray[np.bool_] = known[at] == values
    return found


def _top_bits(
    ids: npt.NDArray[np.int64] | npt.NDArray[np.uint64], bits: int
) -> npt.NDArray[np.uint8]:
    if bits == 0:
        return np.zeros(len(ids), np.uint8)
    return (ids.view(np.uint64) >> np.uint64(64 - bits)).astype(np.uint8)
