"""Tracks heard in sessions like the user's: vector session nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening, listening
from segue.features.ranked import Ranked
from segue.features.training_data import Sessions, TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import Array, load_array, load_settings, save_arrays, save_settings
from segue.recommenders.incidence import Incidence
from segue.recommenders.ranked_rows import ranked_rows, stacked
from segue.recommenders.ranking import best, candidates, fitted, searchable, spread
from segue.recommenders.session_votes import SessionVotes, blocks

__all__ = ["SessionKnn"]

_ASKED: Final = 60  # tracks that a query is made of
_LISTENED_DAYS: Final = 30.0
_PER_TRACK: Final = 3_000  # sessions looked at for each of them, the latest

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Memory:
    """Sessions by track and tracks by session, oldest session first."""

    by_track: Incidence
    by_session: Incidence

    @property
    def rarity(self) -> Reals:
        """Inverse document frequency of each track, shape (n_tracks,)."""
        return np.log1p(self.by_session.sizes().size / np.maximum(self.by_track.sizes(), 1))


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

    def fit(self, data: TrainingData) -> Self:
        """Remember the sessions that hold at least two different tracks."""
        self.catalogue_ = data.catalogue
        self.memory_ = _remembered(data.sessions, len(data.catalogue), self.max_sessions)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """What sessions like the user's latest ones hold, or those around the seeds."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)
        asked, weights = _asked(query, heard, catalogue)
        return self._answer(asked, weights, usable=searchable(query, catalogue, heard), k=k)

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """What sessions with any of these hold besides."""
        catalogue = fitted(self.name, self.catalogue_)
        rows = np.unique(catalogue.rows(track_ids))
        rows = rows[rows >= 0]
        usable = catalogue.named.copy()
        usable[rows] = False
        return self._answer(rows, np.ones(len(rows)), usable=usable, k=k)

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

    def _answer(
        self, asked: Rows, weights: Reals, *, usable: npt.NDArray[np.bool_], k: int
    ) -> Candidates:
        memory = self.memory_
        assert memory is not None
        rarity = memory.rarity
        holds = memory.by_session.any_of(usable)
        likeness = _likeness(memory, asked, weights * rarity[asked], holds=holds)
        near = self._neighbours(likeness)
        if not len(near) or k <= 0:
            return Candidates()
        lengths = memory.by_session.sizes()[near]
        held = np.concatenate([memory.by_session.holding(s) for s in near])
        votes = np.repeat(likeness[near], lengths)
        total = np.bincount(held, weights=votes, minlength=len(usable))
        scores = np.asarray(total * np.sqrt(rarity), dtype=np.float64)
        scores[~usable | (scores <= 0)] = -np.inf
        catalogue = fitted(self.name, self.catalogue_)
        top = spread(best(scores, 8 * k + 8), catalogue, self.per_artist)[:k]
        return self._explained(top, scores[top], near=near, asked=asked, weights=weights)

    def _neighbours(self, likeness: Reals) -> Rows:
        """The sessions most like the query; of equals the latest."""
        latest_first = likeness[::-1]
        found = best(np.where(latest_first > 0, latest_first, -np.inf), self.neighbours)
        return len(likeness) - 1 - found

    def _explained(
        self, top: Rows, scores: Reals, *, near: Rows, asked: Rows, weights: Reals
    ) -> Candidates:
        """Candidates, each with the asked track it shares most neighbours with."""
        catalogue, memory = fitted(self.name, self.catalogue_), self.memory_
        assert memory is not None
        shared = _held(memory, near, top).T @ _held(memory, near, asked)
        shared *= top[:, None] != asked[None, :]
        other = (shared * weights).argmax(axis=1) if len(top) else np.empty(0, np.int64)
        counts = memory.by_track.both(top, asked[other])
        other_ids = catalogue.ids(asked)

        def after(i: int) -> Evidence | None:
            if shared[i, other[i]] == 0:
                return None
            together = int(counts[i])
            return Evidence(kind="after", other_id=other_ids[other[i]], listeners=together)

        return candidates(self.name, catalogue, top, scores=scores, evidence=after)


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


def _asked(query: Query, heard: Listening, catalogue: Catalogue) -> tuple[Rows, Reals]:
    """Seeds at full weight, then what the user liked lately at half; for "similar" seeds alone."""
    seeds = np.unique(catalogue.rows(query.seeds))
    seeds = seeds[seeds >= 0]
    if query.mix == "similar" and len(seeds):
        return seeds, np.ones(len(seeds))
    discover = query.mix == "discover"
    liking = heard.taken_up(_LISTENED_DAYS) if discover else heard.affinity(_LISTENED_DAYS)
    liking[np.isin(heard.rows, seeds)] = 0
    top = best(np.where(liking > 0, liking, -np.inf), _ASKED)
    mine = liking[top] / liking[top].max(initial=1e-9)
    if len(seeds):
        mine = 0.5 * mine * len(seeds) / max(mine.sum(), 1e-9)
    return np.concatenate([seeds, heard.rows[top]]), np.concatenate([np.ones(len(seeds)), mine])


def _likeness(
    memory: _Memory, asked: Rows, weights: Reals, *, holds: npt.NDArray[np.bool_]
) -> Reals:
    """Weighted overlap of every session with the query over the root of its length.

    Sessions that hold nothing usable (`holds` is false) are passed over.
    """
    n_sessions = memory.by_track.n_rows
    found = [memory.by_track.holding(track) for track in asked]
    lists = [sessions[holds[sessions]][-_PER_TRACK:] for sessions in found]
    if not lists or not n_sessions:
        return np.zeros(n_sessions)
    repeated = np.repeat(weights, [len(part) for part in lists])
    overlap = np.bincount(np.concatenate(lists), weights=repeated, minlength=n_sessions)
    return np.asarray(overlap / np.sqrt(np.maximum(memory.by_session.sizes(), 1)))


def _held(memory: _Memory, sessions: Rows, tracks: Rows) -> npt.NDArray[np.float32]:
    """Which sessions hold which tracks, as 0 and 1, shape (n_sessions, n_tracks)."""
    place = np.full(len(memory.by_track.offsets) - 1, -1, np.int64)
    place[tracks] = np.arange(len(tracks))
    held = np.zeros((len(sessions), len(tracks)), np.float32)
    for s, session in enumerate(sessions):
        columns = place[memory.by_session.holding(session)]
        held[s, columns[columns >= 0]] = 1
    return held
