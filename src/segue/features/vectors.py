"""What a track sounds like as numbers: audio features, genres and era, compared by cosine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.music import columns as c

__all__ = ["COMPARED", "TrackVectors", "Vectors", "track_vectors"]

COMPARED: Final = (
    c.DANCEABILITY,
    c.ENERGY,
    c.LOUDNESS,
    c.SPEECHINESS,
    c.ACOUSTICNESS,
    c.INSTRUMENTALNESS,
    c.LIVENESS,
    c.VALENCE,
    c.TEMPO,
    c.MODE,
)
"""Audio features that are compared, in this order. Key and time signature say too little."""

_IMPORTANCE: Final = np.array([1, 1.2, 0.6, 0.8, 1, 0.8, 0.4, 1, 0.9, 0.3], np.float32)
_LONG_TAILED: Final = (c.SPEECHINESS, c.ACOUSTICNESS, c.INSTRUMENTALNESS, c.LIVENESS)
_CLIP: Final = 3.0
# a constant that every audio vector carries before it is scaled to length 1: without it two
# average tracks, both near zero, would point in chance directions
_GROUND: Final = 2.0
_AUDIO, _GENRE, _ERA = 1.0, 1.1, 0.35
_AT_ONCE: Final = 4096
_FIRST_YEAR, _LAST_YEAR = 1940.0, 2040.0
_WORD_WEIGHT: Final = 0.6  # "indie pop" is a little like "dream pop"

Reals = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Vectors:
    """Some vectors, in full.

    Args:
        dense: float32, shape (n, n_dense): audio and era.
        genre: float32, shape (n, len(terms)).
        terms: int64, ascending: the terms that the columns of `genre` are; all others are 0.
    """

    dense: Reals
    genre: Reals
    terms: npt.NDArray[np.int64]

    def __matmul__(self, other: Vectors) -> Reals:
        """Cosines of unit vectors of the same terms, shape (len(self.dense), len(other.dense))."""
        return np.asarray(self.dense @ other.dense.T + self.genre @ other.genre.T)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Vectors:
        return Vectors(self.dense[rows], self.genre[rows], self.terms)

    def scaled(self) -> Vectors:
        """The same directions at length 1; a zero vector stays zero."""
        length = np.sqrt((self.dense**2).sum(1) + (self.genre**2).sum(1))[:, None]
        length[length == 0] = 1
        return Vectors(self.dense / length, self.genre / length, self.terms)


@dataclass(frozen=True)
class TrackVectors:
    """One unit vector a track, stored so that genres cost nothing per track.

    A vector is (dense part, genre part). Tracks with the same set of genres share one row of a
    small sparse matrix, so that exact cosines with all tracks are one narrow dense product, one
    product with that matrix, and a look-up. A block that a track lacks is zero: it is then less
    like everything, but still comparable. A track that lacks all three has length 0.

    Args:
        dense: float32, shape (n_tracks, 13): audio and era, in their share of the unit vector.
        genre_share: float32, shape (n_tracks,): length of the genre part.
        genre_set: int32, shape (n_tracks,): which set of genres; set 0 is empty.
        offsets, terms, weights: The sets as CSR (int64, int32, float32), rows of length 1.
        n_terms: Genre names and their words.
        deviations: float32, shape (n_tracks, 10): standardised COMPARED features, NaN if unknown.
    """

    dense: Reals
    genre_share: Reals
    genre_set: Ints
    offsets: npt.NDArray[np.int64]
    terms: Ints
    weights: Reals
    n_terms: int
    deviations: Reals

    def __len__(self) -> int:
        return len(self.dense)

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Tracks that have anything to compare."""
        return np.asarray((self.genre_share > 0) | self.dense.any(axis=1))

    def cosines(self, queries: Vectors) -> Reals:
        """Cosine of every query with every track, exact, shape (n_queries, n_tracks)."""
        found = queries.dense @ self.dense.T
        for q, of_sets in enumerate(self.of_sets(queries)):
            found[q] += self.genre_share * of_sets[self.genre_set]
        return np.asarray(found)

    def cosines_at(self, rows: npt.NDArray[np.int64], queries: Vectors) -> Reals:
        """The same with some tracks only, shape (n_queries, len(rows))."""
        found = queries.dense @ self.dense[rows].T
        found += self.of_sets(queries)[:, self.genre_set[rows]] * self.genre_share[rows]
        return np.asarray(found)

    def of_sets(self, queries: Vectors) -> Reals:
        """Products of genre parts with every set of genres, shape (n_queries, n_sets)."""
        starts, sets, weights = self._by_term
        lengths = starts[queries.terms + 1] - starts[queries.terms]
        begins = starts[queries.terms] - np.cumsum(lengths) + lengths
        entries = np.repeat(begins, lengths) + np.arange(int(lengths.sum()))
        sets, weights = sets.take(entries), weights.take(entries)
        found = np.empty((len(queries.genre), len(self.offsets) - 1), np.float32)
        for q, genre in enumerate(np.repeat(queries.genre, lengths, axis=1)):
            found[q] = np.bincount(sets, weights * genre, found.shape[1])
        return found

    @cached_property
    def _by_term(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Reals]:
        """The sets by term: offsets, and the sets that have each term with their weights."""
        order = np.argsort(self.terms, kind="stable")
        sets = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        counts = np.bincount(self.terms, minlength=self.n_terms)
        return np.concatenate(([0], np.cumsum(counts))), sets[order], self.weights[order]

    def nearest(self, rows: npt.NDArray[np.int64], queries: Vectors) -> npt.NDArray[np.int64]:
        """The query with the highest cosine to each of these tracks, shape (len(rows),)."""
        column = np.full(self.n_terms, -1, np.int64)
        column[queries.terms] = np.arange(len(queries.terms))
        best = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            sets, place = np.unique(self.genre_set[part], return_inverse=True)
            of_sets = np.stack([self._set_cosines(one, queries, column) for one in sets])
            found = self.dense[part] @ queries.dense.T
            found += self.genre_share[part, None] * of_sets[place]
            best[start : start + _AT_ONCE] = found.argmax(axis=1)
        return best

    def _set_cosines(
        self, genre_set: int, queries: Vectors, column: npt.NDArray[np.int64]
    ) -> Reals:
        entries = slice(*self.offsets[genre_set : genre_set + 2])
        columns = column[self.terms[entries]]
        shared = columns >= 0
        return np.asarray(queries.genre[:, columns[shared]] @ self.weights[entries][shared])

    def at(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """The vectors of these tracks, over the terms that they have."""
        starts = self.offsets[self.genre_set[rows]]
        lengths = self.offsets[self.genre_set[rows] + 1] - starts
        owner = np.repeat(np.arange(len(rows)), lengths)
        entries = np.arange(len(owner)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        terms, column = np.unique(self.terms[entries], return_inverse=True)
        genre = np.zeros((len(rows), len(terms)), np.float32)
        shares = np.asarray(self.genre_share[rows])
        genre[owner, column] = self.weights[entries] * shares[owner]
        return Vectors(np.asarray(self.dense[rows]), genre, terms.astype(np.int64))

    def nearest_features(
        self, rows: npt.NDArray[np.int64], others: npt.NDArray[np.int64], count: int = 2
    ) -> list[tuple[str, ...]]:
        """For each pair of tracks the features in which they differ least, nearest first.

        Only features that differ by less than a standard deviation count as near, and mode,
        which half of all tracks share, never does; () where nothing is known.
        """
        distance = np.abs(self.deviations[rows] - self.deviations[others])
        distance[:, COMPARED.index(c.MODE)] = np.nan
        order = np.argsort(distance, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(distance, order, axis=1) < 1.0
        return [
            tuple(COMPARED[f] for f, close in zip(features, flags, strict=True) if close)
            for features, flags in zip(order.tolist(), near.tolist(), strict=True)
        ]


def track_vectors(catalogue: Catalogue) -> TrackVectors:
    """Vectors of all tracks of a catalogue; those with nothing known have length 0."""
    deviations = _deviations(catalogue.audio)
    audio = _audio_block(deviations)
    era = _era_block(catalogue.years)
    genre_set, offsets, terms, weights, n_terms = _genre_sets(catalogue)
    has_genre = (genre_set > 0).astype(np.float32)
    length = np.sqrt(
        _AUDIO**2 * (audio != 0).any(1) + _ERA**2 * (era != 0).any(1) + _GENRE**2 * has_genre
    )
    scale = (1 / np.where(length > 0, length, 1)).astype(np.float32)
    # an era alone says too little to be compared by
    scale[~(audio != 0).any(1) & (has_genre == 0)] = 0
    return TrackVectors(
        dense=np.hstack([_AUDIO * audio, _ERA * era]).astype(np.float32) * scale[:, None],
        genre_share=(_GENRE * has_genre * scale).astype(np.float32),
        genre_set=genre_set,
        offsets=offsets,
        terms=terms,
        weights=weights,
        n_terms=n_terms,
        deviations=deviations,
    )


def _deviations(audio: Reals) -> Reals:
    """COMPARED features by median and spread, clipped; a feature that never varies is 0."""
    values = audio[:, [c.AUDIO_FEATURES.index(name) for name in COMPARED]].astype(np.float64)
    for name in _LONG_TAILED:
        column = COMPARED.index(name)
        values[:, column] = np.sqrt(np.clip(values[:, column], 0, None))
    tempo = COMPARED.index(c.TEMPO)
    values[:, tempo] = np.log2(np.where(values[:, tempo] > 0, values[:, tempo], np.nan))
    for column in range(values.shape[1]):
        values[:, column] = _standardised(values[:, column])
    return values.astype(np.float32)


def _standardised(values: Doubles) -> Doubles:
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    low, middle, high = np.percentile(known, [25, 50, 75])
    spread = max((high - low) / 1.349, known.std() / 2)  # half of it where most are equal
    if spread < 1e-9:
        return np.where(np.isfinite(values), 0.0, np.nan)
    return np.asarray(np.clip((values - middle) / spread, -_CLIP, _CLIP))


def _audio_block(deviations: Reals) -> Reals:
    """Unit rows; single unknown features are taken as average, all unknown gives zeros."""
    known = np.asarray(np.isfinite(deviations).any(axis=1))
    block = np.where(np.isfinite(deviations), deviations, 0) * _IMPORTANCE
    block = np.hstack([block, np.full((len(block), 1), _GROUND, np.float32)])
    block /= np.linalg.norm(block, axis=1, keepdims=True)
    return np.asarray(block * known[:, None], dtype=np.float32)


def _era_block(years: Reals) -> Reals:
    """Years on a half circle: ten years apart are near, fifty are not."""
    known = np.isfinite(years)
    share = (np.where(known, years, 2000) - _FIRST_YEAR) / (_LAST_YEAR - _FIRST_YEAR)
    angle = np.pi * np.clip(share, 0, 1)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * known[:, None]


def _genre_sets(
    catalogue: Catalogue,
) -> tuple[Ints, npt.NDArray[np.int64], Ints, Reals, int]:
    """Every distinct set of genres as one TF-IDF row over genre names and their words."""
    genres = catalogue.genres
    codes, bounds = genres.codes.tolist(), genres.offsets.tolist()
    sets: dict[tuple[int, ...], int] = {(): 0}
    members = np.zeros(len(catalogue), np.int32)
    for row in np.flatnonzero(np.diff(genres.offsets)).tolist():
        key = tuple(codes[bounds[row] : bounds[row + 1]])
        members[row] = sets.setdefault(key, len(sets))
    terms_of, n_terms = _terms(genres.names)
    entries = [sorted({entry for g in key for entry in terms_of[g]}) for key in sets]
    used = np.bincount(members, minlength=len(sets))
    offsets, terms, weights = _tf_idf(entries, used, n_terms)
    return members, offsets, terms, weights, n_terms


def _tf_idf(
    entries: list[list[tuple[int, float]]], used: npt.NDArray[np.int64], n_terms: int
) -> tuple[npt.NDArray[np.int64], Ints, Reals]:
    """CSR rows of length 1 from (term, weight) lists; `used` says how many tracks have each."""
    documents = np.zeros(n_terms)
    for entry, count in zip(entries, used.tolist(), strict=True):
        documents[[term for term, _ in entry]] += count
    rarity = np.log((1 + used.sum()) / (1 + documents)) + 1
    # a row without an entry would upset the sums over rows
    filled = [entry or [(0, 0.0)] for entry in entries]
    offsets = np.cumsum([0, *map(len, filled)], dtype=np.int64)
    terms = np.array([term for entry in filled for term, _ in entry], np.int32)
    raw = np.array([weight for entry in filled for _, weight in entry])
    raw *= rarity[terms]
    lengths = np.sqrt(np.add.reduceat(raw**2, offsets[:-1]))
    lengths[lengths == 0] = 1
    weights = raw / np.repeat(lengths, np.diff(offsets))
    return offsets, terms, weights.astype(np.float32)


def _terms(names: Sequence[str]) -> tuple[list[list[tuple[int, float]]], int]:
    """For each genre its terms with weights: its own name, and its words where it has several."""
    index: dict[str, int] = {}
    found: list[list[tuple[int, float]]] = []
    for name in names:
        terms = [(index.setdefault(name, len(index)), 1.0)]
        words = name.replace("-", " ").split()
        if len(words) > 1:
            terms += [(index.setdefault(word, len(index)), _WORD_WEIGHT) for word in words]
        found.append(list(dict.fromkeys(terms)))
    return found, max(1, len(index))
