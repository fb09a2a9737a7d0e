"""Tracks heard in sessions like the user's: vector session nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import listening
from segue.features.ranked import Ranked
from segue.features.training_data import Sessions, TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import Array, load_array, load_settings, save_arrays, save_settings
from segue.recommenders.asked_lately import asked_lately
from segue.recommenders.incidence import Incidence, places_of
from segue.recommenders.ranked_rows import ranked_rows, stacked
from segue.recommenders.ranking import (
    best,
    candidates,
    explained_before,
    fitted,
    proposed_before,
    question_of,
    searchable,
    spread_best,
    steadied,
)
from segue.recommenders.search_space import Space, Whole
from segue.recommenders.session_votes import SessionVotes, blocks

__all__ = ["SessionKnn"]

_PER_TRACK: Final = 3_000  # sessions looked at for each of them, the latest

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Memory:
    """Sessions by track and tracks by session, oldest session first."""

    by_track: Incidence
    by_session: Incidence

    def rarity(self, tracks: Rows) -> Reals:
        """Inverse document frequency of some tracks."""
        n_sessions = self.by_track.n_rows
        return np.log1p(n_sessions / np.maximum(self.by_track.sizes_of(tracks), 1))


@dataclass(frozen=True)
class _Votes:
    """What a query asked, and the sessions nearest to it.

    Args:
        asked: Catalogue rows, none twice.
        weights: Of what is asked.
        sessions: The nearest, most alike first.
        likeness: Of each.
    """

    asked: Rows
    weights: Reals
    sessions: Rows
    likeness: Reals


class SessionKnn:
    """Finds sessions that share tracks with the user's latest ones, and what else was in them.

    Ludewig and Jannach (2018), "Evaluation of Session-based Recommendation Algorithms" (VS-KNN:
    tracks of the query weigh by how lately they were heard, and by rarity). A query here is not
    one session but the user's last weeks, since the answer is a playlist and not the next track;
    and sessions that hold nothing new are passed over where the mix is to discover.

    Args:
        neighbours: Sessions that vote.
        max_sessions: Sessions remembered; the latest, those without a time going first.
        per_artist: Most tracks of one artist in an answer.
    """

    name: ClassVar[str] = "session_knn"

    def __init__(
        self, *, neighbours: int = 600, max_sessions: int = 500_000, per_artist: int = 4
    ) -> None:
        self.neighbours = neighbours
        self.max_sessions = max_sessions
        self.per_artist = per_artist
        self.catalogue_: Catalogue | None = None
        self.memory_: _Memory | None = None

    @classmethod
    def search_space(cls) -> Space:
        """What `segue tune` tries."""
        return {
            "neighbours": Whole(50, 3000, log=True),
        }

    def fit(self, data: TrainingData) -> Self:
        """Remember the sessions that hold at least two different tracks."""
        self.catalogue_ = data.catalogue
        self.memory_ = _remembered(data.sessions, len(data.catalogue), self.max_sessions)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """What sessions like the user's latest ones hold, or those around the seeds."""
        catalogue = fitted(self.name, self.catalogue_)
        rows, scores, votes = self._proposed(query, k)
        if not len(rows):
            return Candidates()
        facts = self._facts(rows, votes)
        return candidates(self.name, catalogue, rows, scores=scores, evidence=facts.__getitem__)

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        heard = listening(query, fitted(self.name, self.catalogue_))
        return proposed_before(
            self.name,
            query,
            heard,
            k,
            of=self.memory_,
            propose=lambda: self._proposed(query, k)[:2],
        )

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """The user's track that shares most of the sessions with each of these."""
        heard = listening(query, fitted(self.name, self.catalogue_))

        def explain(some: Rows) -> dict[int, Evidence]:
            pairs = zip(some.tolist(), self._facts(some, self._votes(query)), strict=True)
            return {row: fact for row, fact in pairs if fact is not None}

        return explained_before(self.name, query, heard, rows, of=self.memory_, explain=explain)

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """What sessions with any of these hold besides."""
        catalogue = fitted(self.name, self.catalogue_)
        rows = catalogue.found(track_ids)
        usable = catalogue.named.copy()
        usable[rows] = False
        votes = self._votes_of(rows, np.ones(len(rows)), usable)
        found, scores = self._best(votes, usable, k)
        facts = self._facts(found, votes)
        return candidates(self.name, catalogue, found, scores=scores, evidence=facts.__getitem__)

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        """What sessions like each prefix hold; its own tracks may come again."""
        fitted(self.name, self.catalogue_)
        assert self.memory_ is not None
        voters = SessionVotes(self.memory_.by_track, self.memory_.by_session)
        answers = [ranked_rows(voters.votes(block), k) for block in blocks(prefixes)]
        return stacked(answers, k)

    def silent_because(self) -> str | None:
        """Whether there were no sessions."""
        memory = self.memory_
        empty = memory is None or not memory.by_track.n_rows
        return "there is no session with two different tracks" if empty else None

    def save(self, folder: Path) -> None:
        """Write both directions of the memory."""
        fitted(self.name, self.catalogue_)
        assert self.memory_ is not None
        for name, part in (
            ("by_track", self.memory_.by_track),
            ("by_session", self.memory_.by_session),
        ):
            arrays: dict[str, Array] = {
                f"{name}_offsets": part.offsets,
                f"{name}_rows": part.rows,
            }
            save_arrays(folder, arrays)
        settings = {"neighbours": self.neighbours, "max_sessions": self.max_sessions}
        save_settings(folder, {**settings, "per_artist": self.per_artist})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, mapped."""
        model = cls(**load_settings(folder))
        model.catalogue_ = catalogue
        parts = []
        for name in ("by_track", "by_session"):
            offsets, rows = (load_array(folder, f"{name}_{part}") for part in ("offsets", "rows"))
            parts.append((offsets, rows))
        (track_offsets, sessions), (session_offsets, tracks) = parts
        model.memory_ = _Memory(
            Incidence(track_offsets, sessions, len(session_offsets) - 1),
            Incidence(session_offsets, tracks, len(track_offsets) - 1),
        )
        return model

    def _proposed(self, query: Query, k: int) -> tuple[Rows, Reals, _Votes]:
        catalogue = fitted(self.name, self.catalogue_)
        votes = self._votes(query)
        usable = searchable(query, catalogue, listening(query, catalogue))
        return *self._best(votes, usable, k), votes

    def _votes(self, query: Query) -> _Votes:
        """What the query's answer is made of."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)

        def votes() -> _Votes:
            usable = searchable(query, catalogue, heard)
            return self._votes_of(*asked_lately(query, heard, catalogue), usable)

        key = question_of(query, heard)
        return heard.remembered(self.name, key, of=self.memory_, make=votes)

    def _votes_of(self, asked: Rows, weights: Reals, usable: npt.NDArray[np.bool_]) -> _Votes:
        memory = self.memory_
        assert memory is not None
        sessions, likeness = _likeness(memory, asked, weights * memory.rarity(asked))
        near = self._nearest(sessions, likeness, usable)
        return _Votes(asked, weights, sessions[near], likeness[near])

    def _nearest(self, sessions: Rows, likeness: Reals, usable: npt.NDArray[np.bool_]) -> Rows:
        """Positions of the sessions most like the query; of equals the latest.

        Sessions that hold nothing usable are passed over: own sessions do not hide those of
        others where it is to discover.
        """
        memory = self.memory_
        assert memory is not None
        tried = self.neighbours
        while True:
            top = len(likeness) - 1 - best(likeness[::-1], tried)
            held, owner = memory.by_session.held(sessions[top])
            holds = np.bincount(owner[usable[held]], minlength=len(top)) > 0
            if np.count_nonzero(holds) >= self.neighbours or len(top) < tried:
                return top[holds][: self.neighbours]
            tried *= 4

    def _best(self, votes: _Votes, usable: npt.NDArray[np.bool_], k: int) -> tuple[Rows, Reals]:
        catalogue, memory = fitted(self.name, self.catalogue_), self.memory_
        assert memory is not None
        held, owner = memory.by_session.held(votes.sessions)
        tracks, total = _tally(held, votes.likeness[owner], len(catalogue))
        kept = usable[tracks] & (total > 0)
        tracks, total = tracks[kept], total[kept]
        scores = total * np.sqrt(memory.rarity(tracks))
        top = spread_best(scores, tracks, catalogue, per_artist=self.per_artist, k=k)
        return tracks[top], steadied(scores[top])

    def _facts(self, rows: Rows, votes: _Votes) -> list[Evidence | None]:
        """For each row the asked track it shares most neighbours with; None if there is none."""
        catalogue, memory = fitted(self.name, self.catalogue_), self.memory_
        assert memory is not None
        if not len(rows) or not len(votes.asked):
            return [None] * len(rows)
        held = memory.by_session.held(votes.sessions)
        n_sessions = len(votes.sessions)
        shared = _held(held, n_sessions, rows).T @ _held(held, n_sessions, votes.asked)
        shared *= rows[:, None] != votes.asked[None, :]
        other = (shared * votes.weights).argmax(axis=1)
        counts = memory.by_track.both(rows, votes.asked[other])
        facts = [
            Evidence(kind="after", other_id=name, listeners=together)
            for name, together in zip(
                catalogue.ids(votes.asked[other]), counts.tolist(), strict=True
            )
        ]
        found = shared[np.arange(len(rows)), other] > 0
        return [fact if true else None for fact, true in zip(facts, found.tolist(), strict=True)]


def _remembered(sessions: Sessions, n_tracks: int, max_sessions: int) -> _Memory:
    lengths = np.diff(sessions.offsets)
    owner = np.repeat(np.arange(len(sessions)), lengths)
    pairs = np.unique(owner * max(n_tracks, 1) + sessions.tracks)
    owner, track = np.divmod(pairs, max(n_tracks, 1))
    distinct = np.bincount(owner, minlength=len(sessions))
    usable = np.flatnonzero(distinct >= 2)
    order = usable[np.argsort(sessions.ended_at[usable], kind="stable")][-max_sessions:]
    number = np.full(len(sessions), -1, np.int64)
    number[order] = np.arange(len(order))
    kept = number[owner] >= 0
    session, track = number[owner[kept]], track[kept]
    n_sessions = len(order)
    return _Memory(
        Incidence.of_pairs(session, track, n_rows=n_sessions, n_columns=n_tracks),
        Incidence.of_pairs(track, session, n_rows=n_tracks, n_columns=n_sessions),
    )


def _likeness(memory: _Memory, asked: Rows, weights: Reals) -> tuple[Rows, Reals]:
    """Sessions with any asked track, ascending, and how like the query they are.

    That is the weighted overlap over the root of the session's length.
    """
    lists = [memory.by_track.holding(track)[-_PER_TRACK:] for track in asked]
    if not lists:
        return np.empty(0, np.int64), np.empty(0)
    repeated = np.repeat(weights, [len(part) for part in lists])
    sessions, overlap = _tally(np.concatenate(lists), repeated, memory.by_track.n_rows)
    likeness = overlap / np.sqrt(np.maximum(memory.by_session.sizes_of(sessions), 1))
    return sessions[likeness > 0], likeness[likeness > 0]


def _tally(keys: npt.NDArray[np.int32], weights: Reals, size: int) -> tuple[Rows, Reals]:
    """Distinct keys, ascending, and the sum of the weights of each.

    Args:
        size: All keys are below it.
    """
    if len(keys) * 16 > size:
        total = np.bincount(keys, weights=weights).astype(np.float64)
        found = np.flatnonzero(total).astype(np.int64)
        return found, total[found]
    distinct, place = np.unique(keys, return_inverse=True)
    total = np.bincount(place, weights=weights).astype(np.float64)
    return distinct.astype(np.int64), total


def _held(
    pairs: tuple[npt.NDArray[np.int32], Rows], n_sessions: int, tracks: Rows
) -> npt.NDArray[np.float32]:
    """Which sessions hold which tracks, as 0 and 1, shape (n_sessions, n_tracks).

    Args:
        pairs: The tracks of the sessions, and the session of each.
    """
    order = np.argsort(tracks, kind="stable")
    held, owner = pairs
    hit = places_of(held, tracks)
    column = order[np.searchsorted(tracks[order], held[hit])]
    found = np.zeros((n_sessions, len(tracks)), np.float32)
    found[owner[hit], column] = 1
    return found
