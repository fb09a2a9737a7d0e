"""Why a record was read and not kept: the reasons that every source shares, in one place.

Reasons are values of the `reason` column of REJECTS; `field` and `detail` beside them say more.
A source may add reasons of its own, in snake_case, when none of these fits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

__all__ = [
    "AUDIOBOOK",
    "BAD_MS_PLAYED",
    "BAD_TIMESTAMP",
    "EARLIEST",
    "FUTURE_DAYS",
    "FUTURE_TIMESTAMP",
    "LONGEST_MS",
    "MISSING_ARTIST",
    "MISSING_TITLE",
    "NEGATIVE_MS_PLAYED",
    "NOT_AN_OBJECT",
    "NOT_A_TRACK",
    "NO_TRACK",
    "PODCAST",
    "TOO_OLD_TIMESTAMP",
    "VIDEO",
]

# what it is about
PODCAST: Final = "podcast"
"""An episode of a podcast: it has a place in the account, not in a music history."""
AUDIOBOOK: Final = "audiobook"
"""A chapter of an audiobook."""
VIDEO: Final = "video"
"""A video that names no track."""
NOT_A_TRACK: Final = "not_a_track"
"""Something else that a library may hold: a playlist, a show, a label."""
NO_TRACK: Final = "no_track"
"""Nothing is named at all: no title, no artist, no usable id."""
MISSING_TITLE: Final = "missing_title"
"""An artist but no title, and no id that would tell."""
MISSING_ARTIST: Final = "missing_artist"
"""A title but no artist, and no id that would tell."""

# when it was
BAD_TIMESTAMP: Final = "bad_timestamp"
"""The time is missing or cannot be understood."""
FUTURE_TIMESTAMP: Final = "future_timestamp"
"""The time is more than FUTURE_DAYS after now: a clock was wrong."""
TOO_OLD_TIMESTAMP: Final = "too_old_timestamp"
"""The time is before EARLIEST, such as 1970: a clock was not set."""

# how long it was
NEGATIVE_MS_PLAYED: Final = "negative_ms_played"
"""Heard for less than nothing."""
BAD_MS_PLAYED: Final = "bad_ms_played"
"""Missing, not a number, or longer than LONGEST_MS."""

# what it is written as
NOT_AN_OBJECT: Final = "not_an_object"
"""A number, a text, a list or null where a record should be."""

EARLIEST: Final = datetime(2006, 1, 1, tzinfo=UTC)
"""Spotify, ListenBrainz and most of Last.fm are younger than this."""
FUTURE_DAYS: Final = 1
"""A time may be this many days after now, since clocks differ."""
LONGEST_MS: Final = 24 * 60 * 60 * 1000
"""No single play lasts longer than a day."""
