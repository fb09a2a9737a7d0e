"""Some names for every track, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.kept_columns import ArrowNames

__all__ = ["GenreLists", "NameLists"]

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio: spreads well

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NameLists:
    """Some names for every track as one flat run of codes.

    Args:
        names: Distinct names, code g being names[g].
        offsets: int64, shape (n_tracks + 1,); track i has codes[offsets[i]:offsets[i + 1]].
        codes: int32.
    """

    names: Sequence[str]
    offsets: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def codes_at(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """The codes of some tracks as pairs: position in `rows`, code."""
        starts = self.offsets[rows]
        sizes = self.offsets[rows + 1] - starts
        owner = np.arange(len(rows))
        if (sizes == 1).all():
            return owner, self.codes[starts]
        owner = np.repeat(owner, sizes)
        starts = starts - np.cumsum(sizes) + sizes
        return owner, self.codes[np.arange(len(owner)) + starts[owner]]

    def named(self, codes: npt.NDArray[np.int32]) -> list[str]:
        """The names of some codes."""
        if isinstance(self.names, ArrowNames):
            return self.names.some(codes)
        return [self.names[code] for code in codes.tolist()]


@dataclass(frozen=True)
class GenreLists(NameLists):
    """The genres of every track."""

    def codes_of(self, row: int) -> npt.NDArray[np.int32]:
        """The genres of one track."""
        return self.codes[self.offsets[row] : self.offsets[row + 1]]

    def of(self, row: int) -> tuple[str, ...]:
        """The genre names of one track."""
        return tuple(self.names[g] for g in self.codes_of(row))

    def highest_at(
        self, rows: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The highest values[g] among the genres of each of these tracks, 0 without any."""
        owner, codes = self.codes_at(rows)
        found = np.zeros(len(rows))
        if len(owner):
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            found[owner[starts]] = np.maximum.reduceat(values[codes], starts)
        return np.maximum(found, 0.0)

    def highest(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The same for all tracks."""
        found = np.zeros(len(self))
        filled = self._filled
        if len(filled):
            found[filled] = np.maximum.reduceat(values.take(self.codes), self.offsets[filled])
        return np.maximum(found, 0.0)

    @cached_property
    def _filled(self) -> npt.NDArray[np.int64]:
        """Tracks with any genre."""
        return np.flatnonzero(np.diff(self.offsets))

    def distinct(self) -> tuple[npt.NDArray[np.int64], GenreLists]:
        """Which of the distinct sets each track has, and these sets.

        Sets are told apart by the sum of 64 mixed bits of each genre.
        """
        mixed = (self.codes.astype(np.uint64) + np.uint64(1)) * _FACTOR
        mixed = ((mixed >> np.uint64(32)) ^ mixed) * _FACTOR
        ends = np.concatenate(([0], np.cumsum(mixed, dtype=np.uint64)))
        sums = ends[self.offsets[1:]] - ends[self.offsets[:-1]]
        _, first, place = np.unique(sums, return_index=True, return_inverse=True)
        return place, self.some(first)

    def some(self, rows: npt.NDArray[np.int64]) -> GenreLists:
        """The genres of these tracks alone, in their order."""
        owner, codes = self.codes_at(rows)
        sizes = np.bincount(owner, minlength=len(rows))
        return GenreLists(self.names, np.concatenate(([0], np.cumsum(sizes))), codes)

    def any_of(self, wanted: Mask) -> Mask:
        """Which tracks have at least one genre g with wanted[g], shape (n_tracks,)."""
        hits = np.concatenate(([0], np.cumsum(wanted[self.codes])))
        return np.asarray(hits[self.offsets[1:]] > hits[self.offsets[:-1]])
