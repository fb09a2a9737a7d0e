"""The tables of the lake: their columns, types, and what makes two rows the same row.

A lake row is a raw fact, as its source told it; nothing here is matched, merged or judged.
`track_ref` says which track the source meant, in the best identity that the source has:

    spotify:track:6rqhFgbbKwnb9MLmUQDhG6      a Spotify id
    mbid:8f3471b5-7e6a-48da-86a9-c1c07a0f47ae  a MusicBrainz recording
    isrc:GBAYE0601498                          an ISRC
    name:Artist␟Title                          names only, exactly as written (␟ is U+001F)
    artist:Artist                              an artist-level row (crowds)
    id:CROWD:123                               an opaque number of one data set

All times are UTC, microseconds. `row_id` is a 64-bit hash of the key columns (see `Lake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from segue.music import columns as c

__all__ = [
    "ANSWERS",
    "ARTIST_TAGS",
    "CATALOGUE",
    "CROWD",
    "FEEDBACK",
    "LAKE_TABLES",
    "LIBRARY",
    "PLAYLIST_ITEMS",
    "PLAYS",
    "REJECTS",
    "LakeTable",
    "artist_ref",
    "name_ref",
]

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
_TEXT: Final = pa.string()
_REF_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class LakeTable:
    """One table of the lake.

    Args:
        name: Its folder in the lake and its name in the warehouse's raw schema.
        schema: Arrow schema of a row, without `row_id`.
        key: Columns that make two rows the same fact; None: rows are never compared.
        partition: The column whose value names the sub-folder, such as the source.
        date: The column of the key whose year, in UTC, names the folder below that; None: the
            table is small, or its rows have no date.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition: str
    date: str | None = None


def _track_columns() -> list[pa.Field]:
    return [
        pa.field(c.TRACK_REF, _TEXT, nullable=False),
        pa.field(c.TITLE, _TEXT),
        pa.field(c.ARTIST, _TEXT),
        pa.field(c.ARTISTS, pa.list_(_TEXT)),
        pa.field(c.ALBUM, _TEXT),
        pa.field(c.SPOTIFY_URI, _TEXT),
        pa.field(c.RECORDING_MBID, _TEXT),
        pa.field(c.ISRC, _TEXT),
    ]


PLAYS: Final = LakeTable(
    name="plays",
    schema=pa.schema(
        [
            pa.field(c.USER_ID, _TEXT, nullable=False),
            pa.field(c.SOURCE, _TEXT, nullable=False),
            # played_at: start of the play; ended_at: its end, when the source tells
            pa.field(c.PLAYED_AT, TIMESTAMP, nullable=False),
            pa.field(c.ENDED_AT, TIMESTAMP),
            pa.field(c.MS_PLAYED, pa.int64()),
            *_track_columns(),
            pa.field(c.DURATION_MS, pa.int64()),
            pa.field(c.REASON_START, _TEXT),
            pa.field(c.REASON_END, _TEXT),
            pa.field(c.SKIPPED, pa.bool_()),
            pa.field(c.SHUFFLE, pa.bool_()),
            pa.field(c.OFFLINE, pa.bool_()),
            pa.field(c.OFFLINE_AT, TIMESTAMP),
            pa.field(c.INCOGNITO, pa.bool_()),
            pa.field(c.PLATFORM, _TEXT),
            pa.field(c.COUNTRY, _TEXT),
        ]
    ),
    key=(c.USER_ID, c.SOURCE, c.TRACK_REF, c.PLAYED_AT, c.MS_PLAYED),
    partition=c.SOURCE,
    date=c.PLAYED_AT,
)

CATALOGUE: Final = LakeTable(
    name="catalogue",
    schema=pa.schema(
        [
            pa.field(c.CATALOGUE, _TEXT, nullable=False),
            *_track_columns(),
            pa.field(c.DURATION_MS, pa.int64()),
            pa.field(c.YEAR, pa.int32()),
            pa.field(c.RELEASED, pa.date32()),
            pa.field(c.EXPLICIT, pa.bool_()),
            pa.field(c.POPULARITY, pa.float32()),  # 0 … 100
            pa.field(c.GENRES, pa.list_(_TEXT)),
            *[pa.field(name, pa.float32()) for name in c.AUDIO_FEATURES],
        ]
    ),
    key=(c.CATALOGUE, c.TRACK_REF, c.TITLE, c.ARTIST, c.ALBUM, c.GENRES),
    partition=c.CATALOGUE,
)

CROWD: Final = LakeTable(
    name="crowd",
    schema=pa.schema(
        [
            pa.field(c.CROWD, _TEXT, nullable=False),
            pa.field(c.LISTENER_ID, _TEXT, nullable=False),
            # title is null and track_ref is artist:… where the crowd knows artists only
            *_track_columns(),
            pa.field(c.PLAYS, pa.float64()),  # how often; null means once
            pa.field(c.PLAYED_AT, TIMESTAMP),
            pa.field(c.SESSION_ID, _TEXT),  # a session or playlist of this listener
            pa.field(c.POSITION, pa.int32()),  # order within the session, from 0
        ]
    ),
    key=(
        c.CROWD,
        c.LISTENER_ID,
        c.TRACK_REF,
        c.PLAYED_AT,
        c.SESSION_ID,
        c.POSITION,
        c.PLAYS,  # two counts of one track are two facts, such as two months
    ),
    partition=c.CROWD,
)

ARTIST_TAGS: Final = LakeTable(
    name="artist_tags",
    schema=pa.schema(
        [
            pa.field(c.CROWD, _TEXT, nullable=False),
            pa.field(c.ARTIST, _TEXT, nullable=False),
            pa.field(c.TAG, _TEXT, nullable=False),
            pa.field(c.LISTENER_ID, _TEXT),  # who said so; null where only a sum is known
            pa.field(c.WEIGHT, pa.float64()),  # how many people said so; null means one
        ]
    ),
    key=(c.CROWD, c.ARTIST, c.TAG, c.LISTENER_ID),
    partition=c.CROWD,
)

LIBRARY: Final = LakeTable(
    name="library",
    schema=pa.schema(
        [
            pa.field(c.USER_ID, _TEXT, nullable=False),
            pa.field(c.SOURCE, _TEXT, nullable=False),
            # saved_track, saved_album, followed_artist, banned_track, banned_artist
            pa.field(c.KIND, _TEXT, nullable=False),
            *_track_columns(),
            pa.field(c.ADDED_AT, TIMESTAMP),
        ]
    ),
    key=(c.USER_ID, c.SOURCE, c.KIND, c.TRACK_REF),
    partition=c.SOURCE,
)

PLAYLIST_ITEMS: Final = LakeTable(
    name="playlist_items",
    schema=pa.schema(
        [
            pa.field(c.USER_ID, _TEXT, nullable=False),
            pa.field(c.SOURCE, _TEXT, nullable=False),
            pa.field(c.PLAYLIST, _TEXT, nullable=False),
            pa.field(c.POSITION, pa.int32(), nullable=False),
            *_track_columns(),
            pa.field(c.ADDED_AT, TIMESTAMP),
        ]
    ),
    key=(c.USER_ID, c.SOURCE, c.PLAYLIST, c.POSITION, c.TRACK_REF, c.ADDED_AT),
    partition=c.SOURCE,
)

FEEDBACK: Final = LakeTable(
    name="feedback",
    schema=pa.schema(
        [
            pa.field(c.USER_ID, _TEXT, nullable=False),
            pa.field(c.SOURCE, _TEXT, nullable=False),
            pa.field(c.KIND, _TEXT, nullable=False),  # track, artist, or plays of a span of time
            pa.field(c.VERB, _TEXT, nullable=False),  # see segue.music.feedback
            # null where plays of a span are meant, whichever tracks they are
            pa.field(c.TRACK_REF, _TEXT),
            *_track_columns()[1:],
            pa.field(c.SINCE, TIMESTAMP),  # plays that started from here on
            pa.field(c.UNTIL, TIMESTAMP),  # plays that started up to here
            pa.field(c.SAID_AT, TIMESTAMP, nullable=False),
        ]
    ),
    key=(
        c.USER_ID,
        c.SOURCE,
        c.KIND,
        c.VERB,
        c.TRACK_REF,
        c.SINCE,
        c.UNTIL,
        c.SAID_AT,
    ),
    partition=c.SOURCE,
    date=c.SAID_AT,
)

ANSWERS: Final = LakeTable(
    name="answers",
    schema=pa.schema(
        [
            pa.field(c.USER_ID, _TEXT, nullable=False),  # for whom it was asked
            pa.field(c.SOURCE, _TEXT, nullable=False),
            pa.field(c.KIND, _TEXT, nullable=False),  # see segue.flows.enriching
            pa.field(c.ASKED, _TEXT, nullable=False),  # as the service was asked
            pa.field(c.TOLD_AT, TIMESTAMP, nullable=False),
            pa.field(c.SUBJECT_REF, _TEXT, nullable=False),  # the track it was asked about
            pa.field(c.POSITION, pa.int32(), nullable=False),  # from 0; -1: nothing was found
            # the track in the answer; null where the answer is no track
            pa.field(c.TRACK_REF, _TEXT),
            *_track_columns()[1:],
            pa.field(c.ARTIST_MBID, _TEXT),
            pa.field(c.SCORE, pa.float64()),  # 0 … 1, how alike
            pa.field(c.FACTS, pa.list_(_TEXT)),  # what a catalogue knows of the subject by it
        ]
    ),
    key=(
        c.USER_ID,
        c.SOURCE,
        c.KIND,
        c.ASKED,
        c.TOLD_AT,
        c.SUBJECT_REF,
        c.POSITION,
        c.TRACK_REF,
    ),
    partition=c.SOURCE,
)

REJECTS: Final = pa.schema(
    [
        pa.field(c.FILE, _TEXT, nullable=False),
        pa.field(c.ROW, pa.int64(), nullable=False),  # 1-based record in the file
        pa.field(c.REASON, _TEXT, nullable=False),
        pa.field(c.FIELD, _TEXT),
        pa.field(c.DETAIL, _TEXT),
        pa.field(c.RAW, _TEXT),  # the record as JSON, without addresses and user agents
    ]
)
"""Rows that were read and not kept: the lake keeps these too, so that nothing is lost."""

LAKE_TABLES: Final = {
    table.name: table
    for table in (
        PLAYS,
        CATALOGUE,
        CROWD,
        ARTIST_TAGS,
        LIBRARY,
        PLAYLIST_ITEMS,
        FEEDBACK,
        ANSWERS,
    )
}


def name_ref(artist: str, title: str) -> str:
    """The `track_ref` of a track that its source knows by names only."""
    return f"name:{artist}{_REF_SEPARATOR}{title}"


def artist_ref(artist: str) -> str:
    """The `track_ref` of an artist-level row."""
    return f"artist:{artist}"
