"""What every recommender can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.lessons import Lesson
from segue.features.ranked import Ranked
from segue.features.training_data import Sessions, TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.search_space import Space

__all__ = [
    "Batch",
    "Composed",
    "Deferring",
    "Elsewhere",
    "Frank",
    "Learner",
    "NextTrack",
    "Proposer",
    "Recommender",
    "Refits",
    "Scoring",
    "Similar",
    "Stored",
    "StoredRecommender",
    "Tunable",
]


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
class Elsewhere(Protocol):
    """A recommender that answers from somewhere else, for which it must be told where.

    What it has learned, and from what, is not known here.
    """

    leads: bool
    """Whether playlists ask it before all others for what is new or similar."""

    @property
    def configured(self) -> bool:
        """Whether it was told; one that was not is not there, unless it is asked for by name."""

    def outcome(self) -> str:
        """How often it answered, and why it did not, in a line for people."""

    def answer(self, query: Query, k: int) -> Candidates | None:
        """As `recommend`; None: somebody else is to be asked, for it cannot or need not answer."""


@runtime_checkable
class Similar(Protocol):
    """The optional second skill: tracks near given tracks."""

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """At most k tracks near any of these, best first, these excluded."""


@runtime_checkable
class Composed(Protocol):
    """A recommender made of others, which are trained and stored by themselves."""

    def with_parts(self, parts: Mapping[str, Recommender]) -> Self:
        """The same recommender over these, fitted or loaded; it picks those that it can use.

        Given after each fit and each load, so that nothing is stored twice.
        """


@runtime_checkable
class Learner(Protocol):
    """A recommender that also learns from how its guesses of past weeks turned out."""

    def learn(self, lessons: Sequence[Lesson]) -> Self:
        """Learn from questions later than anything it was fitted on; kept through further fits."""

    def account(self) -> str:
        """What came of it, in a line for people; empty where nothing was tried."""


@runtime_checkable
class Refits(Protocol):
    """A recommender that learns from new data faster where it has learned from older data."""

    def refit(self, previous: Self, data: TrainingData) -> Self:
        """As `fit`, beginning from what an earlier fit came to.

        What is learned is as good as by `fit`, but need not be the same to the last digit: it
        depends on `previous`, too, and on nothing else.

        Args:
            previous: Fitted or loaded, of any settings, on any catalogue; it is not changed.
        """


@runtime_checkable
class Proposer(Protocol):
    """A recommender that can answer without evidence, which often costs more than the scores.

    For whoever asks many recommenders and shows few of their tracks.
    """

    def propose(
        self, query: Query, k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Catalogue rows and scores of what `recommend` would answer, best first, at most k.

        A track for which no evidence would be found may be among them.
        """

    def explain(self, query: Query, rows: npt.NDArray[np.int64]) -> Mapping[int, Evidence]:
        """Catalogue row -> evidence, for some of the rows that it proposed to this query."""


@runtime_checkable
class Deferring(Protocol):
    """A recommender of many sources that says first what, and why only of what is shown."""

    def shortlist(self, query: Query, k: int) -> Candidates:
        """As `recommend`, without sources and evidence; some may turn out to have none."""

    def told(self, query: Query, candidates: Candidates) -> Candidates:
        """Some of its shortlist with sources and evidence; tracks without any are left out."""


@runtime_checkable
class Batch(Protocol):
    """Answers for many users at once from what they listened to, without reasons.

    For evaluation by full ranking, for candidates of a second stage and for work in bulk. The
    users need not have been there at the fit: they are folded in.
    """

    def top(self, histories: Interactions, k: int, *, known: bool = False) -> Ranked:
        """The k best tracks of every row.

        Args:
            histories: Raw play counts; columns as at the fit, rows anybody.
            known: Whether tracks of a row's own history may be among its answers.
        """


@runtime_checkable
class Scoring(Protocol):
    """A batch recommender that can also tell what it thinks of every track."""

    def scores(self, histories: Interactions) -> npt.NDArray[np.float32]:
        """Shape (n_users, n_tracks), higher is better; callers ask for some hundred rows a time."""


@runtime_checkable
class NextTrack(Protocol):
    """Says what is played next in a session, from what was played in it so far."""

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        """The k likeliest next tracks of every prefix; tracks of the prefix may come again."""


@runtime_checkable
class Tunable(Protocol):
    """A recommender some of whose settings are worth choosing by trial."""

    @classmethod
    def search_space(cls) -> Space:
        """Constructor argument -> what it may be; the defaults lie within."""


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
