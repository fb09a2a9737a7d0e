"""Tracks that the user's tracks predict together: a linear model in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.crowd import WEIGHTS, Crowd, PlayWeight, crowd_of, weighted_plays
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.item_item import Links
from segue.recommenders.search_space import OneOf, Real, Space, Whole

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Ease"]

Reals = npt.NDArray[np.float64]


class Ease(FromCrowd[Links]):
    """Weights with which all of a listener's tracks together say best which others are theirs.

    Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data": the ridge regression of
    every track's plays on those of all other tracks, in closed form. It differs from item_knn in
    that tracks which say the same thing share their say.

    Args:
        regularisation: Of the regression: every track is held to zero as if by so many listeners
            (in mean squared weighted plays, so that it means the same for every weight).
        per_track: More of it for each track, as a share of that track's own squared length.
        scaling: Every column is divided by its length to this power before the regression; 0 is
            plain EASE, 1 makes all tracks count the same whatever their fame.
        restored: How much of that scaling is given back to the scores: 1 predicts plays, less
            favours what few play.
        levelling: Every listener's row is divided by its length to this power first.
        kept: Weights kept for each track, those furthest from zero before scaling is given back;
            0 keeps all.
        exact_tracks: So many tracks are solved exactly, or more while listeners × tracks are no
            more than this number squared; memory is 8 bytes times that square. Beyond, the tracks
            of the most listeners are, and the others have weights of nearest neighbours.
        weight: What n plays count as: "log" is ln(1 + n), "plays" is n, "once" is 1.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        threads: For training and bulk; 0 means all cores.
    """

    name: ClassVar[str] = "ease"
    _learned = Links

    def __init__(
        self,
        *,
        regularisation: float = 80.0,
        per_track: float = 0.0,
        scaling: float = 0.5,
        restored: float = 0.7,
        levelling: float = 0.0,
        kept: int = 500,
        exact_tracks: int = 2_000,
        weight: PlayWeight = "log",
        fewest_listeners: int = 20,
        per_artist: int = 4,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        if regularisation <= 0:
            raise ValueError(f"ease: regularisation must be above 0, got {regularisation}")
        self.regularisation = regularisation
        self.per_track = per_track
        self.scaling = scaling
        self.restored = restored
        self.levelling = levelling
        self.kept = kept
        self.exact_tracks = exact_tracks
        self.weight = weight

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "regularisation": Real(1.0, 2000.0, log=True),
            "per_track": Real(0.0, 1.0),
            "scaling": Real(0.0, 1.0),
            "restored": Real(0.0, 1.0),
            "levelling": Real(0.0, 1.0),
            "exact_tracks": Whole(500, 5_000, log=True),
            "weight": OneOf(WEIGHTS),
        }

    def learned_beside(self, interactions: Interactions, facts: sp.csr_array) -> Links | None:
        """The same from plays and from what is known of the tracks themselves.

        Jeunen, Van Balen and Goethals (2020), "Closed-Form Models for Collaborative Filtering
        with Side-Information": facts are more rows of the regression. What they say of a track
        weighs as much as its listeners together; tracks that nobody plays are reached through
        them as if they had one.

        Args:
            interactions: Raw play counts.
            facts: Shape (n_facts, n_tracks), such as genres and how well each fits a track; the
                scale of a column does not matter.
        """
        if interactions.n_users < self.fewest_listeners or not interactions.matrix.nnz:
            return None
        told = np.flatnonzero(np.bincount(facts.indices, minlength=facts.shape[1]))
        crowd = crowd_of(interactions, besides=told)
        return self._regressed(crowd, facts[:, crowd.columns].tocsr())

    def _learn(self, interactions: Interactions) -> Links:
        return self._regressed(crowd_of(interactions))

    def _regressed(self, crowd: Crowd, facts: sp.csr_array | None = None) -> Links:
        from segue.recommenders.head_regression import head_regression
        from segue.recommenders.ridge import cells_of, others_regression

        plays, lengths = self._scaled(crowd)
        squares = np.bincount(plays.indices, plays.data.astype(np.float64) ** 2, len(lengths))
        penalties = self.regularisation * (plays.data**2).mean() + self.per_track * squares
        rows = plays if facts is None else _beneath(plays, facts, lengths ** (1 - self.scaling))
        if cells_of(*rows.shape) <= self.exact_tracks**2:
            weights = others_regression(rows, penalties, kept=self.kept, threads=self.threads)
        else:
            weights = head_regression(
                rows, penalties, n_head=self.exact_tracks, kept=self.kept, threads=self.threads
            )
        before, after = lengths**-self.scaling, lengths ** (self.scaling * self.restored)
        weights.data *= np.repeat(before, np.diff(weights.indptr)).astype(np.float32)
        weights.data *= after[weights.indices].astype(np.float32)
        return Links.of(crowd, weights, self.weight)

    def _scaled(self, crowd: Crowd) -> tuple[sp.csr_array, Reals]:
        """Weighted plays, levelled and scaled, and the lengths of the columns before scaling."""
        plays = crowd.plays.copy()
        amounts = weighted_plays(plays.data, self.weight)
        breadth = np.diff(plays.indptr)
        listener = np.repeat(np.arange(len(breadth)), breadth)
        amounts *= (_lengths(amounts, listener, len(breadth)) ** -self.levelling)[listener]
        lengths = _lengths(amounts, plays.indices, len(crowd.columns))
        lengths[np.bincount(plays.indices, minlength=len(lengths)) == 0] = np.sqrt(
            (amounts**2).mean()
        )
        plays.data = amounts * (lengths**-self.scaling)[plays.indices]
        return plays, lengths

    def _settings(self) -> dict[str, Any]:
        return {
            "regularisation": self.regularisation,
            "per_track": self.per_track,
            "scaling": self.scaling,
            "restored": self.restored,
            "levelling": self.levelling,
            "kept": self.kept,
            "exact_tracks": self.exact_tracks,
            "weight": self.weight,
        }


def _beneath(plays: sp.csr_array, facts: sp.csr_array, lengths: Reals) -> sp.csr_array:
    """Plays, and beneath them the facts with columns of these lengths."""
    import scipy.sparse as sp

    facts = sp.csr_array(facts, dtype=np.float64)
    own = _lengths(facts.data, facts.indices, len(lengths))
    facts.data = facts.data * (lengths / own)[facts.indices]
    return sp.csr_array(sp.vstack([plays, facts], format="csr"))


def _lengths(amounts: Reals, owners: npt.NDArray[np.integer[Any]], n_owners: int) -> Reals:
    """Euclidean length of what each owner has, 1 where it has nothing, shape (n_owners,)."""
    squares = np.bincount(owners, amounts**2, n_owners)
    return np.sqrt(np.where(squares > 0, squares, 1.0))
