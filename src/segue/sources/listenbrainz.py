"""ListenBrainz exports: a file of listens a month, or the older single list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

import pyarrow as pa

from segue.music import columns as c
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.database import database
from segue.sources.json_rows import JsonQuery, read_json_rows
from segue.sources.json_scrobbles import head_text
from segue.sources.scrobbles import SCROBBLES, Scrobbles, raw_json

__all__ = ["ListenBrainz"]

_LISTENS_NAME = re.compile(r"(?:^|/)listens/(?:.*/)?[^/]+\.jsonl?$", re.IGNORECASE)
_OTHER_NAME = re.compile(r"(?:^|/)(?:user|feedback|pinned_recordings?)\.jsonl?$", re.IGNORECASE)
_API_ANSWER = re.compile(r'^\{\s*"payload"\s*:')

_LISTEN: Final = "listen"
_NUMBER = "VARCHAR"
_FIELDS: Final = {
    "listened_at": _NUMBER,
    "track_metadata": {
        "track_name": "VARCHAR",
        "artist_name": "VARCHAR",
        "release_name": "VARCHAR",
        "additional_info": {
            "recording_mbid": "VARCHAR",
            "isrc": "VARCHAR",
            "spotify_id": "VARCHAR",
            "origin_url": "VARCHAR",
            "artist_names": ["VARCHAR"],
            "duration_ms": _NUMBER,
            "duration": _NUMBER,
            "ms_played": _NUMBER,
            "duration_played": _NUMBER,
        },
        "mbid_mapping": {
            "recording_mbid": "VARCHAR",
            "recording_name": "VARCHAR",
            "artists": [{"artist_credit_name": "VARCHAR"}],
        },
    },
    # not used: they are the first keys of records in the lists of some years
    "inserted_at": _NUMBER,
    "recording_msid": "VARCHAR",
    "user_name": "VARCHAR",
}
# What the player said comes before what ListenBrainz made out of the names.
_SQL: Final = """
    WITH opened AS (
        SELECT *, track_metadata AS track, track_metadata.additional_info AS more,
            track_metadata.mbid_mapping AS mapped
        FROM records
    )
    SELECT
        stray,
        if(stray IS NOT NULL, 'not_an_object', NULL) AS fault,
        {'listened_at': listened_at, 'track_metadata': track_metadata} AS listen,
        listened_at AS "time",
        coalesce(nullif(trim(track.track_name), ''), mapped.recording_name) AS title,
        track.artist_name AS artist,
        coalesce(
            list_transform(mapped.artists, artist -> artist.artist_credit_name),
            more.artist_names) AS artists,
        track.release_name AS album,
        coalesce(nullif(more.spotify_id, ''),
            if(contains(more.origin_url, 'spotify'), more.origin_url, NULL)) AS spotify_uri,
        coalesce(nullif(more.recording_mbid, ''), mapped.recording_mbid) AS recording_mbid,
        more.isrc AS isrc,
        coalesce(try_cast(more.duration_ms AS DOUBLE), 1000 * try_cast(more.duration AS DOUBLE))
            AS duration_ms,
        coalesce(try_cast(more.ms_played AS DOUBLE),
            1000 * try_cast(more.duration_played AS DOUBLE)) AS ms_played
    FROM opened
"""


class ListenBrainz:
    """Listens as ListenBrainz exports them, and as its API answers."""

    name: ClassVar[str] = "listenbrainz"
    kind: ClassVar[Kind] = "history"
    title: ClassVar[str] = "ListenBrainz export"

    def claims(self, file: InputFile) -> bool:
        """Whether it is a file of listens, by its place in the export or by its first record."""
        if _OTHER_NAME.search(file.name):
            return False
        if _LISTENS_NAME.search(file.name):
            return True
        head = head_text(file)
        return '"listened_at"' in head and '"track_metadata"' in head

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The listens of the file.

        Raises:
            SourceError: Not JSON, cut off, or JSON of something else.
        """
        within = "payload.listens" if _API_ANSWER.match(head_text(file)) else ""
        query = JsonQuery(
            what="listens of ListenBrainz",
            fields=_FIELDS,
            expected=("track_metadata", "listened_at"),
            sql=_SQL,
            within=within,
        )
        row = 1
        with database() as connection:
            scrobbles = Scrobbles(connection, file, options, self.name)
            for found in read_json_rows(file, query):
                yield scrobbles.chunk(_scrobbles(found, row), _raw(found))
                row += found.num_rows


def _scrobbles(found: pa.Table, first_row: int) -> pa.Table:
    """What the query found, in the schema SCROBBLES."""
    n = found.num_rows
    rows = pa.array(range(first_row, first_row + n), pa.int64())
    known = found.append_column(c.ROW, rows)
    return pa.table(
        [
            known[field.name].cast(field.type)
            if field.name in known.column_names
            else pa.nulls(n, field.type)
            for field in SCROBBLES
        ],
        schema=SCROBBLES,
    )


def _raw(found: pa.Table) -> Callable[[Sequence[int]], list[str]]:
    return lambda places: [raw_json(listen) for listen in found[_LISTEN].take(places).to_pylist()]
