"""Who asks, in numbers: what a second stage must know of a listener to weigh candidates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from segue.features.catalogue import Catalogue
from segue.features.listening import DAY, Listening
from segue.music import columns as c
from segue.recommenders.ranking import best

__all__ = ["SOUND", "Artists", "Sound", "Who", "genres_at", "sound_at", "who"]

SOUND: Final = (
    c.ENERGY,
    c.VALENCE,
    c.DANCEABILITY,
    c.ACOUSTICNESS,
    c.INSTRUMENTALNESS,
    c.SPEECHINESS,
    c.LOUDNESS,
    c.TEMPO,
)
"""Audio features that are compared; energy and valence first, the axes of mood."""

_SPREAD: Final = np.array([0.22, 0.25, 0.17, 0.3, 0.3, 0.12, 5.0, 28.0])
_LIKED: Final = 200
_TASTE_DAYS: Final = 120.0
_RECENT_DAYS: Final = 30.0

Rows = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Artists:
    """The listener's artists; one place more at the end stands for all that they do not know.

    Args:
        codes: Ascending, shape (n,).
        plays, recent, tracks: Shape (n + 1,), the last 0.
        last_at: Unix seconds, shape (n + 1,), the last -inf.
    """

    codes: Rows
    plays: Reals
    recent: Reals
    tracks: Reals
    last_at: Reals

    def place(self, codes: npt.NDArray[np.int32]) -> Rows:
        """Where each artist is in the arrays; the last place for one that is not known."""
        at = np.searchsorted(self.codes, codes)
        found = np.minimum(at, max(len(self.codes) - 1, 0))
        known = (self.codes[found] == codes) if len(self.codes) else np.zeros(len(codes), bool)
        return np.where(known, found, len(self.codes))


@dataclass(frozen=True)
class Sound:
    """What the listener's liked tracks sound like: mean and spread, NaN where nothing is known."""

    mean: Reals
    year: float


@dataclass(frozen=True)
class Who:
    """A listener at a moment.

    Args:
        heard: What they played.
        now: Unix seconds.
        facts: Name -> number, the same for all candidates of a query.
        artists: The artists they know.
        sound: Their taste in audio features and era.
        genres: How much each genre of the catalogue is theirs, the most liked 1.
        recent_genres: The same by what they took up lately.
    """

    heard: Listening
    now: float
    facts: dict[str, float]
    artists: Artists
    sound: Sound
    genres: Reals
    recent_genres: Reals


def who(heard: Listening, now: datetime, catalogue: Catalogue) -> Who:
    """Sum a history up; the latest answer is remembered, for known and new tracks ask in turn."""
    latest = catalogue.memo.get("who")
    if latest is None or latest[0] is not heard or latest[1] != now:
        latest = catalogue.memo["who"] = (heard, now, _who(heard, now, catalogue))
    person: Who = latest[2]
    return person


def _who(heard: Listening, now: datetime, catalogue: Catalogue) -> Who:
    at = now.timestamp()
    sound, genres, recent = heard.remembered(
        "who", "tastes", of=catalogue, make=lambda: _tastes(heard, catalogue)
    )
    return Who(
        heard=heard,
        now=at,
        facts=_facts(heard, now),
        artists=_artists(heard, at, catalogue),
        sound=sound,
        genres=genres,
        recent_genres=recent,
    )


def _tastes(heard: Listening, catalogue: Catalogue) -> tuple[Sound, Reals, Reals]:
    """What the moment says nothing to: the sound, and genres liked and taken up."""
    liking = np.maximum(heard.affinity(_TASTE_DAYS), 0)
    taken_up = np.maximum(heard.taken_up(_RECENT_DAYS), 0)
    return (
        _sound(heard, liking, catalogue),
        _taste(heard.rows, liking, catalogue),
        _taste(heard.rows, taken_up, catalogue),
    )


def _facts(heard: Listening, now: datetime) -> dict[str, float]:
    at = now.timestamp()
    n_plays = len(heard.play_at)
    ages = (at - heard.play_at) / DAY
    month, week = ages <= 28, ages <= 7
    earliest = np.zeros(len(heard), np.int64)
    earliest[heard.play_of[::-1]] = np.arange(n_plays)[::-1]  # the last one written stays
    first = earliest[heard.play_of] == np.arange(n_plays)
    lately = max(int((month & heard.play_counted).sum()), 1)
    touched = max(int(month.sum()), 1)
    local = now.astimezone(UTC)
    return {
        "log_plays": float(np.log1p(n_plays)),
        "log_tracks": float(np.log1p(len(heard))),
        "log_days": float(np.log1p(max(ages.max(initial=0.0), 0.0))),
        "lately": float(np.log1p(week.sum())),
        "novelty": float((first & month & heard.play_counted).sum() / lately),
        "skip_rate": float((heard.play_skipped & month).sum() / touched),
        "days_away": float(np.log1p(max(ages.min(initial=1e3), 0.0))),
        "hour": local.hour + local.minute / 60,
        "weekday": float(local.weekday()),
    }


def _artists(heard: Listening, now: float, catalogue: Catalogue) -> Artists:
    of_track = catalogue.artist_codes[heard.rows].astype(np.int64)
    codes, place = np.unique(of_track, return_inverse=True)
    n_codes = len(codes)
    recent = heard.total((heard.play_counted & (now - heard.play_at <= 28 * DAY)).astype(float))
    last_at = np.full(n_codes + 1, -np.inf)
    np.maximum.at(last_at, place, heard.last_at)

    def summed(values: npt.NDArray[np.generic]) -> Reals:
        return np.append(np.bincount(place, weights=values, minlength=n_codes), 0.0)

    artists = Artists(
        codes, summed(heard.plays), summed(recent), summed(np.sign(heard.plays)), last_at
    )
    if n_codes and codes[0] < 0:  # tracks of unknown artists have no artist in common
        return Artists(
            codes[1:], artists.plays[1:], artists.recent[1:], artists.tracks[1:], last_at[1:]
        )
    return artists


def _sound(heard: Listening, liking: Reals, catalogue: Catalogue) -> Sound:
    top = best(np.where(liking > 0, liking, -np.inf), _LIKED)
    rows, weights = heard.rows[top], np.sqrt(liking[top])
    sound, years = sound_at(catalogue, rows), catalogue.years[rows].astype(np.float64)
    known = np.isfinite(sound)
    total = (known * weights[:, None]).sum(axis=0)
    mean = np.where(known, sound, 0).T @ weights
    dated = np.isfinite(years)
    year = float(np.average(years[dated], weights=weights[dated])) if dated.any() else np.nan
    return Sound(np.where(total > 0, mean / np.where(total > 0, total, 1), np.nan), year)


def sound_at(catalogue: Catalogue, rows: Rows) -> Reals:
    """Audio features of these tracks in usual spreads, NaN where unknown, (len(rows), 8)."""
    index = [c.AUDIO_FEATURES.index(name) for name in SOUND]
    sound: Reals = catalogue.audio[rows][:, index].astype(np.float64) / _SPREAD
    return sound


def genres_at(catalogue: Catalogue, rows: Rows) -> tuple[Rows, Rows]:
    """The genres of these tracks as pairs: position in `rows`, genre code."""
    genres = catalogue.genres
    lengths = genres.offsets[rows + 1] - genres.offsets[rows]
    owner = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return owner, genres.codes[genres.offsets[rows][owner] + within].astype(np.int64)


def _taste(rows: Rows, liking: Reals, catalogue: Catalogue) -> Reals:
    owner, codes = genres_at(catalogue, rows)
    total = np.bincount(codes, weights=liking[owner], minlength=len(catalogue.genres.names))
    top = total.max(initial=0.0)
    taste: Reals = np.sqrt(total / max(float(top), 1e-12))
    return taste
