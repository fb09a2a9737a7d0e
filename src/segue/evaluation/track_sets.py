"""Sets of tracks, one a row: what is relevant to a case, and what it has heard before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["TrackSets"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrackSets:
    """Distinct tracks of every row.

    Args:
        offsets: int64, shape (n_rows + 1,); row i has tracks[offsets[i]:offsets[i + 1]].
        tracks: int32 catalogue rows, ascending within a row.
        n_tracks: Size of the catalogue.
    """

    offsets: Ints
    tracks: npt.NDArray[np.int32]
    n_tracks: int

    @classmethod
    def of_pairs(
        cls, rows: Ints, tracks: npt.NDArray[np.integer], *, n_rows: int, n_tracks: int
    ) -> TrackSets:
        """From pairs in any order; a pair that comes again counts once."""
        keys = np.unique(rows.astype(np.int64) * max(n_tracks, 1) + tracks)
        row, track = np.divmod(keys, max(n_tracks, 1))
        offsets = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=n_rows))))
        return cls(offsets.astype(np.int64), track.astype(np.int32), n_tracks)

    @classmethod
    def empty(cls, n_rows: int, n_tracks: int) -> TrackSets:
        """Rows without any track."""
        return cls(np.zeros(n_rows + 1, np.int64), np.empty(0, np.int32), n_tracks)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Ints:
        """How many tracks each row has, shape (n_rows,)."""
        return np.diff(self.offsets)

    @cached_property
    def owners(self) -> Ints:
        """The row that each track belongs to, as long as `tracks`."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def _keys(self) -> Ints:
        return self.owners * max(self.n_tracks, 1) + self.tracks

    def holds(self, lists: npt.NDArray[np.int32]) -> Mask:
        """Which places of each row's list hold one of the row's tracks; -1 is none.

        Args:
            lists: Catalogue rows, shape (n_rows, k).
        """
        asked = np.arange(len(self), dtype=np.int64)[:, None] * max(self.n_tracks, 1) + lists
        keys = self._keys
        place = np.searchsorted(keys, asked)
        found = place < len(keys)
        found[found] = keys[place[found]] == asked[found]
        return np.asarray(found & (lists >= 0))

    def rows(self, start: int, stop: int) -> TrackSets:
        """Some consecutive rows."""
        first, last = self.offsets[start], self.offsets[stop]
        return TrackSets(
            self.offsets[start : stop + 1] - first, self.tracks[first:last], self.n_tracks
        )

    def take(self, rows: Ints) -> TrackSets:
        """Chosen rows, in their order."""
        sizes = self.sizes[rows]
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
        at = np.repeat(self.offsets[rows], sizes) + within
        return TrackSets(offsets.astype(np.int64), self.tracks[at], self.n_tracks)

    def only(self, kept: Mask) -> TrackSets:
        """The same rows with some of their tracks.

        Args:
            kept: Which entries of `tracks` stay.
        """
        sizes = np.bincount(self.owners[kept], minlength=len(self))
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        return TrackSets(offsets.astype(np.int64), self.tracks[kept], self.n_tracks)

    def in_common(self, others: TrackSets) -> Mask:
        """Which entries of `tracks` the same row of `others` has, too."""
        return np.isin(self._keys, others._keys)

    def without(self, others: TrackSets) -> TrackSets:
        """Each row without the tracks of the same row of `others`."""
        return self.only(~self.in_common(others))
