"""What the user plays most and likes: the baseline that every other recommender has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, LIKE_PLAYS, listening
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import save_settings
from segue.recommenders.favourite import favourite
from segue.recommenders.ranking import answer_of, best, fitted, searchable

__all__ = ["MostPlayed"]

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


class MostPlayed:
    """Ranks the user's own tracks by counted plays, ties by the latest play.

    A like counts as five plays, so that a liked track is among them before it was played here.
    """

    name: ClassVar[str] = "most_played"

    def __init__(self) -> None:
        self.catalogue_: Catalogue | None = None

    def fit(self, data: TrainingData) -> Self:
        """Nothing to learn: what the user played comes with the query."""
        self.catalogue_ = data.catalogue
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """The most played tracks; the score is plays and likes, plus recency below 1."""
        return answer_of(self, query, k, catalogue=fitted(self.name, self.catalogue_))

    def propose(self, query: Query, k: int) -> tuple[Rows, Reals]:
        """Rows and scores of the same, best first."""
        catalogue = fitted(self.name, self.catalogue_)
        if query.mix in ("discover", "similar"):
            return np.empty(0, np.int64), np.empty(0)
        heard = listening(query, catalogue)
        mine = (heard.plays > 0) | heard.liked
        mask = searchable(query, catalogue, heard)[heard.rows] & mine
        ages = (query.now.timestamp() - heard.last_at) / DAY
        scores = np.where(mask, heard.plays + LIKE_PLAYS * heard.liked + 1 / (2 + ages), -np.inf)
        top = best(scores, k)
        return heard.rows[top], scores[top]

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
        """Only that it is there."""
        save_settings(folder, {})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back."""
        del folder
        model = cls()
        model.catalogue_ = catalogue
        return model
