"""Tracks that people with the user's taste play: matrix factorisation over a crowd."""

from __future__ import annotations

from typing import Any, ClassVar

from segue.features.interactions import Interactions
from segue.recommenders.crowd import crowd_of
from segue.recommenders.factors import Factors, factorise
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.search_space import Real, Space, Whole
from segue.recommenders.trust import Trust

__all__ = ["Als"]


class Als(FromCrowd[Factors]):
    """Alternating least squares over listeners × tracks, and × artists for crowds that know these.

    Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets". The
    user's own plays are not learned from: they are folded in when asked, by the closed form, so
    that the latest play counts; and the closed form tells what each of them added to a score. For
    artists the answer is the best known tracks of the artists of highest score.

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
        return factorise(
            crowd_of(interactions),
            n_factors=self.n_factors,
            regularisation=self.regularisation,
            iterations=self.iterations,
            seed=self.seed,
            threads=self.threads,
            trust=Trust(self.trust, self.levelling),
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
