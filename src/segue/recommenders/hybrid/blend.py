"""The fixed blend: what many recommenders propose in one order, with nothing learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.recommenders.hybrid.proposals import ABSENT, Proposals

__all__ = ["AROUND", "FAMILIAR", "FORGOTTEN", "NEW", "Weights", "nearness"]

_FLATNESS: Final = 60.0

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """How much each recommender's word counts.

    Args:
        named: Recommender -> weight.
        others: Weight of recommenders that it does not name: plug-ins.
    """

    named: Mapping[str, float]
    others: float = 0.0

    def parts(self, proposed: Proposals) -> Reals:
        """What each recommender adds to each score, shape (n, n_recommenders).

        The weighted mean of place and level, 0 … 1. Places count as in reciprocal rank fusion
        (Cormack, Clarke and Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and
        individual rank learning methods"): 61 / (61 + place).
        """
        shares = np.array([self.named.get(name, self.others) for name in proposed.names])
        total = shares.sum()
        said = (nearness(proposed) + proposed.levels) / 2
        return np.asarray(said * (shares / total if total else 0.0))


NEW: Final = Weights(
    {
        "als": 1.0,
        "session_knn": 1.0,
        "content": 0.5,
        "popular": 0.01,  # only where nobody else says anything
        "rediscover": 0.0,
        "most_played": 0.0,
        "repeats": 0.0,
        "next_track": 0.0,  # what follows now is no taste
        "sequential_rules": 0.0,
    },
    others=0.5,
)
"""For what the user does not know."""

FAMILIAR: Final = Weights({"repeats": 1.0, "rediscover": 0.2})
"""For what the user plays these days."""

FORGOTTEN: Final = Weights({"rediscover": 1.0})
"""For what the user once loved."""

AROUND: Final = Weights(
    {
        "content": 1.0,
        "session_knn": 1.0,
        "als": 0.7,
        "popular": 0.0,
        "rediscover": 0.0,
        "most_played": 0.0,
        "repeats": 0.0,
        "next_track": 0.0,  # what follows now is no taste
        "sequential_rules": 0.0,
    },
    others=0.5,
)
"""For what is near some seeds."""


def nearness(proposed: Proposals) -> Reals:
    """How near the top of each list: 1 for its first, 0 for what is not in it."""
    near = (_FLATNESS + 1) / (_FLATNESS + 1 + proposed.places)
    return np.where(proposed.places < ABSENT, near, 0.0)
