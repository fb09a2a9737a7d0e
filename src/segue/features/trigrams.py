"""Words by the runs of three letters they are made of, to find those that are spelled alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Trigrams", "distinct"]

_BITS: Final = 18
_BEGIN, _END = 1, 2
_FACTORS: Final = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
)
_LONGEST: Final = 40

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trigrams:
    """For each run of three letters, as one of 2 ** 18 numbers, the words that have it.

    A word is taken with a mark before and behind it, so that “abc” has three runs: ^ab, abc, bc$.
    Words are counted from the shortest to the longest, so that those of a length lie together.

    Args:
        offsets: int64, shape (2 ** 18 + 1,).
        places: int32, places of words in that order, ascending within a run.
        order: int32, which word is at each place, shape (n_words,).
        starts: int64, shape (42,): words of n letters are at the places starts[n]:starts[n + 1];
            longer ones count as having 40.
    """

    offsets: npt.NDArray[np.int64]
    places: Codes
    order: Codes
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, words: pa.Array) -> Trigrams:
        """Index these words."""
        owner, letters, lengths = _letters(words)
        runs = _hashed(letters)
        inside = owner[:-2] == owner[2:] if len(owner) > 2 else np.empty(0, bool)
        runs, owner = runs[inside], owner[: len(runs)][inside]
        order = np.argsort(lengths, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        n_words = max(len(words), 1)
        runs, places = np.divmod(distinct(runs * n_words + place[owner]), n_words)
        return cls(
            offsets=_ends(np.bincount(runs, minlength=1 << _BITS)),
            places=places.astype(np.int32),
            order=order.astype(np.int32),
            starts=_ends(np.bincount(lengths, minlength=_LONGEST + 1)),
        )

    def near(self, word: str, slips: int) -> npt.NDArray[np.int64]:
        """The words that may be so few slips away, and some others.

        A slip changes three runs at most (two letters that changed places: four), so that what is
        near shares the rest.

        Args:
            word: Of at most 40 letters.
            slips: At least 1.
        """
        _, letters, _ = _letters(pa.array([word]))
        runs = distinct(_hashed(letters)).tolist()
        first = int(self.starts[max(len(word) - slips, 0)])
        end = int(self.starts[min(len(word) + slips, _LONGEST) + 1])
        found = [self._between(run, first, end) for run in runs]
        shared = np.bincount(np.concatenate(found) - first, minlength=end - first)
        least = max(1, len(runs) - (3 * slips + 1))
        return self.order[first + np.flatnonzero(shared >= least)].astype(np.int64)

    def _between(self, run: int, first: int, end: int) -> Codes:
        """Places first … end - 1 that have the run."""
        places = self.places[self.offsets[run] : self.offsets[run + 1]]
        low, high = np.searchsorted(places, (first, end))
        return places[low:high]


def distinct(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each number once, ascending; for many different ones quicker than `numpy.unique`."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0]


def _ends(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _letters(
    words: pa.Array,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """All letters of all words one after the other, each word between its marks.

    Returns:
        The word of each letter, the letters, the length of each word.
    """
    text = "".join([f"{chr(_BEGIN)}{word[:_LONGEST]}{chr(_END)}" for word in words.to_pylist()])
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    owner = np.cumsum(letters == _BEGIN) - 1
    return owner, letters, np.bincount(owner, minlength=len(words)) - 2


def _hashed(letters: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    if len(letters) < 3:
        return np.empty(0, np.int64)
    wide = letters.astype(np.uint64)
    parts = (wide[:-2], wide[1:-1], wide[2:])
    mixed = np.zeros(len(letters) - 2, np.uint64)
    for part, factor in zip(parts, _FACTORS, strict=True):
        mixed = (mixed ^ (part * factor)) * _FACTORS[0]
        mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
