"""What is played after the track that plays now: rules counted from sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.next_track.memory import latest_sessions
from segue.recommenders.next_track.session_now import session_now
from segue.recommenders.ranking import best, candidates, fitted, searchable
from segue.recommenders.top_rows import top_of_sparse

__all__ = ["Follows", "SequentialRules"]

_ARRAYS: Final = ("offsets", "followers", "weights", "sessions")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Rules:
    """A sparse matrix: what follows each track.

    Args:
        offsets: int64, shape (n_tracks + 1,).
        followers: int32, ascending within each track's run.
        weights: float32: the sum of 1 / (plays between + 1) over all times it followed.
        sessions: int32: sessions in which it followed.
    """

    offsets: npt.NDArray[np.int64]
    followers: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    sessions: npt.NDArray[np.int32]

    @classmethod
    def of(cls, counted: Follows, n_tracks: int) -> Self:
        """From what was counted."""
        counts = np.bincount(counted.before, minlength=n_tracks)
        return cls(
            np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
            counted.after.astype(np.int32),
            counted.weights.astype(np.float32),
            counted.sessions.astype(np.int32),
        )

    def after(self, track: int) -> slice:
        """The rules of one track."""
        return slice(int(self.offsets[track]), int(self.offsets[track + 1]))


@dataclass(frozen=True)
class Follows:
    """What followed what, ascending by both.

    Args:
        before, after: int64, rows of the catalogue.
        weights: float64: the sum of 1 / (plays between + 1).
        sessions: int64: in how many sessions.
    """

    before: Rows
    after: Rows
    weights: npt.NDArray[np.float64]
    sessions: Rows

    @classmethod
    def count(cls, sessions: Sessions, steps: int) -> Follows:
        """In some sessions, of two million plays at most: else a product might overflow."""
        known, track = np.unique(sessions.tracks, return_inverse=True)
        owner = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
        begins = [np.flatnonzero(owner[:-step] == owner[step:]) for step in range(1, steps + 1)]
        first = np.concatenate(begins)
        step = np.repeat(np.arange(1, steps + 1), [len(part) for part in begins])
        width, n_sessions = len(known), max(len(sessions), 1)
        key = (track[first] * width + track[first + step]) * n_sessions + owner[first]
        order = np.argsort(key, kind="stable")
        held = key[order]
        rule = held // n_sessions
        starts = np.flatnonzero(np.concatenate(([True], rule[1:] != rule[:-1])))[: len(rule)]
        another = np.concatenate(([True], held[1:] != held[:-1]))[: len(held)].astype(np.int64)
        before, after = np.divmod(rule[starts], max(width, 1))
        if not len(starts):
            return cls(before, after, np.zeros(0), before)
        return cls(
            known[before].astype(np.int64),
            known[after].astype(np.int64),
            np.add.reduceat(1 / step[order], starts),
            np.add.reduceat(another, starts),
        )

    @classmethod
    def together(cls, parts: Sequence[Follows]) -> Follows:
        """What was counted in different sessions, as one."""
        before, after, weights, sessions = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("before", "after", "weights", "sessions")
        )
        order = np.lexsort((after, before))
        before, after = before[order], after[order]
        new = np.concatenate(([True], (before[1:] != before[:-1]) | (after[1:] != after[:-1])))
        starts = np.flatnonzero(new)[: len(before)]
        if not len(starts):
            return parts[0]
        return cls(
            before[starts],
            after[starts],
            np.add.reduceat(weights[order], starts),
            np.add.reduceat(sessions[order], starts),
        )


Counting = Callable[[Sessions, int], Follows]
"""(sessions, steps) -> what followed what, as `Follows.count`."""


class SequentialRules:
    """Answers with what most often followed the last track, soon counting more than later.

    Ludewig and Jannach (2018), "Evaluation of Session-based Recommendation Algorithms" (SR).
    Nothing but the last track matters, so it is quick and a good measure for what is cleverer.

    Args:
        steps: Plays between the two at most, and one.
        most_plays: Plays learned from, those of the latest sessions.
    """

    name: ClassVar[str] = "sequential_rules"

    def __init__(self, *, steps: int = 10, most_plays: int = 2_000_000) -> None:
        self.steps = steps
        self.most_plays = most_plays
        self.catalogue_: Catalogue | None = None
        self.rules_: _Rules | None = None
        self.counting: Counting = Follows.count

    def fit(self, data: TrainingData) -> Self:
        """Count what followed what."""
        self.catalogue_ = data.catalogue
        sessions = latest_sessions(data.sessions, self.most_plays)
        self.rules_ = _Rules.of(self.counting(sessions, self.steps), len(data.catalogue))
        return self

    def next_tracks(self, prefixes: Sessions, k: int) -> Ranked:
        """What followed the last track of each prefix; a prefix without one has no answer."""
        import scipy.sparse as sp

        catalogue = fitted(self.name, self.catalogue_)
        rules = self._learned
        filled = np.diff(prefixes.offsets) > 0
        last = np.zeros(len(prefixes), np.int64)
        last[filled] = prefixes.tracks[prefixes.offsets[1:][filled] - 1]
        begins, ends = rules.offsets[last], rules.offsets[last + 1]
        lengths = np.where(filled, ends - begins, 0)
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        index = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
        shape = (len(prefixes), len(catalogue))
        weights, followers = rules.weights[index], rules.followers[index]
        return top_of_sparse(sp.csr_array((weights, followers, offsets), shape), k)

    def recommend(self, query: Query, k: int) -> Candidates:
        """What follows the last track of the user's latest session, or the last seed."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)
        latest = session_now(query, heard, catalogue).tracks
        if not len(latest):
            return Candidates()
        last = int(latest[-1])
        rules = self._learned
        run = rules.after(last)
        followers = rules.followers[run].astype(np.int64)
        usable = searchable(query, catalogue, heard)[followers] & (followers != last)
        scores = np.where(usable, rules.weights[run], -np.inf)
        top = best(scores, k)
        counts = rules.sessions[run][top]
        other = catalogue.id_at(last)

        def after(i: int) -> Evidence:
            return Evidence(kind="after", other_id=other, listeners=int(counts[i]))

        return candidates(self.name, catalogue, followers[top], scores=scores[top], evidence=after)

    def silent_because(self) -> str | None:
        """Whether nothing ever followed anything."""
        empty = self.rules_ is None or not len(self.rules_.followers)
        return "there is no session with two plays" if empty else None

    def save(self, folder: Path) -> None:
        """Write the rules."""
        fitted(self.name, self.catalogue_)
        save_arrays(folder, {name: getattr(self._learned, name) for name in _ARRAYS})
        save_settings(folder, {"steps": self.steps, "most_plays": self.most_plays})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back, mapped."""
        model = cls(**load_settings(folder))
        model.catalogue_ = catalogue
        model.rules_ = _Rules(*(load_array(folder, name) for name in _ARRAYS))
        return model

    @property
    def _learned(self) -> _Rules:
        fitted(self.name, self.catalogue_)
        assert self.rules_ is not None
        return self.rules_
