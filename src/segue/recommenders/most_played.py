"""What the user plays most and likes: the baseline that every other recommender has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, LIKE_PLAYS, listening
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates
from segue.music.query import Query
from segue.recommenders.arrays import save_settings
from segue.recommenders.favourite import favourite
from segue.recommenders.ranking import best, candidates, fitted, searchable

__all__ = ["MostPlayed"]


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
        catalogue = fitted(self.name, self.catalogue_)
        if query.mix in ("discover", "similar"):
            return Candidates()
        heard = listening(query, catalogue)
        mine = (heard.plays > 0) | heard.liked
        mask = searchable(query, catalogue, heard)[heard.rows] & mine
        if not mask.any():
            return Candidates()
        ages = (query.now.timestamp() - heard.last_at) / DAY
        scores = np.where(mask, heard.plays + LIKE_PLAYS * heard.liked + 1 / (2 + ages), -np.inf)
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
