"""The published tables (marts): what a build hands to everything that reads.

A snapshot is a folder of Parquet files, one a table, sorted as each comment says. All times are
aware UTC. The dbt project in warehouse/dbt produces exactly these columns; a test compares.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from segue.music import columns as c
from segue.music.lake_tables import TIMESTAMP
from segue.music.listening_marts import LISTENING_MARTS

__all__ = ["MARTS"]

_TEXT: Final = pa.string()
_INT: Final = pa.int64()
_REAL: Final = pa.float64()
_FLAG: Final = pa.bool_()


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields])


MARTS: Final[dict[str, pa.Schema]] = {
    # one row per play of a track by a user, every source counted once;
    # sorted by user_id, played_at
    "plays": _table(
        ("play_id", _TEXT),
        (c.USER_ID, _TEXT),
        (c.TRACK_ID, _TEXT),
        (c.ARTIST_ID, _TEXT),
        (c.PLAYED_AT, TIMESTAMP),  # start
        (c.ENDED_AT, TIMESTAMP),  # null when unknown
        (c.MS_PLAYED, _INT),  # null when the source does not tell
        (c.SOURCE, _TEXT),
        (c.SESSION_ID, _TEXT),
        (c.REASON_START, _TEXT),
        (c.REASON_END, _TEXT),
        (c.SKIPPED, _FLAG),  # never null: left before the end, by the listener's hand
        (c.FINISHED, _FLAG),  # never null: heard to the end, or nearly
        (c.COUNTED, _FLAG),  # never null: long enough to be a play (dbt var counted_ms)
        (c.SHUFFLE, _FLAG),
        (c.OFFLINE, _FLAG),
        (c.INCOGNITO, _FLAG),
        (c.PLATFORM, _TEXT),
        (c.COUNTRY, _TEXT),
        (c.NOT_ME, _FLAG),  # never null: the user said that somebody else played it
    ),
    # one row per session of a user: plays less than session_gap_minutes apart
    "sessions": _table(
        (c.SESSION_ID, _TEXT),
        (c.USER_ID, _TEXT),
        ("started_at", TIMESTAMP),
        (c.ENDED_AT, TIMESTAMP),
        (c.PLAYS, _INT),
        ("tracks", _INT),
        (c.SKIPS, _INT),
        (c.MS_PLAYED, _INT),
    ),
    # one row per song known from a history, a catalogue or a crowd; sorted by track_id
    "tracks": _table(
        (c.TRACK_ID, _TEXT),
        (c.TITLE, _TEXT),
        (c.ARTIST, _TEXT),  # as displayed, "A, B"
        (c.ARTIST_ID, _TEXT),  # of the first artist
        (c.ARTISTS, pa.list_(_TEXT)),
        (c.ALBUM, _TEXT),
        (c.ALBUM_ID, _TEXT),
        (c.DURATION_MS, _INT),
        (c.YEAR, pa.int32()),
        (c.ISRC, _TEXT),
        (c.SPOTIFY_URI, _TEXT),
        (c.RECORDING_MBID, _TEXT),
        (c.EXPLICIT, _FLAG),
        (c.POPULARITY, _REAL),  # 0 … 100, from a catalogue; null if unknown
        (c.GENRES, pa.list_(_TEXT)),  # lower case, sorted; from catalogues, else artist tags
        *((name, _REAL) for name in c.AUDIO_FEATURES),
        ("in_catalogue", _FLAG),
        (c.PLAYS, _INT),  # counted plays by all local users
        ("crowd_listeners", _INT),
    ),
    # one row per artist
    "artists": _table(
        (c.ARTIST_ID, _TEXT),
        (c.ARTIST, _TEXT),
        (c.GENRES, pa.list_(_TEXT)),
        ("tracks", _INT),
        (c.PLAYS, _INT),
        ("crowd_listeners", _INT),
    ),
    # one row per album of an artist
    "albums": _table(
        (c.ALBUM_ID, _TEXT),
        (c.ALBUM, _TEXT),
        (c.ARTIST_ID, _TEXT),
        (c.YEAR, pa.int32()),
        ("tracks", _INT),
        (c.PLAYS, _INT),
    ),
    # one row per user with a history here
    "users": _table(
        (c.USER_ID, _TEXT),
        (c.PLAYS, _INT),  # counted
        ("tracks", _INT),
        ("artists", _INT),
        (c.SKIPS, _INT),
        (c.MS_PLAYED, _INT),
        (c.FIRST_PLAYED_AT, TIMESTAMP),
        (c.LAST_PLAYED_AT, TIMESTAMP),
        (c.COUNTRY, _TEXT),
    ),
    # one row per user and track they ever touched; sorted by user_id, track_id
    "user_track_counts": _table(
        (c.USER_ID, _TEXT),
        (c.TRACK_ID, _TEXT),
        (c.PLAYS, _INT),  # counted
        (c.FINISHES, _INT),
        (c.SKIPS, _INT),
        (c.DAYS, _INT),  # distinct days with a counted play
        (c.MS_PLAYED, _INT),
        (c.FIRST_PLAYED_AT, TIMESTAMP),
        (c.LAST_PLAYED_AT, TIMESTAMP),
    ),
    # one row per track_ref seen anywhere: which track it is, and how we know
    "track_matches": _table(
        (c.TRACK_REF, _TEXT),
        (c.TRACK_ID, _TEXT),
        (c.METHOD, _TEXT),  # source_id, isrc, mbid, name, fuzzy, artist (artist-level), own
        (c.SCORE, _REAL),  # 0 … 1
        ("in_history", _FLAG),
        ("in_catalogue", _FLAG),
        ("in_crowd", _FLAG),
    ),
    # one row per listener of a crowd and track (track_id) or, where the crowd knows artists
    # only, artist (track_id null); sorted by crowd, listener_id
    "crowd_counts": _table(
        (c.CROWD, _TEXT),
        (c.LISTENER_ID, _TEXT),
        (c.TRACK_ID, _TEXT),
        (c.ARTIST_ID, _TEXT),
        (c.PLAYS, _REAL),
        (c.LAST_PLAYED_AT, TIMESTAMP),
    ),
    # one row per play in a crowd's sessions, in order; empty where a crowd has counts only;
    # sorted by crowd, session_id, position
    "crowd_sessions": _table(
        (c.CROWD, _TEXT),
        (c.LISTENER_ID, _TEXT),
        (c.SESSION_ID, _TEXT),
        (c.POSITION, pa.int32()),
        (c.TRACK_ID, _TEXT),
        (c.PLAYED_AT, TIMESTAMP),  # null where the crowd does not tell
    ),
    # one row per saved, followed or banned thing of a user
    "library": _table(
        (c.USER_ID, _TEXT),
        (c.KIND, _TEXT),
        (c.TRACK_ID, _TEXT),  # null for artists and albums
        (c.ARTIST_ID, _TEXT),
        (c.ADDED_AT, TIMESTAMP),
    ),
    # one row per entry of a user's playlist
    "playlist_tracks": _table(
        (c.USER_ID, _TEXT),
        (c.PLAYLIST, _TEXT),
        (c.POSITION, pa.int32()),
        (c.TRACK_ID, _TEXT),
        (c.ADDED_AT, TIMESTAMP),
    ),
    # one row per track that an open service calls like another, or recommends to a user;
    # sorted by source, kind, subject, track_id
    "neighbours": _table(
        (c.SOURCE, _TEXT),
        (c.KIND, _TEXT),  # similar_track, similar_artist, recommended
        (c.SUBJECT, _TEXT),  # track_id of what it is like, user_id to whom it is recommended
        (c.TRACK_ID, _TEXT),
        (c.SCORE, _REAL),  # 0 … 1
        (c.TOLD_AT, TIMESTAMP),  # when the service said so; it may have known for long
    ),
    # one row per word that a user said of a track, an artist or plays; sorted by user_id, place
    "feedback": _table(
        (c.USER_ID, _TEXT),
        (c.PLACE, _INT),  # order in which the user said it, from 1
        (c.SOURCE, _TEXT),
        (c.KIND, _TEXT),  # track, artist, or plays of a span of time
        (c.VERB, _TEXT),  # like, less, known, hide, not_me, undo
        (c.TRACK_ID, _TEXT),  # null for artists, and where all plays of a span are meant
        (c.ARTIST_ID, _TEXT),
        (c.SINCE, TIMESTAMP),  # plays that started from here on; null without a bound
        (c.UNTIL, TIMESTAMP),
        (c.SAID_AT, TIMESTAMP),
        (c.STANDS, _FLAG),  # never null: nothing said later of the same thing took its place
    ),
    **LISTENING_MARTS,
}
