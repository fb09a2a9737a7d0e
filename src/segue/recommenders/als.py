"""Tracks that people with the user's taste play: matrix factorisation over a crowd."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData
from segue.recommenders.alternating import Solver
from segue.recommenders.crowd import Crowd, crowd_of
from segue.recommenders.factors import Factors, factorise
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.opinion import position_among
from segue.recommenders.search_space import Real, Space, Whole
from segue.recommenders.trust import Trust
from segue.recommenders.workplace import Workplace

__all__ = ["Als"]


class Als(FromCrowd[Factors]):
    """Alternating least squares over listeners × tracks, and × artists for crowds that know these.

    Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets".
    Whoever asks is folded in from their plays, by the closed form, so that the latest play
    counts; and the closed form tells what each of them added to a score. For artists the answer is
    the best known tracks of the artists of highest score.

    Args:
        n_factors: Length of the vectors.
        regularisation: Of the least squares.
        iterations: Rounds of alternation.
        trust: Confidence in what was played is 1 + trust · ln(1 + plays).
        levelling: How far listeners of many plays are believed no more than others; see `Trust`.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        seed: Of the first vectors.
        threads: For training; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "als"
    _learned = Factors

    def __init__(
        self,
        *,
        n_factors: int = 64,
        regularisation: float = 5.0,
        iterations: int = 12,
        trust: float = 2.0,
        levelling: float = 0.0,
        fewest_listeners: int = 20,
        per_artist: int = 4,
        seed: int = 17,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        self.n_factors = n_factors
        self.regularisation = regularisation
        self.iterations = iterations
        self.trust = trust
        self.levelling = levelling
        self.seed = seed
        self.workplace: Workplace | None = None
        self.solver: Solver | None = None

    def refit(self, previous: Als, data: TrainingData) -> Self:
        """As `fit` in a third of the rounds, from the vectors of an earlier fit; see `Refits`.

        What that one did not know begins by chance. Another number of factors begins anew.
        """
        if previous.n_factors != self.n_factors or previous.catalogue_ is None:
            return self.fit(data)
        tracks, artists = (
            previous.catalogue_.track_ids,
            np.array(list(previous.catalogue_.artist_ids)),
        )
        of_artists = previous.artist_columns_
        return self._fitted(
            data,
            partial(self._learned_on, previous.tracks_, np.arange(len(tracks)), tracks),
            partial(self._learned_on, previous.artists_, of_artists, artists),
        )

    def _learned_on(
        self,
        earlier: Factors | None,
        columns: npt.NDArray[np.int64],
        ids: npt.NDArray[Any],
        interactions: Interactions,
    ) -> Factors | None:
        """Learned from `earlier`, whose columns have these ids."""
        enough = interactions.n_users >= self.fewest_listeners and interactions.matrix.nnz
        if earlier is None or not enough:
            return self.learned_from(interactions)
        at = position_among(earlier.columns, columns)
        place = dict(zip(ids[at >= 0].tolist(), at[at >= 0].tolist(), strict=True))
        crowd = crowd_of(interactions)
        known = np.array(
            [place.get(one, -1) for one in interactions.track_ids[crowd.columns]], np.int64
        )
        first = np.zeros((len(known), self.n_factors), np.float32)
        first[known >= 0] = earlier.vectors[known[known >= 0]]
        return self._factorised(crowd, max(1, round(self.iterations / 3)), first)

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "n_factors": Whole(16, 256, log=True),
            "regularisation": Real(0.1, 100.0, log=True),
            "iterations": Whole(5, 30),
            "trust": Real(0.5, 40.0, log=True),
            "levelling": Real(0.0, 1.0),
        }

    def _learn(self, interactions: Interactions) -> Factors:
        return self._factorised(crowd_of(interactions), self.iterations, None)

    def _factorised(
        self, crowd: Crowd, iterations: int, first: npt.NDArray[np.float32] | None
    ) -> Factors:
        return factorise(
            crowd,
            n_factors=self.n_factors,
            regularisation=self.regularisation,
            iterations=iterations,
            seed=self.seed,
            threads=self.threads,
            trust=Trust(self.trust, self.levelling),
            first=first,
            workplace=self.workplace,
            solver=self.solver,
        )

    def _settings(self) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "regularisation": self.regularisation,
            "iterations": self.iterations,
            "trust": self.trust,
            "levelling": self.levelling,
            "seed": self.seed,
        }
