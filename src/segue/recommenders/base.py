"""What every recommender can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

from segue.features.catalogue import Catalogue
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates
from segue.music.query import Query

__all__ = ["Frank", "Recommender", "Similar", "Stored", "StoredRecommender"]


class Recommender(Protocol):
    """Learns from training data, then answers queries.

    `__init__` stores settings only; `fit` validates, learns and returns self; learned state
    ends in an underscore; the same seed gives the same answer.
    """

    name: ClassVar[str]
    """The word that appears in `sources`, in bundles and on leaderboards."""

    def fit(self, data: TrainingData) -> Self:
        """Learn from users, crowds and sessions; keep none of `data` itself."""

    def recommend(self, query: Query, k: int) -> Candidates:
        """At most k tracks, best first, each with the evidence for it.

        Tracks the user knows are left in, except for the mix "discover", which never plays them:
        there they would only use up the k places. For the other mixes a filter step decides. A
        query that the recommender cannot say anything about gives no candidates, not an error.
        """


@runtime_checkable
class Frank(Protocol):
    """A recommender that tells when it has learned nothing it could answer from."""

    def silent_because(self) -> str | None:
        """Why it will answer no query, in a few words; None if it can."""


@runtime_checkable
class Similar(Protocol):
    """The optional second skill: tracks near given tracks."""

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """At most k tracks near any of these, best first, these excluded."""


@runtime_checkable
class Stored(Protocol):
    """A recommender that can be part of a bundle: .npy, Arrow and JSON files, no pickle."""

    def save(self, folder: Path) -> None:
        """Write the learned state into an existing empty folder."""

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, arrays memory-mapped."""


@runtime_checkable
class StoredRecommender(Recommender, Stored, Protocol):
    """What a bundle is made of."""
