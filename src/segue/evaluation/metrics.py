"""How good a list of tracks is, given what was played afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

__all__ = [
    "METRICS",
    "average_precision",
    "hit_rate",
    "ndcg",
    "precision",
    "recall",
    "reciprocal_rank",
]


def _hits(listed: Sequence[str], relevant: AbstractSet[str], k: int) -> list[bool]:
    return [track in relevant for track in listed[:k]]


def recall(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """Share of the relevant tracks that are among the first k, 0 … 1; 0 if none is relevant.

    >>> recall(["a", "x", "b"], {"a", "b", "c", "d"}, k=3)
    0.5
    """
    return sum(_hits(listed, relevant, k)) / len(relevant) if relevant else 0.0


def precision(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """Share of the first k places that hold a relevant track, 0 … 1; empty places count.

    >>> precision(["a", "x"], {"a"}, k=4)
    0.25
    """
    return sum(_hits(listed, relevant, k)) / k


def hit_rate(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """1 if any of the first k is relevant, else 0."""
    return float(any(_hits(listed, relevant, k)))


def reciprocal_rank(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """One over the rank of the first relevant track among the first k; 0 if there is none.

    >>> reciprocal_rank(["x", "a"], {"a"}, k=10)
    0.5
    """
    hits = _hits(listed, relevant, k)
    return 1 / (hits.index(True) + 1) if True in hits else 0.0


def ndcg(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """Hits discounted by rank over those of the best possible list, 0 … 1.

    Järvelin and Kekäläinen (2002), "Cumulated Gain-based Evaluation of IR Techniques", with gain
    1 for a relevant track and discount log2(rank + 1).
    """
    gained = sum(1 / math.log2(i + 2) for i, hit in enumerate(_hits(listed, relevant, k)) if hit)
    possible = sum(1 / math.log2(i + 2) for i in range(min(k, len(relevant))))
    return gained / possible if possible else 0.0


def average_precision(listed: Sequence[str], relevant: AbstractSet[str], *, k: int) -> float:
    """Mean of the precision at the rank of every hit, over the hits that were possible, 0 … 1.

    >>> average_precision(["a", "x", "b"], {"a", "b"}, k=3)
    0.8333333333333333
    """
    hits = _hits(listed, relevant, k)
    gained = sum(sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit)
    return gained / min(k, len(relevant)) if relevant else 0.0


Metric = Callable[..., float]

METRICS: Final[dict[str, Metric]] = {
    "recall": recall,
    "precision": precision,
    "ndcg": ndcg,
    "mrr": reciprocal_rank,
    "hit_rate": hit_rate,
    "map": average_precision,
}
"""The metrics of a leaderboard; each is averaged over cases."""
