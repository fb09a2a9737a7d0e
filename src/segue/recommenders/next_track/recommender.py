"""What comes next in a session: the second of two stages learned from the latest sessions."""

from __future__ import annotations

import logging
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
from segue.recommenders.arrays import load_settings, save_settings
from segue.recommenders.favourite import favourite
from segue.recommenders.next_track.features import features
from segue.recommenders.next_track.memory import Count, Memory, latest_sessions
from segue.recommenders.next_track.pairs import Near
from segue.recommenders.next_track.proposals import Proposals, proposals
from segue.recommenders.next_track.ranker import Ranker, lessons, taught
from segue.recommenders.next_track.session_now import session_now
from segue.recommenders.ranked_rows import stacked
from segue.recommenders.ranking import candidates, fitted, searchable, steadied
from segue.recommenders.session_votes import blocks
from segue.recommenders.top_rows import top_of_sparse

__all__ = ["NextTrackRanker"]

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 256
_TIE_BREAK: Final = 1e-3
_ONE_THREAD_UP_TO: Final = 8  # prefixes; more threads cost more than they bring

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class NextTrackRanker:
    """Candidates by order, company and like sessions; LambdaMART ranks them.

    The first stage remembers which tracks were played near which and whole sessions (V-SKNN,
    Ludewig and Jannach 2018, "Evaluation of Session-based Recommendation Algorithms"), recent
    sessions counting more (as in Garg et al. 2019, "Sequence and Time Aware Neighborhood for
    Session-based Recommendations"). The second learns from how a first stage that knew only the
    earlier sessions would have done in the later ones, so that it never sees the future; then the
    first stage learns all. Repeats are candidates like others: what the session itself tells of
    its habits (played how long ago, how often, what followed then) is among the features.

    Args:
        fewest_sessions: With fewer sessions of two plays nothing is learned and nothing answered.
        most_plays: Plays remembered, those of the latest sessions.
        later: Share of the sessions that the second stage learns from.
        lessons: Beginnings of sessions it learns from at most.
        fewest_lessons: With fewer that taught something the first stage answers alone.
        rounds: Trees.
        seed: Of everything drawn.
        threads: For training; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "next_track"

    def __init__(
        self,
        *,
        fewest_sessions: int = 20_000,
        most_plays: int = 1_500_000,
        later: float = 0.1,
        lessons: int = 80_000,
        fewest_lessons: int = 2_000,
        rounds: int = 400,
        seed: int = 17,
        threads: int = 0,
    ) -> None:
        self.fewest_sessions = fewest_sessions
        self.most_plays = most_plays
        self.later = later
        self.lessons = lessons
        self.fewest_lessons = fewest_lessons
        self.rounds = rounds
        self.seed = seed
        self.threads = threads
        self.catalogue_: Catalogue | None = None
        self.memory_: Memory | None = None
        self.ranker_: Ranker | None = None

    def fit(self, data: TrainingData) -> Self:
        """Learn to rank from the latest sessions, then remember all."""
        self.catalogue_, self.memory_, self.ranker_ = data.catalogue, None, None
        sessions = latest_sessions(data.sessions, self.most_plays)
        if len(sessions) < max(self.fewest_sessions, 2):
            return self
        earlier, later = _cut(sessions, max(1, round(self.later * len(sessions))))
        n_tracks = len(data.catalogue)
        drawn = {"seed": self.seed, "threads": self.threads}
        known = Memory.of_sessions(earlier, n_tracks, **drawn)
        lesson = lessons(known, later, most=self.lessons, seed=self.seed)
        _log.info("learning what comes next from %d beginnings of sessions", len(lesson))
        if len(lesson) >= self.fewest_lessons:
            self.ranker_ = taught(lesson, rounds=self.rounds, **drawn)
        self.memory_ = Memory.of_sessions(sessions, n_tracks, **drawn)
        return self

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        """The likeliest next tracks; those of a prefix may come again."""
        fitted(self.name, self.catalogue_)
        memory = self.memory_
        if memory is None:
            n = len(prefixes)
            return Ranked(np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32))
        answers = []
        for block in blocks(prefixes, _AT_ONCE):
            found = proposals(memory, block)
            answers.append(_top(memory, found, self._scores(memory, found), k))
        return stacked(answers, k)

    def recommend(self, query: Query, k: int) -> Candidates:
        """What follows in the user's latest session, each with the play that leads to it."""
        catalogue = fitted(self.name, self.catalogue_)
        if self.memory_ is None or k <= 0:
            return Candidates()
        heard = listening(query, catalogue)
        prefix = session_now(query, heard, catalogue)
        usable = searchable(query, catalogue, heard)
        if not len(prefix.tracks) or not usable.any():
            return Candidates()
        found = proposals(self.memory_, prefix, usable)
        top = _top(self.memory_, found, self._scores(self.memory_, found), k)
        kept = top.tracks[0] >= 0
        rows, scores = top.tracks[0][kept].astype(np.int64), top.scores[0][kept]
        return self._explained(found, rows, scores, heard=heard, now=query.now.timestamp())

    def silent_because(self) -> str | None:
        """Whether there were too few sessions."""
        if self.memory_ is None:
            return f"there are no {self.fewest_sessions:,} sessions of two plays or more"
        return None

    def save(self, folder: Path) -> None:
        """Write what both stages learned."""
        fitted(self.name, self.catalogue_)
        if self.memory_ is not None:
            self.memory_.save(folder)
        if self.ranker_ is not None:
            self.ranker_.save(folder)
        settings = {
            "fewest_sessions": self.fewest_sessions,
            "most_plays": self.most_plays,
            "later": self.later,
            "lessons": self.lessons,
            "fewest_lessons": self.fewest_lessons,
            "rounds": self.rounds,
            "seed": self.seed,
        }
        learned = {"memory": self.memory_ is not None, "ranker": self.ranker_ is not None}
        save_settings(folder, {"settings": settings, "learned": learned})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, arrays mapped."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        model.memory_ = Memory.load(folder) if facts["learned"]["memory"] else None
        model.ranker_ = Ranker.load(folder) if facts["learned"]["ranker"] else None
        return model

    def _scores(self, memory: Memory, found: Proposals) -> Reals:
        """By the second stage; what it finds equal goes by the first, as does all without it."""
        order = found.sources["order"].astype(np.float64)
        if self.ranker_ is None:
            return order
        table = np.stack(list(features(memory, found).values()), axis=1)
        threads = 1 if found.plays.n <= _ONE_THREAD_UP_TO else self.threads
        return self.ranker_.scores(table, threads=threads) + _TIE_BREAK * order

    def _explained(
        self,
        found: Proposals,
        rows: Rows,
        scores: npt.NDArray[np.float32],
        *,
        heard: Listening,
        now: float,
    ) -> Candidates:
        """Candidates, each with the play of the session that it is most often played near.

        What is near none of them is there because it is played again, or because many play it.
        """
        catalogue, memory = fitted(self.name, self.catalogue_), self.memory_
        assert memory is not None
        others = np.unique(found.plays.track)
        nearness = np.stack([_nearness(found, other, rows) for other in others], axis=1)
        other = others[nearness.argmax(axis=1)] if len(rows) else rows
        together = memory.voters.by_track.both(rows, other)
        near = nearness.max(axis=1, initial=0) > 0

        def reason(i: int) -> Evidence | None:
            if near[i] and together[i]:
                other_id = catalogue.track_ids[other[i]]
                return Evidence(kind="after", other_id=other_id, listeners=int(together[i]))
            at = np.searchsorted(heard.rows, rows[i])
            if at < len(heard) and heard.rows[at] == rows[i] and heard.plays[at]:
                return favourite(heard, int(at), now)
            plays = int(memory.counts[rows[i], Count.PLAYS])
            return Evidence(kind="popular", plays=plays) if plays else None

        return candidates(self.name, catalogue, rows, scores=scores, evidence=reason)


def _cut(sessions: Sessions, later: int) -> tuple[Sessions, Sessions]:
    """The sessions before and from the `later` last ones on."""
    at = len(sessions) - later
    play = sessions.offsets[at]
    return (
        Sessions(sessions.offsets[: at + 1], sessions.tracks[:play], sessions.ended_at[:at]),
        Sessions(sessions.offsets[at:] - play, sessions.tracks[play:], sessions.ended_at[at:]),
    )


def _top(memory: Memory, found: Proposals, scores: Reals, k: int) -> Ranked:
    import scipy.sparse as sp

    offsets = np.searchsorted(found.row, np.arange(found.plays.n + 1))
    steady = steadied(scores).astype(np.float32)
    shape = (found.plays.n, memory.n_tracks)
    return top_of_sparse(sp.csr_array((steady, found.track, offsets), shape), k)


def _nearness(found: Proposals, other: np.int64, tracks: Rows) -> Reals:
    """How near to a play of the session each track is usually played; 0 for the track itself."""
    gathered = found.gathered
    place = np.full(len(tracks), np.searchsorted(gathered.tracks, other))
    counts = np.vstack([gathered.counts, np.zeros((1, len(Near)), np.float32)])
    pair = counts[gathered.look_up(place, tracks)]
    return np.where(tracks == other, 0.0, pair[:, Near.AFTER] + pair[:, Near.BEFORE])
