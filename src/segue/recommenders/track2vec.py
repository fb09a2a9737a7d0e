"""Tracks as vectors learned from what is played around them, and the nearest of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import listening
from segue.features.ranked import Ranked
from segue.features.training_data import Sessions, TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.asked_lately import asked_lately
from segue.recommenders.incidence import Incidence
from segue.recommenders.next_track.memory import latest_sessions
from segue.recommenders.ranked_rows import stacked
from segue.recommenders.ranking import best, candidates, fitted, searchable, spread
from segue.recommenders.search_space import Real, Space, Whole
from segue.recommenders.session_votes import blocks, recency_weights
from segue.recommenders.top_rows import top_of_dense

__all__ = ["Track2Vec"]

_ARRAYS: Final = ("vectors", "offsets", "sessions")
_MEMORY: Final = 10
_AT_ONCE: Final = 256

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class Track2Vec:
    """Word2Vec with sessions as sentences and tracks as words.

    Mikolov et al. (2013), "Distributed Representations of Words and Phrases and their
    Compositionality", skip-gram with negative sampling by gensim. Caselles-Dupré, Lesaint and
    Royo-Letelier (2018), "Word2vec Applied to Recommendation: Hyperparameters Matter", found that
    listening may want other settings than text: windows as wide as a session, and other negatives
    (`ns_exponent`: 0 draws all tracks alike, below 0 the rare ones more). The defaults come from
    `segue tune` on #nowplaying, where 0.3 and -0.6 were about as good, and 0.75 a fifth worse.

    Args:
        size: Length of the vectors.
        window: Plays to either side that count as around.
        negatives: Tracks drawn against each true one.
        ns_exponent: Power of the play counts by which they are drawn.
        epochs: Times that all sessions are gone through.
        fewest_sessions: With fewer sessions of two plays nothing is learned and nothing answered.
        most_plays: Plays learned from, those of the latest sessions.
        per_artist: Most tracks of one artist in an answer.
        seed: Of the first vectors and of everything drawn. Training keeps to one thread, since
            the answer would depend on their number.
    """

    name: ClassVar[str] = "track2vec"

    def __init__(
        self,
        *,
        size: int = 48,
        window: int = 8,
        negatives: int = 10,
        ns_exponent: float = 0.3,
        epochs: int = 12,
        fewest_sessions: int = 20_000,
        most_plays: int = 1_000_000,
        per_artist: int = 4,
        seed: int = 17,
    ) -> None:
        self.size = size
        self.window = window
        self.negatives = negatives
        self.ns_exponent = ns_exponent
        self.epochs = epochs
        self.fewest_sessions = fewest_sessions
        self.most_plays = most_plays
        self.per_artist = per_artist
        self.seed = seed
        self.catalogue_: Catalogue | None = None
        self.vectors_: Floats | None = None
        self.by_track_: Incidence | None = None

    def fit(self, data: TrainingData) -> Self:
        """Learn a vector for every track of the remembered sessions."""
        self.catalogue_, self.vectors_, self.by_track_ = data.catalogue, None, None
        sessions = latest_sessions(data.sessions, self.most_plays)
        if len(sessions) < max(self.fewest_sessions, 2):
            return self
        n_tracks = len(data.catalogue)
        owner = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
        self.by_track_ = Incidence.of_pairs(
            owner, sessions.tracks.astype(np.int64), n_rows=len(sessions), n_columns=n_tracks
        )
        self.vectors_ = self._learned(sessions, n_tracks)
        return self

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        """Tracks nearest to the last ones of each prefix, the last weighing most."""
        fitted(self.name, self.catalogue_)
        n, vectors = len(prefixes), self.vectors_
        if vectors is None:
            return Ranked(np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32))
        answers = []
        for block in blocks(prefixes, _AT_ONCE):
            row, track, weight = recency_weights(block, _MEMORY)
            middle = np.zeros((len(block), vectors.shape[1]), np.float32)
            np.add.at(middle, row, vectors[track] * weight[:, None].astype(np.float32))
            near = middle @ vectors.T
            near[near <= 0] = -np.inf
            answers.append(top_of_dense(near, k))
        return stacked(answers, k)

    def recommend(self, query: Query, k: int) -> Candidates:
        """Tracks nearest to what the user likes lately, or to the seeds."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)
        rows, weights = asked_lately(query, heard, catalogue)
        return self._near(rows, weights, usable=searchable(query, catalogue, heard), k=k)

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """Tracks nearest to any of these."""
        catalogue = fitted(self.name, self.catalogue_)
        rows = np.unique(catalogue.rows(track_ids))
        rows = rows[rows >= 0]
        usable = catalogue.named.copy()
        usable[rows] = False
        return self._near(rows, np.ones(len(rows)), usable=usable, k=k)

    def silent_because(self) -> str | None:
        """Whether there were too few sessions."""
        if self.vectors_ is None:
            return f"there are no {self.fewest_sessions:,} sessions of two plays or more"
        return None

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "size": Whole(24, 128, log=True),
            "window": Whole(3, 30, log=True),
            "negatives": Whole(3, 15),
            "ns_exponent": Real(-0.75, 1.0),
            "epochs": Whole(3, 20, log=True),
        }

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        fitted(self.name, self.catalogue_)
        if self.vectors_ is not None and self.by_track_ is not None:
            kept = (self.vectors_, self.by_track_.offsets, self.by_track_.rows)
            save_arrays(folder, dict(zip(_ARRAYS, kept, strict=True)))
        settings = {
            "size": self.size,
            "window": self.window,
            "negatives": self.negatives,
            "ns_exponent": self.ns_exponent,
            "epochs": self.epochs,
            "fewest_sessions": self.fewest_sessions,
            "most_plays": self.most_plays,
            "per_artist": self.per_artist,
            "seed": self.seed,
        }
        n_sessions = self.by_track_.n_rows if self.by_track_ else 0
        save_settings(folder, {"settings": settings, "sessions": n_sessions})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back, mapped."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        if facts["sessions"]:
            vectors, offsets, sessions = (load_array(folder, name) for name in _ARRAYS)
            model.vectors_ = vectors
            model.by_track_ = Incidence(offsets, sessions, facts["sessions"])
        return model

    def _learned(self, sessions: Sessions, n_tracks: int) -> Floats:
        """Unit vectors; zeros for a track that no session holds."""
        from gensim.models import Word2Vec

        words = sessions.tracks.astype(str).tolist()
        ends = sessions.offsets.tolist()
        sentences = [words[begin:end] for begin, end in pairwise(ends)]
        learned: Any = Word2Vec(
            sentences,
            vector_size=self.size,
            window=self.window,
            negative=self.negatives,
            ns_exponent=self.ns_exponent,
            epochs=self.epochs,
            sg=1,
            sample=0,
            min_count=1,
            workers=1,
            seed=self.seed,
        ).wv
        vectors = np.zeros((n_tracks, self.size), np.float32)
        lengths = np.linalg.norm(learned.vectors, axis=1, keepdims=True)
        tracks = np.array(learned.index_to_key).astype(np.int64)
        vectors[tracks] = learned.vectors / np.maximum(lengths, 1e-9)
        return vectors

    def _near(
        self, rows: Rows, weights: Reals, *, usable: npt.NDArray[np.bool_], k: int
    ) -> Candidates:
        """The nearest to the weighted middle, each with the asked track it is nearest to."""
        catalogue, vectors, by_track = self.catalogue_, self.vectors_, self.by_track_
        if catalogue is None or vectors is None or by_track is None or not len(rows):
            return Candidates()
        scores = (vectors @ (vectors[rows].T @ weights.astype(np.float32))).astype(np.float64)
        scores[~usable | (scores <= 0)] = -np.inf
        top = spread(best(scores, 8 * k + 8), catalogue, self.per_artist)[:k]
        pull = (vectors[top] @ vectors[rows].T) * weights
        pull[top[:, None] == rows[None, :]] = -np.inf
        other = rows[pull.argmax(axis=1)] if len(top) else top
        together = by_track.both(top, other)

        def after(i: int) -> Evidence | None:
            """Near without ever having been played together is no reason one could tell."""
            if not together[i] or other[i] == top[i]:
                return None
            other_id = catalogue.track_ids[other[i]]
            return Evidence(kind="after", other_id=other_id, listeners=int(together[i]))

        return candidates(self.name, catalogue, top, scores=scores[top], evidence=after)
