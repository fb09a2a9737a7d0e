"""Tracks by what somebody types of artist and title: in any order, begun, misspelt.

Every word of the query is looked for among the words of all tracks: as it is, as the beginning of
a word, and as a misspelt one (candidates that share trigrams, then edit distance). A track's score
is the sum of its words' weights, as in any full-text search; the best are compared with the whole
query letter by letter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from segue.features.catalogue import Catalogue
from segue.features.kept_columns import ArrowNames
from segue.features.search_words import plain_words, plain_words_of
from segue.features.trigrams import Trigrams, distinct
from segue.music import columns as c

__all__ = ["Hit", "TrackSearch", "track_search"]

_SEPARATOR: Final = "\x1f"
_MOST_WORDS: Final = 12
_LONGEST_WORD: Final = 40
_BEGUN: Final = 0.9
"""What a word counts that begins with what was typed."""
_MISSPELT: Final = 0.85
_SHORT: Final = 3
"""A word of so few letters that is there is not taken for a misspelt one."""
_CLOSE: Final = 0.55
"""Tracks whose score is below this share of the best one's are not looked at."""
_COMPARED: Final = 1_000
_COVERAGE, _LIKENESS, _FAME = 0.56, 0.32, 0.12
_HARDLY_ALIKE: Final = 0.45
_AFTER_ALL: Final = "\U0010ffff"

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Hit:
    """A track that was found.

    Args:
        row: In the catalogue.
        score: 0 … 100.
    """

    row: int
    score: float


@dataclass(frozen=True)
class TrackSearch:
    """An index of tracks by words.

    Args:
        words: Distinct words, in the order of their letters.
        offsets: int64, shape (n_words + 1,): word w is in the tracks
            postings[offsets[w]:offsets[w + 1]].
        postings: int32, rows, ascending for each word.
        spelled: Distinct words by their trigrams, for misspelt ones.
        texts: Artist and title of every track in plain words; "" for one that is not shown.
        sizes: uint8, number of words of each track, shape (n_tracks,).
        fame: float32, 0 … 1, shape (n_tracks,): which of equals comes first.
    """

    words: ArrowNames
    offsets: npt.NDArray[np.int64]
    postings: Codes
    spelled: Trigrams
    texts: ArrowNames
    sizes: npt.NDArray[np.uint8]
    fame: npt.NDArray[np.float32]

    @classmethod
    def of(cls, artists: pa.Array, titles: pa.Array, fame: npt.NDArray[np.float32]) -> TrackSearch:
        """Index these tracks.

        Args:
            artists: As displayed; null where nobody is named.
            titles: A track without one is not found.
            fame: 0 … 1.
        """
        by, called = plain_words(artists), plain_words(titles)
        shown = pc.not_equal(called, "")
        texts = pc.if_else(shown, pc.binary_join_element_wise(by, called, _SEPARATOR), "")
        spaced = pc.binary_join_element_wise(by, called, _squeezed(by), " ")
        lists = pc.split_pattern(pc.if_else(shown, spaced, ""), " ")
        owner = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
        flat = pc.list_flatten(lists)
        real = pc.not_equal(flat, "")
        owner, flat = owner[real.to_numpy(zero_copy_only=False)], flat.filter(real)
        encoded = flat.dictionary_encode()
        order = pc.sort_indices(encoded.dictionary).to_numpy()
        words = encoded.dictionary.take(pa.array(order))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        codes = place[encoded.indices.to_numpy()] if len(order) else np.empty(0, np.int64)
        n_tracks = max(len(titles), 1)
        pairs = distinct(codes * n_tracks + owner)
        codes, rows = np.divmod(pairs, n_tracks)
        ends = np.cumsum(np.bincount(codes, minlength=len(words)))
        sizes = np.bincount(rows, minlength=len(titles)).clip(0, 255)
        return cls(
            words=ArrowNames(words),
            offsets=np.concatenate(([0], ends)).astype(np.int64),
            postings=rows.astype(np.int32),
            spelled=Trigrams.of(words),
            texts=ArrowNames(texts),
            sizes=sizes.astype(np.uint8),
            fame=fame,
        )

    def find(self, text: str, k: int) -> list[Hit]:
        """The tracks that are most likely meant, best first.

        Args:
            text: As typed.
            k: At most so many.
        """
        asked = plain_words_of(text)
        typed = list(dict.fromkeys(word[:_LONGEST_WORD] for word in asked.split()))[:_MOST_WORDS]
        if not typed or not len(self.words) or k < 1:
            return []
        coverage = self._coverage(typed)
        rows = self._candidates(coverage, len(typed))
        likeness = self._likeness(asked, rows)
        scores = _COVERAGE * coverage[rows] + _LIKENESS * likeness**2 + _FAME * self.fame[rows]
        kept = likeness + coverage[rows] >= 2 * _HARDLY_ALIKE
        order = np.lexsort((rows, -self.fame[rows], -scores))
        order = order[kept[order]][:k]
        return [Hit(int(rows[at]), round(100.0 * float(scores[at]), 2)) for at in order]

    def _coverage(self, typed: Sequence[str]) -> npt.NDArray[np.float32]:
        """How much of the query each track has, 0 … 1, shape (n_tracks,)."""
        n_tracks = len(self.sizes)
        total, own = np.zeros(n_tracks, np.float32), np.empty(n_tracks, np.float32)
        weight = 0.0
        for at, word in enumerate(typed):
            fitting = self._fitting(word, last=at == len(typed) - 1)
            found = sum(len(rows) for rows, _ in fitting[-1:]) or n_tracks
            rare = math.log1p(n_tracks / found)
            weight += rare
            own.fill(0.0)
            for rows, quality in fitting:  # the best last: it stands
                own[rows] = quality * rare
            total += own
        return np.asarray(total / np.float32(weight or 1.0))

    def _fitting(self, word: str, *, last: bool) -> list[tuple[Codes, float]]:
        """Tracks that have the word, or nearly, with how well it fits, ascending."""
        start = self._place(word)
        exact = start < len(self.words) and self.words[start] == word
        fitting: list[tuple[Codes, float]] = []
        certain = exact and len(word) <= _SHORT
        for other, alike in () if certain else self._misspelt(word):
            fitting.append((self._tracks(other, other + 1), _MISSPELT * alike))
        if last or not exact:
            end = self._place(word + _AFTER_ALL)
            if end > start:
                fitting.append((self._tracks(start, end), _BEGUN))
        if exact:
            fitting.append((self._tracks(start, start + 1), 1.0))
        return fitting

    def _misspelt(self, word: str) -> list[tuple[int, float]]:
        """Other words within one or two slips of the pen, the nearest last: code, likeness."""
        slips = 0 if len(word) < 3 else 1 if len(word) < 7 else 2
        if not slips:
            return []
        codes = self.spelled.near(word, slips)
        if not len(codes):
            return []
        others = self.words.values.take(pa.array(codes)).to_pylist()
        found = process.extract(word, others, scorer=OSA.distance, score_cutoff=slips, limit=None)
        alike = [(int(codes[at]), 1.0 - slip / len(word)) for _, slip, at in found if slip]
        return sorted(alike, key=lambda one: one[1])

    def _tracks(self, start: int, end: int) -> Codes:
        """Tracks with any of the words start … end - 1; one may come twice."""
        return self.postings[self.offsets[start] : self.offsets[end]]

    def _place(self, word: str) -> int:
        """How many words come before."""
        low, high = 0, len(self.words)
        while low < high:
            middle = (low + high) // 2
            if self.words[middle] < word:
                low = middle + 1
            else:
                high = middle
        return low

    def _candidates(self, coverage: npt.NDArray[np.float32], n_typed: int) -> Rows:
        """Rows of the tracks that are worth a closer look."""
        best = float(coverage.max())
        if best <= 0.0:
            return np.empty(0, np.int64)
        rows = np.flatnonzero(coverage >= _CLOSE * best)
        if len(rows) <= _COMPARED:
            return rows
        short = np.minimum(1.0, n_typed / np.maximum(self.sizes[rows], 1))
        guess = _COVERAGE * coverage[rows] + _LIKENESS * short + _FAME * self.fame[rows]
        return rows[np.argpartition(-guess, _COMPARED)[:_COMPARED]]

    def _likeness(self, asked: str, rows: Rows) -> npt.NDArray[np.float32]:
        """How much the query looks like title and artist together, or one of them, 0 … 1."""
        if not len(rows):
            return np.empty(0, np.float32)
        texts = self.texts.values.take(pa.array(rows)).to_pylist()
        parts = [text.split(_SEPARATOR) for text in texts]
        both = [" ".join(part) for part in parts]
        of_both = process.cdist([asked], both, scorer=fuzz.token_sort_ratio)[0]
        of_one = [
            process.cdist([asked], [part[side] for part in parts], scorer=fuzz.ratio)[0]
            for side in (0, 1)
        ]
        best = np.maximum(of_both, np.maximum(*of_one))
        return np.asarray(best / 100.0, np.float32)


def track_search(catalogue: Catalogue) -> TrackSearch:
    """An index of all tracks of a catalogue; a million take ten seconds."""
    artists, titles = (catalogue.tracks[name].combine_chunks() for name in (c.ARTIST, c.TITLE))
    listeners = np.log1p(catalogue.crowd_listeners.astype(np.float32))
    heard = listeners / max(float(listeners.max(initial=0.0)), 1.0)
    popularity = catalogue.popularity / np.float32(100.0)
    fame = np.where(np.isnan(popularity), heard, popularity).clip(0.0, 1.0)
    return TrackSearch.of(_whole(artists), _whole(titles), fame.astype(np.float32))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """An empty column may stay in chunks."""
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    return column


def _squeezed(names: pa.Array) -> pa.Array:
    """Names of several words as one word: “daftpunk” is typed, too."""
    joined = pc.replace_substring(names, " ", "")
    short = pc.less_equal(pc.utf8_length(joined), _LONGEST_WORD)
    return pc.if_else(pc.and_(short, pc.not_equal(joined, names)), joined, "")
