"""The published tables about listening itself: counts by artist, day and hour, features, streaks.

They belong to `segue.music.marts`; days, hours and weeks are those of the user's clocks.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from segue.music import columns as c
from segue.music.lake_tables import TIMESTAMP

__all__ = ["LISTENING_MARTS"]

_TEXT: Final = pa.string()
_INT: Final = pa.int64()
_SMALL: Final = pa.int32()
_REAL: Final = pa.float64()
_FLAG: Final = pa.bool_()
_DAY: Final = pa.date32()


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields])


_HEARD: Final = (
    ("starts", _INT),  # plays, counted or not
    (c.PLAYS, _INT),  # counted
    ("listeners", _INT),
    (c.DAYS, _INT),  # with a counted play, those of each user by themselves
    (c.FINISHES, _INT),
    (c.SKIPS, _INT),
    ("finish_rate", _REAL),
    ("skip_rate", _REAL),
    (c.MS_PLAYED, _INT),
    (c.FIRST_PLAYED_AT, TIMESTAMP),
    (c.LAST_PLAYED_AT, TIMESTAMP),
    ("days_since", _SMALL),  # from its last play to the last play of anything by anybody
)
"""What listening says of a track, an artist or an album."""

_SOUND: Final = tuple(
    (name, _REAL) for name in c.AUDIO_FEATURES if name not in (c.KEY, c.MODE, c.TIME_SIGNATURE)
)
"""Means of the audio features that may be averaged."""

LISTENING_MARTS: Final[dict[str, pa.Schema]] = {
    # one row per user and first artist they ever touched
    "user_artist_counts": _table(
        (c.USER_ID, _TEXT),
        (c.ARTIST_ID, _TEXT),
        (c.PLAYS, _INT),
        (c.FINISHES, _INT),
        (c.SKIPS, _INT),
        ("tracks", _INT),
        (c.DAYS, _INT),
        (c.MS_PLAYED, _INT),
        (c.FIRST_PLAYED_AT, TIMESTAMP),
        (c.LAST_PLAYED_AT, TIMESTAMP),
        ("first_counted_on", _DAY),
        ("starts", _INT),
    ),
    # one row per track, artist and album that somebody played
    "track_features": _table(
        (c.TRACK_ID, _TEXT),
        (c.TITLE, _TEXT),
        (c.ARTIST_ID, _TEXT),
        (c.ARTIST, _TEXT),
        (c.ALBUM_ID, _TEXT),
        *_HEARD,
        (c.DURATION_MS, _INT),
        (c.YEAR, _SMALL),
        (c.POPULARITY, _REAL),
        (c.GENRES, pa.list_(_TEXT)),
        *((name, _REAL) for name in c.AUDIO_FEATURES),
    ),
    "artist_features": _table(
        (c.ARTIST_ID, _TEXT),
        (c.ARTIST, _TEXT),
        *_HEARD,
        ("tracks_played", _INT),
        ("tracks", _INT),
        (c.GENRES, pa.list_(_TEXT)),
        *_SOUND,
    ),
    "album_features": _table(
        (c.ALBUM_ID, _TEXT),
        (c.ALBUM, _TEXT),
        (c.ARTIST_ID, _TEXT),
        *_HEARD,
        ("tracks_played", _INT),
        ("tracks", _INT),
        (c.YEAR, _SMALL),
        (c.GENRES, pa.list_(_TEXT)),
        *_SOUND,
    ),
    # one row per user
    "user_profiles": _table(
        (c.USER_ID, _TEXT),
        (c.COUNTRY, _TEXT),
        (c.PLAYS, _INT),
        ("tracks", _INT),
        ("artists", _INT),
        (c.MS_PLAYED, _INT),
        ("finish_rate", _REAL),
        ("skip_rate", _REAL),
        ("discovery_rate", _REAL),
        ("repeat_rate", _REAL),
        ("once_share", _REAL),
        ("top_artist_id", _TEXT),
        ("top_artist_share", _REAL),
        ("top_genre", _TEXT),
        ("active_days", _INT),
        ("first_day", _DAY),
        ("last_day", _DAY),
        ("longest_streak", _INT),
        ("top_hour", _SMALL),
        ("night_share", _REAL),
        ("weekend_share", _REAL),
        *_SOUND,
    ),
    # one row per user and day, and per user, day and hour, in which something started
    "listening_days": _table(
        (c.USER_ID, _TEXT),
        ("day", _DAY),
        ("weekday", _SMALL),  # 1 is Monday
        ("week", _DAY),  # its Monday
        ("starts", _INT),
        (c.PLAYS, _INT),
        ("tracks", _INT),
        ("artists", _INT),
        ("sessions", _INT),
        (c.FINISHES, _INT),
        (c.SKIPS, _INT),
        (c.MS_PLAYED, _INT),
    ),
    "listening_hours": _table(
        (c.USER_ID, _TEXT),
        ("day", _DAY),
        ("hour", _SMALL),
        ("weekday", _SMALL),
        ("starts", _INT),
        (c.PLAYS, _INT),
        (c.FINISHES, _INT),
        (c.SKIPS, _INT),
        (c.MS_PLAYED, _INT),
    ),
    # one row per user, weekday and hour in which something ever started
    "listening_clock": _table(
        (c.USER_ID, _TEXT),
        ("weekday", _SMALL),
        ("hour", _SMALL),
        ("starts", _INT),
        (c.PLAYS, _INT),
        (c.FINISHES, _INT),
        (c.SKIPS, _INT),
        (c.MS_PLAYED, _INT),
        (c.DAYS, _INT),
    ),
    # one row per user and ISO week with a counted play: how much of it was new
    "listening_weeks": _table(
        (c.USER_ID, _TEXT),
        ("week", _DAY),
        (c.PLAYS, _INT),
        ("tracks", _INT),
        ("artists", _INT),
        (c.MS_PLAYED, _INT),
        ("new_tracks", _INT),
        ("new_artists", _INT),
        ("discovery_rate", _REAL),
        ("repeat_rate", _REAL),
    ),
    # one row per run of days in a row with a counted play
    "streaks": _table(
        (c.USER_ID, _TEXT),
        ("started_on", _DAY),
        ("ended_on", _DAY),
        (c.DAYS, _INT),
        (c.PLAYS, _INT),
        (c.PLACE, _INT),  # 1 is the user's longest
    ),
    # one row per stay of a track in a user's playlist
    "playlist_history": _table(
        (c.USER_ID, _TEXT),
        (c.SOURCE, _TEXT),
        (c.PLAYLIST, _TEXT),
        (c.TRACK_ID, _TEXT),
        ("stay", _SMALL),
        ("entered_at", TIMESTAMP),
        ("entry_told", _FLAG),
        ("left_at", TIMESTAMP),  # null while it is in
        ("is_in", _FLAG),
    ),
}
