"""What lists are like, whether right or not: how novel, how varied, how true to a taste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.evaluation.track_sets import TrackSets
from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.training_data import TrainingData

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["BEYOND", "Yardsticks", "same_history"]

BEYOND: Final = ("novelty", "diversity", "repeat_share", "miscalibration")
"""What a leaderboard says about lists apart from their hits, in this order."""

_TINY_SHARE: Final = 0.01

Reals = npt.NDArray[np.float64]
Lists = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Yardsticks:
    """What lists are measured with; made from training data alone.

    Args:
        information: float64, shape (n_tracks,): -log2 of the share of listeners (or sessions)
            that play each track.
        vectors: CSR, shape (n_tracks, n_terms), rows of length 1 or 0: what tracks are like.
        genres: CSR, shape (n_tracks, n_genres), rows that sum to 1 or 0.
    """

    information: Reals
    vectors: sp.csr_array
    genres: sp.csr_array

    @classmethod
    def of(cls, training: TrainingData) -> Yardsticks:
        """Measure against what was learned from.

        Novelty is the self-information of Zhou et al. (2010), "Solving the apparent
        diversity-accuracy dilemma of recommender systems"; a track nobody plays counts as played
        by one.
        """
        matrix = training.interactions.matrix
        listeners = np.bincount(matrix.indices, minlength=training.interactions.n_tracks)
        share = np.maximum(listeners, 1) / max(training.interactions.n_users, 1)
        return cls(
            information=-np.log2(np.minimum(share, 1.0)),
            vectors=_vectors(training.catalogue),
            genres=_genres(training.catalogue),
        )

    def measure(
        self, lists: Lists, history: TrackSets, plays: Interactions | None, *, k: int
    ) -> dict[str, Reals]:
        """One number a list; NaN where a list has nothing to measure.

        Args:
            lists: Catalogue rows, -1 for empty places, shape (n, k or more).
            history: What each case had heard.
            plays: How often, for the taste that a list should be true to; None: it is not asked.
            k: How many places count.
        """
        lists = lists[:, :k]
        filled = lists >= 0
        count = filled.sum(axis=1).astype(np.float64)
        count[count == 0] = np.nan
        information = np.where(filled, self.information[lists], 0.0)
        values = {
            "novelty": information.sum(axis=1) / count,
            "diversity": self._diversity(lists),
            "repeat_share": history.holds(lists).sum(axis=1) / count,
            "miscalibration": np.full(len(lists), np.nan),
        }
        if plays is not None:
            values["miscalibration"] = self._miscalibration(lists, plays)
        return values

    def _diversity(self, lists: Lists) -> Reals:
        """Mean of 1 - cosine over the pairs of a list; tracks of which nothing is known are out.

        Ziegler et al. (2005), "Improving Recommendation Lists Through Topic Diversification". The
        sum of all cosines of unit vectors is the squared length of their sum.
        """
        known = np.diff(self.vectors.indptr) > 0
        used = (lists >= 0) & known[lists]
        n = used.sum(axis=1).astype(np.float64)
        total = _placed(lists, used, len(known)) @ self.vectors
        squared = np.asarray(total.multiply(total).sum(axis=1)).ravel()
        n[n < 2] = np.nan
        return np.asarray(np.clip(1 - (squared - n) / (n * (n - 1)), 0.0, 2.0))

    def _miscalibration(self, lists: Lists, plays: Interactions) -> Reals:
        """How far a list's genres are from those of the history, 0 for the same; in nats.

        Steck (2018), "Calibrated Recommendations": the Kullback-Leibler divergence of q̃ from p,
        with q̃ = 0.99 q + 0.01 p; in p a track weighs log(1 + plays).
        """
        known = np.diff(self.genres.indptr) > 0
        weights = plays.matrix.copy()
        weights.data = np.log1p(weights.data)
        taste = (weights @ self.genres).toarray().astype(np.float64)
        listed = (_placed(lists, (lists >= 0) & known[lists], len(known)) @ self.genres).toarray()
        for part in (taste, listed):
            total = part.sum(axis=1, keepdims=True)
            part /= np.where(total > 0, total, np.nan)
        mixed = (1 - _TINY_SHARE) * listed + _TINY_SHARE * taste
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(taste > 0, taste * np.log(taste / mixed), 0.0)
        divergence = terms.sum(axis=1)
        divergence[np.isnan(listed).any(axis=1) | np.isnan(taste).any(axis=1)] = np.nan
        return np.asarray(np.maximum(divergence, 0.0))


def same_history(played: npt.NDArray[np.int64], n: int, catalogue: Catalogue) -> Interactions:
    """One history for n lists, as `Yardsticks.measure` takes it.

    Args:
        played: Catalogue row of every play.
    """
    import scipy.sparse as sp

    ones = np.ones(n * len(played), np.float32)
    pairs = (np.repeat(np.arange(n), len(played)), np.tile(played, n))
    matrix = sp.csr_array(sp.coo_array((ones, pairs), (n, len(catalogue))))
    names = np.array([str(row) for row in range(n)], dtype=object)
    return Interactions(matrix, names, catalogue.track_ids)


def _placed(lists: Lists, used: npt.NDArray[np.bool_], n_tracks: int) -> sp.csr_array:
    """Lists × tracks, 1 where a used place holds the track."""
    import scipy.sparse as sp

    rows, places = np.nonzero(used)
    columns = lists[rows, places]
    ones = np.ones(len(rows))
    return sp.csr_array(sp.coo_array((ones, (rows, columns)), (len(lists), n_tracks)))


def _genres(catalogue: Catalogue) -> sp.csr_array:
    import scipy.sparse as sp

    found = catalogue.genres
    sizes = np.diff(found.offsets)
    values = np.repeat(1 / np.maximum(sizes, 1), sizes)
    shape = (len(catalogue), max(len(found.names), 1))
    return sp.csr_array((values, found.codes.astype(np.int64), found.offsets), shape)


def _vectors(catalogue: Catalogue) -> sp.csr_array:
    """Genres, and beside them audio features in units of their spread, as one unit vector."""
    import scipy.sparse as sp

    genres = _genres(catalogue)
    genres.data = np.sqrt(genres.data)  # unit length: each of m genres weighs 1 / √m
    audio = _standardised(catalogue.audio.astype(np.float64))
    both = sp.csr_array(sp.hstack([genres, sp.csr_array(audio)]))
    both.eliminate_zeros()
    length = np.sqrt(np.asarray(both.multiply(both).sum(axis=1)).ravel())
    both.data /= np.repeat(length, np.diff(both.indptr))
    return both


def _standardised(audio: Reals) -> Reals:
    """Each track's features, centred and of length 1; zero where one is unknown."""
    known = np.isfinite(audio)
    used = known.any(axis=0)
    audio, known = audio[:, used], known[:, used]
    whole = known.all(axis=1)
    if not whole.any():
        return np.zeros((len(audio), 1))
    spread = audio[whole].std(axis=0)
    centred = (audio - audio[whole].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    centred[~whole] = 0.0
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1.0))
