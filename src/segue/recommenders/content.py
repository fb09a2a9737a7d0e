"""Tracks that sound like what the user likes: nearness in audio features, genres and era."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.cells import Cells, cells_of
from segue.features.listening import Listening, listening, remembered_for_now
from segue.features.training_data import TrainingData
from segue.features.vectors import TrackVectors, Vectors, track_vectors
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.ranking import (
    artist_keys,
    best,
    candidates,
    explained_before,
    few_of_each,
    fitted,
    proposed_before,
    searchable,
    steadied,
)

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
_LOOKED_AT: Final = 16_000  # tracks for all centres of taste together, where they are in cells
_LOOKED_AT_SHARE: Final = 64  # and no fewer than one in so many of the catalogue
_AT_LEAST: Final = 2_500

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class Content:
    """Looks around several centres of the user's taste, each as often as it is listened to.

    One average of a mixed taste is near nothing that the user likes, so the liked tracks are
    put into a few groups (spherical k-means: Dhillon and Modha, 2001, "Concept Decompositions for
    Large Sparse Text Data Using Clustering"). The answer takes from each group in proportion to
    its weight (Steck, 2018, "Calibrated Recommendations"); seeds are groups of their own.

    The search is exact up to `exact_up_to` tracks. In larger catalogues it looks into the cells
    nearest to each centre (`Cells`) and finds nearly the same; bounds that leave few tracks are
    searched exactly in any.

    Args:
        groups: Most centres of taste.
        liked: Most tracks of the user that are looked at, the best liked ones.
        per_artist: Most tracks of one artist in an answer.
        exact_up_to: Tracks of a catalogue that is searched in full.
    """

    name: ClassVar[str] = "content"

    def __init__(
        self,
        *,
        groups: int = 6,
        liked: int = 300,
        per_artist: int = 4,
        exact_up_to: int = 100_000,
    ) -> None:
        self.groups = groups
        self.liked = liked
        self.per_artist = per_artist
        self.exact_up_to = exact_up_to
        self.catalogue_: Catalogue | None = None
        self.vectors_: TrackVectors | None = None
        self.cells_: Cells | None = None
        self._fame: tuple[Cells, Reals] | None = None

    def fit(self, data: TrainingData) -> Self:
        """Turn the catalogue into vectors."""
        self.catalogue_ = data.catalogue
        self.vectors_ = track_vectors(data.catalogue)
        large = self.vectors_.known.sum() > self.exact_up_to
        self.cells_ = cells_of(self.vectors_, data.catalogue.fame) if large else None
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Tracks near the seeds and near the centres of the user's taste."""
        rows, scores = self.propose(query, k)
        return self._explained(rows, scores, *self._liked(query)[::2])

    def propose(self, query: Query, k: int) -> tuple[Rows, Doubles]:
        """Rows and scores of the same, best first."""
        catalogue, vectors = self._state()
        heard, exactly = listening(query, catalogue), self.cells_ is None
        return proposed_before(
            f"{self.name}, exactly" if exactly else self.name,
            query,
            heard,
            k,
            of=vectors,
            propose=lambda: self._propose(query, heard, k),
        )

    def _propose(self, query: Query, heard: Listening, k: int) -> tuple[Rows, Doubles]:
        anchors, weights, full = self._liked(query)
        if not len(anchors) or k <= 0:
            return np.empty(0, np.int64), np.empty(0)
        centres, shares = _centres(full, weights, self._n_seeds(query), self._n_groups(anchors))
        usable = searchable(query, self._state()[0], heard)
        fame = _FAME_OF_NEW if query.mix == "discover" else _FAME
        rows, scores = self._near(centres, shares, usable=usable, fame=fame, k=k)
        return rows, steadied(scores)

    def explain(self, query: Query, rows: Rows) -> Mapping[int, Evidence]:
        """What each of these is close to."""
        catalogue, vectors = self._state()
        heard = listening(query, catalogue)

        def explain(some: Rows) -> dict[int, Evidence]:
            anchors, _, full = self._liked(query)
            if not len(anchors):
                return {}
            return dict(zip(some.tolist(), self._facts(some, anchors, full), strict=True))

        return explained_before(self.name, query, heard, rows, of=vectors, explain=explain)

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
        scores += catalogue.fame * np.float32(_FAME / 100)
        scores[~(vectors.known & catalogue.named)] = -np.inf
        scores[rows[rows >= 0]] = -np.inf
        top = best(scores, k)
        return self._explained(top, scores[top], anchors, full)

    def silent_because(self) -> str | None:
        """Whether nothing is known about any track."""
        empty = self.vectors_ is None or not self.vectors_.known.any()
        return "no track has audio features or genres" if empty else None

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        _, vectors = self._state()
        save_arrays(folder, {name: getattr(vectors, name) for name in _ARRAYS})
        cells = self.cells_
        if cells is not None:
            save_arrays(folder, {f"cells_{n}": getattr(cells, n) for n in Cells.arrays()})
        settings = {"groups": self.groups, "liked": self.liked, "per_artist": self.per_artist}
        settings |= {"exact_up_to": self.exact_up_to, "n_terms": vectors.n_terms}
        save_settings(folder, {**settings, "cells": cells is not None})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read the vectors, mapped."""
        settings = load_settings(folder)
        n_terms, cells = settings.pop("n_terms"), settings.pop("cells", False)
        model = cls(**settings)
        model.catalogue_ = catalogue
        arrays = {name: load_array(folder, name) for name in _ARRAYS}
        model.vectors_ = TrackVectors(n_terms=n_terms, **arrays)
        if cells:
            model.cells_ = Cells(**{n: load_array(folder, f"cells_{n}") for n in Cells.arrays()})
        return model

    def _state(self) -> tuple[Catalogue, TrackVectors]:
        catalogue = fitted(self.name, self.catalogue_)
        assert self.vectors_ is not None
        return catalogue, self.vectors_

    def _n_seeds(self, query: Query) -> int:
        catalogue, vectors = self._state()
        return int(vectors.known[catalogue.found(query.seeds)].sum())

    def _n_groups(self, anchors: Rows) -> int:
        return max(1, min(self.groups, len(anchors) // 3))

    def _liked(self, query: Query) -> tuple[Rows, Reals, Vectors]:
        """What the answer is sought around: rows, weights and vectors."""
        catalogue, vectors = self._state()
        heard = listening(query, catalogue)

        def liked() -> tuple[Rows, Reals, Vectors]:
            anchors, weights = self._anchors(query, heard)
            return anchors, weights, vectors.at(anchors)

        key = (query.mix, query.seeds)
        return remembered_for_now(heard, catalogue, self.name, key, of=vectors, make=liked)

    def _anchors(self, query: Query, heard: Listening) -> tuple[Rows, Reals]:
        """Seeds first, then the user's best liked tracks; "similar" has the seeds alone."""
        catalogue, vectors = self._state()
        seeds = catalogue.found(query.seeds)
        seeds = seeds[vectors.known[seeds]]
        if query.mix == "similar" and len(seeds):
            return seeds, np.ones(len(seeds), np.float32)
        liking = heard.affinity(*([_NEW_HALF_LIFE_DAYS] if query.mix == "discover" else []))
        liking[~vectors.known[heard.rows]] = 0
        if len(seeds):
            liking[np.isin(heard.rows, seeds)] = 0
        top = best(np.where(liking > 0, liking, -np.inf), self.liked)
        mine = np.sqrt(liking[top])  # the hundredth play says less than the first
        if len(seeds):  # seeds steer: half of the answer is theirs
            each = (mine.sum() or 1.0) / len(seeds)
            mine = np.concatenate([np.full(len(seeds), each), mine])
        return np.concatenate([seeds, heard.rows[top]]), mine.astype(np.float32)

    def _near(
        self,
        centres: Vectors,
        shares: Reals,
        *,
        usable: npt.NDArray[np.bool_],
        fame: float,
        k: int,
    ) -> tuple[Rows, Doubles]:
        """The best tracks of each centre, in turns that fit the centres' shares."""
        catalogue, _ = self._state()
        places = np.ceil(k * shares).astype(np.int64) + 1
        around = self._around(centres, usable=usable, fame=fame, wanted=(2 * places + 8).tolist())
        group = np.repeat(np.arange(len(around)), [len(rows) for rows, _ in around])
        rows = np.concatenate([rows for rows, _ in around])
        scores = steadied(np.concatenate([scores for _, scores in around]))
        order = np.lexsort((rows, -scores, group))
        group, rows, scores = group[order], rows[order], scores[order]
        apart = (len(catalogue.artist_ids) + len(catalogue)) * group
        kept = few_of_each(apart + artist_keys(rows, catalogue), self.per_artist)
        group, rows, scores = group[kept], rows[kept], scores[kept]
        place = np.arange(len(group)) - np.searchsorted(group, group)
        turns = scores * (1 - (place + 0.5) / places[group])
        some = np.flatnonzero((place < places[group]) & (turns > 0))
        rows, turns = _highest(rows[some], turns[some])
        top = best(turns, len(shares) * (k + 1))
        top = top[few_of_each(artist_keys(rows[top], catalogue), self.per_artist)][:k]
        return rows[top], turns[top]

    def _around(
        self,
        centres: Vectors,
        *,
        usable: npt.NDArray[np.bool_],
        fame: float,
        wanted: Sequence[int],
    ) -> list[tuple[Rows, Reals]]:
        """For each centre usable tracks, and how near they are, fame counted in."""
        catalogue, vectors = self._state()
        gain = np.float32(fame / 100)
        n_usable = int(np.count_nonzero(usable))
        looked_at = max(_LOOKED_AT, len(usable) // _LOOKED_AT_SHARE)
        if self.cells_ is None or n_usable <= looked_at:
            rows = np.flatnonzero(usable & vectors.known)
            found = vectors.cosines_at(rows, centres) + catalogue.fame[rows] * gain
            tops = [best(scores, 4 * n) for scores, n in zip(found, wanted, strict=True)]
            return [(rows[top], scores[top]) for top, scores in zip(tops, found, strict=True)]
        # where few are usable, more have to be looked at to meet as many
        budget = looked_at * min(8, len(usable) // n_usable)
        return self.cells_.near(
            vectors,
            centres,
            usable=usable,
            fame=self._fame_in_cells(self.cells_),
            gain=gain,
            wanted=wanted,
            budgets=[max(_AT_LEAST, budget * count // sum(wanted)) for count in wanted],
        )

    def _fame_in_cells(self, cells: Cells) -> Reals:
        latest = self._fame
        if latest is None or latest[0] is not cells:
            latest = self._fame = (cells, self._state()[0].fame[cells.order])
        return latest[1]

    def _facts(self, rows: Rows, anchors: Rows, full: Vectors) -> list[Evidence]:
        """For each row the anchor that is nearest to it, and in what."""
        catalogue, vectors = self._state()
        nearest = anchors[vectors.nearest(rows, full)]
        features = vectors.nearest_features(rows, nearest)
        of = catalogue.genres.of
        return [
            Evidence(
                kind="close",
                other_id=other,
                features=near,
                genres=tuple(sorted({*of(row)} & {*of(anchor)})),
            )
            for row, anchor, other, near in zip(
                rows.tolist(), nearest.tolist(), catalogue.ids(nearest), features, strict=True
            )
        ]

    def _explained(
        self,
        rows: Rows,
        scores: npt.NDArray[np.floating],
        anchors: Rows,
        full: Vectors,
    ) -> Candidates:
        """Candidates, each with the anchor that is nearest to it."""
        if not len(rows):
            return Candidates()
        catalogue, _ = self._state()
        facts = self._facts(rows, anchors, full)
        return candidates(self.name, catalogue, rows, scores=scores, evidence=lambda i: facts[i])


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
    centres = Vectors(np.vstack(dense), np.vstack(genre), full.terms).scaled()
    total = np.concatenate(shares)
    return centres, total / total.sum()


def _highest(rows: Rows, values: Doubles) -> tuple[Rows, Doubles]:
    """Each row once, ascending, with the highest of its values."""
    order = np.lexsort((-values, rows))
    rows, values = rows[order], values[order]
    first = np.ones(len(rows), bool)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first], values[first]


def _grouped(points: Vectors, weights: Reals, k: int, rounds: int = 8) -> npt.NDArray[np.int64]:
    """Spherical k-means from the heaviest point and then those farthest from all chosen.

    Returns:
        For each point its group, groups numbered without a gap.
    """
    whole = np.hstack([points.dense, points.genre])
    chosen = [int(np.argmax(weights))]
    nearest = whole @ whole[chosen[0]]
    groups = np.zeros(len(whole), np.int64)
    while len(chosen) < k:
        gap = (1 - nearest) * weights
        farthest = int(np.argmax(gap))
        if gap[farthest] <= 1e-6:
            break
        near = whole @ whole[farthest]
        groups[near > nearest] = len(chosen)
        nearest = np.maximum(nearest, near)
        chosen.append(farthest)
    for _ in range(rounds):
        member = (groups == np.arange(len(chosen))[:, None]) * weights
        sums = member @ whole
        lengths = np.sqrt((sums**2).sum(axis=1))
        moved = (whole @ (sums / np.where(lengths > 0, lengths, 1)[:, None]).T).argmax(axis=1)
        if np.array_equal(moved, groups):
            break
        groups = moved
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
