"""Questions with their answers, for what learns from how its guesses turned out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.music.query import Query

__all__ = ["Lesson"]


@dataclass(frozen=True)
class Lesson:
    """Somebody at a moment, and what they went on to play.

    Args:
        query: The question; its history ends at its moment.
        rows: int64, catalogue rows that had a counted play in the time after it, ascending.
        finished: Which of them were heard to the end at least once, shape (len(rows),).
        own: Whether it is of a user here, and not of a listener of a crowd.
    """

    query: Query
    rows: npt.NDArray[np.int64]
    finished: npt.NDArray[np.bool_]
    own: bool = True
