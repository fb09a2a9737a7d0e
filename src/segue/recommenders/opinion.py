"""What a crowd's listening says to one user: scores of all columns, and what each owes to what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from segue.features.ranked import Ranked
from segue.recommenders.incidence import Incidence
from segue.recommenders.ranking import steadied

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Learned", "Opinion", "position_among", "strongest_ties"]

_CONTRIBUTORS: Final = 5
_SEVERAL: Final = 5
_AT_ONCE: Final = 4096

Reals = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Opinion(Protocol):
    """The answer to one user."""

    @property
    def scores(self) -> npt.NDArray[np.floating]:
        """One for every known column, shape (n_known,); zero and below is no recommendation."""

    def best(
        self, usable: npt.NDArray[np.bool_], count: int
    ) -> tuple[Rows, npt.NDArray[np.floating]]:
        """Known columns of the best scores above 0, ascending, and their scores.

        Args:
            usable: Columns of the whole matrix that may be answered, shape (n_tracks,).
            count: At least so many, if there are, and all that are tied with the last.
        """

    def contributions(self, found: Rows) -> Reals:
        """What each asked column adds to these scores, exact, shape (len(found), n_asked)."""


class Learned(Protocol):
    """What was learned of a crowd: works on the columns that somebody listens to alone.

    `positions` number the known columns from 0 on.
    """

    @property
    def columns(self) -> Rows:
        """Ascending: the columns (tracks or artists) that somebody listens to."""

    @property
    def listeners(self) -> Incidence:
        """Which crowd listeners have each known column."""

    def opinion(self, positions: Rows, liking: Reals) -> Opinion:
        """On a user who likes these known columns this much (in plays; below zero: dislikes)."""

    def all_scores(self, histories: sp.csr_array) -> Floats:
        """Of many users for every known column; raw plays, shape (n_users, n_known)."""

    def top(self, histories: sp.csr_array, k: int, *, known: bool, threads: int) -> Ranked:
        """The k best known columns of many users; raw plays, shape (n_users, n_known)."""

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays under names that start with the prefix."""

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Self:
        """Read them back, mapped."""


def position_among(known: Rows, columns: Rows) -> Rows:
    """Where each column is among the known ones (ascending), -1 if it is not."""
    if not len(known):
        return np.full(len(columns), -1, np.int64)
    found = np.minimum(np.searchsorted(known, columns), len(known) - 1)
    return np.where(known[found] == columns, found, -1)


def strongest_ties(
    learned: Learned, opinion: Opinion, *, positions: Rows, found: Rows
) -> tuple[Rows, Rows]:
    """For each found column the asked one that adds most to it, and how many listen to both.

    Of the few that add most it is the first that shares several listeners, else the one that
    shares most: “people who play it” should be people. Where nobody listens to both, it is 0.

    Args:
        positions: Where what was asked is among the known columns, as for the opinion.
        found: Where the columns to be explained are.
    """
    parts = [
        _ties_of_some(learned, opinion, positions=positions, found=found[start : start + _AT_ONCE])
        for start in range(0, len(found), _AT_ONCE)
    ] or [(np.empty(0, np.int64), np.empty(0, np.int64))]
    others, together = zip(*parts, strict=True)
    return np.concatenate(others), np.concatenate(together)


def _ties_of_some(
    learned: Learned, opinion: Opinion, *, positions: Rows, found: Rows
) -> tuple[Rows, Rows]:
    # whichever others are explained with it, and on whatever machine
    added = steadied(opinion.contributions(found))
    added[found[:, None] == positions[None, :]] = -np.inf
    order = _highest(added, _CONTRIBUTORS)
    positive = np.take_along_axis(added, order, axis=1) > 0
    shared = np.zeros(order.shape, np.int64)
    open_ = np.arange(len(found))
    for place in range(order.shape[1]):
        tried = open_[positive[open_, place]]
        others = positions[order[tried, place]]
        shared[tried, place] = learned.listeners.both(found[tried], others)
        open_ = open_[shared[open_, place] < _SEVERAL]
    first = np.minimum(shared, _SEVERAL).argmax(axis=1)[:, None]
    other = np.take_along_axis(order, first, axis=1)[:, 0]
    return other, np.take_along_axis(shared, first, axis=1)[:, 0]


def _highest(values: Reals, count: int) -> Rows:
    """Columns of the highest values of each row, highest first; ties go by column."""
    if values.shape[1] > count:
        some = np.sort(np.argpartition(-values, count - 1, axis=1)[:, :count], axis=1)
    else:
        some = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    inner = np.argsort(-np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, inner, axis=1)
