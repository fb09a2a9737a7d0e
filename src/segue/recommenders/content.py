"""Tracks that sound like what the user likes: nearness in audio features, genres and era."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import Listening, listening
from segue.features.training_data import TrainingData
from segue.features.vectors import TrackVectors, Vectors, track_vectors
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.ranking import best, candidates, fitted, searchable, spread

__all__ = ["Content"]

_ARRAYS: Final = (
    "dense",
    "genre_share",
    "genre_set",
    "offsets",
    "terms",
    "weights",
    "deviations",
)
_FAME: Final = 0.02
_FAME_OF_NEW: Final = 0.2  # of two unknown tracks that are as near, people meet the better known
_NEW_HALF_LIFE_DAYS: Final = 60.0

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float32]


class Content:
    """Looks around several centres of the user's taste, each as often as it is listened to.

    One average of a mixed taste is near nothing that the user likes, so the liked tracks are
    put into a few groups (spherical k-means: Dhillon and Modha, 2001, "Concept Decompositions for
    Large Sparse Text Data Using Clustering"). The answer takes from each group in proportion to
    its weight (Steck, 2018, "Calibrated Recommendations"); seeds are groups of their own.

    Args:
        groups: Most centres of taste.
        liked: Most tracks of the user that are looked at, the best liked ones.
        per_artist: Most tracks of one artist in an answer.
    """

    name: ClassVar[str] = "content"

    def __init__(self, *, groups: int = 6, liked: int = 300, per_artist: int = 4) -> None:
        self.groups = groups
        self.liked = liked
        self.per_artist = per_artist
        self.catalogue_: Catalogue | None = None
        self.vectors_: TrackVectors | None = None

    def fit(self, data: TrainingData) -> Self:
        """Turn the catalogue into vectors."""
        self.catalogue_ = data.catalogue
        self.vectors_ = track_vectors(data.catalogue)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Tracks near the seeds and near the centres of the user's taste."""
        catalogue, vectors = self._state()
        heard = listening(query, catalogue)
        anchors, weights = self._anchors(query, heard)
        if not len(anchors) or k <= 0:
            return Candidates()
        full = vectors.at(anchors)
        centres, shares = _centres(full, weights, self._n_seeds(query), self._n_groups(anchors))
        usable = searchable(query, catalogue, heard) & vectors.known
        fame = self._fame(_FAME_OF_NEW if query.mix == "discover" else _FAME)
        rows, scores = self._near(centres, shares, usable=usable, fame=fame, k=k)
        return self._explained(rows, scores, anchors=anchors, full=full)

    def similar(self, track_ids: Sequence[str], k: int) -> Candidates:
        """Tracks nearest to any of these."""
        catalogue, vectors = self._state()
        rows = np.unique(catalogue.rows(track_ids))
        anchors = rows[(rows >= 0)]
        anchors = anchors[vectors.known[anchors]]
        if not len(anchors) or k <= 0:
            return Candidates()
        full = vectors.at(anchors)
        scores = vectors.cosines(full[np.array([0])])[0]
        for i in range(1, len(anchors)):
            np.maximum(scores, vectors.cosines(full[np.array([i])])[0], out=scores)
        scores += self._fame()
        scores[~(vectors.known & catalogue.named)] = -np.inf
        scores[rows[rows >= 0]] = -np.inf
        top = best(scores, k)
        return self._explained(top, scores[top], anchors=anchors, full=full)

    def silent_because(self) -> str | None:
        """Whether nothing is known about any track."""
        empty = self.vectors_ is None or not self.vectors_.known.any()
        return "no track has audio features or genres" if empty else None

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        _, vectors = self._state()
        save_arrays(folder, {name: getattr(vectors, name) for name in _ARRAYS})
        settings = {"groups": self.groups, "liked": self.liked, "per_artist": self.per_artist}
        save_settings(folder, {**settings, "n_terms": vectors.n_terms})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read the vectors, mapped."""
        settings = load_settings(folder)
        n_terms = settings.pop("n_terms")
        model = cls(**settings)
        model.catalogue_ = catalogue
        arrays = {name: load_array(folder, name) for name in _ARRAYS}
        model.vectors_ = TrackVectors(n_terms=n_terms, **arrays)
        return model

    def _state(self) -> tuple[Catalogue, TrackVectors]:
        catalogue = fitted(self.name, self.catalogue_)
        assert self.vectors_ is not None
        return catalogue, self.vectors_

    def _n_seeds(self, query: Query) -> int:
        catalogue, vectors = self._state()
        rows = np.unique(catalogue.rows(query.seeds))
        return int(vectors.known[rows[rows >= 0]].sum())

    def _n_groups(self, anchors: Rows) -> int:
        return max(1, min(self.groups, len(anchors) // 3))

    def _anchors(self, query: Query, heard: Listening) -> tuple[Rows, Reals]:
        """Seeds first, then the user's best liked tracks; "similar" has the seeds alone."""
        catalogue, vectors = self._state()
        seeds = np.unique(catalogue.rows(query.seeds))
        seeds = seeds[seeds >= 0]
        seeds = seeds[vectors.known[seeds]]
        if query.mix == "similar" and len(seeds):
            return seeds, np.ones(len(seeds), np.float32)
        liking = heard.affinity(*([_NEW_HALF_LIFE_DAYS] if query.mix == "discover" else []))
        liking[~vectors.known[heard.rows] | np.isin(heard.rows, seeds)] = 0
        top = best(np.where(liking > 0, liking, -np.inf), self.liked)
        mine = np.sqrt(liking[top])  # the hundredth play says less than the first
        if len(seeds):  # seeds steer: half of the answer is theirs
            each = (mine.sum() or 1.0) / len(seeds)
            mine = np.concatenate([np.full(len(seeds), each), mine])
        return np.concatenate([seeds, heard.rows[top]]), mine.astype(np.float32)

    def _fame(self, weight: float = _FAME) -> Reals:
        """What parts tracks of equal nearness, such as all that are known by one genre only."""
        catalogue, _ = self._state()
        return np.nan_to_num(catalogue.popularity) * np.float32(weight / 100)

    def _near(
        self,
        centres: Vectors,
        shares: Reals,
        *,
        usable: npt.NDArray[np.bool_],
        fame: Reals,
        k: int,
    ) -> tuple[Rows, Reals]:
        """The best tracks of each centre, in turns that fit the centres' shares."""
        catalogue, vectors = self._state()
        found = vectors.cosines(centres) + fame
        found[:, ~usable] = -np.inf
        merged = np.full(found.shape[1], -np.inf, np.float32)
        for centre, share in zip(found, shares, strict=True):
            wanted = int(np.ceil(k * share)) + 1
            near = spread(best(centre, 8 * wanted), catalogue, self.per_artist)[:wanted]
            turn = (np.arange(len(near)) + 0.5) / wanted
            merged[near] = np.maximum(merged[near], centre[near] * (1 - turn))
        merged[merged <= 0] = -np.inf
        top = spread(best(merged, len(shares) * (k + 1)), catalogue, self.per_artist)[:k]
        return top, merged[top]

    def _explained(self, rows: Rows, scores: Reals, *, anchors: Rows, full: Vectors) -> Candidates:
        """Candidates, each with the anchor that is nearest to it."""
        catalogue, vectors = self._state()
        if not len(rows):
            return Candidates()
        nearest = anchors[vectors.nearest(rows, full)]
        features = vectors.nearest_features(rows, nearest)
        others = catalogue.ids(nearest)
        genres = catalogue.genres

        def close(i: int) -> Evidence:
            shared = set(genres.of(int(rows[i]))) & set(genres.of(int(nearest[i])))
            return Evidence(
                kind="close",
                other_id=others[i],
                features=features[i],
                genres=tuple(sorted(shared)),
            )

        return candidates(self.name, catalogue, rows, scores=scores, evidence=close)


def _centres(full: Vectors, weights: Reals, n_seeds: int, n_groups: int) -> tuple[Vectors, Reals]:
    """Seeds as they are, other anchors in groups; unit vectors, and shares that sum to 1."""
    rows = np.arange(len(weights))
    seeds, rest = rows[:n_seeds], rows[n_seeds:]
    dense, genre, shares = [full.dense[seeds]], [full.genre[seeds]], [weights[seeds]]
    if len(rest):
        groups = _grouped(full[rest], weights[rest], min(n_groups, len(rest)))
        for group in range(groups.max() + 1):
            mine = rest[groups == group]
            dense.append((weights[mine] @ full.dense[mine])[None])
            genre.append((weights[mine] @ full.genre[mine])[None])
            shares.append(weights[mine].sum(keepdims=True))
    centres = Vectors(np.vstack(dense), np.vstack(genre)).scaled()
    total = np.concatenate(shares)
    return centres, total / total.sum()


def _grouped(points: Vectors, weights: Reals, k: int, rounds: int = 8) -> npt.NDArray[np.int64]:
    """Spherical k-means from the heaviest point and then those farthest from all chosen.

    Returns:
        For each point its group, groups numbered without a gap.
    """
    near = points @ points
    chosen = [int(np.argmax(weights))]
    while len(chosen) < k:
        gap = (1 - near[:, chosen].max(axis=1)) * weights
        if gap.max() <= 1e-6:
            break
        chosen.append(int(np.argmax(gap)))
    groups = near[:, chosen].argmax(axis=1)
    for _ in range(rounds):
        member = (groups[:, None] == np.arange(len(chosen))) * weights[:, None]
        sums = Vectors(member.T @ points.dense, member.T @ points.genre).scaled()
        moved = (points @ sums).argmax(axis=1)
        if np.array_equal(moved, groups):
            break
        groups = moved
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
