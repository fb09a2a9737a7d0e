"""What one user did with each track up to a moment: the history of a query as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.music import columns as c
from segue.music.query import Query

__all__ = ["DAY", "Listening", "listening", "moment"]

DAY: Final = 86_400.0
"""Seconds in a day."""

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Listening:
    """One user's tracks, each once, and the plays they are made of.

    Args:
        rows: int64, catalogue rows, ascending, shape (n,). Tracks outside it are left out.
        plays: Counted plays of each, shape (n,).
        finishes: Plays to the end, shape (n,).
        skips: Plays left before the end, shape (n,).
        last_at: Unix seconds at which each was last touched, counted or not, shape (n,).
        play_of: For every play the position in `rows`, oldest play first, shape (n_plays,).
        play_at: float64 Unix seconds of every play, shape (n_plays,).
        play_counted: Whether it counts as a play, shape (n_plays,).
        play_finished: Whether it was heard to the end, shape (n_plays,).
        play_skipped: Whether it was left by the listener's hand, shape (n_plays,).
    """

    rows: Ints
    plays: Ints
    finishes: Ints
    skips: Ints
    last_at: Reals
    play_of: Ints
    play_at: Reals
    play_counted: npt.NDArray[np.bool_]
    play_finished: npt.NDArray[np.bool_]
    play_skipped: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def total(self, weights: Reals) -> Reals:
        """Sum one weight a play over each track, shape (n,)."""
        totals = np.bincount(self.play_of, weights=weights, minlength=len(self))
        return totals.astype(np.float64)

    @cached_property
    def _by_track(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.play_of, kind="stable")
        counts = np.bincount(self.play_of, minlength=len(self))
        return order, np.concatenate(([0], np.cumsum(counts)))

    def counted_plays_of(self, position: int) -> Ints:
        """Indices of one track's counted plays, oldest first."""
        order, offsets = self._by_track
        mine = order[offsets[position] : offsets[position + 1]]
        return np.asarray(mine[self.play_counted[mine]])

    def affinity(self, half_life_days: float = 180.0) -> Reals:
        """How much the user likes each track, shape (n,); below zero: mostly skipped.

        A finished play adds 1, another counted play 0.7, a skip takes 0.5 away; each fades with
        its age, counted from the latest play, so that an old export loses nothing.
        """
        if not len(self):
            return np.zeros(0)
        fading = np.exp2(-(self.play_at.max() - self.play_at) / (half_life_days * DAY))
        value = np.where(self.play_finished, 1.0, 0.7) * self.play_counted
        return self.total(fading * (value - 0.5 * self.play_skipped))

    def taken_up(self, half_life_days: float = 30.0) -> Reals:
        """How lately each track became the user's, shape (n,), 0 … 1.

        1 for a track first heard now, less the longer ago that was; 0 without a counted play, and
        a third for what was skipped more often than played. Where a user looks for new music now
        shows in what they took up lately, not in what they play again and again.
        """
        if not len(self):
            return np.zeros(0)
        first = np.full(len(self), np.inf)
        np.minimum.at(first, self.play_of, self.play_at)
        fading = np.exp2(-(self.play_at.max() - first) / (half_life_days * DAY))
        return np.asarray(fading * (self.plays > 0) * np.where(self.skips > self.plays, 1 / 3, 1))


def listening(query: Query, catalogue: Catalogue) -> Listening:
    """The query's history up to its moment, as far as the catalogue knows its tracks.

    The latest answer is remembered: every recommender asks for the same one in turn.
    """
    latest = catalogue.memo.get("listening")
    if latest and latest[0] is query.history and latest[1] == query.now:
        heard: Listening = latest[2]
        return heard
    heard = _listening(query, catalogue)
    catalogue.memo["listening"] = (query.history, query.now, heard)
    return heard


def _listening(query: Query, catalogue: Catalogue) -> Listening:
    history = query.history
    history = history.filter(pc.less_equal(history[c.PLAYED_AT], _timestamp(query.now)))
    history = history.combine_chunks()
    encoded = pc.dictionary_encode(history[c.TRACK_ID].combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):  # an empty column may stay chunked
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    known = catalogue.rows(encoded.dictionary.to_pylist())
    row_of_play = np.append(known, -1)[codes]
    kept = row_of_play >= 0
    return _tally(row_of_play[kept], history, kept)


def _tally(row_of_play: Ints, history: pa.Table, kept: npt.NDArray[np.bool_]) -> Listening:
    def flag(name: str) -> npt.NDArray[np.bool_]:
        values = history[name].fill_null(False).to_numpy()
        return np.asarray(values[kept], dtype=bool)

    rows, play_of = np.unique(row_of_play, return_inverse=True)
    counted, finished, skipped = flag(c.COUNTED), flag(c.FINISHED), flag(c.SKIPPED)
    at = history[c.PLAYED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    play_at = at[kept] / 1e6
    last_at = np.full(len(rows), -np.inf)
    np.maximum.at(last_at, play_of, play_at)
    order = np.argsort(play_at, kind="stable")
    return Listening(
        rows=rows.astype(np.int64),
        plays=np.bincount(play_of[counted], minlength=len(rows)),
        finishes=np.bincount(play_of[counted & finished], minlength=len(rows)),
        skips=np.bincount(play_of[skipped], minlength=len(rows)),
        last_at=last_at,
        play_of=play_of[order],
        play_at=play_at[order],
        play_counted=counted[order],
        play_finished=(finished & counted)[order],
        play_skipped=skipped[order],
    )


def _timestamp(at: datetime) -> pa.Scalar:
    return pa.scalar(at.astimezone(UTC), pa.timestamp("us", tz="UTC"))


def moment(seconds: float) -> datetime:
    """Unix seconds as aware UTC."""
    return datetime.fromtimestamp(float(seconds), tz=UTC)
