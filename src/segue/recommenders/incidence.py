"""Which rows (sessions, listeners) hold each column (track, artist), and how many hold two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Incidence", "places_of"]

_SIEVE: Final = (1 << 16) - 1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Incidence:
    """A sparse yes-no matrix by column.

    Args:
        offsets: int64, shape (n_columns + 1,).
        rows: int32; column j is held by rows[offsets[j]:offsets[j + 1]], ascending, none twice.
        n_rows: Number of rows.
    """

    offsets: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    n_rows: int

    @classmethod
    def of_pairs(cls, rows: Rows, columns: Rows, *, n_rows: int, n_columns: int) -> Incidence:
        """From (row, column) pairs, which may repeat."""
        pairs = np.unique(columns.astype(np.int64) * max(n_rows, 1) + rows)
        column, row = np.divmod(pairs, max(n_rows, 1))
        counts = np.bincount(column, minlength=n_columns)
        offsets = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        return cls(offsets, row.astype(np.int32), n_rows)

    def holding(self, column: int) -> npt.NDArray[np.int32]:
        """Rows that hold a column, ascending."""
        return self.rows[self.offsets[column] : self.offsets[column + 1]]

    def sizes(self) -> Rows:
        """Number of rows that hold each column, shape (n_columns,)."""
        return np.diff(self.offsets)

    def sizes_of(self, columns: Rows) -> Rows:
        """Number of rows that hold each of these columns."""
        return np.asarray(self.offsets[columns + 1] - self.offsets[columns])

    def held(self, columns: Rows) -> tuple[npt.NDArray[np.int32], Rows]:
        """The rows of these columns one after another, and which of the columns each is of."""
        sizes = self.sizes_of(columns)
        owner = np.repeat(np.arange(len(columns)), sizes)
        starts = self.offsets[columns] - np.cumsum(sizes) + sizes
        return self.rows.take(np.arange(len(owner)) + starts.take(owner)), owner

    def both(self, columns: Rows, others: Rows) -> Rows:
        """How many rows hold columns[i] and others[i], exact, shape (len(columns),)."""
        mark, marked = np.zeros(self.n_rows, dtype=bool), self.rows[:0]
        latest, found = -1, np.zeros(len(columns), np.int64)
        starts, ends = self.offsets[columns].tolist(), self.offsets[columns + 1].tolist()
        theirs = others.tolist()
        for i in np.argsort(others, kind="stable").tolist():
            if theirs[i] != latest:
                mark[marked] = False
                latest = theirs[i]
                marked = self.holding(latest)
                mark[marked] = True
            found[i] = np.count_nonzero(mark.take(self.rows[starts[i] : ends[i]]))
        return found


def places_of(values: npt.NDArray[np.integer[Any]], wanted: npt.NDArray[np.integer[Any]]) -> Rows:
    """Where any of a few wanted numbers stand among many, ascending; none is below 0.

    A sieve of the lowest bits leaves few that have to be looked up.
    """
    if not len(wanted):
        return np.empty(0, np.int64)
    sieve, ordered = np.zeros(_SIEVE + 1, dtype=bool), np.sort(wanted)
    sieve[ordered & _SIEVE] = True
    some = np.flatnonzero(sieve.take(values & _SIEVE))
    found = values[some]
    place = np.minimum(np.searchsorted(ordered, found), len(ordered) - 1)
    return np.asarray(some[ordered[place] == found])
