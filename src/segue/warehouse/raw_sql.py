"""The SQL around dbt: what matching reads, and how marts leave the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from segue.music.lake_tables import TIMESTAMP
from segue.music.marts import MARTS

__all__ = [
    "ARTIST_NAMES",
    "COVERAGE",
    "MATCHES_BY_METHOD",
    "REFS_TO_MATCH",
    "TRACK_REFS",
    "no_glob",
    "select_mart",
]

_PLACES: Final = (
    ("catalogue", "true"),
    ("plays", "true"),
    ("library", "kind in ('saved_track', 'banned_track')"),
    ("playlist_items", "true"),
    ("crowd", "true"),
    ("feedback", "track_ref is not null and kind <> 'artist'"),
)

# The earliest row of each reference names it: adding data later changes no names.
TRACK_REFS: Final = f"""
create or replace table raw.track_refs as
with seen as (
    {
    " union all ".join(
        f'''
    select
        track_ref, title, artist, artists, album, spotify_uri, recording_mbid, isrc,
        {number} as place, file_no,
        ({number} * 1000000 + file_no)::hugeint * 18446744073709551616 + row_id as age
    from raw.{table} where {condition}'''
        for number, (table, condition) in enumerate(_PLACES)
    )
}
)
select
    track_ref,
    arg_min(nullif(trim(title), ''), age) as title,
    arg_min(nullif(trim(artist), ''), age) as artist,
    arg_min(artists, age) filter (len(artists) > 0) as artists,
    arg_min(nullif(trim(album), ''), age) as album,
    arg_min(nullif(trim(spotify_uri), ''), age) as spotify_uri,
    arg_min(nullif(trim(recording_mbid), ''), age) as recording_mbid,
    arg_min(nullif(trim(isrc), ''), age) as isrc,
    min(place) as place,
    min(place * 1000000 + file_no) as first_seen,
    bool_or(place = 0) as in_catalogue,
    bool_or(place in (1, 2, 3, 5)) as in_history,
    bool_or(place = 4) as in_crowd
from seen
group by track_ref
"""

REFS_TO_MATCH: Final = """
select
    track_ref,
    title,
    case when len(artists) > 1 then artists[1] else coalesce(artist, artists[1]) end as artist,
    spotify_uri,
    recording_mbid,
    isrc,
    in_catalogue,
    in_history or in_crowd as in_use
from raw.track_refs
order by first_seen, track_ref
"""

ARTIST_NAMES: Final = """
select artist from raw.artist_tags where artist is not null
union
select artist from raw.library where artist is not null
union
select artist from raw.feedback where kind = 'artist' and artist is not null
order by artist
"""

MATCHES_BY_METHOD: Final = """
select method, count(*) as refs
from marts.track_matches
where in_history
group by method
order by refs desc, method
"""

COVERAGE: Final = """
with catalogue as (
    select distinct track_id from marts.track_matches where in_catalogue
)
select avg((catalogue.track_id is not null)::int)
from marts.track_matches as matches
left join catalogue on matches.track_id = catalogue.track_id
where matches.in_history and matches.track_id is not null
"""

_ORDERS: Final[Mapping[str, str]] = {
    "plays": "user_id, played_at, play_id",
    "sessions": "user_id, started_at, session_id",
    "tracks": "track_id",
    "artists": "artist_id",
    "albums": "album_id",
    "users": "user_id",
    "user_track_counts": "user_id, track_id",
    "track_matches": "track_ref",
    "crowd_counts": "crowd, listener_id, track_id, artist_id",
    "crowd_sessions": "crowd, session_id, position",
    "library": "user_id, kind, track_id, artist_id",
    "playlist_tracks": "user_id, playlist, position",
    "feedback": "user_id, place",
}

_TYPES: Final = {
    pa.string(): "varchar",
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    TIMESTAMP: "timestamptz",
    pa.list_(pa.string()): "varchar[]",
}


def select_mart(mart: str, columns: Sequence[str] | None = None, *, ordered: bool = False) -> str:
    """A query for a mart with the columns, types and order that `segue.music.marts` promises."""
    schema = MARTS[mart]
    casts = ", ".join(
        f"cast({name} as {_TYPES[schema.field(name).type]}) as {name}"
        for name in columns or schema.names
    )
    order = f" order by {_ORDERS[mart]}" if ordered else ""
    return f"select {casts} from marts.{mart}{order}"


def no_glob(path: Path) -> str:
    """The path for DuckDB's readers, which would take brackets and stars for patterns."""
    return "".join(f"[{ch}]" if ch in "*?[" else ch for ch in str(path))
