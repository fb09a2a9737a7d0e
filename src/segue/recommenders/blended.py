"""What several models learned of one crowd, blended into one opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.features.ranked import Ranked
from segue.recommenders.arrays import load_array, save_arrays
from segue.recommenders.factors import Factors
from segue.recommenders.incidence import Incidence
from segue.recommenders.item_item import Links
from segue.recommenders.opinion import Learned, Opinion, position_among
from segue.recommenders.ranking import steadied
from segue.recommenders.top_rows import top_of_dense

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["BEST", "Blended", "BlendedOpinion", "units"]

BEST: Final = 100
"""So many of the best scores tell in which unit a model scores."""

_KINDS: Final[tuple[type[Learned], ...]] = (Links, Factors)
_CELLS: Final = 1 << 22

Reals = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def units(scores: npt.NDArray[np.floating]) -> Reals:
    """The spread of the 100 best scores of each row, below zero counting as zero, shape (n,).

    Models score in units of their own, and differently for each user: only what is measured in
    how far their best candidates are apart can be added up. Where they all are alike it is
    infinite, so that such a model has no say.

    Args:
        scores: Shape (n, n_columns); what is known already is minus infinity.
    """
    n_columns = scores.shape[1]
    if n_columns > BEST:
        scores = np.partition(scores, n_columns - BEST, axis=1)[:, n_columns - BEST :]
    best = np.zeros((len(scores), BEST))
    best[:, : scores.shape[1]] = np.maximum(scores, 0)
    spread = steadied(best.std(axis=1))
    return np.where(spread > 0, spread, np.inf)


@dataclass(frozen=True)
class BlendedOpinion:
    """What the models say to one user together.

    Args:
        columns: The catalogue's column of each known one, shape (n_known,).
        parts: Their opinions.
        shares: What a score of each counts for, shape (n_parts,).
        places: For each part, where its columns are among the known ones.
        asked: For each part, which of the asked columns it knows.
        n_asked: Asked columns.
        dense: Whether every known column may be scored.
    """

    columns: Rows
    parts: tuple[Opinion, ...]
    shares: Reals
    places: tuple[Rows, ...]
    asked: tuple[Rows, ...]
    n_asked: int
    dense: bool

    @cached_property
    def scores(self) -> Reals:
        """Sums of the shares of all models, shape (n_known,)."""
        total = np.zeros(len(self.columns))
        for part, share, place in zip(self.parts, self.shares, self.places, strict=True):
            total[place] += share * part.scores
        return steadied(total)

    def best(self, usable: npt.NDArray[np.bool_], count: int) -> tuple[Rows, Reals]:
        """Known columns of the best scores above 0, ascending; see `Opinion`.

        Of too many known columns those are looked at that are among the best of a model.
        """
        if self.dense:
            found = np.flatnonzero((self.scores > 0) & usable[self.columns])
            return found, self.scores[found]
        proposed = []
        for part, place in zip(self.parts, self.places, strict=True):
            some, scores = part.best(usable, max(count, BEST))
            order = np.argsort(-scores, kind="stable")[: max(count, BEST)]
            proposed.append(place[some[order]])
        found = np.unique(np.concatenate(proposed))
        total = steadied(self.contributions(found).sum(axis=1))
        return found[total > 0], total[total > 0]

    def contributions(self, found: Rows) -> Reals:
        """What each asked column adds through all models, exact, shape (len(found), n_asked)."""
        total = np.zeros((len(found), self.n_asked))
        each = zip(self.parts, self.shares, self.places, self.asked, strict=True)
        for part, share, place, asked in each:
            at = position_among(place, found)
            mine = np.flatnonzero(at >= 0)
            if share and len(mine) and len(asked):
                total[np.ix_(mine, asked)] += share * part.contributions(at[mine])
        return total


@dataclass(frozen=True)
class Blended:
    """Weighted models of one crowd; every user's scores are brought to one unit first.

    Args:
        parts: At least one.
        weights: float64, above zero, shape (n_parts,).
        dense_tracks: Up to so many known columns every one is scored; of more, those that are
            among the best of a model.
    """

    parts: tuple[Learned, ...]
    weights: Reals
    dense_tracks: int

    @property
    def dense(self) -> bool:
        """Whether every known column is scored."""
        return len(self.columns) <= self.dense_tracks

    @cached_property
    def columns(self) -> Rows:
        """The columns that any of the models knows, ascending."""
        return np.unique(np.concatenate([part.columns for part in self.parts]))

    @property
    def listeners(self) -> Incidence:
        """Which crowd listeners have each known column."""
        return max(self.parts, key=lambda part: len(part.columns)).listeners

    @cached_property
    def places(self) -> tuple[Rows, ...]:
        """Where the columns of each part are among all."""
        return tuple(np.searchsorted(self.columns, part.columns) for part in self.parts)

    def opinion(self, positions: Rows, liking: Reals) -> BlendedOpinion:
        """On a user who likes these known columns this much; below zero: dislikes."""
        opinions, shares, known = [], [], []
        for part, place, weight in zip(self.parts, self.places, self.weights, strict=True):
            at = position_among(place, positions)
            asked = np.flatnonzero(at >= 0)
            part_opinion = part.opinion(at[asked], liking[asked])
            opinions.append(part_opinion)
            known.append(asked)
            shares.append(weight / self._unit(part, part_opinion, at[asked]))
        return BlendedOpinion(
            columns=self.columns,
            parts=tuple(opinions),
            shares=np.array(shares),
            places=self.places,
            asked=tuple(known),
            n_asked=len(liking),
            dense=self.dense,
        )

    def _unit(self, part: Learned, opinion: Opinion, asked: Rows) -> float:
        if self.dense:
            scores = np.array(opinion.scores, dtype=np.float64)
            scores[asked] = -np.inf
        else:
            usable = np.ones(int(self.columns[-1]) + 1, dtype=bool)
            usable[part.columns[asked]] = False
            scores = np.asarray(opinion.best(usable, BEST)[1], dtype=np.float64)
        return float(units(scores[None, :])[0])

    def all_scores(self, histories: sp.csr_array) -> Floats:
        """Of many users for every known column; raw plays, shape (n_users, n_known)."""
        total = np.zeros(histories.shape)
        heard = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
        for part, place, weight in zip(self.parts, self.places, self.weights, strict=True):
            whole = len(place) == len(self.columns)
            scores = part.all_scores(histories if whole else histories[:, place].tocsr())
            unknown = np.full(histories.shape, -np.inf, np.float32)
            unknown[:, place] = scores
            unknown[heard, histories.indices] = -np.inf
            total[:, place] += scores * (weight / units(unknown))[:, None]
        return steadied(total).astype(np.float32)

    def top(self, histories: sp.csr_array, k: int, *, known: bool, threads: int) -> Ranked:
        """The k best known columns of many users."""
        if not self.dense:
            return self._top_of_lists(histories, k, known=known, threads=threads)
        at_once = max(1, _CELLS // max(len(self.columns), 1))
        found = [Ranked(np.empty((0, max(k, 0)), np.int32), np.empty((0, max(k, 0)), np.float32))]
        for start in range(0, histories.shape[0], at_once):
            mine = histories[start : start + at_once]
            scores = self.all_scores(mine)
            if not known:
                owners = np.repeat(np.arange(len(scores)), np.diff(mine.indptr))
                scores[owners, mine.indices] = -np.inf
            found.append(top_of_dense(scores, k))
        return _joined(found)

    def _top_of_lists(
        self, histories: sp.csr_array, k: int, *, known: bool, threads: int
    ) -> Ranked:
        """Blends what is in the models' lists; what a list lacks has the score of its last."""
        deep = max(2 * k, BEST)
        lists = []
        for part, place in zip(self.parts, self.places, strict=True):
            mine = part.top(histories[:, place].tocsr(), deep, known=known, threads=threads)
            lists.append(Ranked(np.append(place, -1)[mine.tracks].astype(np.int32), mine.scores))
        tracks = np.full((histories.shape[0], max(k, 0)), -1, np.int32)
        scores = np.full(tracks.shape, -np.inf, np.float32)
        for row in range(len(tracks)):
            columns, totals = self._of_lists(
                [(each.tracks[row], each.scores[row]) for each in lists]
            )
            order = np.lexsort((columns, -totals))[:k]
            tracks[row, : len(order)], scores[row, : len(order)] = columns[order], totals[order]
        return Ranked(tracks, scores)

    def _of_lists(
        self, lists: Sequence[tuple[npt.NDArray[np.int32], Floats]]
    ) -> tuple[Rows, Reals]:
        columns = np.unique(np.concatenate([tracks for tracks, _ in lists])).astype(np.int64)
        columns = columns[columns >= 0]
        total = np.zeros(len(columns))
        for (tracks, scores), weight in zip(lists, self.weights, strict=True):
            listed = tracks >= 0
            if not listed.any():
                continue
            mine = np.full(len(columns), scores[listed].min(), np.float64)
            mine[np.searchsorted(columns, tracks[listed])] = scores[listed]
            total += weight * mine / units(scores[None, listed])[0]
        return columns, steadied(total)

    def save(self, folder: Path, prefix: str) -> None:
        """Write weights, kinds and every part under names that start with the prefix."""
        kinds = np.array([_KINDS.index(type(part)) for part in self.parts])
        arrays = {"weights": self.weights, "kinds": kinds, "dense": np.array([self.dense_tracks])}
        save_arrays(folder, {f"{prefix}_{name}": array for name, array in arrays.items()})
        for number, part in enumerate(self.parts):
            part.save(folder, f"{prefix}_{number}")

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Blended:
        """Read them back, mapped."""
        kinds = load_array(folder, f"{prefix}_kinds").tolist()
        parts = [_KINDS[kind].load(folder, f"{prefix}_{n}") for n, kind in enumerate(kinds)]
        (dense_tracks,) = load_array(folder, f"{prefix}_dense").tolist()
        return cls(tuple(parts), load_array(folder, f"{prefix}_weights"), dense_tracks)


def _joined(parts: Sequence[Ranked]) -> Ranked:
    return Ranked(
        np.concatenate([part.tracks for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )
