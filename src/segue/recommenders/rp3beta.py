"""Tracks that a short random walk over listeners reaches, fame discounted."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from segue.features.interactions import Interactions
from segue.recommenders.crowd import WEIGHTS, PlayWeight, crowd_of, weighted_plays
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.item_item import Links
from segue.recommenders.search_space import OneOf, Real, Space, Whole

__all__ = ["Rp3Beta"]


class Rp3Beta(FromCrowd[Links]):
    """From a track of the user's to somebody who plays it, to another track they play.

    Paudel, Christoffel, Newell and Bernstein (2017), "Updatable, Accurate, Diverse, and Scalable
    Recommendations for Interactive Applications": a walk of three steps whose transition
    probabilities are raised to the power alpha, divided by the fame of where it ends to the power
    beta. As in Ferrari Dacrema, Cremonesi and Jannach (2019), "Are We Really Making Much
    Progress?", only the likeliest ends from each track are kept. The first step, from the user
    to a track, weighs by how much it is played, without alpha.

    Args:
        alpha: Of the probabilities of the steps; 1 leaves them as they are.
        beta: 0 leaves fame as it is, 1 takes all of it away.
        neighbours: Ends kept for each track that a walk starts from.
        weight: What n plays count as: "log" is ln(1 + n), "plays" is n, "once" is 1.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        threads: For training and bulk; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "rp3beta"
    _learned = Links

    def __init__(
        self,
        *,
        alpha: float = 0.7,
        beta: float = 0.2,
        neighbours: int = 100,
        weight: PlayWeight = "log",
        fewest_listeners: int = 20,
        per_artist: int = 4,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        self.alpha = alpha
        self.beta = beta
        self.neighbours = neighbours
        self.weight = weight

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "alpha": Real(0.2, 1.5),
            "beta": Real(0.0, 1.0),
            "neighbours": Whole(10, 500, log=True),
            "weight": OneOf(WEIGHTS),
        }

    def _learn(self, interactions: Interactions) -> Links:
        from segue.recommenders.neighbours import nearest_columns

        crowd = crowd_of(interactions)
        amounts = weighted_plays(crowd.plays.data, self.weight)
        breadth = np.diff(crowd.plays.indptr)
        listener = np.repeat(np.arange(len(breadth)), breadth)
        columns = crowd.plays.indices
        of_listener = np.bincount(listener, amounts, len(breadth))
        of_track = np.bincount(columns, amounts, len(crowd.columns))
        # from track i over listener u to track j the walk goes with (x_ui / i · x_uj / u)^alpha,
        # which is one symmetric product; only its rows differ by a factor, and a factor of a
        # whole row does not change which of its ends are likeliest
        half = crowd.plays.copy()
        half.data = amounts**self.alpha * of_listener[listener] ** (-self.alpha / 2)
        half.data *= of_track[columns] ** -self.beta
        walks = nearest_columns(half, self.neighbours, self.threads)
        start = of_track ** (self.beta - self.alpha)
        walks.data *= np.repeat(start, np.diff(walks.indptr)).astype(np.float32)
        return Links.of(crowd, walks, self.weight)

    def _settings(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "neighbours": self.neighbours,
            "weight": self.weight,
        }
