"""Who listened to what, as one sparse matrix that recommenders fit on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # SciPy takes a third of a second to import; making a playlist needs none of it
    import scipy.sparse as sp

__all__ = ["Interactions"]


@dataclass(frozen=True)
class Interactions:
    """Immutable user × track matrix with both id maps.

    Args:
        matrix: CSR float32, shape (n_users, n_tracks); a value is a play count or a weight.
        user_ids: Row ids, in row order. Crowd listeners are "crowd:<crowd>:<listener>".
        track_ids: Column ids, in column order: the catalogue's order.
    """

    matrix: sp.csr_array
    user_ids: npt.NDArray[np.object_]
    track_ids: npt.NDArray[np.object_]

    def __post_init__(self) -> None:
        if self.matrix.shape != (len(self.user_ids), len(self.track_ids)):
            raise ValueError("interactions: the id maps do not fit the matrix")
        if self.matrix.dtype != np.float32:
            raise ValueError(f"interactions: float32 wanted, got {self.matrix.dtype}")

    @property
    def n_users(self) -> int:
        """Rows."""
        return int(self.matrix.shape[0])

    @property
    def n_tracks(self) -> int:
        """Columns."""
        return int(self.matrix.shape[1])

    @cached_property
    def user_index(self) -> dict[str, int]:
        """user_id -> row."""
        return {user: row for row, user in enumerate(self.user_ids)}

    @cached_property
    def track_index(self) -> dict[str, int]:
        """track_id -> column."""
        return {track: column for column, track in enumerate(self.track_ids)}
