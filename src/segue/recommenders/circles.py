"""What the friends of each listener play, as scores of tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from segue.features.interactions import Interactions
from segue.recommenders.arrays import load_array, save_arrays
from segue.recommenders.blended import units

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["Circles", "circles_of"]

_DOUBT: Final = 3.0  # so many friends who play nothing are added to everybody's
_MEASURED: Final = 1_000  # listeners whose spread tells the unit
_CELLS: Final = 1 << 22
_PREFIX: Final = "friends"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Circles:
    """Friends' plays of everybody who has friends.

    Args:
        user_ids: Unicode, ascending: who has friends, shape (n_users,).
        said: CSR float32, shape (n_users, n_known), above zero, in units of the usual spread.
    """

    user_ids: npt.NDArray[np.str_]
    said: sp.csr_array

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {user: row for row, user in enumerate(self.user_ids.tolist())}

    def said_to(self, user_ids: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
        """What friends play, zero for who has none, shape (len(user_ids), n_known)."""
        found = np.array([self._rows.get(str(user), -1) for user in user_ids], np.int64)
        scores = np.zeros((len(found), self.said.shape[1]), np.float32)
        scores[found >= 0] = self.said[found[found >= 0]].toarray()
        return scores

    def save(self, folder: Path) -> None:
        """Write the arrays."""
        parts = {
            "ids": self.user_ids,
            "data": self.said.data,
            "indices": self.said.indices,
            "indptr": self.said.indptr,
            "shape": np.array(self.said.shape),
        }
        save_arrays(folder, {f"{_PREFIX}_{name}": array for name, array in parts.items()})

    @classmethod
    def load(cls, folder: Path) -> Circles | None:
        """Read them back, mapped; None where there are none."""
        if not (folder / f"{_PREFIX}_ids.npy").is_file():
            return None
        import scipy.sparse as sp

        data, indices, indptr, shape, ids = (
            load_array(folder, f"{_PREFIX}_{name}")
            for name in ("data", "indices", "indptr", "shape", "ids")
        )
        return cls(ids, sp.csr_array((data, indices, indptr), tuple(shape.tolist())))


def circles_of(
    crowd: Interactions, friends: Mapping[str, tuple[str, ...]], columns: Rows
) -> Circles | None:
    """Sums over friends, held back where friends are few; None if nobody has any in the crowd.

    A friend's plays count by their logarithm, brought to unit length, so that nobody is loud; what
    many listeners play says less, by the root of how many they are.

    Args:
        crowd: Raw play counts.
        friends: user_id -> user_ids of their friends; who is not in the crowd says nothing.
        columns: Which columns of the crowd are scored.
    """
    import scipy.sparse as sp

    index = crowd.user_index
    pairs = [
        (user, index[friend])
        for user, theirs in sorted(friends.items())
        for friend in sorted(set(theirs) - {user})
        if friend in index
    ]
    if not pairs:
        return None
    users, owners = np.unique([user for user, _ in pairs], return_inverse=True)
    ties = sp.csr_array(
        (np.ones(len(pairs)), (owners, [friend for _, friend in pairs])),
        (len(users), crowd.n_users),
    )
    plays = crowd.matrix[:, columns].tocsr().astype(np.float64)
    fame = np.maximum(np.bincount(plays.indices, minlength=len(columns)), 1)
    trusted = 1 / (np.diff(ties.indptr) + _DOUBT)
    said = sp.csr_array(sp.diags_array(trusted) @ ties @ _levelled(plays))
    said = sp.csr_array(said @ sp.diags_array(fame**-0.5))
    said.sort_indices()
    rows = np.array([index.get(user, -1) for user in users.tolist()], np.int64)
    unit = _unit(said, plays, rows)
    return Circles(users, sp.csr_array(said / unit, dtype=np.float32)) if unit else None


def _levelled(plays: sp.csr_array) -> sp.csr_array:
    import scipy.sparse as sp

    amounts = sp.csr_array((np.log1p(plays.data), plays.indices, plays.indptr), plays.shape)
    owners = np.repeat(np.arange(plays.shape[0]), np.diff(plays.indptr))
    squares = np.bincount(owners, amounts.data**2, plays.shape[0])
    amounts.data /= np.sqrt(squares[owners])
    return amounts


def _unit(said: sp.csr_array, plays: sp.csr_array, rows: Rows) -> float:
    """The median spread of what is said to a listener and new to them; 0 if there is none.

    One unit for all, unlike that of the models: friends who say little are to count for little.
    """
    step = max(1, said.shape[0] // _MEASURED)
    measured = np.arange(0, said.shape[0], step)
    at_once = max(1, _CELLS // max(said.shape[1], 1))
    found = []
    for start in range(0, len(measured), at_once):
        some = measured[start : start + at_once]
        scores = said[some].toarray()
        for row, whose in zip(scores, rows[some].tolist(), strict=True):
            if whose >= 0:
                row[plays.indices[plays.indptr[whose] : plays.indptr[whose + 1]]] = -np.inf
        found.append(units(scores))
    spreads = np.concatenate(found)
    spreads = spreads[np.isfinite(spreads)]
    return float(np.median(spreads)) if len(spreads) else 0.0
