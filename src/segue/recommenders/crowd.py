"""Who of a crowd plays what, on the columns that anybody plays: what collaborative models learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.incidence import Incidence

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["WEIGHTS", "Crowd", "PlayWeight", "crowd_of", "weighted_plays"]

PlayWeight = Literal["log", "plays", "once"]
WEIGHTS: Final = ("log", "plays", "once")
"""What n plays count as: ln(1 + n), n, or 1."""


@dataclass(frozen=True)
class Crowd:
    """A crowd as least memory: columns that nobody plays are left out.

    Args:
        columns: int64, ascending: the columns that somebody plays, shape (n_known,).
        listeners: Which listeners have each known column.
        plays: CSR float32, raw play counts, shape (n_listeners, n_known).
    """

    columns: npt.NDArray[np.int64]
    listeners: Incidence
    plays: sp.csr_array


def crowd_of(
    interactions: Interactions, *, besides: npt.NDArray[np.integer[Any]] | None = None
) -> Crowd:
    """The crowd behind these interactions.

    Args:
        besides: Columns that count as known though nobody plays them.
    """
    by_column = interactions.matrix.tocsc()
    sizes = np.diff(by_column.indptr)
    columns = np.flatnonzero(sizes)
    if besides is not None:
        columns = np.union1d(columns, besides)
    listeners = Incidence(
        offsets=np.concatenate(([0], np.cumsum(sizes[columns], dtype=np.int64))),
        rows=by_column.indices.astype(np.int32),
        n_rows=interactions.n_users,
    )
    return Crowd(columns, listeners, by_column[:, columns].tocsr())


def weighted_plays(plays: npt.NDArray[np.floating], weight: PlayWeight) -> npt.NDArray[np.float64]:
    """What these numbers of plays count as; what is below zero counts the same, below zero."""
    amounts = np.asarray(plays, dtype=np.float64)
    if weight == "plays":
        return amounts
    counted = np.sign(amounts)
    return counted if weight == "once" else counted * np.log1p(np.abs(amounts))
