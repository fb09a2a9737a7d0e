"""What was played so far in each of many sessions, as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions

__all__ = ["Plays", "prefixes_of"]

_MEMORY: Final = 30

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plays:
    """The last plays of every prefix.

    Args:
        n: Prefixes.
        row: Prefix of each play, ascending.
        track: Track of each play, in the order they were heard.
        age: Plays since, 0 for the last.
    """

    n: int
    row: Rows
    track: Rows
    age: Rows

    @classmethod
    def of(cls, prefixes: Sessions, memory: int = _MEMORY) -> Self:
        """The last `memory` plays of each; offsets begin at 0."""
        row = np.repeat(np.arange(len(prefixes)), np.diff(prefixes.offsets))
        age = prefixes.offsets[1:][row] - 1 - np.arange(len(row))
        kept = age < memory
        return cls(len(prefixes), row[kept], prefixes.tracks[kept].astype(np.int64), age[kept])

    @cached_property
    def lengths(self) -> Rows:
        """Plays of each prefix, shape (n,)."""
        return np.bincount(self.row, minlength=self.n)

    def ago(self, age: int) -> Rows:
        """The track played `age` plays before the last of each prefix, -1 if none, shape (n,)."""
        found = np.full(self.n, -1, np.int64)
        mine = self.age == age
        found[self.row[mine]] = self.track[mine]
        return found


def prefixes_of(sessions: Sessions) -> tuple[Sessions, Rows]:
    """Every beginning of every session, and the track that came next in it."""
    lengths = np.diff(sessions.offsets)
    counts = np.maximum(lengths - 1, 0)
    owner = np.repeat(np.arange(len(sessions)), counts)
    size = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    begins = sessions.offsets[owner]
    offsets = np.concatenate(([0], np.cumsum(size))).astype(np.int64)
    index = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], size)
    prefixes = Sessions(offsets, sessions.tracks[index], sessions.ended_at[owner])
    return prefixes, sessions.tracks[begins + size].astype(np.int64)
