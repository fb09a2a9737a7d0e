"""Favourites that the user has forgotten, and those of these days: a model of memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, LIKE_PLAYS, Listening, listening, moment
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_settings, save_settings
from segue.recommenders.favourite import favourite
from segue.recommenders.ranking import answer_of, best, fitted, searchable

__all__ = ["Rediscover"]

_DECAY: Final = 0.5  # ACT-R's, which decades of memory experiments agree on
_SHORTEST_GAP_DAYS: Final = 7.0
_PRESENT_DECAY: Final = 0.7  # what is played next week hangs on the last days more than on years
_FORGOTTEN_SHARE: Final = 0.8
_FORGOTTEN_DAILY: Final = 0.3

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class Rediscover:
    """Ranks the user's own tracks by how alive they once were and how far they have faded.

    The strength of a memory is the base-level activation B = ln sum (age of a play) ** -0.5 of
    Anderson and Schooler (1991), "Reflections of the Environment in Memory". A forgotten favourite
    was played often, and its B has fallen far since it was last played. For the mix "daily" tracks
    of high B today join in: B predicts what is played again (Reiter-Haas et al., 2021, "Predicting
    Music Relistening Behavior Using the ACT-R Framework"). Ages are in days, at least one.

    A like counts as five finished plays; tracks to hear less of are never answered.

    Args:
        gap_days: Not touched for this long counts as forgotten. A history shorter than six
            times that has a gap of a sixth of its length, but of a week at least.
        min_plays: A track with fewer counted plays was no favourite.
    """

    name: ClassVar[str] = "rediscover"

    def __init__(self, *, gap_days: float = 60.0, min_plays: int = 3) -> None:
        self.gap_days = gap_days
        self.min_plays = min_plays
        self.catalogue_: Catalogue | None = None

    def fit(self, data: TrainingData) -> Self:
        """Nothing to learn: what the user played comes with the query."""
        self.catalogue_ = data.catalogue
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Forgotten favourites; for "daily" also present ones; none for other mixes."""
        return answer_of(self, query, k, catalogue=fitted(self.name, self.catalogue_))

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        scores, _ = self._strengths(query)
        heard = listening(query, fitted(self.name, self.catalogue_))
        top = best(np.where(scores > 0, scores, -np.inf), k)
        return heard.rows[top], scores[top]

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """Whether each was forgotten or is played these days, and how much."""
        scores, lost = self._strengths(query)
        heard = listening(query, fitted(self.name, self.catalogue_))
        now = query.now.timestamp()
        at = np.searchsorted(heard.rows, rows)
        return {
            row: (_rediscovered if scores[place] == lost[place] else favourite)(heard, place, now)
            for row, place in zip(rows.tolist(), at.tolist(), strict=True)
        }

    def _strengths(self, query: Query) -> tuple[Reals, Reals]:
        """Scores of all of the user's tracks, and what being forgotten gives; -inf for none."""
        heard = listening(query, fitted(self.name, self.catalogue_))
        # the moment counts, and so it is the question itself that they belong to
        return heard.remembered(
            self.name, self.gap_days, of=query, make=lambda: self._find_strengths(query, heard)
        )

    def _find_strengths(self, query: Query, heard: Listening) -> tuple[Reals, Reals]:
        catalogue = fitted(self.name, self.catalogue_)
        nothing = np.full(len(heard), -np.inf)
        if query.mix not in ("rediscover", "daily"):
            return nothing, nothing
        mine = (heard.plays > 0) | heard.liked
        usable = searchable(query, catalogue, heard)[heard.rows] & mine & ~heard.less
        if not usable.any():
            return nothing, nothing
        now = query.now.timestamp()
        share = _FORGOTTEN_DAILY if query.mix == "daily" else _FORGOTTEN_SHARE
        played = usable & (heard.plays > 0)
        lost = share * np.where(played, self._lost(heard, now), -np.inf)
        if query.mix == "rediscover":
            return lost, lost
        return np.maximum(lost, np.where(usable, _alive(heard, now), -np.inf)), lost

    def save(self, folder: Path) -> None:
        """Only the settings."""
        save_settings(folder, {"gap_days": self.gap_days, "min_plays": self.min_plays})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back."""
        model = cls(**load_settings(folder))
        model.catalogue_ = catalogue
        return model

    def _lost(self, heard: Listening, now: float) -> Reals:
        """0 … 1: how much of a once strong memory has gone; -inf for what is not forgotten."""
        gap = (now - heard.last_at) / DAY
        span = (now - heard.play_at.min(initial=now)) / DAY
        wanted = min(self.gap_days, max(_SHORTEST_GAP_DAYS, span / 6))
        loved = (heard.plays >= self.min_plays) & (heard.skips < heard.plays)
        forgotten = (gap >= wanted) & (loved | heard.liked)
        then = _activation(heard, heard.last_at)
        drop = np.maximum(then - _activation(heard, np.full(len(heard), now)), 0)
        liked = heard.finishes + 0.5 * (heard.plays - heard.finishes)
        told = liked + LIKE_PLAYS * heard.liked
        stayed = liked / (heard.plays + heard.skips + 1)
        # the fall alone would favour three plays of one afternoon: how often counts for more
        strength = np.where(forgotten, np.log1p(told) ** 1.5 * np.sqrt(drop) * stayed, 0.0)
        top = strength.max()
        return np.where(strength > 0, strength / (top or 1.0), -np.inf)


def _activation(heard: Listening, at: Reals, decay: float = _DECAY) -> Reals:
    """Base-level activation of each track at a moment of its own, shape (n,)."""
    ages = np.maximum((at[heard.play_of] - heard.play_at) / DAY, 1.0)
    total = heard.total(heard.play_counted * ages**-decay)
    return np.log(np.maximum(total, 1e-9))


def _alive(heard: Listening, now: float) -> Reals:
    """0 … 1: present activation of tracks played at least twice and not mostly skipped, or liked.

    A like counts as finished plays at the moment when it was said.
    """
    strength = np.exp(_activation(heard, np.full(len(heard), now), _PRESENT_DECAY))
    said_days_ago = np.maximum(np.where(heard.liked, now - heard.said_at, 0) / DAY, 1.0)
    strength += np.where(heard.liked, LIKE_PLAYS * said_days_ago**-_PRESENT_DECAY, 0.0)
    strength *= ((heard.plays >= 2) & (heard.skips < heard.plays)) | heard.liked
    top = strength.max()
    return np.where(strength > 0, np.sqrt(strength / (top or 1.0)), -np.inf)


def _rediscovered(heard: Listening, position: int, now: float) -> Evidence:
    mine = heard.counted_plays_of(position)
    return Evidence(
        kind="rediscovered",
        plays=int(heard.plays[position]),
        finishes=int(heard.finishes[position]),
        skips=int(heard.skips[position]),
        days=int((now - heard.last_at[position]) // DAY),
        month=_peak_month(heard.play_at[mine]),
        last_at=moment(heard.last_at[position]),
    )


def _peak_month(at: Reals) -> datetime | None:
    """First day of the month that holds at least half of the plays; the latest, if two do."""
    months = at.astype("datetime64[s]").astype("datetime64[M]")
    names, counts = np.unique(months, return_counts=True)
    if 2 * counts.max(initial=0) < len(at):
        return None
    peak = names[len(counts) - 1 - int(np.argmax(counts[::-1]))]
    year, month = str(peak).split("-")
    return datetime(int(year), int(month), 1, tzinfo=UTC)
