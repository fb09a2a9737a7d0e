"""What is left of each track in a listener's memory, at moments that move on through a history."""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, Listening
from segue.music import columns as c

__all__ = ["DECAYS", "TRACES", "Traces", "TrackMemory", "activations"]

DECAYS: Final = (0.3, 0.5, 0.8, 1.2, 1.6)
"""Exponents of forgetting: ACT-R's 0.5, and what slower and faster listeners need."""

_COUNT_DAYS: Final = (1, 3, 7, 14, 30, 90, 365)
_DAY_COUNT_DAYS: Final = (7, 30, 90)
_WEEKS: Final = 12
_HOUR: Final = 1 / 24  # no age counts as less: what is on now would outweigh all else
_SKIP_DAYS: Final = 30.0
_SESSION_GAP_DAYS: Final = 1 / 48
_COLD: Final = 40.0  # after so many spans of a rung nothing is left that a float would tell
_TINY: Final = 1e-12

# Ages decay on a ladder of exponentials, an hour to forty years, each rung 2.5 times the last.
_RUNG: Final = 2.5
_SPANS: Final = _HOUR * _RUNG ** np.arange(15)

TRACES: Final = (
    *(f"activation {decay}" for decay in DECAYS),
    "activation 0.5 of days",
    "activation 0.8 of days",
    *(f"plays in {days} days" for days in _COUNT_DAYS),
    "plays",
    *(f"days in {days} days" for days in _DAY_COUNT_DAYS),
    "days",
    "last play",
    "last touch",
    "first play",
    "streak of weeks",
    "weeks of 4",
    "weeks of 12",
    "due",
    "off its rhythm",
    "skips lately",
    "skips",
    "last was a skip",
    "finishes",
    "artist",
    "artist this week",
    "album",
    "album this week",
    "new this week",
    "new this month",
    "share of 14 days",
    "hour",
    "weekday",
    "begins sessions",
)
"""The columns of `Traces.values`; logarithms of counts, ages and shares, each growing with what
speaks for a repeat in most people."""

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def _mixture(decay: float) -> Reals:
    """Weights of the ladder's exponentials that sum to age ** -decay, shape (15,).

    age ** -d is the integral of exp(-age / s) s ** -d over ln s, divided by gamma(d). The last
    rung stands for all slower ones, too.
    """
    weights = np.log(_RUNG) / gamma(decay) * _SPANS**-decay
    weights[-1] /= 1 - _RUNG**-decay
    return np.asarray(weights)


_MIXTURES: Final = np.stack([_mixture(decay) for decay in DECAYS], axis=1)
_OF_DAYS: Final = [DECAYS.index(0.5), DECAYS.index(0.8)]


@dataclass(frozen=True)
class Traces:
    """What was known of each played track at a moment.

    Args:
        tracks: int64, positions in the `Listening`, ascending: those with a counted play by then.
        values: float64, shape (len(tracks), len(TRACES)); only the past is in it.
    """

    tracks: Ints
    values: Reals


class TrackMemory:
    """Walks through one listener's plays, so that many moments cost little more than one.

    A play's weight falls as a power of its age (Anderson and Schooler, 1991, "Reflections of the
    Environment in Memory"). A power law is a mixture of exponentials, and those can be carried on
    from moment to moment without looking at old plays again.

    Args:
        heard: All plays that may be looked at; those after a moment do not touch its traces.
        catalogue: Says which tracks share an artist or an album.
    """

    def __init__(self, heard: Listening, catalogue: Catalogue) -> None:
        self._n = len(heard)
        self._of, self._at = heard.play_of, heard.play_at / DAY
        self._counted, self._skipped = heard.play_counted, heard.play_skipped
        self._finished = heard.play_finished
        self._artist = _groups(catalogue.artist_codes[heard.rows])
        self._album = _groups(_albums(catalogue, heard.rows))
        self._first_of_day = _first_of_days(self._of, self._at, self._counted)
        self._begins = np.diff(self._at, prepend=-np.inf) > _SESSION_GAP_DAYS
        self._seen, self._now = 0, 0.0
        self._heat = np.zeros((len(_SPANS), self._n))
        self._heat_of_days = np.zeros((len(_SPANS), self._n))
        self._skips_lately = np.zeros(self._n)
        self._tally = np.zeros((len(_TALLIES), self._n))
        self._hours = np.zeros((24, self._n))
        self._weekend = np.zeros((2, self._n))
        self._last = np.full(self._n, -np.inf)
        self._touched = np.full(self._n, -np.inf)
        self._first = np.full(self._n, np.inf)
        self._last_skipped = np.zeros(self._n)

    def at(self, now: float) -> Traces:
        """The traces at a moment, Unix seconds, not before the one asked for last."""
        self._move_to(now / DAY)
        tracks = np.flatnonzero(self._tally[_PLAYS] > 0)
        values = np.empty((len(tracks), len(TRACES)))
        columns = [
            *self._activations(tracks),
            *self._counts(tracks),
            *self._ages(tracks),
            *self._rhythm(tracks),
            *self._verdicts(tracks),
            *self._company(tracks),
            *self._novelty(tracks),
            *self._occasion(tracks),
        ]
        for place, column in enumerate(columns):
            values[:, place] = column
        return Traces(tracks, values)

    def _move_to(self, now: float) -> None:
        until = int(np.searchsorted(self._at, now, side="right"))
        part = slice(self._seen, until)
        of, at, counted = self._of[part], self._at[part], self._counted[part]
        fading = np.exp(-(now - self._now) / _SPANS)[:, None]
        self._heat *= fading
        self._heat_of_days *= fading
        first = self._first_of_day[part]
        for heat, flags in ((self._heat, counted), (self._heat_of_days, first)):
            which, when = of[flags], at[flags]
            for rung, span in enumerate(_SPANS):
                warm = int(np.searchsorted(when, now - _COLD * span))
                left = np.exp((when[warm:] - now) / span)
                heat[rung] += self._sum(which[warm:], left)
        skipped = self._skipped[part]
        self._skips_lately *= np.exp(-(now - self._now) / _SKIP_DAYS)
        self._skips_lately += self._sum(of[skipped], np.exp((at[skipped] - now) / _SKIP_DAYS))
        begun = counted & self._begins[part]
        for row, flags in enumerate((counted, first, skipped, self._finished[part], begun)):
            self._tally[row] += np.bincount(of[flags], minlength=self._n)
        of_counted, at_counted = of[counted], at[counted]
        whole = np.floor(at_counted)
        hour = ((at_counted - whole) * 24).astype(np.int64)
        self._hours += self._table(hour, of_counted, len(self._hours))
        self._weekend += self._table(_is_weekend(whole), of_counted, len(self._weekend))
        # plays are in the order of time, and of several for one track the last assigned stays
        self._last[of_counted] = at_counted
        self._touched[of] = at
        self._last_skipped[of] = skipped
        earliest = np.full(self._n, np.inf)
        earliest[of_counted[::-1]] = at_counted[::-1]
        self._first = np.minimum(self._first, earliest)
        self._seen, self._now = until, now

    def _sum(self, of: Ints, weights: Reals) -> Reals:
        return np.bincount(of, weights=weights, minlength=self._n).astype(np.float64)

    def _table(self, rows: Ints, of: Ints, n_rows: int) -> Reals:
        """Counts of (row, track) pairs, shape (n_rows, n)."""
        counts = np.bincount(rows * self._n + of, minlength=n_rows * self._n)
        return counts.reshape(n_rows, self._n).astype(np.float64)

    def _between(self, start: float, end: float, flags: Flags) -> Reals:
        """Flagged plays of each track from `start` to `end` days ago, shape (n,)."""
        seen = self._at[: self._seen]
        low, high = np.searchsorted(seen, [self._now - start, self._now - end], side="right")
        part = slice(int(low), int(high))
        found = np.bincount(self._of[part][flags[part]], minlength=self._n)
        return found.astype(np.float64)

    def _activations(self, tracks: Ints) -> list[Reals]:
        plays = self._heat[:, tracks].T @ _MIXTURES
        days = self._heat_of_days[:, tracks].T @ _MIXTURES[:, _OF_DAYS]
        return [*np.log(np.maximum(plays.T, _TINY)), *np.log(np.maximum(days.T, _TINY))]

    def _counts(self, tracks: Ints) -> list[Reals]:
        plays = [self._between(days, 0, self._counted)[tracks] for days in _COUNT_DAYS]
        days = [self._between(span, 0, self._first_of_day)[tracks] for span in _DAY_COUNT_DAYS]
        return [
            *(np.log1p(count) for count in plays),
            np.log(self._tally[_PLAYS, tracks]),
            *(np.log1p(count) for count in days),
            np.log(self._tally[_DAYS, tracks]),
        ]

    def _age(self, at: Reals) -> Reals:
        return np.maximum(self._now - at, _HOUR)

    def _ages(self, tracks: Ints) -> list[Reals]:
        return [-np.log(self._age(at[tracks])) for at in (self._last, self._touched, self._first)]

    def _rhythm(self, tracks: Ints) -> list[Reals]:
        """Weeks in a row, and how the time since the last play compares with the usual gap."""
        weeks = np.stack(
            [self._between(7.0 * w + 7, 7.0 * w, self._counted)[tracks] > 0 for w in range(_WEEKS)]
        )
        days = self._tally[_DAYS, tracks]
        usual = (self._last[tracks] - self._first[tracks] + 1) / np.maximum(days, 1)
        due = np.log(self._age(self._last[tracks]) / usual)
        due = np.where(days >= 3, np.clip(due, -3, 3), 0.0)
        streak = np.cumprod(weeks, axis=0).sum(axis=0)
        return [np.log1p(streak), weeks[:4].mean(axis=0), weeks.mean(axis=0), due, np.abs(due)]

    def _verdicts(self, tracks: Ints) -> list[Reals]:
        """How often a track was left, and how often heard out."""
        plays, skips = self._tally[_PLAYS, tracks], self._tally[_SKIPS, tracks]
        month = self._between(30, 0, self._counted)[tracks]
        lately = self._skips_lately[tracks]
        return [
            lately / (lately + month + 1),
            skips / (skips + plays + 1),
            self._last_skipped[tracks],
            (self._tally[_FINISHES, tracks] + 1) / (plays + 2),
        ]

    def _company(self, tracks: Ints) -> list[Reals]:
        """What else by the artist, and on the album, is alive in memory or was on this week."""
        heat = self._heat[:, tracks].T @ _MIXTURES[:, DECAYS.index(0.8)]
        week = self._between(7, 0, self._counted)[tracks]
        columns = []
        for groups in (self._artist[tracks], self._album[tracks]):
            others = np.bincount(groups, weights=heat)[groups] - heat
            columns.append(np.log(np.maximum(others, 0) + 1e-3))
            columns.append(np.log1p(np.bincount(groups, weights=week)[groups] - week))
        return columns

    def _novelty(self, tracks: Ints) -> list[Reals]:
        age = self._age(self._first[tracks])
        fortnight = self._between(14, 0, self._counted)[tracks]
        share = fortnight / self._tally[_PLAYS, tracks]
        return [(age < 7).astype(float), (age < 30).astype(float), share]

    def _occasion(self, tracks: Ints) -> list[Reals]:
        """Whether the hour and the sort of day are those of the track, and who begins with it."""
        hour = int((self._now - np.floor(self._now)) * 24)
        near = self._hours[(np.arange(-2, 3) + hour) % 24]
        day = self._weekend[_is_weekend(np.floor(self._now))]
        plays = self._tally[_PLAYS, tracks]
        begins = (self._tally[_BEGINS, tracks] + 0.2) / (plays + 2)
        return [
            _lift(near.sum(axis=0)[tracks], plays, near.sum() / max(self._hours.sum(), 1)),
            _lift(day[tracks], plays, day.sum() / max(self._weekend.sum(), 1)),
            begins,
        ]


_TALLIES: Final = ("plays", "days", "skips", "finishes", "begins")
_PLAYS, _DAYS, _SKIPS, _FINISHES, _BEGINS = range(len(_TALLIES))


def activations(heard: Listening, now: float, decay: float) -> Reals:
    """Base-level activation ln sum age ** -decay of each track, -inf without a counted play, (n,).

    Ages are in days, an hour at least.
    """
    ages = np.maximum((now - heard.play_at) / DAY, _HOUR)
    total = heard.total(heard.play_counted * ages**-decay)
    return np.log(total, out=np.full(len(heard), -np.inf), where=total > 0)


def _lift(here: Reals, plays: Reals, usual: float) -> Reals:
    """Log of a track's share of plays on such an occasion over that of all plays, smoothed."""
    usual = max(usual, 1e-3)
    return np.asarray(np.log((here + 5 * usual) / (plays + 5) / usual))


def _is_weekend(days: Reals | float) -> Ints:
    """1 for whole days since 1970-01-01, a Thursday, that are Saturdays or Sundays."""
    weekday = (np.asarray(days).astype(np.int64) + 3) % 7
    return np.asarray(weekday >= 5, dtype=np.int64)


def _first_of_days(of: Ints, at: Reals, counted: Flags) -> Flags:
    """Plays that are a track's first counted one on their day."""
    plays = np.flatnonzero(counted)
    order = plays[np.lexsort((plays, np.floor(at[plays]), of[plays]))]
    day = np.floor(at[order])
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(of[order]) != 0) | (np.diff(day) != 0)
    flags = np.zeros(len(of), dtype=bool)
    flags[order[new]] = True
    return flags


def _albums(catalogue: Catalogue, rows: Ints) -> npt.NDArray[np.int32]:
    """A number for the album of each of these tracks, -1 where none is known."""
    column = pc.take(catalogue.tracks[c.ALBUM_ID], pa.array(rows)).combine_chunks()
    codes = column.dictionary_encode().indices.fill_null(-1)
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int32)


def _groups(codes: npt.NDArray[np.int32]) -> Ints:
    """Small numbers for equal codes; unknown ones (-1) are each a group of their own."""
    alone = -1 - np.arange(len(codes), dtype=np.int64)
    return np.unique(np.where(codes < 0, alone, codes), return_inverse=True)[1].astype(np.int64)
