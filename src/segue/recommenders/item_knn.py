"""Tracks whose listeners are the listeners of the user's: item-based nearest neighbours."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.crowd import WEIGHTS, Crowd, PlayWeight, crowd_of, weighted_plays
from segue.recommenders.from_crowd import FromCrowd
from segue.recommenders.item_item import Links
from segue.recommenders.search_space import OneOf, Real, Space, Whole

__all__ = ["ItemKnn", "Kind"]

Kind = Literal["cosine", "tfidf", "bm25"]
_KINDS: Final = get_args(Kind)

Floats = npt.NDArray[np.float32]


class ItemKnn(FromCrowd[Links]):
    """Every track of the user's speaks for the tracks nearest to it by who plays both.

    Sarwar, Karypis, Konstan and Riedl (2001), "Item-based Collaborative Filtering Recommendation
    Algorithms"; Deshpande and Karypis (2004), "Item-based Top-N Recommendation Algorithms". Kinds:

    - cosine: of the columns of weighted plays;
    - tfidf: the same, after listeners of many tracks count less (inverse document frequency, a
      listener being the term and a track the document);
    - bm25: the product of what plays are worth by Robertson and Walker (1994), "Some Simple
      Effective Approximations to the 2-Poisson Model for Probabilistic Weighted Retrieval", plays
      being the term's frequency, and a track's plays in all, beside those of the mean track, its
      length; not scaled to length 1. Implicit's convention, and its answers: plays as they are,
      in the likeness and in the history that asks.

    Args:
        kind: Of likeness.
        neighbours: Tracks that each track speaks for.
        weight: What n plays count as: "log" is ln(1 + n), "plays" is n, "once" is 1. "usual" is
            "plays" for bm25, which damps them itself (damped twice, frequencies get so small
            beside `k1` that a track's fame divides the likeness in full, and the rarest tracks
            win), and "log" for the others.
        shrinkage: Every track counts as if so many listeners more played it and nothing else (in
            mean squared weighted plays, added to the squared length that divides), so that few
            listeners in common do not make two tracks alike. Of cosine and tfidf only.
        k1, b: Of bm25: how soon plays saturate, and how far a track's fame counts against it.
            `k1` is in weighted plays; where a listener plays a track hundreds of times, the
            choice of both matters much.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        threads: For training and bulk; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "item_knn"
    _learned = Links

    def __init__(
        self,
        *,
        kind: Kind = "cosine",
        neighbours: int = 100,
        weight: PlayWeight | Literal["usual"] = "usual",
        shrinkage: float = 10.0,
        k1: float = 1.2,
        b: float = 0.75,
        fewest_listeners: int = 20,
        per_artist: int = 4,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        if kind not in _KINDS:
            raise ValueError(f"item_knn: kind {kind!r} is none of {', '.join(_KINDS)}")
        self.kind = kind
        self.neighbours = neighbours
        self.weight: PlayWeight | Literal["usual"] = weight
        self.shrinkage = shrinkage
        self.k1 = k1
        self.b = b

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "kind": OneOf(_KINDS),
            "neighbours": Whole(10, 500, log=True),
            "weight": OneOf(("usual", *WEIGHTS)),
            "shrinkage": Real(0.1, 1000.0, log=True),
            "k1": Real(0.1, 5.0, log=True),
            "b": Real(0.0, 1.0),
        }

    def _learn(self, interactions: Interactions) -> Links:
        from segue.recommenders.neighbours import nearest_columns

        crowd = crowd_of(interactions)
        plays = crowd.plays.copy()
        plays.data = self._alike(crowd)
        return Links.of(crowd, nearest_columns(plays, self.neighbours, self.threads), self._counts)

    @property
    def _counts(self) -> PlayWeight:
        """The weight that is meant."""
        if self.weight == "usual":
            return "plays" if self.kind == "bm25" else "log"
        return self.weight

    def _alike(self, crowd: Crowd) -> Floats:
        """Every play's share in the likeness of its track to others, as long as the plays."""
        columns, n_known = crowd.plays.indices, len(crowd.columns)
        amounts = weighted_plays(crowd.plays.data, self._counts)
        if self.kind == "bm25":
            lengths = np.bincount(columns, amounts, n_known)
            length = (1 - self.b + self.b * lengths / lengths.mean())[columns]
            amounts *= (self.k1 + 1) / (self.k1 * length + amounts)
        if self.kind in ("tfidf", "bm25"):
            amounts *= _rarity(crowd)
        if self.kind in ("cosine", "tfidf"):
            squares = np.bincount(columns, amounts**2, n_known)
            amounts /= np.sqrt(squares + self.shrinkage * (amounts**2).mean())[columns]
        return amounts.astype(np.float32)

    def _settings(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "neighbours": self.neighbours,
            "weight": self.weight,
            "shrinkage": self.shrinkage,
            "k1": self.k1,
            "b": self.b,
        }


def _rarity(crowd: Crowd) -> npt.NDArray[np.float64]:
    """For every play how rarely its listener plays anything, as long as the plays.

    The idf of Robertson and Spärck Jones, smoothed so that it is never zero: in a small crowd a
    listener may know all tracks.
    """
    breadth = np.diff(crowd.plays.indptr)
    idf = np.log1p(len(crowd.columns) / np.maximum(breadth, 1))
    return np.repeat(idf, breadth)
