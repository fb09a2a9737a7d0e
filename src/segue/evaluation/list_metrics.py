"""How good many lists are at once, given what would have been right: one number a case."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from segue.evaluation.track_sets import TrackSets

__all__ = ["ACCURACY", "accuracy"]

ACCURACY: Final = ("recall", "precision", "ndcg", "mrr", "hit_rate", "map")
"""What every leaderboard says about hits, in this order."""

Reals = npt.NDArray[np.float64]


def accuracy(lists: npt.NDArray[np.int32], relevant: TrackSets, *, k: int) -> dict[str, Reals]:
    """Accuracy of the first k places of every list.

    recall: share of the relevant tracks that are listed. precision: share of the k places that
    hold one; empty places count. ndcg: hits discounted by log2(rank + 1) over the best possible
    list (Järvelin and Kekäläinen 2002, "Cumulated Gain-based Evaluation of IR Techniques"). mrr:
    one over the rank of the first hit. hit_rate: 1 with any hit. map: mean of the precision at
    every hit's rank, over min(k, relevant tracks).

    Args:
        lists: int32 catalogue rows, best first, -1 for empty places, shape (n, k or more).
        relevant: What is right for each, n rows. A row without any is NaN everywhere.
        k: How many places count.

    Returns:
        Metric -> float64, shape (n,), each 0 … 1.
    """
    hits = relevant.holds(lists[:, :k])
    if hits.shape[1] < k:
        hits = np.pad(hits, ((0, 0), (0, k - hits.shape[1])))
    size = relevant.sizes.astype(np.float64)
    size[size == 0] = np.nan
    found = hits.sum(axis=1)
    rank = np.arange(1, k + 1)
    gains = 1 / np.log2(rank + 1)
    best = np.concatenate(([np.nan], np.cumsum(gains)))
    reachable = np.minimum(np.nan_to_num(size), k).astype(np.int64)
    first = np.where(found > 0, hits.argmax(axis=1) + 1, np.inf)
    precisions = np.cumsum(hits, axis=1) / rank
    counted = np.isfinite(size)
    values = {
        "recall": found / size,
        "precision": found / k,
        "ndcg": (hits @ gains) / best[reachable],
        "mrr": 1 / first,
        "hit_rate": (found > 0).astype(np.float64),
        "map": (precisions * hits).sum(axis=1) / np.minimum(size, k),
    }
    return {name: np.where(counted, values[name], np.nan) for name in ACCURACY}
