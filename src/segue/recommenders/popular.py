"""What many people play, the recent counting most, nearest to the user's genres and country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.listening import Listening, listening
from segue.features.name_lists import GenreLists
from segue.features.ranked import Ranked
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.homelands import Homelands
from segue.recommenders.ranking import (
    answer_of,
    fitted,
    proposed_before,
    searchable,
    spread_best,
    steadied,
)

__all__ = ["Popular"]

_PEOPLE: Final = 3  # what fewer people play is their taste, not popularity
_PRIOR: Final = 0.2
_TASTE: Final = 0.75
_HOME: Final = 0.5
_FIRST: Final = 1 << 12
_IN_ORDER: Final = 1 << 16
_SLACK: Final = 2.0**-18

Doubles = npt.NDArray[np.float64]
Reals = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Popular:
    """Ranks tracks by faded plays of everybody, and by a catalogue's popularity as a prior.

    Without a crowd a catalogue's own popularity decides alone. A user's history weighs the
    genres: a track outside all of them keeps a quarter of its score. Where listeners of several
    countries are known, it weighs these, too: a track that is not played where the user's own
    tracks are at home keeps half.

    Args:
        per_artist: Most tracks of one artist in an answer.
    """

    name: ClassVar[str] = "popular"

    def __init__(self, *, per_artist: int = 4) -> None:
        self.per_artist = per_artist
        self.catalogue_: Catalogue | None = None
        self.scores_: Reals = np.empty(0, np.float32)
        self.listeners_: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self.homelands_: Homelands | None = None

    def fit(self, data: TrainingData) -> Self:
        """Count who plays what, and how lately."""
        self.catalogue_ = data.catalogue
        n_tracks = len(data.catalogue)
        self.listeners_ = np.zeros(n_tracks, np.int32)
        self.scores_ = _share(np.nan_to_num(data.catalogue.popularity)) * np.float32(_PRIOR)
        if data.interactions.n_users >= _PEOPLE:
            columns = data.interactions.matrix.indices
            self.listeners_ = np.bincount(columns, minlength=n_tracks).astype(np.int32)
            self.scores_ += _share(np.log1p(data.trend))
        self.homelands_ = Homelands.of(data)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Popular tracks of the user's genres, or of all where the user has none."""
        return answer_of(self, query, k, catalogue=fitted(self.name, self.catalogue_))

    def propose(self, query: Query, k: int) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Rows and scores of the same, best first."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)

        def propose() -> tuple[Rows, Doubles]:
            taste, home = self._taste(query, heard)
            return self._answer(taste, home, usable=searchable(query, catalogue, heard), k=k)

        return proposed_before(self.name, query, heard, k, of=self.scores_, propose=propose)

    def _taste(self, query: Query, heard: Listening) -> tuple[Doubles, Doubles]:
        """How much the user likes each genre, and where they are at home."""
        catalogue = fitted(self.name, self.catalogue_)

        def taste() -> tuple[Doubles, Doubles]:
            liked, liking = _liked(heard, catalogue.rows(query.seeds))
            home = self.homelands_.mix(liked, liking) if self.homelands_ else np.zeros(0)
            return _taste(liked, liking, catalogue), home

        return heard.remembered(self.name, query.seeds, of=self.scores_, make=taste)

    def top(self, histories: Interactions, k: int, *, known: bool = False) -> Ranked:
        """The same for many listeners, to each of whom a play counts as one; see `Batch`."""
        catalogue = fitted(self.name, self.catalogue_)
        tracks = np.full((histories.n_users, k), -1, np.int32)
        scores = np.full((histories.n_users, k), -np.inf, np.float32)
        matrix = histories.matrix
        for row in range(histories.n_users):
            part = slice(matrix.indptr[row], matrix.indptr[row + 1])
            liked, liking = matrix.indices[part].astype(np.int64), matrix.data[part]
            taste = _taste(liked, liking.astype(np.float64), catalogue)
            home = np.zeros(0)
            if self.homelands_:
                home = self.homelands_.mix(liked, liking.astype(np.float64))
            usable = catalogue.named.copy()
            usable[liked] &= known
            found, values = self._answer(taste, home, usable=usable, k=k)
            tracks[row, : len(found)], scores[row, : len(found)] = found, values
        return Ranked(tracks, scores)

    def _answer(
        self, taste: Doubles, home: Doubles, *, usable: npt.NDArray[np.bool_], k: int
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """At most k rows and their scores, best first, no artist beyond its share."""
        catalogue = fitted(self.name, self.catalogue_)
        for wanted in (2 * k + 8, 8 * k + 8):
            rows, scores = self._best(taste, home, usable=usable, wanted=wanted)
            top = spread_best(scores, rows, catalogue, per_artist=self.per_artist, k=k)
            if len(top) == k or len(rows) < wanted:
                break
        return rows[top], steadied(scores[top])

    def _best(
        self, taste: Doubles, home: Doubles, *, usable: npt.NDArray[np.bool_], wanted: int
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """At least the best so many rows, ascending, and their scores.

        The most popular are looked at first: taste and country can only lower a score.
        """
        order, tasty = self._most_popular, taste.any()
        front, (sets, lists) = self._front, self._sets
        liked = lists.highest(taste)
        rows, scores = np.empty(0, np.int64), np.empty(0)
        start, block, bar = 0, _FIRST, -np.inf
        while start < len(order) and self.scores_[order[start]] >= bar:
            some = order[start : start + block]
            found = front[start : start + len(some)].astype(np.float64)
            near = liked.take(sets[start : start + len(some)])
            if len(found) < len(some):  # each is a jump through memory
                some = some[usable.take(some)]
                found = self.scores_[some].astype(np.float64)
                if tasty:
                    near = fitted(self.name, self.catalogue_).genres.highest_at(some, taste)
            if tasty:
                found *= 1 - _TASTE + _TASTE * near
            kept = usable.take(some) & (found >= bar)
            some, found = some[kept], found[kept]
            if self.homelands_ and home.any():
                found *= 1 - _HOME + _HOME * self.homelands_.nearness(some, home)
            rows, scores = np.concatenate([rows, some]), np.concatenate([scores, found])
            if len(rows) > wanted > 0:
                bar = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
                bar -= _SLACK * abs(bar)  # what is tied with the last stays
                rows, scores = rows[scores >= bar], scores[scores >= bar]
            start = start + block
            block = start
            if start >= len(order):
                order = self._by_popularity
        ascending = np.argsort(rows)
        return rows[ascending], scores[ascending]

    @cached_property
    def _sets(self) -> tuple[Rows, GenreLists]:
        """Which set of genres each of the most popular tracks has, in their order; and the sets."""
        genres = fitted(self.name, self.catalogue_).genres
        return genres.some(self._most_popular).distinct()

    @cached_property
    def _front(self) -> Reals:
        """The scores of the most popular tracks, in their order."""
        return self.scores_[self._most_popular]

    @cached_property
    def _most_popular(self) -> Rows:
        """The beginning of `_by_popularity`: hardly anybody has to look further."""
        if len(self.scores_) <= _IN_ORDER:
            return self._by_popularity
        least = np.partition(self.scores_, -_IN_ORDER)[-_IN_ORDER]
        some = np.flatnonzero((self.scores_ > 0) & (self.scores_ >= least))
        return some[np.argsort(-self.scores_[some], kind="stable")][:_IN_ORDER]

    @cached_property
    def _by_popularity(self) -> Rows:
        """Rows of what anybody plays, the most popular first."""
        some = np.flatnonzero(self.scores_ > 0)
        return some[np.argsort(-self.scores_[some], kind="stable")]

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """How many listen to each, and the genre for which it was proposed."""
        catalogue = fitted(self.name, self.catalogue_)
        taste, _ = self._taste(query, listening(query, catalogue))
        found = {}
        for row in rows.tolist():
            genre = _best_liked(taste, catalogue, row)
            found[row] = Evidence(
                kind="popular",
                listeners=int(self.listeners_[row]) or None,
                genres=(genre,) if genre else (),
            )
        return found

    def silent_because(self) -> str | None:
        """Whether there is nobody to be popular with, nor a catalogue that says."""
        if (self.scores_ > 0).any():
            return None
        return "there is no crowd, and no catalogue with popularity"

    def save(self, folder: Path) -> None:
        """Write scores and listeners."""
        fitted(self.name, self.catalogue_)
        save_arrays(folder, {"scores": self.scores_, "listeners": self.listeners_})
        if self.homelands_:
            save_arrays(
                folder, {f"homelands_{name}": a for name, a in vars(self.homelands_).items()}
            )
        have = {"homelands": self.homelands_ is not None}
        save_settings(folder, {"settings": {"per_artist": self.per_artist}, "learned": have})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        if facts["learned"]["homelands"]:
            arrays = {
                part.name: load_array(folder, f"homelands_{part.name}")
                for part in fields(Homelands)
            }
            model.homelands_ = Homelands(**arrays)
        model.scores_ = load_array(folder, "scores")
        model.listeners_ = load_array(folder, "listeners")
        return model


def _share(values: npt.NDArray[np.floating]) -> Reals:
    """Scaled so that the highest is 1."""
    top = values.max(initial=0)
    scaled = values / top if top > 0 else np.zeros(len(values))
    return np.asarray(np.clip(scaled, 0, 1), dtype=np.float32)


def _liked(heard: Listening, seeds: Rows) -> tuple[Rows, Doubles]:
    """The tracks that a user likes, and how much; seeds alone where there are any."""
    if (seeds >= 0).any():
        rows = seeds[seeds >= 0]
        return rows, np.ones(len(rows))
    return heard.rows, np.maximum(heard.affinity(), 0)


def _taste(rows: Rows, liking: Doubles, catalogue: Catalogue) -> Doubles:
    """How much the user likes each genre, the best liked 1."""
    genres = catalogue.genres
    owner, codes = genres.codes_at(rows)
    total = np.bincount(codes, weights=liking[owner], minlength=len(genres.names))
    top = total.max(initial=0)
    return np.sqrt(total / top) if top > 0 else np.zeros(len(genres.names))


def _best_liked(taste: npt.NDArray[np.float64], catalogue: Catalogue, row: int) -> str | None:
    """The track's genre that the user likes most, None if it has none of the user's."""
    codes = catalogue.genres.codes_of(row)
    if not len(codes) or taste[codes].max() <= 0:
        return None
    name: str = catalogue.genres.names[codes[int(taste[codes].argmax())]]
    return name
