"""How far a number of plays is taken for liking: the confidence of weighted least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Trust"]

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trust:
    """Confidence 1 + slope · ln(1 + plays), which may be levelled between listeners.

    Args:
        slope: What is added to the confidence of a track that was never played.
        levelling: The logarithms of a listener are divided by their root mean square to this
            power: with 1 a listener of thousands of plays is believed no more than another.
    """

    slope: float = 2.0
    levelling: float = 0.0

    def of_one(self, liking: Reals) -> Reals:
        """Of one listener; what is below zero is trusted as much, as dislike."""
        return self.of_many(liking, np.array([0, len(liking)]))

    def of_many(
        self, plays: npt.NDArray[np.floating], offsets: npt.NDArray[np.integer[Any]]
    ) -> Reals:
        """Of the plays of many listeners, listener i's being plays[offsets[i]:offsets[i + 1]]."""
        amounts = np.log1p(np.abs(np.asarray(plays, dtype=np.float64)))
        if self.levelling:
            sizes = np.diff(offsets)
            owners = np.repeat(np.arange(len(sizes)), sizes)
            squares = np.bincount(owners, amounts**2, len(sizes)) / np.maximum(sizes, 1)
            typical = np.sqrt(np.where(squares > 0, squares, 1.0))
            amounts /= (typical**self.levelling)[owners]
        return np.asarray(1 + self.slope * amounts)
