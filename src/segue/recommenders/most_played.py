"""What the user plays most: the baseline that every other recommender has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, Listening, listening, moment
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import save_settings
from segue.recommenders.ranking import best, candidates, fitted, searchable

__all__ = ["MostPlayed"]


class MostPlayed:
    """Ranks the user's own tracks by counted plays, ties by the latest play."""

    name: ClassVar[str] = "most_played"

    def __init__(self) -> None:
        self.catalogue_: Catalogue | None = None

    def fit(self, data: TrainingData) -> Self:
        """Nothing to learn: what the user played comes with the query."""
        self.catalogue_ = data.catalogue
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """The most played tracks; the score is the number of plays, plus recency below 1."""
        catalogue = fitted(self.name, self.catalogue_)
        if query.mix in ("discover", "similar"):
            return Candidates()
        heard = listening(query, catalogue)
        mask = searchable(query, catalogue, heard)[heard.rows] & (heard.plays > 0)
        if not mask.any():
            return Candidates()
        ages = (query.now.timestamp() - heard.last_at) / DAY
        scores = np.where(mask, heard.plays + 1 / (2 + ages), -np.inf)
        top = best(scores, k)
        return candidates(
            self.name,
            catalogue,
            heard.rows[top],
            scores=scores[top],
            evidence=lambda i: favourite(heard, int(top[i]), query.now.timestamp()),
        )

    def save(self, folder: Path) -> None:
        """Only that it is there."""
        save_settings(folder, {})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back."""
        del folder
        model = cls()
        model.catalogue_ = catalogue
        return model


def favourite(heard: Listening, position: int, now: float, days: int | None = None) -> Evidence:
    """The fact that a user plays a track a lot, within the last `days` or ever."""
    mine = heard.counted_plays_of(position)
    if days is None:  # whole days that reach back to the first play
        days = max(1, int(np.ceil((now - heard.play_at[mine[0]]) / DAY)))
    mine = mine[heard.play_at[mine] >= now - days * DAY]
    return Evidence(
        kind="favourite",
        plays=len(mine),
        finishes=int(heard.play_finished[mine].sum()),
        days=days,
        last_at=moment(heard.last_at[position]),
    )
