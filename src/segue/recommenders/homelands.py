"""Which countries a track is at home in: who plays it where, and where a user's tracks are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.training_data import TrainingData
from segue.recommenders.opinion import position_among

__all__ = ["Homelands"]

_PRIOR: Final = 3.0  # listeners spread as everybody's are, whom every track has besides its own
_FEWEST: Final = 3  # listeners whose country is known

Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Homelands:
    """Listeners of each track by country; tracks and countries are numbers.

    Args:
        rows: int64, catalogue rows that somebody of known country plays, ascending, shape (n,).
        offsets: int64, shape (n + 1,): track i has the entries [offsets[i]:offsets[i + 1]].
        countries: int32: the country of each entry.
        listeners: int32: how many there play the track.
        shares: float64, shape (n_countries,): share of all those listeners.
    """

    rows: Rows
    offsets: Rows
    countries: npt.NDArray[np.int32]
    listeners: npt.NDArray[np.int32]
    shares: Reals

    @classmethod
    def of(cls, data: TrainingData) -> Homelands | None:
        """None where fewer than three listeners of two countries are known."""
        lands = sorted(set(data.countries.values()))
        users = [user for user in sorted(data.countries) if user in data.interactions.user_index]
        if len(users) < _FEWEST or len(lands) < 2:
            return None
        code = {land: number for number, land in enumerate(lands)}
        of_user = np.array([code[data.countries[user]] for user in users])
        matrix = data.interactions.matrix[[data.interactions.user_index[user] for user in users]]
        land = np.repeat(of_user, np.diff(matrix.indptr))
        pairs, listeners = np.unique(
            matrix.indices.astype(np.int64) * len(lands) + land, return_counts=True
        )
        track, country = np.divmod(pairs, len(lands))
        rows, sizes = np.unique(track, return_counts=True)
        return cls(
            rows=rows,
            offsets=np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))),
            countries=country.astype(np.int32),
            listeners=listeners.astype(np.int32),
            shares=np.bincount(of_user, minlength=len(lands)) / len(users),
        )

    def mix(self, rows: Rows, liking: Reals) -> Reals:
        """Where a user is at home by what they like, shape (n_countries,), sum 1, or all 0."""
        owner, entries = self._entries(rows)
        here = self.listeners[entries].astype(np.float64)
        total = np.bincount(owner, here, len(rows))
        weights = liking[owner] * here / total[owner]
        found = np.bincount(self.countries[entries], weights, len(self.shares))
        return np.asarray(found / found.sum() if found.sum() > 0 else found * 0.0)

    def nearness(self, rows: Rows, mix: Reals) -> Reals:
        """How much each track is played where this mix is at home, 0 … 1, shape (len(rows),).

        1: there at least as much as elsewhere. A track of which no listener's country is known
        has 1, too.
        """
        owner, entries = self._entries(rows)
        country = self.countries[entries]
        here = self.listeners[entries].astype(np.float64)
        total = np.bincount(owner, here, len(rows))
        nobody = _PRIOR / (total + _PRIOR)  # in a country where none of its listeners is
        there = np.minimum(1.0, (here / self.shares[country] + _PRIOR) / (total[owner] + _PRIOR))
        more = np.bincount(owner, mix[country] * (there - nobody[owner]), len(rows))
        return np.asarray(nobody + more)

    def _entries(self, rows: Rows) -> tuple[Rows, Rows]:
        """The entries of these tracks, and which of `rows` each belongs to."""
        at = position_among(self.rows, rows)
        known = np.flatnonzero(at >= 0)
        starts, ends = self.offsets[at[known]], self.offsets[at[known] + 1]
        sizes = ends - starts
        before = np.cumsum(sizes) - sizes
        entries = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
        return np.repeat(known, sizes), entries
