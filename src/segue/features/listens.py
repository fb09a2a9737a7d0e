"""A data set in memory: who listened to what, as arrays that a split can take apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.interactions import Interactions
from segue.features.training_data import Sessions, TrainingData

__all__ = ["UNDATED", "Listens", "interactions_of", "session_rows", "training_part"]

UNDATED: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""The moment at which data without times is said to be known."""

_DAY: Final = 86_400.0
_TREND_HALF_LIFE_DAYS: Final = 90.0
_SESSION_GAP: Final = 30 * 60.0

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Listens:
    """Plays or play counts of many listeners, in the order in which the data tell them.

    Args:
        name: What the data set is called.
        catalogue: Its tracks (or artists, where it knows no more).
        listener_ids: Row i of every matrix is this listener, shape (n_listeners,).
        listeners: int64, whose each row is, shape (n,).
        tracks: int32, catalogue row of each, shape (n,).
        plays: float32, how often, above zero, shape (n,).
        at: float64 Unix seconds, NaN where unknown, shape (n,).
        sessions: int64, -1 where the data tell none, shape (n,). Rows of one session stand
            together, in order.
        part: int8, 0 train, 1 validation, 2 test where files are given, shape (n,); else empty.
        rejected: Records of the files that could not be used.
        friends: Listener id -> ids of other listeners of the data set, where it tells of friends.
    """

    name: str
    catalogue: Catalogue
    listener_ids: npt.NDArray[np.object_]
    listeners: Ints
    tracks: npt.NDArray[np.int32]
    plays: npt.NDArray[np.float32]
    at: Reals
    sessions: Ints
    part: npt.NDArray[np.int8]
    rejected: int = 0
    friends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def n_listeners(self) -> int:
        """How many listeners there are."""
        return len(self.listener_ids)

    @cached_property
    def is_dated(self) -> bool:
        """Whether every row has a time."""
        return bool(len(self)) and bool(np.isfinite(self.at).all())

    def some(self, rows: Mask) -> Listens:
        """Some of the rows, of the same listeners and tracks."""
        return replace(
            self,
            listeners=self.listeners[rows],
            tracks=self.tracks[rows],
            plays=self.plays[rows],
            at=self.at[rows],
            sessions=self.sessions[rows],
            part=self.part[rows] if len(self.part) else self.part,
        )

    @cached_property
    def runs(self) -> Ints:
        """The session of every row, -1 where there is none.

        Where the data tell no sessions but times, a pause of half an hour ends one.
        """
        return self.runs_among(np.ones(len(self), bool))

    def runs_among(self, rows: Mask) -> Ints:
        """The same as if the data had only some rows: no other play joins two of these."""
        if (self.sessions >= 0).any() or not self.is_dated:
            return np.where(rows, self.sessions, -1)
        chosen = np.flatnonzero(rows)
        whose, at = self.listeners[chosen], self.at[chosen]
        order = np.lexsort((chosen, at, whose))
        same = whose[order][1:] == whose[order][:-1]
        near = np.diff(at[order]) <= _SESSION_GAP
        runs = np.full(len(self), -1, np.int64)
        first = [False] if len(chosen) else []
        runs[chosen[order]] = np.cumsum(np.concatenate((first, ~(same & near))))
        return runs


def interactions_of(
    data: Listens, rows: Mask | Ints, listeners: Ints | None = None
) -> Interactions:
    """Plays of some rows, summed by listener and track.

    Args:
        data: The data set.
        rows: Which rows of it count, as a mask or as numbers.
        listeners: Whose rows the matrix has, ascending; None means everybody's.
    """
    import scipy.sparse as sp

    n_tracks = len(data.catalogue)
    asked = np.arange(data.n_listeners) if listeners is None else listeners
    place = np.full(data.n_listeners, -1, np.int64)
    place[asked] = np.arange(len(asked))
    at = place[data.listeners[rows]]
    kept = at >= 0
    values, columns = data.plays[rows][kept], data.tracks[rows][kept]
    matrix = sp.csr_array(
        sp.coo_array((values.astype(np.float32), (at[kept], columns)), (len(asked), n_tracks))
    )
    matrix.sum_duplicates()
    matrix.sort_indices()
    return Interactions(matrix, data.listener_ids[asked], data.catalogue.track_ids)


def session_rows(data: Listens, rows: Mask, runs: Ints) -> tuple[Ints, Ints]:
    """The rows that sessions are made of, session after session in the order they were heard.

    Args:
        rows: Which rows count.
        runs: The session of every row of the data, as `runs` or `runs_among` tell it.

    Returns:
        Row numbers, and offsets: session s is numbers[offsets[s]:offsets[s + 1]].
    """
    chosen = np.flatnonzero(rows & (runs >= 0))
    if (data.sessions >= 0).any():
        order = np.argsort(runs[chosen], kind="stable")
    else:
        order = np.lexsort((chosen, data.at[chosen], runs[chosen]))
    chosen = chosen[order]
    mine = runs[chosen]
    starts = np.flatnonzero(np.concatenate(([True], mine[1:] != mine[:-1])))[: len(mine)]
    return chosen, np.append(starts, len(mine)).astype(np.int64)


def _sessions(data: Listens, rows: Mask) -> Sessions:
    """The sessions that some rows make up by themselves."""
    chosen, offsets = session_rows(data, rows, data.runs_among(rows))
    at = np.nan_to_num(data.at[chosen])
    ended = np.maximum.reduceat(at, offsets[:-1]) if len(at) else np.empty(0)
    return Sessions(offsets, data.tracks[chosen].astype(np.int32), ended.astype(np.int64))


def training_part(data: Listens, rows: Mask) -> TrainingData:
    """What a recommender may learn from when only some rows of a data set are known.

    Args:
        data: The data set; its listeners are a crowd to the recommenders, nobody is local.
        rows: The rows that are known, shape (n,). Nothing else of the data has any effect, save
            for the list of tracks and listeners, and who is whose friend.
    """
    interactions = interactions_of(data, rows, np.unique(data.listeners[rows]))
    return TrainingData(
        catalogue=data.catalogue,
        interactions=interactions,
        sessions=_sessions(data, rows),
        artist_interactions=_no_artists(),
        trend=_trend(data, rows),
        local_users=(),
        as_of=_latest(data, rows),
        friends=data.friends,
    )


def _latest(data: Listens, rows: Mask) -> datetime:
    known = data.at[rows]
    known = known[np.isfinite(known)]
    return datetime.fromtimestamp(float(known.max()), tz=UTC) if len(known) else UNDATED


def _trend(data: Listens, rows: Mask) -> npt.NDArray[np.float32]:
    """As in `from_marts`: plays damped, halved every 90 days before the latest."""
    at = data.at[rows]
    fading = np.ones(len(at))
    if np.isfinite(at).any():
        ages = (np.nanmax(at) - at) / (_TREND_HALF_LIFE_DAYS * _DAY)
        fading = np.where(np.isfinite(at), np.exp2(-ages), 1.0)
    weights = np.log1p(data.plays[rows].astype(np.float64)) * fading
    total = np.bincount(data.tracks[rows], weights=weights, minlength=len(data.catalogue))
    return total.astype(np.float32)


def _no_artists() -> Interactions:
    import scipy.sparse as sp

    nobody = np.empty(0, dtype=object)
    return Interactions(sp.csr_array((0, 0), dtype=np.float32), nobody, nobody)
