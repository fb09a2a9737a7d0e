"""Some names for every track, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["GenreLists", "NameLists"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NameLists:
    """Some names for every track as one flat run of codes.

    Args:
        names: Distinct names, code g being names[g].
        offsets: int64, shape (n_tracks + 1,); track i has codes[offsets[i]:offsets[i + 1]].
        codes: int32.
    """

    names: tuple[str, ...]
    offsets: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]

    def codes_at(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """The codes of some tracks as pairs: position in `rows`, code."""
        sizes = self.offsets[rows + 1] - self.offsets[rows]
        owner = np.repeat(np.arange(len(rows)), sizes)
        starts = self.offsets[rows] - np.cumsum(sizes) + sizes
        return owner, self.codes[np.arange(len(owner)) + starts[owner]]


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
        np.maximum.at(found, owner, values[codes])
        return found

    def any_of(self, wanted: Mask) -> Mask:
        """Which tracks have at least one genre g with wanted[g], shape (n_tracks,)."""
        hits = np.concatenate(([0], np.cumsum(wanted[self.codes])))
        return np.asarray(hits[self.offsets[1:]] > hits[self.offsets[:-1]])
