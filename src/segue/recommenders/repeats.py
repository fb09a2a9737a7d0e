"""What a user plays again next week, by a mixture learned for each listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening, listening
from segue.features.track_memory import TRACES, Traces, TrackMemory
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.favourite import favourite
from segue.recommenders.ranking import answer_of, best, fitted, searchable
from segue.recommenders.repeat_learning import Habit, Scale, learned, plain, scale_of
from segue.recommenders.repeat_weeks import Week, past_weeks, shortlist

__all__ = ["Repeats"]

_FEWEST_WEEKS: Final = 6
_EVERYBODY: Final = 200
_LIKED: Final = 1.0  # standard deviations that a like adds
_ACTIVATION: Final = TRACES.index("activation 0.8")

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Scored:
    """The user's tracks and how likely each comes again, 0 … 1, -inf for what may not answer."""

    heard: Listening
    tracks: Rows
    scores: Reals


class Repeats:
    """Ranks the user's own tracks by how likely they are played again in the week to come.

    No one rule fits everybody: some play what they played last, some what they always play, some
    what has rested. So every listener here gets a mixture of their own, learned from their past
    weeks: traces of each track in memory (base-level activation at several decays after Anderson
    and Schooler, 1991, "Reflections of the Environment in Memory"; counts in windows, rhythm, skips
    and finishes, the artist's and the album's other tracks, hour and kind of day) weighed by a
    logistic regression, beside those simple rules that did best for them. Listeners with fewer
    than six such weeks get what was learned from everybody here; where there is nobody to learn
    from, activation with decay 0.8 ranks.

    Args:
        weeks: Past weeks of each listener that are learned from, the latest.
        strength: Precision of the prior, in plays; the prior is activation with decay 0.8.
        half_life_weeks: A week counts half as much when it is this much older.
        listeners: Where there are more listeners, so many, evenly spread, get a mixture of their
            own. What is learned from everybody is learned from 200 at most.
    """

    name: ClassVar[str] = "repeats"

    def __init__(
        self,
        *,
        weeks: int = 52,
        strength: float = 10.0,
        half_life_weeks: float = 26.0,
        listeners: int = 500,
    ) -> None:
        self.weeks = weeks
        self.strength = strength
        self.half_life_weeks = half_life_weeks
        self.listeners = listeners
        self.catalogue_: Catalogue | None = None
        self.scale_ = Scale.none()
        self.everybody_ = plain(self.scale_)
        self.habits_: dict[str, Habit] = {}

    def fit(self, data: TrainingData) -> Self:
        """Learn each listener's mixture, and one of all."""
        self.catalogue_ = data.catalogue
        users = _spread(sorted(data.histories), self.listeners)
        asked = {user: self._weeks(user, data) for user in _spread(users, _EVERYBODY)}
        every = [week for of_user in asked.values() for week in of_user]
        self.scale_ = scale_of(every)
        self.everybody_ = self._habit(every)
        self.habits_ = {}
        for user in users:
            own = asked[user] if user in asked else self._weeks(user, data)
            if len(own) >= _FEWEST_WEEKS:
                self.habits_[user] = self._habit(own)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Known tracks for "daily"; none for other mixes."""
        return answer_of(self, query, k, catalogue=fitted(self.name, self.catalogue_))

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        catalogue = fitted(self.name, self.catalogue_)
        if query.mix != "daily":
            return np.empty(0, np.int64), np.empty(0)
        scored = self._scored(query, catalogue)
        top = best(scored.scores, k)
        return scored.heard.rows[scored.tracks[top]], scored.scores[top]

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """How much the user plays each."""
        heard = listening(query, fitted(self.name, self.catalogue_))
        now = query.now.timestamp()
        at = np.searchsorted(heard.rows, rows)
        return {
            row: favourite(heard, place, now)
            for row, place in zip(rows.tolist(), at.tolist(), strict=True)
        }

    def save(self, folder: Path) -> None:
        """Write the mixtures."""
        fitted(self.name, self.catalogue_)
        habits = [self.everybody_, *self.habits_.values()]
        save_arrays(
            folder,
            {
                "mean": self.scale_.mean,
                "spread": self.scale_.spread,
                "weights": np.stack([habit.weights for habit in habits]),
                "rules": np.stack([habit.rules for habit in habits]),
            },
        )
        settings = {
            "weeks": self.weeks,
            "strength": self.strength,
            "half_life_weeks": self.half_life_weeks,
            "listeners": self.listeners,
        }
        save_settings(folder, {"settings": settings, "users": list(self.habits_)})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        model.scale_ = Scale(load_array(folder, "mean"), load_array(folder, "spread"))
        pairs = zip(load_array(folder, "weights"), load_array(folder, "rules"), strict=True)
        habits = [Habit(weights, rules) for weights, rules in pairs]
        model.everybody_ = habits[0]
        model.habits_ = dict(zip(facts["users"], habits[1:], strict=True))
        return model

    def _weeks(self, user: str, data: TrainingData) -> list[Week]:
        """Lessons up to the last play: an export may be older than the training."""
        query = Query(user, data.as_of, history=data.histories[user])
        heard = listening(query, data.catalogue)
        if not len(heard.play_at):
            return []
        until = min(data.as_of.timestamp(), float(heard.play_at[-1]) + 1)
        return past_weeks(heard, data.catalogue, until, self.weeks)

    def _habit(self, weeks: Sequence[Week]) -> Habit:
        if len(weeks) < _FEWEST_WEEKS:
            return plain(self.scale_)
        return learned(weeks, self.scale_, strength=self.strength, half_life=self.half_life_weeks)

    def _scored(self, query: Query, catalogue: Catalogue) -> _Scored:
        heard = listening(query, catalogue)
        traces = TrackMemory(heard, catalogue).at(query.now.timestamp())
        habit = self.habits_.get(query.user_id or "", self.everybody_)
        scores = _ranked(traces, habit, self.scale_, liked=heard.liked[traces.tracks])
        usable = searchable(query, catalogue, heard)[heard.rows[traces.tracks]]
        return _Scored(heard, traces.tracks, np.where(usable, scores, -np.inf))


def _spread(users: Sequence[str], most: int) -> list[str]:
    """At most so many of them, evenly spread."""
    places = np.linspace(0, len(users) - 1, min(most, len(users))).round().astype(np.int64)
    return [users[place] for place in np.unique(places)]


def _ranked(traces: Traces, habit: Habit, scale: Scale, *, liked: npt.NDArray[np.bool_]) -> Reals:
    """0 … 1: the shortlist by the mixture, above the rest by activation."""
    if not len(traces.tracks):
        return np.empty(0)
    faded = traces.values[:, _ACTIVATION]
    scores = 0.01 / (1 + np.exp(-faded))
    chosen = np.union1d(shortlist(traces), np.flatnonzero(liked))
    mixed = habit.scores(traces.values[chosen], scale) + _LIKED * liked[chosen]
    scores[chosen] = 0.01 + 0.99 / (1 + np.exp(-mixed))
    return scores
