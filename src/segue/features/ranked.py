"""The best tracks for many users at once, as two arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Ranked"]


@dataclass(frozen=True)
class Ranked:
    """One row a user or session, best first.

    Args:
        tracks: int32 catalogue rows, shape (n, k); -1 where there was nothing more to say.
        scores: float32, same shape, falling along each row; -inf beside -1. Higher is better;
            comparable within one row only, unless the model says otherwise.
    """

    tracks: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.tracks.shape != self.scores.shape or self.tracks.ndim != 2:
            raise ValueError("ranked: two arrays of one shape (n, k) are wanted")

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def k(self) -> int:
        """Places in a row."""
        return int(self.tracks.shape[1])
