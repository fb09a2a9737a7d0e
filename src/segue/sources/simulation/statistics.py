"""Measures of listening: how much is repeated, skipped and new, and how long the tail is."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from segue.sources.simulation.plays import Plays

__all__ = ["Statistics", "Tally", "statistics"]

_LONGEST = 400  # sessions longer than this many streams are counted as that long
_WEEK_S = 7 * 86_400
_UNIT = 1_000_000  # shares are summed as whole numbers: then the order does not matter


@dataclass(frozen=True, slots=True)
class Statistics:
    """Measures of a set of streams.

    Args:
        streams: Everything that was started. plays: streams of 30 s and more.
        users, tracks, artists: How many have at least one play.
        repeat_share: Share of plays of a track that the user has played before.
        skip_rate: Share of streams left by hand before the end.
        discovery_share: Mean over users and weeks, in the second half of a user's time, of the
            share of the week's distinct tracks that the user never played before.
        zipf_exponent: Slope of log plays against log rank over the 1 % to 30 % most played of
            the tracks that were played, those with at least 5 plays; 0 where there are too few.
        session_mean, session_median: Streams in a session.
        top_share: Share of plays that the most played 1 % of the tracks played take.
    """

    streams: int
    plays: int
    users: int
    tracks: int
    artists: int
    repeat_share: float
    skip_rate: float
    discovery_share: float
    zipf_exponent: float
    session_mean: float
    session_median: float
    top_share: float

    def as_dict(self) -> dict[str, float]:
        """JSON-ready values, rounded to four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


class Tally:
    """Sums over blocks of whole users, from which the statistics follow; small and mergeable."""

    def __init__(self, n_tracks: int, n_artists: int) -> None:
        self._track = np.zeros(n_tracks, np.int64)
        self._n_artists = n_artists
        self._lengths = np.zeros(_LONGEST + 1, np.int64)
        self._sums = np.zeros(7, np.int64)

    def add(self, plays: Plays) -> None:
        """Count a block; all streams of its users must be in it."""
        if not len(plays):
            return
        heard = plays.where(plays.counted)
        self._track += np.bincount(heard.track, minlength=len(self._track))
        lengths = np.diff(np.append(np.flatnonzero(plays.position == 0), len(plays)))
        self._lengths += np.bincount(np.minimum(lengths, _LONGEST), minlength=_LONGEST + 1)
        first = _first_plays(heard)
        new, weeks = _discovery(heard, first)
        self._sums += [
            len(plays),
            len(heard),
            len(np.unique(heard.user)),
            len(heard) - int(first.sum()),
            int(plays.skipped.sum()),
            new,
            weeks,
        ]

    def merge(self, other: Tally) -> None:
        """Add what another tally counted."""
        self._track += other._track
        self._lengths += other._lengths
        self._sums += other._sums

    def statistics(self, track_artist: npt.NDArray[np.int32]) -> Statistics:
        """The measures of all that was counted."""
        streams, plays, users, repeats, skips, new, weeks = self._sums.tolist()
        sessions = max(1, int(self._lengths.sum()))
        halfway = np.searchsorted(np.cumsum(self._lengths), sessions / 2)
        ranked = np.sort(self._track)[::-1]
        return Statistics(
            streams=streams,
            plays=plays,
            users=users,
            tracks=int((self._track > 0).sum()),
            artists=len(np.unique(track_artist[self._track > 0])),
            repeat_share=repeats / max(1, plays),
            skip_rate=skips / max(1, streams),
            discovery_share=new / _UNIT / max(1, weeks),
            zipf_exponent=_zipf(ranked),
            session_mean=streams / sessions,
            session_median=float(halfway),
            top_share=float(ranked[: max(1, int((ranked > 0).sum()) // 100)].sum() / max(1, plays)),
        )


def statistics(plays: Plays, n_tracks: int, track_artist: npt.NDArray[np.int32]) -> Statistics:
    """The measures of one block of whole users."""
    tally = Tally(n_tracks, int(track_artist.max()) + 1)
    tally.add(plays)
    return tally.statistics(track_artist)


def _first_plays(heard: Plays) -> npt.NDArray[np.bool_]:
    """Whether each play is the user's first of the track."""
    span = int(heard.track.max(initial=0)) + 1
    key = heard.user.astype(np.int64) * span + heard.track
    order = np.argsort(key, kind="stable")
    first = np.zeros(len(key), np.bool_)
    first[order] = np.concatenate([[True], np.diff(key[order]) != 0])
    return first


def _discovery(heard: Plays, first: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Sum over user-weeks of the share of new tracks, in _UNITs, and the number of such weeks."""
    rows = np.arange(len(heard))
    starts = np.concatenate([[True], np.diff(heard.user) != 0])
    start = np.maximum.accumulate(np.where(starts, rows, 0))
    size = np.diff(np.append(np.flatnonzero(starts), len(rows)))
    late = rows - start >= np.repeat(size // 2, size)
    if not late.any():
        return 0, 0
    week = heard.ended_s // _WEEK_S
    weekly = heard.user.astype(np.int64) * 2_000_000 + week
    _, of_week = np.unique(weekly, return_inverse=True)
    span = int(heard.track.max()) + 1
    distinct, at = np.unique((of_week * np.int64(span) + heard.track)[late], return_index=True)
    whole = np.bincount(distinct // span)
    # the first play of a track in a week is the first row of its pair: new if first ever
    new = np.bincount(distinct // span, weights=first[late][at])
    used = whole >= 5
    return int((new[used].astype(np.int64) * _UNIT // whole[used]).sum()), int(used.sum())


def _zipf(ranked: npt.NDArray[np.int64]) -> float:
    played, used = int((ranked > 0).sum()), int((ranked >= 5).sum())
    low, high = max(1, played // 100), min(used, played * 3 // 10)
    if high - low < 10:
        return 0.0
    rank = np.arange(low, high) + 1.0
    slope = np.polyfit(np.log(rank), np.log(ranked[low:high]), 1)[0]
    return float(-slope)
