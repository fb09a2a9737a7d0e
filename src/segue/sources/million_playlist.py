"""Million-Playlist slices: playlists of strangers, each a listener and a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

import duckdb
import pyarrow as pa

from segue.music.lake_tables import CROWD
from segue.sources import cell_sql as sql
from segue.sources.accounting import accounted
from segue.sources.base import Chunk, InputFile, Kind, ReadOptions
from segue.sources.mapped_rows import connection
from segue.sources.open_table import place_of
from segue.sources.unpacking import Place

__all__ = ["MillionPlaylist"]

_NAME = re.compile(r"mpd[.]slice[.].*[.]json", re.IGNORECASE)
_START = re.compile(r'\s*\{.{0,2000}?"playlists"\s*:\s*\[\s*\{', re.DOTALL)
_LARGEST = 1 << 30

_READ = """
CREATE OR REPLACE TEMP TABLE lists AS
SELECT unnest(json_transform(playlists, '["JSON"]')) AS list,
    unnest(range(json_array_length(playlists)::BIGINT)) AS n
FROM read_json($path, columns = {playlists: 'JSON'}, format = 'unstructured',
    maximum_object_size = $largest)
"""

_TRACKS = """
WITH named AS (
    SELECT n, text_of(list->>'$.pid') AS pid,
        json_transform(list->'$.tracks', '["JSON"]') AS tracks
    FROM lists WHERE n >= {first} AND n < {last}
), items AS (
    SELECT n, pid, unnest(tracks) AS item, unnest(range(len(tracks))) AS place FROM named
), parsed AS (
    SELECT *, json_transform(item, '{{"pos": "INTEGER", "track_uri": "VARCHAR",
        "track_name": "VARCHAR", "artist_name": "VARCHAR", "album_name": "VARCHAR"}}') AS track
    FROM items
), texts AS (
    SELECT n, place, item, pid, coalesce(track.pos, place)::INTEGER AS position,
        uri_of(text_of(track.track_uri)) AS uri, text_of(track.track_uri) AS id,
        text_of(track.track_name) AS title, text_of(track.artist_name) AS artist,
        text_of(track.album_name) AS album
    FROM parsed
), referred AS (
    SELECT *, coalesce(uri, 'name:' || artist || chr(31) || title, {prefix} || id) AS ref
    FROM texts
)
SELECT {crowd} AS crowd, pid AS listener_id, pid AS session_id, position, ref AS track_ref,
    title, artist, CASE WHEN artist IS NOT NULL THEN [artist] END AS artists, album,
    uri AS spotify_uri,
    CASE WHEN pid IS NULL THEN 'no_user' WHEN ref IS NULL THEN 'no_track' END AS reason,
    CASE WHEN pid IS NULL THEN 'pid' WHEN ref IS NULL THEN 'track_uri' END AS field,
    CASE WHEN pid IS NULL OR ref IS NULL THEN item::VARCHAR END AS raw
FROM referred ORDER BY n, place"""

_LISTS_AT_ONCE = 2000


class MillionPlaylist:
    """`mpd.slice.0-999.json` of the Million Playlist Dataset, and the challenge set like it.

    Chen, Lamere, Schedl, Zamani (2018), "RecSys Challenge 2018: Automatic Music Playlist
    Continuation". A record is an entry of a playlist.
    """

    name: ClassVar[str] = "million_playlist"
    kind: ClassVar[Kind] = "crowd"
    title: ClassVar[str] = "Million Playlist slice"

    def claims(self, file: InputFile) -> bool:
        """Whether it is named like a slice, or is JSON that begins with playlists with ids."""
        name = PurePosixPath(file.name).name
        if _NAME.fullmatch(name):
            return True
        if not name.lower().endswith(".json"):
            return False
        start = file.head(8192).decode("utf-8", "replace").removeprefix("\ufeff")
        return bool(_START.match(start)) and '"pid"' in start

    def read(self, file: InputFile, options: ReadOptions) -> Iterator[Chunk]:
        """The entries, some thousands of playlists at a time.

        Raises:
            SourceError: It is no JSON, or JSON without playlists.
        """
        with file.on_disk() as path, connection() as db:
            n_lists = _open(db, path, place_of(file))
            read = 0
            for first in range(0, n_lists, _LISTS_AT_ONCE):
                rows = _rows(db, first, options)
                yield accounted(rows, CROWD, file, first_row=read + 1, constants={})
                read += len(rows)


def _open(db: duckdb.DuckDBPyConnection, path: Path, place: Place) -> int:
    size = path.stat().st_size
    if size > _LARGEST:
        raise place.error(
            f"is a single JSON document of {size:,} bytes, too large to read at once",
            "Give the data set in its slices of a thousand playlists.",
        )
    try:
        db.execute(_READ, {"path": str(path), "largest": size + 1024})
    except duckdb.Error as error:
        first = str(error).splitlines()[0].replace(str(path), path.name)
        raise place.error(f"is not a Million Playlist slice ({first})"[:400], _CURE) from error
    found = db.execute(
        "SELECT count(*), count(*) FILTER (json_type(list) = 'OBJECT') FROM lists"
    ).fetchone()
    if not found or not found[1]:
        raise place.error("holds no playlists", _CURE)
    return int(found[0])


_CURE = 'Expected is {"info": …, "playlists": [{"pid": 0, "tracks": […]}, …]}; download it again.'


def _rows(db: duckdb.DuckDBPyConnection, first: int, options: ReadOptions) -> pa.Table:
    query = _TRACKS.format(
        first=first,
        last=first + _LISTS_AT_ONCE,
        crowd=sql.quoted(options.name),
        prefix=sql.quoted(f"id:{options.name}:"),
    )
    return db.execute(query).to_arrow_table()
