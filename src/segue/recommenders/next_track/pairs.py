"""How often each track was played near each other one, before, after and how near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from segue.features.training_data import Sessions
from segue.recommenders.arrays import load_array, save_arrays

__all__ = ["Near", "TrackPairs", "recency"]

_REACH: Final = 20
_LATELY: Final = 0.1

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Near(IntEnum):
    """What is counted of a pair (first, second).

    Every count but TOGETHER fades with the age of its session.
    """

    AFTER = 0
    """The second later in a session, each time 1 / (plays between + 1)."""
    BEFORE = 1
    """The second earlier, likewise."""
    TOGETHER = 2
    """Both within reach of each other, each time 1."""
    NEXT = 3
    """The second right after the first."""
    SECOND = 4
    """Two plays after."""
    THIRD = 5
    """Three plays after."""
    PREVIOUS = 6
    """The second right before the first."""
    LATELY = 7
    """AFTER and half of BEFORE, fading faster."""


@dataclass(frozen=True)
class TrackPairs:
    """A sparse matrix of tracks × tracks with several counts at every place.

    Args:
        offsets: int64, shape (n_tracks + 1,).
        columns: int32, ascending within each track's run, shape (n_pairs,).
        counts: float32, shape (n_pairs, 8): see `Near`.
    """

    offsets: Rows
    columns: npt.NDArray[np.int32]
    counts: Floats

    @classmethod
    def of_sessions(cls, sessions: Sessions, n_tracks: int, half_life: float) -> Self:
        """Count the pairs of plays that are at most twenty apart.

        Args:
            sessions: Oldest first.
            half_life: As a share of all sessions; see `recency`.
        """
        first, second, lag, session = _plays_apart(sessions)
        key = np.concatenate([first * n_tracks + second, second * n_tracks + first])
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))[: len(key)]
        forward = order < len(lag)
        play = np.where(forward, order, order - len(lag))
        del order
        near = 1 / lag[play].astype(np.float32)
        step = np.where(forward, lag[play], -lag[play])
        fading = recency(len(sessions), half_life)[session[play]]
        lately = recency(len(sessions), _LATELY)[session[play]]
        of: dict[Near, Callable[[], npt.NDArray[Any]]] = {
            Near.AFTER: lambda: fading * near * forward,
            Near.BEFORE: lambda: fading * near * ~forward,
            Near.TOGETHER: lambda: np.ones(len(key), np.float32),
            Near.NEXT: lambda: fading * (step == 1),
            Near.SECOND: lambda: fading * (step == 2),
            Near.THIRD: lambda: fading * (step == 3),
            Near.PREVIOUS: lambda: fading * (step == -1),
            Near.LATELY: lambda: lately * near * np.where(forward, np.float32(1), np.float32(0.5)),
        }
        counts = np.empty((len(starts), len(Near)), np.float32)
        for what, values in of.items():  # one at a time: there may be fifty million pairs
            counts[:, what] = np.add.reduceat(values(), starts) if len(starts) else 0
        owner, column = np.divmod(key[starts], max(n_tracks, 1))
        offsets = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=n_tracks))))
        return cls(offsets.astype(np.int64), column.astype(np.int32), counts)

    def save(self, folder: Path) -> None:
        """Write the arrays."""
        save_arrays(
            folder,
            {"pair_offsets": self.offsets, "pair_tracks": self.columns, "pair_counts": self.counts},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read them back, mapped."""
        names = ("pair_offsets", "pair_tracks", "pair_counts")
        return cls(*(load_array(folder, name) for name in names))


def recency(n_sessions: int, half_life: float) -> Floats:
    """Weights of sessions from the oldest to the latest, which weighs 1.

    Age is counted in sessions, since many data sets know their order and not their time.

    Args:
        half_life: The share of all sessions after which a weight has halved.
    """
    age = np.arange(n_sessions)[::-1] / max(n_sessions, 1)
    return np.exp2(-age / half_life).astype(np.float32)


def _plays_apart(sessions: Sessions) -> tuple[Rows, Rows, npt.NDArray[np.int8], Rows]:
    """Earlier track, later track, plays from one to the other, and session of each pair."""
    tracks = sessions.tracks.astype(np.int64)
    session = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    parts = []
    for lag in range(1, _REACH + 1):
        begins = np.flatnonzero(session[:-lag] == session[lag:])
        parts.append((tracks[begins], tracks[begins + lag], lag, session[begins]))
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.repeat(np.arange(1, _REACH + 1, dtype=np.int8), [len(part[0]) for part in parts]),
        np.concatenate([part[3] for part in parts]),
    )
