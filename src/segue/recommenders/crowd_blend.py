"""Tracks that several ways of learning from a crowd agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.ranked import Ranked
from segue.features.training_data import TrainingData
from segue.recommenders.als import Als
from segue.recommenders.blended import Blended, units
from segue.recommenders.circles import Circles, circles_of
from segue.recommenders.ease import Ease
from segue.recommenders.from_crowd import FromCrowd, crowd_in
from segue.recommenders.opinion import Learned
from segue.recommenders.ranking import fitted, steadied
from segue.recommenders.rp3beta import Rp3Beta
from segue.recommenders.top_rows import top_of_dense

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["CrowdBlend"]

_ASKED: Final = 3_000
_MOST_GENRES: Final = 2_000
_CELLS: Final = 1 << 22

Reals = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Ingredient:
    """A model that may be part of the blend.

    Args:
        prior: Its weight where there is too little to try weights on.
        facts: What is known of the tracks themselves, for a regression that uses it.
    """

    model: FromCrowd[Any]
    prior: float
    facts: sp.csr_array | None = None

    def learned(self, interactions: Interactions) -> Learned:
        """What it learns from a crowd that is large enough."""
        found: Learned | None
        if self.facts is not None and isinstance(self.model, Ease):
            found = self.model.learned_beside(interactions, self.facts)
        else:
            found = self.model.learned_from(interactions)
        assert found is not None
        return found


class CrowdBlend(FromCrowd[Blended]):
    """Regression, factors and random walks over one crowd, weighted by what they find in it.

    Every model is first learned without some of each listener's tracks; the weights are those
    that bring these back best (see `best_weights`), and models that do not help are left out. Then
    the others are learned again from everything. So the blend fits itself to any crowd, and sees
    nothing that is held out from it. Before they are added up a user's scores are divided by the
    spread of the best of them.

    The ingredients: `Ease` with levelled listeners and lightly scaled tracks, twice `Als` with
    strongly trusted, levelled plays, `Als` as it comes, and `Rp3Beta`.

    Args:
        share: Of each listener's tracks, held out to find the weights; 0 keeps the usual weights.
        genres: Whether the regression learns from the catalogue's genres, too, so that tracks
            nobody of the crowd plays are reached as well (see `Ease.learned_beside`).
        friends: How much what a listener's friends play counts beside all that, in bulk (`top`,
            `scores`) where every track is scored and the crowd tells of friends; 0 is not at all.
        n_factors: Length of the vectors of the factors.
        exact_tracks: Of `Ease`.
        dense_tracks: Up to so many tracks every one is scored; of more, those that are among the
            best of an ingredient.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        seed: Of factors and held-out tracks.
        threads: For training and bulk; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "crowd_blend"
    _learned = Blended

    def __init__(
        self,
        *,
        share: float = 0.1,
        genres: bool = False,
        friends: float = 0.0,
        n_factors: int = 128,
        exact_tracks: int = 10_000,
        dense_tracks: int = 50_000,
        fewest_listeners: int = 20,
        per_artist: int = 4,
        seed: int = 17,
        threads: int = 0,
    ) -> None:
        super().__init__(fewest_listeners=fewest_listeners, per_artist=per_artist, threads=threads)
        if not 0 <= share <= 0.5:
            raise ValueError(f"crowd_blend: share must be from 0 to 0.5, got {share}")
        if not 0 <= friends <= 1:
            raise ValueError(f"crowd_blend: friends must be from 0 to 1, got {friends}")
        self.share = share
        self.genres = genres
        self.friends = float(friends)
        self.n_factors = n_factors
        self.exact_tracks = exact_tracks
        self.dense_tracks = dense_tracks
        self.seed = seed
        self.weights_: Mapping[str, float] = {}
        self.circles_: Circles | None = None

    def fit(self, data: TrainingData) -> Self:
        """Learn what the crowd listens to, and what friends in it do if they are to count."""
        super().fit(data)
        learned = self.tracks_
        self.circles_ = None
        if self.friends and learned is not None and learned.dense:
            crowd = crowd_in(data, self.fewest_listeners)
            self.circles_ = circles_of(crowd, data.friends, learned.columns)
        return self

    def top(self, histories: Interactions, k: int, *, known: bool = False) -> Ranked:
        """The k best tracks of every row; see `Batch`."""
        learned, circles = self.tracks_, self.circles_
        if learned is None or circles is None:
            return super().top(histories, k, known=known)
        found = [Ranked(np.empty((0, max(k, 0)), np.int32), np.empty((0, max(k, 0)), np.float32))]
        at_once = max(1, _CELLS // len(learned.columns))
        plays = self._known_plays(histories, learned)
        for start in range(0, histories.n_users, at_once):
            some = slice(start, start + at_once)
            scores, hidden = self._among_friends(
                learned, circles, plays[some], histories.user_ids[some]
            )
            found.append(top_of_dense(scores if known else hidden, k))
        columns = np.append(learned.columns, -1).astype(np.int32)
        return Ranked(
            columns[np.concatenate([one.tracks for one in found])],
            np.concatenate([one.scores for one in found]),
        )

    def scores(self, histories: Interactions) -> npt.NDArray[np.float32]:
        """Of every track, 0 where nobody of the crowd plays it; see `Scoring`."""
        learned, circles = self.tracks_, self.circles_
        if learned is None or circles is None:
            return super().scores(histories)
        found = np.zeros((histories.n_users, histories.n_tracks), np.float32)
        plays = self._known_plays(histories, learned)
        found[:, learned.columns] = self._among_friends(
            learned, circles, plays, histories.user_ids
        )[0]
        return found

    def _among_friends(
        self,
        learned: Blended,
        circles: Circles,
        plays: sp.csr_array,
        user_ids: npt.NDArray[np.object_],
    ) -> tuple[Floats, Floats]:
        """Scores with what friends play, and the same without tracks that the row has."""
        scores = learned.all_scores(plays)
        owners = np.repeat(np.arange(len(scores)), np.diff(plays.indptr))
        hidden = scores.copy()
        hidden[owners, plays.indices] = -np.inf
        unit = units(hidden)
        unit[np.isinf(unit)] = 1  # nothing is known of them but their friends
        said = circles.said_to(user_ids) * (self.friends * unit).astype(np.float32)[:, None]
        total = steadied(scores + said).astype(np.float32)
        hidden = total.copy()
        hidden[owners, plays.indices] = -np.inf
        return total, hidden

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        super().save(folder)
        if self.circles_ is not None:
            self.circles_.save(folder)

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back, mapped."""
        model = super().load(folder, catalogue)
        model.circles_ = Circles.load(folder)
        return model

    def _learn(self, interactions: Interactions) -> Blended:
        ingredients = self._ingredients(self._facts(interactions) if self.genres else None)
        weights = self._weights(ingredients, interactions)
        self.weights_ = dict(zip(ingredients, weights.tolist(), strict=True))
        chosen = [one for one, weight in zip(ingredients, weights, strict=True) if weight > 0]
        parts = [ingredients[name].learned(interactions) for name in chosen]
        return Blended(tuple(parts), weights[weights > 0], self.dense_tracks)

    def _ingredients(self, facts: sp.csr_array | None) -> dict[str, _Ingredient]:
        common: dict[str, Any] = {
            "fewest_listeners": self.fewest_listeners,
            "threads": self.threads,
        }
        trusting: dict[str, Any] = {
            "n_factors": self.n_factors,
            "iterations": 10,
            "levelling": 1.0,
            **common,
        }
        ease = Ease(
            regularisation=120.0,
            scaling=0.25,
            restored=-1.0,
            levelling=1.0,
            exact_tracks=self.exact_tracks,
            **common,
        )
        return {
            "ease": _Ingredient(ease, 0.5, facts),
            "als_firm": _Ingredient(
                Als(regularisation=80.0, trust=20.0, seed=self.seed, **trusting), 0.25
            ),
            "als_soft": _Ingredient(
                Als(regularisation=50.0, trust=10.0, seed=self.seed + 1, **trusting), 0.25
            ),
            "als": _Ingredient(Als(seed=self.seed, **common), 0.0),
            "rp3beta": _Ingredient(Rp3Beta(neighbours=200, **common), 0.0),
        }

    def _facts(self, interactions: Interactions) -> sp.csr_array | None:
        """Genres × tracks by rarity; None for artists, or where no genre has two tracks."""
        import scipy.sparse as sp

        catalogue = fitted(self.name, self.catalogue_)
        if not np.array_equal(interactions.track_ids, catalogue.track_ids):
            return None
        genres = catalogue.genres
        sizes = np.bincount(genres.codes, minlength=len(genres.names))
        kept = np.argsort(-sizes, kind="stable")[:_MOST_GENRES]
        kept = kept[sizes[kept] >= 2]
        if not len(kept):
            return None
        owners = np.repeat(np.arange(len(catalogue)), np.diff(genres.offsets))
        rarity = np.log(len(catalogue) / sizes[genres.codes])
        shape = (len(genres.names), len(catalogue))
        facts = sp.csr_array((rarity, (genres.codes, owners)), shape)[kept]
        return sp.csr_array(facts, dtype=np.float64)

    def _weights(self, ingredients: Mapping[str, _Ingredient], crowd: Interactions) -> Reals:
        from segue.recommenders.blend_weights import best_weights, held_out, trial

        usual = np.array([one.prior for one in ingredients.values()])
        if not self.share:
            return usual
        rng = np.random.default_rng(self.seed)
        held = held_out(crowd, rng, share=self.share, most_listeners=_ASKED)
        if len(held.listeners) < self.fewest_listeners:
            return usual
        parts = [one.learned(held.known) for one in ingredients.values()]
        return best_weights(trial(parts, held), seed_weights=usual)

    def _settings(self) -> dict[str, Any]:
        return {
            "share": self.share,
            "genres": self.genres,
            "friends": self.friends,
            "n_factors": self.n_factors,
            "exact_tracks": self.exact_tracks,
            "dense_tracks": self.dense_tracks,
            "seed": self.seed,
        }
