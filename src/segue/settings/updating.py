"""Settings of what is kept up to date by itself: playlists, models, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from segue.errors import ConfigError
from segue.jobs.timetable import timetable
from segue.music.moods import MOODS
from segue.settings.part import Part

__all__ = ["KeptPlaylist", "Span", "Updating", "When"]


def _readable(text: str) -> str:
    try:
        timetable(text)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return text


When = Annotated[str, AfterValidator(_readable)]
"""A timetable, as `segue.jobs.timetable` reads it."""


def _span(text: str) -> str:
    low, dash, high = text.partition("-")
    wrong = not all(
        one.isdecimal() and one.isascii() and len(one) < 5 for one in (low, high) if one
    )
    if text and (not dash or wrong or not (low or high) or (low and high and int(low) > int(high))):
        raise ValueError(f"“{text}” is no span, such as 1990-1999, 90- or -5")
    return text


Span = Annotated[str, AfterValidator(_span)]
"""Two whole numbers, the lower first, either of which may be left away; empty: no bounds."""


def _known(mood: str) -> str:
    if mood and mood not in MOODS:
        raise ValueError(f"there is no mood “{mood}”: choose one of {', '.join(MOODS)}")
    return mood


class KeptPlaylist(Part):
    """A playlist that `segue update` keeps fresh: one table [[playlists]] each."""

    user: str = Field("", description="Whose it is; empty: the user `user_id`.")
    name: str = Field(
        "",
        max_length=60,
        description="Tells two playlists of one user and mix apart; one without a name is the one "
        "that `segue publish` refreshes, too.",
    )
    to: tuple[str, ...] = Field(
        ("spotify",),
        min_length=1,
        description="Where to: spotify, listenbrainz, subsonic, or files (.m3u, .json, .csv …).",
    )
    into: str = Field(
        "", description="Id of an existing playlist to refresh, if there is one destination."
    )
    mix: Literal["discover", "rediscover", "daily", "similar"] = Field(
        "discover", description="Which mix."
    )
    title: str = Field("", max_length=100, description="Its title; empty: the mix and the day.")
    size: int | None = Field(None, ge=1, le=1000, description="Tracks; unset: recommend.size.")
    adventurous: float | None = Field(
        None, ge=0, le=1, description="0 to 1; unset: recommend.adventurous."
    )
    seeds: tuple[str, ...] = Field((), description="Tracks to start from, as of segue recommend.")
    genres: tuple[str, ...] = Field((), description="Only tracks of one of these genres.")
    mood: Annotated[str, AfterValidator(_known)] = Field(
        "", description="Only tracks of this mood; empty: any."
    )
    years: Span = Field("", description="Only tracks from these years, such as 1990-1999.")
    tempo: Span = Field("", description="Only so many beats a minute, such as 90-120.")
    minutes: Span = Field("", description="Only tracks of so many minutes, such as 3-5.")
    when: When = Field("monday at 06:00", description="When it is made anew.")


class Updating(Part):
    """What `segue update` does when."""

    train_share: float = Field(
        0.02,
        ge=0,
        description="Train once plays or tracks have grown by this share since the last time.",
    )
    train_days: float = Field(
        7.0, ge=0, description="Train after so many days as well, if anything is new."
    )
    library_hours: float = Field(
        24.0, ge=0, description="Read what is kept at Spotify at most this often; 0: every time."
    )
