"""What somebody asks of a playlist, checked before anything is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from segue.errors import ConfigError
from segue.music.moods import BOUNDED, MOODS, Bound
from segue.music.names import artist_key
from segue.music.query import MIXES, Filters

__all__ = ["Wishes"]

_LARGEST = 1_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `segue recommend`.

    Args:
        mix: discover, rediscover, daily or similar.
        size: Tracks wanted, 1 … 1,000.
        adventurous: 0 … 1, from the familiar to the far.
        genres: At least one of these, as typed.
        years: First and last year, inclusive; either may be None.
        tempo: Beats per minute, inclusive; either may be None.
        seeds: Tracks to start from, as typed (see `resolve_seed`).
        exclude_artists: Artists that must not appear, as typed.
        exclude_tracks: Track ids that must not appear.
        per_artist: Most tracks on which one artist is credited.
        recent_hours: A track played within this many hours is left out.
        mood: One of `segue.music.moods.MOODS`; None: any.
        sound: Audio features within bounds, each of `segue.music.moods.BOUNDED`.
        explicit: False: no track that is known to be explicit; True: only such; None: either.
        minutes: Shortest and longest, inclusive; either may be None.

    Raises:
        ConfigError: A value cannot be used; `field` names it.
    """

    mix: str = "discover"
    size: int = 30
    adventurous: float = 0.3
    genres: tuple[str, ...] = ()
    years: tuple[int | None, int | None] | None = None
    tempo: tuple[float | None, float | None] | None = None
    seeds: tuple[str, ...] = ()
    exclude_artists: tuple[str, ...] = ()
    exclude_tracks: tuple[str, ...] = ()
    per_artist: int = 2
    recent_hours: float = 8
    mood: str | None = None
    sound: tuple[Bound, ...] = ()
    explicit: bool | None = None
    minutes: tuple[float | None, float | None] | None = None

    def __post_init__(self) -> None:
        if self.mix not in MIXES:
            raise ConfigError(
                f"there is no mix “{self.mix}”",
                field="mix",
                cure=f"Choose one of {', '.join(MIXES)}.",
            )
        _check("size", self.size, 1, _LARGEST)
        _check("adventurous", self.adventurous, 0, 1)
        _check("per_artist", self.per_artist, 1, math.inf)
        _check("recent_hours", self.recent_hours, 0, math.inf)
        if self.mood is not None and self.mood not in MOODS:
            raise ConfigError(
                f"there is no mood “{self.mood}”",
                field="mood",
                cure=f"Choose one of {', '.join(MOODS)}.",
            )
        spans = (("years", self.years), ("tempo", self.tempo), ("minutes", self.minutes))
        for field, bounds in spans:
            _check_range(field, bounds or (None, None))
        for feature, low, high in self.sound:
            if feature not in BOUNDED:
                raise ConfigError(
                    f"there is no audio feature “{feature}” to choose by",
                    field="sound",
                    cure=f"Choose among {', '.join(BOUNDED)}.",
                )
            _check_range("sound", (low, high))
        if self.mix == "similar" and not self.seeds:
            raise ConfigError(
                "the mix “similar” needs a track to start from",
                field="seeds",
                cure="Name one or more with --seed “Artist - Title”.",
            )

    @property
    def filters(self) -> Filters:
        """The bounds among them, genres as typed."""
        shortest, longest = (
            None if m is None else round(m * 60_000) for m in self.minutes or (None, None)
        )
        return Filters(
            genres=self.genres,
            years=self.years,
            tempo=self.tempo,
            exclude_artists=frozenset(artist_key(name) for name in self.exclude_artists),
            exclude_tracks=frozenset(self.exclude_tracks),
            sound=(*MOODS[self.mood], *self.sound) if self.mood else self.sound,
            explicit=self.explicit,
            duration_ms=(shortest, longest) if self.minutes else None,
        )


def _check(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN fails, too
        upto = f"from {low:g} to {high:,g}" if math.isfinite(high) else f"{low:g} or more"
        raise ConfigError(
            f"{field} {value:g} cannot be used", field=field, cure=f"Give a number {upto}."
        )


def _check_range(field: str, bounds: tuple[float | None, float | None]) -> None:
    low, high = bounds
    if any(value is not None and math.isnan(value) for value in bounds):
        raise ConfigError(f"{field} must be numbers", field=field, cure="Write FROM-TO.")
    if low is not None and high is not None and low > high:
        raise ConfigError(
            f"{field} {low:g}-{high:g} ends before it begins",
            field=field,
            cure=f"Write {high:g}-{low:g}.",
        )
