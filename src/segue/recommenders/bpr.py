"""Tracks ranked by what people with the user's taste prefer: pairwise matrix factorisation."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np

from segue.features.interactions import Interactions
from segue.recommenders.crowd import Crowd, crowd_of
from segue.recommenders.factors import Factors
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.quiet_threads import quiet_threads
from segue.recommenders.search_space import Real, Space, Whole

__all__ = ["Bpr"]

_FOLD_IN: Final = 10.0  # regularisation of the users' least squares


class Bpr(FromCrowd[Factors]):
    """Bayesian personalised ranking over listeners × tracks, and × artists where crowds know these.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme (2009), "BPR: Bayesian Personalized Ranking
    from Implicit Feedback", trained by `implicit`: vectors of listeners and tracks such that what
    a listener plays comes before what they do not. A user who asks is not among the listeners: as
    for als, theirs is the vector of least squares over the tracks' vectors, whose terms tell what
    each of the user's tracks added. How often a track is played counts there alone.

    Args:
        n_factors: Length of the vectors, one of them being how much everybody plays a track.
        learning_rate: Of the gradient steps.
        regularisation: Of the vectors.
        iterations: Steps through all plays.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        seed: Of first vectors and of the pairs that are drawn.
        threads: For bulk answers; 0 means all cores. Training has one thread: with several the
            steps overtake each other, and no two trainings are alike.
    """

    name: ClassVar[str] = "bpr"
    _learned = Factors

    def __init__(
        self,
        *,
        n_factors: int = 64,
        learning_rate: float = 0.01,
        regularisation: float = 0.01,
        iterations: int = 100,
        fewest_listeners: int = 20,
        per_artist: int = 4,
        seed: int = 17,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.regularisation = regularisation
        self.iterations = iterations
        self.seed = seed

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "n_factors": Whole(16, 256, log=True),
            "learning_rate": Real(0.001, 0.2, log=True),
            "regularisation": Real(0.0001, 0.3, log=True),
            "iterations": Whole(20, 300, log=True),
        }

    def _learn(self, interactions: Interactions) -> Factors:
        crowd = crowd_of(interactions)
        return Factors.of(crowd, self._vectors(crowd), _FOLD_IN)

    def _vectors(self, crowd: Crowd) -> Any:
        quiet_threads()
        from implicit.cpu.bpr import BayesianPersonalizedRanking
        from scipy.sparse import csr_matrix

        model = BayesianPersonalizedRanking(
            factors=self.n_factors - 1,
            learning_rate=self.learning_rate,
            regularization=self.regularisation,
            iterations=self.iterations,
            random_state=self.seed,
            num_threads=1,
        )
        model.fit(csr_matrix(crowd.plays), show_progress=False)
        return np.asarray(model.item_factors, dtype=np.float32)

    def _settings(self) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "learning_rate": self.learning_rate,
            "regularisation": self.regularisation,
            "iterations": self.iterations,
            "seed": self.seed,
        }
