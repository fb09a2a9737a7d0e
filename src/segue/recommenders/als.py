"""Tracks that people with the user's taste play: matrix factorisation over a crowd."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.listening import Listening, listening
from segue.features.training_data import TrainingData
from segue.music import columns as c
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_array, load_settings, save_arrays, save_settings
from segue.recommenders.factors import Factors, FoldIn, factorise
from segue.recommenders.ranking import best, candidates, fitted, searchable, spread, steadied

__all__ = ["Als"]

_STRONGEST: Final = 500  # tracks or artists of the user that are folded in
_CONTRIBUTORS: Final = 5
_SEVERAL: Final = 5
_AT_ONCE: Final = 4096
_ARTISTS_SHARE: Final = 0.6
_PER_LIKED_ARTIST: Final = 3
_TAKEN_UP: Final = 3.0  # plays that a track taken up just now counts as

Mask = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Asked:
    """A user as columns of one of the two matrices.

    Args:
        columns: Catalogue rows, or columns of artists, shape (n,).
        liking: Below zero means dislike, shape (n,).
        stands_for: Catalogue row of the user's track that each column stands for, shape (n,).
    """

    columns: Rows
    liking: Reals
    stands_for: Rows


class Als:
    """Alternating least squares over listeners × tracks, and × artists for crowds that know these.

    Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets". The
    user's own plays are not learned from: they are folded in when asked, by the closed form, so
    that the latest play counts; and the closed form tells what each of them added to a score. For
    artists the answer is the best known tracks of the artists of highest score.

    Args:
        n_factors: Length of the vectors.
        regularisation: Of the least squares.
        iterations: Rounds of alternation.
        fewest_listeners: With a smaller crowd nothing is learned and nothing answered.
        per_artist: Most tracks of one artist in an answer.
        seed: Of the first vectors.
        threads: For training; 0 means all cores. The result does not depend on it.
    """

    name: ClassVar[str] = "als"

    def __init__(
        self,
        *,
        n_factors: int = 64,
        regularisation: float = 5.0,
        iterations: int = 12,
        fewest_listeners: int = 20,
        per_artist: int = 4,
        seed: int = 17,
        threads: int = 0,
    ) -> None:
        self.n_factors = n_factors
        self.regularisation = regularisation
        self.iterations = iterations
        self.fewest_listeners = fewest_listeners
        self.per_artist = per_artist
        self.seed = seed
        self.threads = threads
        self.catalogue_: Catalogue | None = None
        self.tracks_: Factors | None = None
        self.artists_: Factors | None = None
        self.artist_columns_: Rows = np.empty(0, np.int64)

    def fit(self, data: TrainingData) -> Self:
        """Factorise what the crowd listens to."""
        self.catalogue_ = data.catalogue
        self.tracks_ = self._factors(_without(data.interactions, data.local_users))
        self.artists_ = self._factors(data.artist_interactions)
        index = data.artist_interactions.track_index
        known = [index.get(artist, -1) for artist in data.catalogue.artist_ids]
        self.artist_columns_ = np.array(known, np.int64)
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """Tracks that listeners of the user's tracks play, each with the one that pulled most."""
        catalogue = fitted(self.name, self.catalogue_)
        heard = listening(query, catalogue)
        usable = searchable(query, catalogue, heard)
        own = _own(query, heard, catalogue)
        of_tracks = self._by_tracks(own, usable, k)
        of_artists = self._by_artists(own, heard, usable=usable, k=k)
        return _merged(of_tracks, of_artists, k)

    def silent_because(self) -> str | None:
        """Whether the crowd was too small."""
        if self.tracks_ is None and self.artists_ is None:
            return f"there is no crowd of at least {self.fewest_listeners} listeners"
        return None

    def save(self, folder: Path) -> None:
        """Write the factors."""
        fitted(self.name, self.catalogue_)
        for prefix, factors in (("tracks", self.tracks_), ("artists", self.artists_)):
            if factors is not None:
                factors.save(folder, prefix)
        save_arrays(folder, {"artist_columns": self.artist_columns_})
        settings = {
            "n_factors": self.n_factors,
            "regularisation": self.regularisation,
            "iterations": self.iterations,
            "fewest_listeners": self.fewest_listeners,
            "per_artist": self.per_artist,
            "seed": self.seed,
        }
        learned = {"tracks": self.tracks_ is not None, "artists": self.artists_ is not None}
        save_settings(folder, {"settings": settings, "learned": learned})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read them back, mapped."""
        facts = load_settings(folder)
        model = cls(**facts["settings"])
        model.catalogue_ = catalogue
        if facts["learned"]["tracks"]:
            model.tracks_ = Factors.load(folder, "tracks")
        if facts["learned"]["artists"]:
            model.artists_ = Factors.load(folder, "artists")
        model.artist_columns_ = load_array(folder, "artist_columns")
        return model

    def _factors(self, interactions: Interactions) -> Factors | None:
        if interactions.n_users < self.fewest_listeners or not interactions.matrix.nnz:
            return None
        return factorise(
            interactions,
            n_factors=self.n_factors,
            regularisation=self.regularisation,
            iterations=self.iterations,
            seed=self.seed,
            threads=self.threads,
        )

    def _by_tracks(self, own: _Asked, usable: Mask, k: int) -> Candidates:
        factors, catalogue = self.tracks_, fitted(self.name, self.catalogue_)
        if factors is None:
            return Candidates()
        asked, positions = _known(own, factors)
        if not len(positions):
            return Candidates()
        user = factors.fold_in(positions, asked.liking)
        scores = np.where(usable[factors.columns], factors.scores(user), -np.inf)
        scores[scores <= 0] = -np.inf
        top = factors.columns[best(scores, 8 * k + 8)]
        rows = spread(top, catalogue, self.per_artist)[:k]
        found = factors.position(rows)
        pairs = _pairs(factors, user, positions=positions, found=found)

        def like_you(i: int) -> Evidence | None:
            other, together = pairs[0][i], pairs[1][i]
            if not together:
                return None
            other_id = catalogue.track_ids[asked.stands_for[other]]
            return Evidence(kind="like_you", other_id=other_id, listeners=int(together))

        return candidates(self.name, catalogue, rows, scores=scores[found], evidence=like_you)

    def _by_artists(self, own: _Asked, heard: Listening, *, usable: Mask, k: int) -> Candidates:
        factors, catalogue = self.artists_, fitted(self.name, self.catalogue_)
        if factors is None:
            return Candidates()
        asked, positions = _known(self._artists_of(own), factors)
        if not len(positions):
            return Candidates()
        user = factors.fold_in(positions, asked.liking)
        rows, scores = self._tracks_of_artists(factors.scores(user), usable, k)
        columns = self.artist_columns_[catalogue.artist_codes[rows]]
        pairs = _pairs(factors, user, positions=positions, found=factors.position(columns))
        plays = _plays_by_artist(heard, catalogue)

        def like_you(i: int) -> Evidence | None:
            row, other, together = int(rows[i]), pairs[0][i], pairs[1][i]
            known = int(plays[catalogue.artist_codes[row]])
            if known and not np.isin(row, heard.rows):
                return Evidence(kind="artist", plays=known)
            if not together:
                return None
            stands_for = int(asked.stands_for[other])
            return Evidence(
                kind="like_you",
                other_id=catalogue.track_ids[stands_for],
                listeners=int(together),
                artist=_first_artist(catalogue, stands_for),
            )

        return candidates(self.name, catalogue, rows, scores=scores, evidence=like_you)

    def _artists_of(self, own: _Asked) -> _Asked:
        """The user's artists, each standing behind its best liked track."""
        catalogue = fitted(self.name, self.catalogue_)
        codes = catalogue.artist_codes[own.columns]
        columns = np.where(codes >= 0, self.artist_columns_[codes], -1)
        order = np.argsort(-own.liking, kind="stable")
        order = order[columns[order] >= 0]
        distinct, first = np.unique(columns[order], return_index=True)
        total = np.bincount(columns[order], weights=own.liking[order], minlength=1)
        return _Asked(distinct, total[distinct], own.stands_for[order[first]])

    def _tracks_of_artists(
        self, preference: npt.NDArray[np.float32], usable: Mask, k: int
    ) -> tuple[Rows, Reals]:
        """The best known tracks of the artists of highest preference."""
        factors, catalogue = self.artists_, fitted(self.name, self.catalogue_)
        assert factors is not None
        codes = catalogue.artist_codes
        by_code = factors.position(self.artist_columns_)
        by_code = np.append(by_code, -1)  # tracks of unknown artists look here
        position = by_code[codes]
        rows = np.flatnonzero(usable & (position >= 0))
        scores = steadied(preference[position[rows]])
        rows, scores = rows[scores > 0], scores[scores > 0]
        if len(rows) > 50 * k:
            kept = scores >= np.partition(scores, len(scores) - 50 * k)[len(scores) - 50 * k]
            rows, scores = rows[kept], scores[kept]
        fame = np.nan_to_num(catalogue.popularity[rows]) / 100
        order = np.lexsort((rows, -fame, -scores))
        top = spread(rows[order], catalogue, _PER_LIKED_ARTIST)[:k]
        score_of = dict(zip(rows.tolist(), (scores * (0.9 + 0.1 * fame)).tolist(), strict=True))
        found = steadied(_ARTISTS_SHARE * np.array([score_of[row] for row in top.tolist()]))
        again = np.lexsort((top, -found))
        return top[again], found[again]


def _without(interactions: Interactions, users: tuple[str, ...]) -> Interactions:
    """The crowd alone."""
    kept = np.flatnonzero(~np.isin(interactions.user_ids.astype(str), list(users)))
    return Interactions(
        interactions.matrix[kept].tocsr(), interactions.user_ids[kept], interactions.track_ids
    )


def _own(query: Query, heard: Listening, catalogue: Catalogue) -> _Asked:
    """Seeds and what the user likes or skips; for "similar" the seeds alone."""
    seeds = np.unique(catalogue.rows(query.seeds))
    seeds = seeds[seeds >= 0]
    liking = _TAKEN_UP * heard.taken_up() if query.mix == "discover" else heard.affinity()
    loudest = liking.max(initial=1.0)
    if query.mix == "similar" and len(seeds):
        return _Asked(seeds, np.ones(len(seeds)), seeds)
    mine = ~np.isin(heard.rows, seeds) & (liking != 0)
    rows = np.concatenate([seeds, heard.rows[mine]])
    return _Asked(rows, np.concatenate([np.full(len(seeds), loudest), liking[mine]]), rows)


def _known(asked: _Asked, factors: Factors) -> tuple[_Asked, Rows]:
    """The strongest of what is asked that the crowd knows, and where its factors are."""
    positions = factors.position(asked.columns)
    strength = np.where(positions >= 0, np.abs(asked.liking), -np.inf)
    kept = best(strength, _STRONGEST)
    kept = kept[np.isfinite(strength[kept])]
    if not (asked.liking[kept] > 0).any():
        kept = kept[:0]
    strongest = _Asked(asked.columns[kept], asked.liking[kept], asked.stands_for[kept])
    return strongest, positions[kept]


def _pairs(factors: Factors, user: FoldIn, *, positions: Rows, found: Rows) -> tuple[Rows, Rows]:
    """For each found column the asked one that adds most to it, and how many listen to both.

    Of the few that add most it is the first that shares several listeners, else the one that
    shares most: “people who play it” should be people. Where nobody listens to both, it is 0.
    """
    parts = [
        _pairs_of_some(factors, user, positions=positions, found=found[start : start + _AT_ONCE])
        for start in range(0, len(found), _AT_ONCE)
    ] or [(np.empty(0, np.int64), np.empty(0, np.int64))]
    others, together = zip(*parts, strict=True)
    return np.concatenate(others), np.concatenate(together)


def _pairs_of_some(
    factors: Factors, user: FoldIn, *, positions: Rows, found: Rows
) -> tuple[Rows, Rows]:
    added = factors.contributions(user, found)
    added[found[:, None] == positions[None, :]] = -np.inf
    order = _highest(added, _CONTRIBUTORS)
    shared = np.stack(
        [factors.listeners.both(found, positions[tried]) for tried in order.T], axis=1
    )
    shared[np.take_along_axis(added, order, axis=1) <= 0] = 0
    place = np.minimum(shared, _SEVERAL).argmax(axis=1)[:, None]
    other = np.take_along_axis(order, place, axis=1)[:, 0]
    return other, np.take_along_axis(shared, place, axis=1)[:, 0]


def _highest(values: Reals, count: int) -> Rows:
    """Columns of the highest values of each row, highest first; ties go by column."""
    if values.shape[1] > count:
        some = np.sort(np.argpartition(-values, count - 1, axis=1)[:, :count], axis=1)
    else:
        some = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    inner = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, inner, axis=1)


def _plays_by_artist(heard: Listening, catalogue: Catalogue) -> npt.NDArray[np.float64]:
    """Counted plays of every artist, one more place for tracks without one (always 0)."""
    codes = catalogue.artist_codes[heard.rows]
    known = codes >= 0
    n_artists = len(catalogue.artist_ids) + 1
    total = np.bincount(codes[known], weights=heard.plays[known], minlength=n_artists)
    return np.asarray(total, dtype=np.float64)


def _first_artist(catalogue: Catalogue, row: int) -> str | None:
    names: list[str] | None = catalogue.tracks[c.ARTISTS][row].as_py()
    shown: str | None = catalogue.tracks[c.ARTIST][row].as_py()
    return names[0] if names else shown


def _merged(first: Candidates, second: Candidates, k: int) -> Candidates:
    """Both lists as one, best first; a track of both keeps its place and fact in the first."""
    present = set(first.track_ids)
    other = second.take(i for i, track in enumerate(second.track_ids) if track not in present)
    both = Candidates(
        first.track_ids + other.track_ids,
        first.scores + other.scores,
        first.sources + other.sources,
        first.evidence + other.evidence,
    )
    return both.with_scores(both.scores).take(range(min(k, len(both))))
